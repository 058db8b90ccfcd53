"""What reporters see of a run, and when."""

import numpy as np
import pytest
from ase.io import read
from mlffvv_analysis import coordination_numbers
from mlffvv_analysis.coordination import CUTOFF

from ase_mlffvv.errors import ExtrapolationError, ExtrapolationWarning
from ase_mlffvv.md import Berendsen, Dynamics, Frames, Reporter, Samples, VelocityVerlet
from ase_mlffvv.md.reporters import SAMPLES

from .test_dynamics import structures, warm


def make(name='needle', **settings):
    settings = {'on_extrapolation': 'ignore', **settings}
    return Dynamics(warm(structures()[name]), integrator=Berendsen(250), **settings)


@pytest.mark.parametrize('cutoff', [CUTOFF, 4.0, 100.0])
def test_samples(cutoff):
    md = make(reporters=[Samples(5, cutoff=cutoff)])
    start = md.structure()
    md.run(20)
    samples, after = md.samples, md.atoms()
    assert list(samples) == list(SAMPLES)
    np.testing.assert_array_equal(samples['step'], [0, 5, 10, 15, 20])
    moved, reach = after.positions - start.positions, min(cutoff, md.potential.cutoff)
    for name, value in (
        ('temperature_K', md.temperature), ('potential_energy_eV', after.get_potential_energy() / len(after)),
        ('mean_coordination', coordination_numbers(after, reach).mean()), ('mean_z_A', moved[:, 2].mean()),
        ('mean_xy_A', np.hypot(moved[:, 0], moved[:, 1]).mean()),
        ('mean_distance_A', np.linalg.norm(moved, axis=1).mean()),
    ):  # fmt: skip
        assert samples[name][-1] == pytest.approx(value, rel=1e-12), name
    mean, deviation = md.averages(skip=1)['temperature_K']
    assert (mean, deviation) == (samples['temperature_K'][1:].mean(), samples['temperature_K'][1:].std())


def test_the_default_cutoff_is_that_of_the_analysis():
    assert Samples().cutoff == CUTOFF


def test_when_reporters_are_called():
    """At step 0 and after each interval, once, however the run is cut into pieces, and they change nothing."""
    seen = {1: [], 3: []}
    md = make(reporters=[Reporter(n, lambda view, n=n: seen[n].append((view.step, view.time))) for n in seen])
    for steps in (0, 2, 4, 0, 1):
        md.run(steps)
    assert [step for step, _ in seen[1]] == list(range(8))
    assert seen[3] == [(0, 0.0), (3, 6.0), (6, 12.0)]
    plain = make(reporters=[])
    plain.run(7)
    np.testing.assert_array_equal(plain.structure().positions, md.structure().positions)
    with pytest.raises(AttributeError, match='takes no samples'):
        plain.samples  # noqa: B018


def test_arrays_of_the_view_can_be_kept():
    kept = []
    md = make(reporters=[Reporter(2, lambda view: kept.append((view, view.positions, view.forces, view.energies)))])
    md.run(1)
    first = md.atoms()
    md.run(4)
    (view, positions, forces, energies), again = kept[0], make()
    assert (positions != md.structure().positions).any()
    before = again.atoms()
    np.testing.assert_array_equal(positions, before.positions)
    np.testing.assert_array_equal(forces, before.get_forces())
    np.testing.assert_array_equal(energies, before.get_potential_energies())
    assert (first.positions != before.positions).any()
    assert len(view) == len(first)
    after = md.atoms()
    assert view.potential_energy == pytest.approx(after.get_potential_energy(), rel=1e-12)
    assert view.kinetic_energy == pytest.approx(after.get_kinetic_energy(), rel=1e-12)
    np.testing.assert_array_equal(view.momenta, after.get_momenta())
    np.testing.assert_array_equal(view.grade(), md.grade())


@pytest.mark.parametrize('name', ['frames.extxyz', 'frames.vvtraj'])
def test_frames(tmp_path, name):
    path, there = tmp_path / name, []
    md = make(reporters=[Frames(path, 4), Reporter(4, lambda view: there.append(view.atoms()))])
    md.run(8)
    frames = read(path, ':')
    assert [frame.info['step'] for frame in frames] == [0, 4, 8]
    for frame, atoms in zip(frames, there):
        np.testing.assert_allclose(frame.positions, atoms.positions, atol=6e-5)
        np.testing.assert_allclose(frame.arrays['local_energy'], atoms.get_potential_energies(), rtol=1e-6)
        assert frame.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), abs=1e-5)
    with pytest.raises(FileExistsError, match='exists. Give another path'):
        Frames(path)
    md.reporters[1] = Frames(path, 4, append=True)
    md.run(4)
    assert [frame.info['step'] for frame in read(path, ':')] == [0, 4, 8, 12]


def test_the_grade_is_looked_at_by_step():
    atoms = warm(structures()['crystal'])
    atoms.positions[0] += 0.9
    md = Dynamics(atoms, on_extrapolation='stop', check_interval=3)
    with pytest.raises(ExtrapolationError):
        md.run(5)
    assert md.state.step == 0
    with pytest.raises(ExtrapolationError):  # still there
        md.run(5)
    with pytest.warns(ExtrapolationWarning) as caught:
        Dynamics(atoms, check_interval=1).run(4)
    assert len(caught) == 1


def test_messages(tmp_path):
    with pytest.raises(ValueError, match='interval of a reporter must be a whole number of steps, 1 or more, got 0'):
        Samples(0)
    with pytest.raises(ValueError, match='cutoff must be positive'):
        Samples(cutoff=-1)
    with pytest.raises(ValueError, match=r"end in .vvtraj, .extxyz or .xyz, got '.*a.traj'"):
        Frames(tmp_path / 'a.traj')
    with pytest.raises(TypeError, match=r'use Reporter\(interval, function\)'):
        make(reporters=[print])


def test_an_error_of_a_reporter_leaves_the_step_complete():
    def fail(view):
        if view.step == 3 and not errors:
            errors.append(view.step)
            raise OSError('disk full')

    errors = []
    md = make(reporters=[Samples(1), Reporter(1, fail), Samples(3)])
    with pytest.raises(OSError, match='disk full'):
        md.run(6)
    md.run(3)
    whole = make(reporters=[Samples(1)])
    whole.run(6)
    np.testing.assert_array_equal(md.structure().positions, whole.structure().positions)
    np.testing.assert_array_equal(md.samples['total_energy_eV'], whole.samples['total_energy_eV'])
    np.testing.assert_array_equal(md.reporters[-1].table['step'], [0, 3, 6])


def test_velocity_verlet_reports_no_thermostat_work():
    md = Dynamics(warm(structures()['crystal']), integrator=VelocityVerlet(), on_extrapolation='ignore')
    md.run(10)
    assert (md.samples['thermostat_work_eV'] == 0).all()
