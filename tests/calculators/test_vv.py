import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import CalculatorSetupError
from ase.filters import FrechetCellFilter
from ase.mep import NEB
from ase.optimize import BFGS

from ase_mlffvv import CommitteeCalculator, VVCalculator
from ase_mlffvv.errors import ElementError, StructureError
from ase_mlffvv.structures import column

from ..contract import CalculatorContract
from ..systems import zoo
from ..toys import random_potential

TOY = random_potential()


class TestNumba(CalculatorContract):
    cutoff = TOY.cutoff

    @pytest.fixture
    def calc(self):
        return VVCalculator(TOY, threads=1)


class TestTorch(TestNumba):
    @pytest.fixture
    def calc(self):
        return VVCalculator(TOY, engine='torch', skin=0.0)


class TestShipped(CalculatorContract):
    cutoff = 6.5

    @pytest.fixture
    def calc(self):
        return VVCalculator(on_extrapolation='ignore')


class TestCommittee(TestNumba):
    @pytest.fixture
    def calc(self):
        return CommitteeCalculator([TOY, random_potential(seed=2)])


def test_committee_mean_and_spread():
    members = [random_potential(seed=k) for k in range(3)]
    atoms = zoo()['slab']
    alone = []
    for member in members:
        atoms.calc = VVCalculator(member)
        alone.append((atoms.get_potential_energy(), atoms.get_forces(), atoms.get_potential_energies()))
    atoms.calc = CommitteeCalculator(members)
    assert atoms.get_potential_energy() == pytest.approx(np.mean([e for e, _, _ in alone]))
    deviation = atoms.calc.uncertainty(atoms)
    assert deviation['energy'] == pytest.approx(np.std([e for e, _, _ in alone], ddof=1))
    np.testing.assert_allclose(deviation['energies'], np.std([e for _, _, e in alone], axis=0, ddof=1), atol=1e-12)
    forces = np.array([f for _, f, _ in alone])
    np.testing.assert_allclose(deviation['forces'] ** 2, forces.var(axis=0, ddof=1).sum(axis=1))
    with pytest.raises(CalculatorSetupError, match='two or more models'):
        CommitteeCalculator(members[:1])


def test_evaluate_many_equals_one_by_one():
    frames = [atoms for atoms in zoo().values() if len(atoms) > 1]
    calc = VVCalculator(TOY)
    many = calc.evaluate_many(frames)
    assert calc.results == {}
    for atoms, results in zip(frames, many):
        atoms.calc = VVCalculator(TOY, skin=0.0)
        assert results['energy'] == pytest.approx(atoms.get_potential_energy(), rel=1e-12)
        np.testing.assert_allclose(results['forces'], atoms.get_forces(), atol=1e-12)
        assert ('stress' in results) == (atoms.cell.rank == 3)
    assert [set(r) for r in calc.evaluate_many(frames[:2], ['forces'])] == [{'forces'}] * 2
    with pytest.raises(ValueError, match='unknown properties dipole'):
        calc.evaluate_many(frames, ['dipole'])


def test_list_is_reused_and_exact():
    atoms = zoo()['slab']
    atoms.calc = VVCalculator(TOY, skin=0.6)
    fresh = VVCalculator(TOY, skin=0.0)
    rng = np.random.default_rng(0)
    for _ in range(20):
        atoms.positions += 0.03 * rng.normal(size=atoms.positions.shape)
        want = fresh.evaluate_many([atoms], ['forces'])[0]['forces']
        np.testing.assert_array_equal(atoms.get_forces(), want)  # the order of sums is that of a fresh list, too
    counts = atoms.calc.engine_info()['pair_list']
    assert counts['reuses'] > 5
    assert counts['builds'] + counts['reuses'] == 20


def test_ase_life():
    """Optimizer with a cell filter, and NEB with one calculator per image."""
    atoms = bulk('Li', cubic=True)
    atoms.rattle(0.05, seed=0)
    atoms.calc = VVCalculator()
    BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=0.02, steps=60)
    assert np.abs(atoms.get_stress()).max() < 2e-3
    assert 3.3 < atoms.cell.lengths()[0] < 3.6
    images = [atoms.copy() for _ in range(3)]
    images[-1].positions[0] += [0.1, 0, 0]
    for image in images:
        image.calc = VVCalculator(atoms.calc.potential)
    neb = NEB(images, method='improvedtangent')
    neb.interpolate()
    assert np.isfinite(neb.get_forces()).all()


