"""The CUDA engine gives the numbers of the CPU engine: on Numba's simulator everywhere, on a GPU where there is one."""

import json

import numpy as np
import pytest
from ase.calculators.calculator import CalculatorSetupError

from ase_mlffvv import VVCalculator
from ase_mlffvv.errors import StructureError
from ase_mlffvv.kernels.cpu.engine import NumbaEngine
from ase_mlffvv.model import Prediction
from ase_mlffvv.structures import column

from ..systems import zoo
from .simulate import ELEMENTS, GROUPED, density_potential, linear, moving, system
from .simulator import simulate


def agree(got, want):
    for name, a, b in zip(Prediction._fields, got, want):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10 * max(1.0, np.abs(b).max(initial=0)), err_msg=name)


@pytest.fixture(scope='module')
def simulated(tmp_path_factory):
    """Predictions by name, and what was said: see :mod:`.simulate`."""
    out = tmp_path_factory.mktemp('cuda') / 'out.npz'
    said = json.loads(simulate('-m', 'tests.kernels.simulate', out))
    arrays = dict(np.load(out))
    names = {key.rpartition('/')[0] for key in arrays}
    found = {n: tuple(arrays.get(f'{n}/{field}') for field in Prediction._fields) for n in names}
    found.update({key: value for key, value in arrays.items() if key.startswith(('calculator', 'others'))})
    return found, said


@pytest.mark.parametrize('label', ELEMENTS)
@pytest.mark.parametrize('name', zoo())
def test_simulated_engine_agrees(simulated, label, name):
    potential = density_potential(label)
    want = NumbaEngine(potential, 1).evaluate(*system(potential, zoo(ELEMENTS[label])[name]))
    agree(simulated[0][f'{label}/{name}'], want)


@pytest.mark.parametrize('name', GROUPED)
def test_groups_of_centres_add_up(simulated, name):
    found, said = simulated
    want = found[f'two elements/{name}']
    for field, a, b in zip(Prediction._fields, found[f'sum/{name}'], want):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10 * max(1.0, np.abs(b).max()), err_msg=field)
    assert found[f'others/{name}'] == 0
    assert all(x is True for x in said['kept for the same centres'])
    assert said['repeated centres'].startswith('ValueError: centres must be different atoms, got 0 more than once')


def test_linear_models_and_models_without_pair_term(simulated):
    potential = density_potential('one element')
    for name, other in (('linear', linear(potential)), ('no pair', density_potential('one element', pair=None))):
        agree(simulated[0][name], NumbaEngine(other, 1).evaluate(*system(potential, zoo()['slab'])))
    both, atoms = linear(density_potential('two elements')), zoo(ELEMENTS['two elements'])['thin']
    agree(simulated[0]['linear, two elements'], NumbaEngine(both, 1).evaluate(*system(both, atoms)))


def test_chunks_and_kept_lists(simulated):
    found, said = simulated
    potential = density_potential('one element')
    atoms = zoo()['slab']
    assert 1 < said['chunk'] < len(atoms)
    agree(found['chunks'], NumbaEngine(potential, 1).evaluate(*system(potential, atoms)))
    atoms.positions += 0.1 * np.sin(np.arange(3 * len(atoms))).reshape(-1, 3)
    agree(found['moved'], NumbaEngine(potential, 1).evaluate(*system(potential, atoms)))
    agree(found['after'], found['one element/thin'])
    assert said['kept']
    assert not said['kept for another list']
    assert [x.shape for x in found['empty']] == [(0,), (0, 3), (0, 3, 3)]


def test_precision(simulated):
    found = simulated[0]
    potential = density_potential('one element')
    want = NumbaEngine(potential, 1).evaluate(*system(potential, zoo()['slab']))
    for got, wanted in zip(found['float32'], want):
        assert 0 < np.abs(got - wanted).max() < 1e-5


def test_errors(simulated):
    said = simulated[1]
    assert said['met'].startswith('StructureError: two atoms came as close as 0.0e+00 Å')
    reason = "engine='cuda' evaluates models of density features alone, the model has cosine2, cosine3"
    assert said['features'] == f'NotImplementedError: {reason}'
    assert said['calculator, features'].startswith(f"CalculatorSetupError: {reason}; use engine='torch', or")
    assert said['minimum image'] == "NotImplementedError: engine='cuda' has no pair term with minimum_image"


def test_choice_of_the_calculator(simulated):
    found, said = simulated
    atoms = zoo()['slab']
    atoms.calc = VVCalculator(density_potential('one element'))
    for choice in ('auto', 'cuda'):
        assert said[f'engine={choice}']['engine'] == 'cuda'
        assert not {'threads', 'sum_over_pairs'} & set(said[f'engine={choice}'])
        np.testing.assert_allclose(found[f'calculator/{choice}'], atoms.get_forces(), atol=1e-10)
    import torch

    if not torch.cuda.is_available():  # auto falls back to torch
        assert 'but torch' in said['calculator, features, auto']
    assert "Numba finds no CUDA device 'cuda:1'" in said['second GPU']


def test_calculator_with_its_list_on_the_device(simulated):
    found, said = simulated
    calc = VVCalculator(density_potential('one element'))
    for k, (name, atoms) in enumerate(moving()):
        atoms.calc = calc
        for forces in (found[f'calculator/{name}/forces'], found[f'calculator/many/{k}']):
            np.testing.assert_allclose(forces, atoms.get_forces(), atol=1e-10, err_msg=name)
        stresses = calc.results.get('stresses', np.zeros(0))
        np.testing.assert_allclose(found[f'calculator/{name}/stresses'], stresses, atol=1e-10, err_msg=name)
    assert said['reused'] == said['after many']
    assert said['reused']['reuses'] == 3  # two steps, and the strain


def test_without_a_gpu():
    from ase_mlffvv.kernels.cuda.model import find_gpu

    if find_gpu():
        pytest.skip('there is a GPU')
    with pytest.raises(CalculatorSetupError, match="engine='cuda' was requested, but Numba finds no CUDA device"):
        VVCalculator(density_potential('one element'), device='cuda', engine='cuda')
    for device in ('cpu', 'meta'):
        with pytest.raises(CalculatorSetupError, match=f"engine='cuda' needs device='cuda', got '{device}'"):
            VVCalculator(density_potential('one element'), device=device, engine='cuda')


@pytest.fixture
def gpu_engine():
    from ase_mlffvv.kernels.cuda.engine import CudaEngine
    from ase_mlffvv.kernels.cuda.model import find_gpu

    if not find_gpu():
        pytest.skip('no GPU')
    return CudaEngine


@pytest.mark.gpu
@pytest.mark.parametrize('label', ELEMENTS)
def test_needle_on_a_gpu(gpu_engine, label):
    """2 000 atoms; whole, in chunks, and twice on one pair list."""
    potential = density_potential(label)
    atoms = column(diameter=7, height=16, box=14)
    atoms.rattle(0.1, seed=0)
    atoms.symbols[:] = [ELEMENTS[label][k % len(ELEMENTS[label])] for k in range(len(atoms))]
    args = system(potential, atoms, skin=0.5)
    want = NumbaEngine(potential).evaluate(*args)
    for scratch in (2**29, 2**19):
        engine = gpu_engine(potential, scratch=scratch)
        agree(engine.evaluate(*args), want)
        agree(engine.evaluate(*args), want)
    args[1][1] = args[1][0]
    with pytest.raises(StructureError, match='two atoms came as close as'):
        engine.evaluate(*args)
