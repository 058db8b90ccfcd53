"""Relaxations and molecular dynamics with the stand-in."""

import copy
import pickle
import shutil

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.calculator import CalculationFailed, CalculatorSetupError
from ase.constraints import FixAtoms, FixBondLength
from ase.io import Trajectory, read
from ase.md.velocitydistribution import thermalize_momenta

from ase_mlffvv.dft.pwmat import MolecularDynamicsJob, NotConverged, RelaxationJob, Unfinished
from ase_mlffvv.errors import PWmatWarning
from ase_mlffvv.io.pwmat.etot_input import read_etot_input

from ...conftest import shared
from ...io.pwmat import synthetic
from .conftest import runs


@pytest.fixture
def atoms():
    a = bulk('Li', 'bcc', a=3.0, cubic=True) * (2, 1, 1)
    a.rattle(0.15, seed=1)
    a.set_tags([0, 1, 2, 3])
    return a


def test_relaxation(make, atoms, tmp_path):
    atoms.set_constraint(FixAtoms([2]))
    before = atoms.copy()
    calc = make(job=RelaxationJob(fmax=0.01, steps=100))
    final = calc.run(atoms)
    assert atoms == before
    assert abs(final.get_forces()).max() < 0.01
    np.testing.assert_allclose(final.positions[2], atoms.positions[2], atol=1e-9)
    assert final.get_tags().tolist() == [0, 1, 2, 3]
    assert final.get_potential_energy() < calc.trajectory[0].get_potential_energy()
    assert calc.final is final
    assert len(calc.trajectory) == 1 + calc.trajectory[-1].info['iteration'] > 3
    np.testing.assert_allclose(calc.trajectory[0].positions, atoms.positions, atol=1e-9)
    settings = read_etot_input(calc.directory / 'etot.input')
    assert settings['JOB'] == 'RELAX'
    assert settings['RELAX_DETAIL'] == (1, 100, 0.01)
    assert 'ENERGY_DECOMP' not in settings
    with Trajectory(tmp_path / 'relaxed.traj', 'w') as trajectory:
        trajectory.write(final)
    assert read(tmp_path / 'relaxed.traj').get_potential_energy() == final.get_potential_energy()

    again = make(job=RelaxationJob(fmax=0.01, steps=100))
    assert again.run(atoms).get_potential_energy() == final.get_potential_energy()
    assert runs(calc) == 1
    for clone in (copy.deepcopy(again), pickle.loads(pickle.dumps(again))):
        assert clone.final == final
    # the results belong to the last structure, and are given for no other
    b = final.copy()
    b.calc = again
    assert b.get_potential_energy() == final.get_potential_energy()
    atoms.calc = again
    with pytest.raises(CalculatorSetupError, match=r'for a RELAX, which moves the atoms.*calc\.run\(atoms\)'):
        atoms.get_potential_energy()


def test_relaxation_of_the_cell(make, atoms):
    calc = make(job=RelaxationJob(fmax=0.02, cell=True, stress_tolerance=0.01, options={'pstress_external': 0.0}))
    final = calc.run(atoms)
    assert abs(final.get_stress()).max() * final.get_volume() / 4 < 0.01
    assert final.get_volume() > 1.05 * atoms.get_volume()
    assert read_etot_input(calc.directory / 'etot.input')['RELAX_DETAIL'] == (1, 200, 0.02, 1, 0.01)
    assert read_etot_input(calc.directory / 'etot.input')['IN.RELAXOPT'] is True
    assert (calc.directory / 'IN.RELAXOPT').read_text() == 'PSTRESS_EXTERNAL = 0.0\n'


