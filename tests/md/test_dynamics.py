"""Dynamics agrees with ASE's step by step, on NumPy arrays and on torch tensors."""

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.calculator import CalculatorSetupError
from ase.constraints import FixAtoms, FixBondLength
from ase.md.bussi import Bussi
from ase.md.langevin import Langevin as AseLangevin
from ase.md.nvtberendsen import NVTBerendsen
from ase.md.velocitydistribution import Stationary, thermalize_momenta
from ase.md.verlet import VelocityVerlet as AseVerlet
from ase.optimize import FIRE

from ase_mlffvv import VVCalculator
from ase_mlffvv.errors import ExtrapolationError, StructureError
from ase_mlffvv.md import CSVR, Berendsen, Dynamics, Langevin, Samples, VelocityVerlet, minimise
from ase_mlffvv.md.integrators import noise
from ase_mlffvv.md.reporters import SAMPLES
from ase_mlffvv.structures import column, freeze_bottom

FS = units.fs


def warm(atoms, temperature=400.0):
    thermalize_momenta(atoms, temperature_K=temperature, rng=np.random.default_rng(1))
    if not atoms.constraints:
        Stationary(atoms)
    return atoms


def structures():
    needle = column(diameter=2.5, height=2, box=5, substrate_layers=3)
    wire = bulk('Li', cubic=True, a=3.44) * (3, 3, 4)
    wire.center(6.0, axis=(0, 1))
    wire.pbc = (False, False, True)
    cluster = bulk('Li', cubic=True, a=3.44) * 3
    cluster.pbc = False
    crystal = bulk('Li', cubic=True, a=3.44) * 3
    return {'needle': needle, 'frozen': freeze_bottom(needle.copy(), 1), 'wire': wire, 'cluster': cluster,
            'crystal': crystal}  # fmt: skip


