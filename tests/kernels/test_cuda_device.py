"""Pair lists and forces that stay on the GPU are those of the CPU: on Numba's simulator, and on GPUs."""

import json
import runpy

import numpy as np
import pytest
from ase.calculators.calculator import CalculatorSetupError

from ase_mlffvv.errors import StructureError
from ase_mlffvv.kernels.cpu.engine import NumbaEngine
from ase_mlffvv.model.find import find_potential
from ase_mlffvv.neighbors import pair_list
from ase_mlffvv.structures import column

from ..systems import zoo
from .simulate import ELEMENTS, density_potential, system
from .simulate_device import CUTOFFS, FIELDS, MOVES, SCANNED, path, random_cells, read_list
from .simulator import ROOT, simulate

TOLERANCE = {'float64': 1e-10, 'float32': 1e-5}


@pytest.fixture(scope='module')
def simulated(tmp_path_factory):
    """Arrays by name, and what was said: see :mod:`.simulate_device`."""
    out = tmp_path_factory.mktemp('cuda') / 'out.npz'
    said = json.loads(simulate('-m', 'tests.kernels.simulate_device', out))
    return dict(np.load(out)), said


def equal(got, want):
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(got, field), getattr(want, field), err_msg=field)


def near(arrays, name, want, tolerance, fields=('energies', 'forces')):
    for field in fields:
        b = getattr(want, field)
        atol = tolerance * max(1.0, np.abs(b).max(initial=0))
        np.testing.assert_allclose(arrays[f'{name}/{field}'], b, rtol=tolerance, atol=atol, err_msg=f'{name} {field}')


def reference(potential, atoms):
    return NumbaEngine(potential, 1).evaluate(*system(potential, atoms))


@pytest.mark.parametrize('cutoff', CUTOFFS)
@pytest.mark.parametrize('name', zoo())
def test_lists_of_the_zoo(simulated, name, cutoff):
    atoms = zoo()[name]
    want = pair_list(atoms.positions, atoms.cell[:], atoms.pbc, cutoff)
    equal(read_list(simulated[0], f'{name}/{cutoff}', cutoff), want)


@pytest.mark.parametrize('name', random_cells())
def test_lists_of_random_cells(simulated, name):
    want = pair_list(*random_cells()[name], 4.0)
    equal(read_list(simulated[0], name, 4.0), want)
    if name == 'random 0':
        equal(read_list(simulated[0], 'eight bytes', 4.0), want)


def test_random_cells_are_hard():
    """Some pairs need second images, and some atoms have hundreds of pairs."""
    found = [pair_list(*x, 4.0) for x in random_cells().values()]
    assert max(np.abs(pairs.shifts).max() for pairs in found) > 3
    assert max(np.diff(pairs.first).max() for pairs in found) > 50


@pytest.mark.parametrize('n', SCANNED)
def test_running_sums(simulated, n):
    np.testing.assert_array_equal(simulated[0][f'scan/{n}'], np.cumsum([0, *(np.arange(n) % 7)]))


@pytest.mark.parametrize('at', ['first', 'middle', 'last'])
def test_largest_displacement(simulated, at):
    assert simulated[0][f'move/{at}/largest'][0] == 3 * 40.0**2
    assert np.isinf(simulated[0][f'move/{at}/nan'][0])


@pytest.mark.parametrize('dtype', TOLERANCE)
@pytest.mark.parametrize('name', ['slab', 'thin', 'wire', 'unwrapped', 'one atom'])
@pytest.mark.parametrize('label', ELEMENTS)
def test_forces(simulated, label, name, dtype):
    want = reference(density_potential(label), zoo(ELEMENTS[label])[name])
    near(simulated[0], f'{label}/{name}/{dtype}', want, TOLERANCE[dtype], want._fields)
    np.testing.assert_array_equal(simulated[0][f'{label}/{name}/{dtype}/forces'].sum(axis=0), 0)