def test_a_relaxation_that_does_not_come_to_rest(make, atoms):
    calc = make(job=RelaxationJob(fmax=1e-4, steps=3))
    for _ in range(2):
        with pytest.raises(NotConverged, match=r'ended after 3 of 3 steps with a largest force of .* \(tolerance 0\.0'):
            calc.run(atoms)
    assert runs(calc) == 1
    assert len(calc.trajectory) == 3
    with pytest.raises(CalculatorSetupError, match='nothing was run yet'):
        calc.final  # noqa: B018
    with pytest.raises(CalculatorSetupError, match=r'RELAX_DETAIL is 1 3 0\.0001 there, 1 200 0\.02 here'):
        make(job='relax').run(atoms)


def test_dynamics(make, atoms):
    thermalize_momenta(atoms, temperature_K=300, rng=np.random.default_rng(1))
    job = MolecularDynamicsJob(350, 6, timestep=2.0, taut=100, seed=7)
    calc = make(job=job)
    final = calc.run(atoms)
    settings = read_etot_input(calc.directory / 'etot.input')
    assert settings['MD_DETAIL'] == (6, 6, 2.0, 350.0, 350.0)
    assert settings['ENERGY_DECOMP'] is True
    assert (calc.directory / 'IN.MDOPT').read_text() == 'MD_BERENDSEN_TAU = 100.0\nMD_SEED = 7\n'
    frames = calc.trajectory
    assert [frame.info['time_fs'] for frame in frames] == pytest.approx([2, 4, 6, 8, 10, 12])
    total = [frame.get_total_energy() for frame in frames]
    assert np.ptp(total) < 0.05 * np.ptp([frame.get_kinetic_energy() for frame in frames])
    np.testing.assert_allclose(final.positions, frames[-1].positions, atol=1e-12)
    np.testing.assert_allclose(final.get_momenta(), frames[-1].get_momenta())
    assert final.get_potential_energies().sum() == pytest.approx(final.get_potential_energy())
    assert final.get_stress().shape == (6,)
    first = atoms.positions + 2 * units.fs * atoms.get_velocities()
    np.testing.assert_allclose(frames[0].positions, first, atol=0.01)  # it began with the momenta that were given
    # other momenta are another calculation, and it goes on from its end
    other = atoms.copy()
    other.set_momenta(2 * atoms.get_momenta())
    with pytest.raises(CalculatorSetupError, match='other momenta'):
        make(job=job).run(other)
    assert len(make('next', job=job).run(final)) == 4


def test_a_stopped_dynamics_is_not_lost(make_process, atoms):
    job = MolecularDynamicsJob(300, 6)
    with pytest.raises(CalculationFailed, match='was killed by signal 9'):
        make_process(job=job, fail='half').run(atoms)
    calc = make_process(job=job)
    assert len(calc.trajectory) == 3
    with pytest.raises(Unfinished, match=r'after 3 of 6 steps (.*\n)+Its 3 frames in MOVEMENT would be lost'):
        calc.run(atoms)
    with open(calc.directory / 'MOVEMENT', 'a') as movement:
        movement.write('  4 atoms,Iteration (fs) =  8.0, Etot,Ep,Ek (eV) = 1 1')
    assert len(calc.trajectory) == 3
    assert runs(calc) == 1
    make_process(job=job, overwrite=True).run(atoms)
    assert len(calc.trajectory) == 6


def test_steps_without_self_consistency_are_told(make, atoms):
    with pytest.warns(PWmatWarning, match='1 of 2 steps did not reach self-consistency'):
        make(job=MolecularDynamicsJob(300, 2), fail='iterations').run(atoms)
    with pytest.raises(NotConverged, match='niter reached'):
        make('relax', job='relax', fail='iterations').run(atoms)