class Philox:
    """The noise of Dynamics as ASE asks for it: both arrays of a step in turn, or the two numbers of CSVR."""

    def __init__(self, seed, calls_per_step):
        self.seed, self.calls, self.per_step = seed, 0, calls_per_step

    def _rng(self):
        if self.calls % self.per_step == 0:
            self.rng = noise(self.seed, self.calls // self.per_step)
        self.calls += 1
        return self.rng

    def standard_normal(self, size=None):
        return self._rng().standard_normal(size)

    def standard_gamma(self, shape):
        return self._rng().standard_gamma(shape)


def ase_twin(atoms, integrator):
    """ASE's dynamics of the same steps."""
    t = getattr(integrator, 'temperature', None)
    if isinstance(integrator, VelocityVerlet):
        return AseVerlet(atoms, 2 * FS)
    if isinstance(integrator, Berendsen):
        return NVTBerendsen(atoms, 2 * FS, temperature_K=t, taut=integrator.taut * FS, fixcm=not atoms.constraints)
    if isinstance(integrator, CSVR):
        return Bussi(atoms, 2 * FS, temperature_K=t, taut=integrator.taut * FS, rng=Philox(integrator.seed, 2))
    return AseLangevin(atoms, 2 * FS, temperature_K=t, friction=integrator.friction / FS, fixcm=False,
                       rng=Philox(integrator.seed, 2))  # fmt: skip


INTEGRATORS = {
    'NVE': VelocityVerlet(), 'Berendsen': Berendsen(250, taut=100), 'CSVR': CSVR(250, taut=50, seed=3),
    'Langevin': Langevin(250, friction=0.01, seed=4),
}  # fmt: skip


@pytest.mark.parametrize('name', structures())
@pytest.mark.parametrize('kind', INTEGRATORS)
def test_the_steps_of_ase(name, kind):
    atoms = warm(structures()[name])
    md = Dynamics(atoms, integrator=INTEGRATORS[kind], timestep=2.0, on_extrapolation='ignore')
    before = atoms.positions.copy()
    twin = atoms.copy()
    twin.calc = VVCalculator(on_extrapolation='ignore')
    theirs = ase_twin(twin, INTEGRATORS[kind])
    for _ in range(10):
        md.run(10)
        theirs.run(10)
        after = md.atoms()
        np.testing.assert_allclose(after.positions, twin.positions, rtol=0, atol=1e-9)
        np.testing.assert_allclose(after.get_momenta(), twin.get_momenta(), rtol=0, atol=1e-9)
    assert md.temperature == pytest.approx(twin.get_temperature(), rel=1e-9)
    assert md.potential_energy == pytest.approx(twin.get_potential_energy(), abs=1e-8)
    np.testing.assert_allclose(after.get_forces(), twin.get_forces(), atol=1e-8)
    assert md.forces.statistics['reuses'] > md.forces.statistics['builds']
    samples = md.samples
    conserved = samples['total_energy_eV'] - samples['thermostat_work_eV']
    assert np.ptp(samples['total_energy_eV']) > 1e-4 or kind == 'NVE'
    assert np.ptp(conserved) < 1e-3
    frozen = atoms.constraints[0].index if atoms.constraints else []
    np.testing.assert_array_equal(after.positions[frozen], before[frozen])
    np.testing.assert_array_equal(atoms.positions, before)


@pytest.mark.parametrize('kind', INTEGRATORS)
def test_torch_tensors_move_as_arrays_do(kind):
    """What runs on a GPU, with tensors on the CPU; noise of tensors is another, so without it for Langevin."""
    torch = pytest.importorskip('torch')
    atoms = warm(structures()['frozen'])
    integrator = INTEGRATORS[kind]
    if kind == 'Langevin':
        integrator = Langevin(1e-20, friction=0.01)
    ours = Dynamics(atoms, integrator=integrator, timestep=2.0, on_extrapolation='ignore')
    ours.run(20)
    other = Dynamics(atoms, integrator=integrator, timestep=2.0, on_extrapolation='ignore')
    state = other.state
    for field in ('positions', 'momenta', 'inverse_mass', 'mobile'):
        setattr(state, field, torch.tensor(getattr(state, field)))
    other._origin = torch.tensor(other._origin)
    inner = other.forces
    other._stepper = integrator.prepare(state, 2.0 * FS)

    class Tensors:
        def __call__(self, positions):
            return tuple(torch.tensor(x) for x in inner(positions.numpy()))

        def coordination(self, cutoff):
            return torch.tensor(inner.coordination(cutoff))

    other.forces = Tensors()
    other.run(20)
    assert isinstance(state.positions, torch.Tensor)
    np.testing.assert_allclose(other.structure().positions, ours.structure().positions, rtol=0, atol=1e-7)
    for field in SAMPLES:
        np.testing.assert_allclose(other.samples[field], ours.samples[field], rtol=1e-6, atol=1e-6, err_msg=field)


def test_noise_of_tensors():
    torch = pytest.importorskip('torch')
    from ase_mlffvv.md.integrators import normal

    like = torch.zeros((4000, 3), dtype=torch.float64)
    a, b, again = normal(1, 5, like, 2), normal(1, 6, like, 2), normal(1, 5, like, 2)
    assert torch.equal(a, again)
    assert abs(float((a * b).mean())) < 0.05
    assert float(a.std()) == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize('integrator', [CSVR(300, taut=20), Langevin(300, friction=0.05)], ids=lambda i: i.name)
def test_canonical_kinetic_energy(integrator):
    """Mean and variance of the kinetic energy of the canonical ensemble."""
    atoms = warm(bulk('Li', cubic=True, a=3.44) * 3, 600.0)
    md = Dynamics(atoms, integrator=integrator, timestep=2.0, reporters=[Samples(2)], on_extrapolation='ignore')
    md.run(2000)
    t = md.samples['temperature_K'][100:]
    n_dof = 3 * len(atoms)
    assert t.mean() == pytest.approx(300, rel=0.04)
    assert t.std() == pytest.approx(300 * np.sqrt(2 / n_dof), rel=0.25)


def test_minimise():
    atoms = structures()['frozen']
    atoms.rattle(0.05, seed=2)
    relaxed = minimise(atoms, fmax=0.003)
    twin = atoms.copy()
    twin.calc = VVCalculator(on_extrapolation='ignore')
    FIRE(twin, logfile=None).run(fmax=0.003, steps=2000)
    assert relaxed.get_potential_energy() == pytest.approx(twin.get_potential_energy(), abs=2e-3)
    assert np.linalg.norm(relaxed.get_forces(), axis=1).max() <= 0.003
    np.testing.assert_array_equal(relaxed.positions[atoms.constraints[0].index],
                                  atoms.positions[atoms.constraints[0].index])  # fmt: skip
    stored = relaxed.get_forces()
    assert relaxed.calc.calculation_required(relaxed, ['energy', 'forces', 'energies']) is False
    relaxed.rattle(0.01, seed=1)
    assert abs(relaxed.get_forces() - stored).max() > 1e-3
    assert relaxed.calc.uncertainty(relaxed)['grade'].shape == (len(relaxed),)
    with pytest.raises(StructureError, match='not relaxed to 0.003 eV/Å in 3 steps'):
        minimise(atoms, fmax=0.003, steps=3)


def test_messages():
    atoms = warm(structures()['crystal'])
    with pytest.raises(StructureError, match='has no atoms'):
        Dynamics(atoms[:0])
    with pytest.raises(ValueError, match='timestep must be positive'):
        Dynamics(atoms, timestep=0.0)
    with pytest.raises(ValueError, match='taut must be positive'):
        Berendsen(250, taut=-1)
    with pytest.raises(CalculatorSetupError, match="device='cuda' was requested|engine"):
        Dynamics(atoms, device='cuda', engine='numba')
    still = structures()['crystal']
    for thermostat in (Berendsen(250), CSVR(250)):
        with pytest.raises(StructureError, match='scales momenta, and those of the structure are zero'):
            Dynamics(still, integrator=thermostat)
    bound = atoms.copy()
    bound.set_constraint(FixBondLength(0, 1))
    with pytest.raises(NotImplementedError, match='FixAtoms only, the structure has FixBondLength'):
        Dynamics(bound)
    bound.set_constraint(FixAtoms(mask=np.ones(len(atoms), bool)))
    with pytest.raises(StructureError, match=r'all \d+ atoms are frozen'):
        Dynamics(bound)
    far = atoms.copy()
    far.positions[0] += 0.9
    with pytest.raises(ExtrapolationError):
        Dynamics(far, on_extrapolation='stop', check_interval=1).run(5)