def test_chunks_change_no_bit(simulated):
    arrays, said = simulated
    assert said['chunks'] < len(zoo()['slab']) < said['whole']
    for field in ('energies', 'forces'):
        np.testing.assert_array_equal(arrays[f'chunks/{field}'], arrays[f'whole/{field}'])


@pytest.mark.parametrize('name', ['slab', 'thin'])
def test_a_kept_list_misses_nothing(simulated, name):
    """Atoms move, and the cell of the periodic one is strained."""
    arrays, said = simulated
    potential, atoms = density_potential('one element'), zoo()[name]
    for k, (positions, cell) in enumerate(path(name)):
        atoms.set_cell(cell)
        atoms.positions = positions
        near(arrays, f'path/{name}/{k}', reference(potential, atoms), 1e-10)
        count = np.diff(pair_list(positions, cell, atoms.pbc, 3.3).first)
        np.testing.assert_array_equal(arrays[f'path/{name}/{k}/coordination'], count)
    counts = said[f'path/{name}']
    assert 1 < counts['builds'] < MOVES / 2
    assert said['forgotten']['builds'] + said['forgotten']['reuses'] == MOVES + 1
    np.testing.assert_allclose(arrays['forgotten/forces'], arrays[f'path/thin/{MOVES - 1}/forces'], atol=1e-9)


def test_shipped_models_in_float32(simulated):
    """Within the hundredth of a meV, and of a meV/Å, that the documentation of CudaEngine states."""
    for name, model, atoms in (('accurate', 'li-pbe-2-accurate', zoo()['thin']), ('fast', None, zoo()['slab'])):
        want = reference(find_potential(model), atoms)
        assert np.abs(simulated[0][f'shipped/{name}/energies'] - want.energies).max() < 1e-5
        error = np.abs(simulated[0][f'shipped/{name}/forces'] - want.forces).max()
        assert 0 < error < 1e-5


def test_errors(simulated):
    arrays, said = simulated
    for key, text in {
        'no step': 'ValueError: there is no pair list before the first step',
        'far': 'ValueError: the list holds neighbors up to 4.37 Å, got a cutoff of 9.0',
        'on the host': 'TypeError: positions must be an array on the GPU, got ndarray',
        'shape': 'ValueError: positions must be contiguous, of shape (8, 3) and dtype float64, got (3, 3), float64',
        'not contiguous': 'ValueError: positions must be contiguous',
        'nan': 'StructureError: positions of 8 of 8 atoms are not finite numbers',
        'met': 'StructureError: two atoms came as close as 0.0e+00 Å',
        'stiff': 'StructureError: the force between two atoms is beyond',
        'dtype': "ValueError: dtype must be one of float64, float32, got 'float16'",
        'skin': 'SettingError: skin must be zero or positive and finite (Å), got -1.0',
        'species': 'ValueError: species must number the elements Li from 0, got 0 to 1',
        'no atoms': 'ValueError: species must be one number per atom, got an array of shape (0,)',
        'flat': 'StructureError: the cell',
    }.items():
        assert said[key].startswith(text), said[key]
    near(arrays, 'after errors', reference(density_potential('one element'), zoo()['slab']), 1e-5)


def test_benchmark(tmp_path):
    """The script that measures a GPU compares and times on the simulator, too."""
    out = tmp_path / 'out.json'
    told = simulate('benchmarks/bench_gpu.py', '--sizes', '16', '--repeats', '1', '--json', out)
    assert 'WRONG' not in told
    found = json.loads(out.read_text())
    assert [(row['atoms'], row['dtype']) for row in found['results']] == [(16, 'float32'), (16, 'float64')]
    for row in found['results']:
        assert min(row['step_s'], row['pair_list_s'], *row['kernels_s'].values(), *row['floors'].values()) > 0


def test_without_a_gpu(capsys):
    from ase_mlffvv.kernels.cuda.model import find_gpu

    if find_gpu():
        pytest.skip('there is a GPU')
    from ase_mlffvv.kernels.cuda.forces import CudaForces

    with pytest.raises(CalculatorSetupError, match='Numba finds no CUDA device number 0'):
        CudaForces(density_potential('one element'), [0], np.eye(3), [False] * 3)
    assert runpy.run_path(str(ROOT / 'benchmarks/bench_gpu.py'))['main']([]) == 1
    assert capsys.readouterr().out.startswith('no GPU found')