def test_options_are_checked(make, atoms):
    for wrong, message in (
        (lambda: RelaxationJob(method='cell'), 'method must be one of cg, bfgs'),
        (lambda: RelaxationJob(method='bfgs', cell=True), 'cannot relax the cell; use cg, lbfgs, fire'),
        (lambda: RelaxationJob(fmax=-1), 'fmax must be positive and finite .*, got -1'),
        (lambda: RelaxationJob(steps=1.5), r'steps must be a whole number of 1 or more, got 1\.5'),
        (
            lambda: RelaxationJob(options={'maxmove': 1}),
            r'maxmove is not a keyword of IN\.RELAXOPT; did you mean RELAX',
        ),
        (lambda: MolecularDynamicsJob(300, 10, method='andersen'), 'method must be one of nve, nose-hoover'),
        (lambda: MolecularDynamicsJob(300, 10, friction=0.1), "friction has no meaning for method='berendsen'"),
        (lambda: MolecularDynamicsJob(300, 10, seed=1, options={'MD_SEED': 2}), 'MD_SEED: given in options and by'),
        (
            lambda: MolecularDynamicsJob(300, 10, options={'MD_BERENDSEN_TAU': '5 fs'}),
            r"must be a number \(fs\), got '5 fs'",
        ),
        (
            lambda: make(job='md'),
            r"job must be 'scf', 'relax', RelaxationJob\(\.\.\.\) or MolecularDynamicsJob\(\.\.\.\), got 'md'",
        ),
    ):
        with pytest.raises(CalculatorSetupError, match=message):
            wrong()
    atoms.set_constraint(FixBondLength(0, 1))
    with pytest.raises(CalculatorSetupError, match='fix atoms along x, y and z only, not by FixBondLength'):
        make(job='relax').run(atoms)
    make().run(atoms)


def test_units_of_dynamics():
    job = MolecularDynamicsJob(300, 5, timestep=1.0, method='langevin', friction=0.02, final_temperature_K=100)
    assert job.settings() == {'MD_DETAIL': (3, 5, 1.0, 300.0, 100.0)}
    assert job.file() == {'MD_LV_GAMMA': 0.02}
    job = MolecularDynamicsJob(300, 5, method='nose-hoover-npt', taut=80, options={'md_npt_pext': 0.1})
    assert job.file() == {'MD_ION_TAU': 80.0, 'MD_NPT_PEXT': 0.1}


@pytest.mark.parametrize('program', [False, True], ids=['synthetic', 'program'])
def test_a_trajectory_of_the_program(make, tmp_path, program):
    """The MOVEMENT of a dynamics of bcc lithium is read as the result of that dynamics."""
    movement = tmp_path / 'MOVEMENT'
    if program:
        movement = shared('data', 'pwmat', 'Li_bcc_10frames.MOVEMENT')
    else:
        movement.write_text(synthetic.lithium())
    frames = read(movement, ':', format='pwmat-movement')
    calc = make(job=MolecularDynamicsJob(298, 10))
    calc.write_inputfiles(frames[0])
    shutil.copy(movement, calc.directory / 'MOVEMENT')
    final = calc.run(frames[0])
    assert runs(calc) == 0
    assert len(calc.trajectory) == 10
    assert final.get_potential_energy() == frames[-1].get_potential_energy()
    np.testing.assert_array_equal(final.get_forces(), frames[-1].get_forces())
    np.testing.assert_array_equal(final.get_potential_energies(), frames[-1].get_potential_energies())
    if program:
        assert final.get_potential_energy() / 2 == pytest.approx(-193.77, abs=0.01)


@pytest.mark.parametrize('program', [False, True], ids=['synthetic', 'program'])
def test_a_structure_of_the_program(make, tmp_path, pseudo, program):
    path = tmp_path / 'LiSi.atom.config'
    if program:
        path = shared('data', 'pwmat', 'LiSi.atom.config')
    else:
        path.write_text(synthetic.CONFIG)
    atoms = read(path, format='pwmat-config')
    (pseudo / 'Si.SG15.PBE.UPF').write_text('')
    calc = make(kpts={'density': 2.0})
    calc.write_inputfiles(atoms)
    shutil.copy(path, calc.directory / 'atom.config')
    assert not calc._inputs(atoms).differences(calc.directory)
    assert read_etot_input(calc.directory / 'etot.input')['IN.PSP2'] == 'Si.SG15.PBE.UPF'