def test_settings():
    calc = VVCalculator(TOY)
    assert calc.name == 'vv'
    assert calc.parameters['model'].startswith('VVPotential ')
    assert 'cutoff' in str(calc)
    atoms = zoo()['cubic']
    atoms.calc = calc
    energy = atoms.get_potential_energy()
    calc.set(engine='torch')
    assert calc.engine_info()['engine'] == 'torch'
    assert atoms.get_potential_energy() == pytest.approx(energy, rel=1e-12)
    calc.set(model=random_potential(seed=5))
    assert atoms.get_potential_energy() != pytest.approx(energy, rel=1e-6)
    for settings, message in (
        ({'engine': 'fortran'}, 'engine must be one of auto, numba, torch'),
        ({'device': 'abacus'}, "device must be 'cpu' or 'cuda'"),
        ({'device': 'cuda', 'engine': 'numba'}, "engine='numba' runs on device='cpu'"),
        ({'threads': 0}, 'threads must be a whole number from 1 to 4096, got 0'),
    ):
        with pytest.raises(CalculatorSetupError, match=message):
            VVCalculator(TOY, **settings)
    with pytest.raises(ValueError, match='skin must be zero or positive'):
        VVCalculator(TOY, skin=-1)
    with pytest.raises(TypeError, match='unknown settings cutof'):
        calc.set(cutof=3)


def test_cuda_without_a_gpu():
    torch = pytest.importorskip('torch')
    if torch.cuda.is_available():
        pytest.skip('there is a GPU')
    with pytest.raises(CalculatorSetupError, match="device='cuda' was requested, but torch .* Use device='cpu'"):
        VVCalculator(TOY, device='cuda')


@pytest.mark.gpu
def test_cuda_equals_cpu():
    torch = pytest.importorskip('torch')
    if not torch.cuda.is_available():
        pytest.skip('no GPU')
    frames = [atoms for atoms in zoo().values() if len(atoms) > 1]
    for a, b in zip(VVCalculator(TOY).evaluate_many(frames), VVCalculator(TOY, device='cuda').evaluate_many(frames)):
        assert a['energy'] == pytest.approx(b['energy'], rel=1e-10)
        np.testing.assert_allclose(a['forces'], b['forces'], atol=1e-9)


@pytest.mark.parametrize('engine', ['numba', 'torch'])
def test_bad_structures(engine):
    calc = VVCalculator(TOY, engine=engine)

    def energy(atoms):
        atoms.calc = calc
        return atoms.get_potential_energy()

    with pytest.raises(ElementError, match=r'the structure contains O \(atoms 1\)'):
        energy(Atoms('LiO', [[0, 0, 0], [2, 0, 0]]))
    broken = zoo()['cubic']
    assert np.isfinite(energy(broken))
    broken.positions[2, 1] = np.nan
    with pytest.raises(StructureError, match=r'positions of 1 of 4 atoms are not finite numbers \(atoms 2\)'):
        energy(broken)
    with pytest.raises(StructureError, match=r'atoms 0 and 1 coincide \(distance 0.0e\+00 Å\)'):
        energy(Atoms('Li2', [[1, 1, 1], [1, 1, 1]]))
    with pytest.raises(StructureError, match='has no volume'):
        energy(Atoms('Li', cell=[3, 3, 0], pbc=True))
    with pytest.raises(StructureError, match='has no volume'):
        energy(Atoms('Li', cell=[[3, 0, 0], [6, 0, 0], [0, 0, 3]], pbc=True))
    assert energy(Atoms()) == 0.0
    assert np.isfinite(energy(Atoms('Li')))


@pytest.mark.parametrize('model', ['li-pbe-2-fast', 'li-pbe-2-accurate'])
def test_precision(model):
    """The errors that the docstring states."""
    atoms = column(diameter=4, height=6, box=8)
    atoms.rattle(0.2, seed=1)
    exact, single = (VVCalculator(model, precision=p, on_extrapolation='ignore').evaluate_many([atoms])[0]
                     for p in ('float64', 'float32'))  # fmt: skip
    assert 0 < abs(single['energy'] - exact['energy']) / len(atoms) < 2e-7
    assert 0 < np.abs(single['forces'] - exact['forces']).max() < 1e-5
    np.testing.assert_allclose(single['forces'].sum(axis=0), 0, atol=1e-10)


def test_precision_that_is_not_there():
    with pytest.raises(CalculatorSetupError, match="precision must be 'float64' or 'float32', got 'half'"):
        VVCalculator(precision='half')
    with pytest.raises(CalculatorSetupError, match='for models of density features alone'):
        VVCalculator('li-pbe-1', precision='float32')
    with pytest.raises(CalculatorSetupError, match='and engine torch'):
        VVCalculator(precision='float32', engine='torch')