@pytest.fixture
def gpu():
    from ase_mlffvv.kernels.cuda.model import find_gpu

    if not find_gpu():
        pytest.skip('no GPU')
    from numba import cuda

    return cuda


@pytest.mark.gpu
@pytest.mark.parametrize('dtype', TOLERANCE)
@pytest.mark.parametrize('label', ELEMENTS)
def test_moving_needle_on_a_gpu(gpu, label, dtype):
    """2 000 atoms: lists, forces and coordination of some steps, each twice with the same bits."""
    from ase_mlffvv.kernels.cuda.forces import CudaForces

    potential, rng = density_potential(label), np.random.default_rng(0)
    atoms = column(diameter=7, height=16, box=14)
    atoms.symbols[:] = [ELEMENTS[label][k % len(ELEMENTS[label])] for k in range(len(atoms))]
    args = potential, potential.species(atoms.numbers), atoms.cell[:], atoms.pbc
    first, second = (CudaForces(*args, dtype=dtype, virials=virials) for virials in (True, False))
    for _ in range(12):
        atoms.positions += 0.05 * rng.normal(size=atoms.positions.shape)
        got = [x.copy_to_host() for x in first.compute(gpu.to_device(atoms.positions))]
        again = [x.copy_to_host() for x in second.compute(gpu.to_device(atoms.positions))]
        want = reference(potential, atoms)
        arrays = dict(zip((f'/{field}' for field in want._fields), [*got, first.virials.copy_to_host()]))
        near(arrays, '', want, TOLERANCE[dtype], want._fields)
        for a, b in zip(got, again):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(got[1].sum(axis=0), 0)
        count = np.diff(pair_list(atoms.positions, atoms.cell[:], atoms.pbc, 3.3).first)
        np.testing.assert_array_equal(first.coordination(3.3).copy_to_host(), count)
    assert 1 < first.statistics['builds'] < 12
    first.forget()
    first.compute(gpu.to_device(atoms.positions))
    equal(first.pairs().to_host(), pair_list(atoms.positions, atoms.cell[:], atoms.pbc, potential.cutoff + 0.5))
    atoms.positions[1] = atoms.positions[0]
    with pytest.raises(StructureError, match='two atoms came as close as'):
        first.compute(gpu.to_device(atoms.positions))


@pytest.mark.gpu
@pytest.mark.parametrize('cutoff', CUTOFFS)
def test_lists_on_a_gpu(gpu, cutoff):
    from ase_mlffvv.kernels.cuda.cells import CellSearch
    from ase_mlffvv.kernels.cuda.scan import on_gpu

    search = CellSearch()
    cases = [(atoms.positions, atoms.cell[:], atoms.pbc) for atoms in zoo().values()]
    for positions, cell, pbc in [*cases, *random_cells().values()]:
        with on_gpu(0):
            found = search.build(gpu.to_device(np.array(positions)), cell, pbc, cutoff).to_host()
        equal(found, pair_list(positions, cell, pbc, cutoff))


@pytest.mark.gpu
def test_tensors_of_torch_on_a_gpu(gpu):
    from ase_mlffvv.kernels.cuda.forces import CudaForces

    torch = pytest.importorskip('torch')
    if not torch.cuda.is_available():
        pytest.skip('torch finds no GPU')
    potential, atoms = density_potential('one element'), zoo()['slab']
    forces = CudaForces(potential, potential.species(atoms.numbers), atoms.cell[:], atoms.pbc, dtype='float64')
    _, found = forces.compute(torch.as_tensor(atoms.positions, device='cuda'))
    np.testing.assert_allclose(found.copy_to_host(), reference(potential, atoms).forces, atol=1e-10)
    assert torch.as_tensor(found, device='cuda').shape == (len(atoms), 3)
