"""The run job: what it leaves behind, and that an interrupted run ends as if it had not been interrupted."""

import json
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.io import read
from ase.md.nvtberendsen import NVTBerendsen
from matplotlib.figure import Figure

from ase_mlffvv import VVCalculator
from ase_mlffvv.errors import StructureError
from ase_mlffvv.jobs import Interrupted, JobFolder, RunSettings, read_log, read_settings, record, resume, start, summary
from ase_mlffvv.jobs.run import SETTINGS

from ..toys import random_potential
from .runs import needle, same_run

QUICK = RunSettings(steps=60, frame_interval=20, checkpoint_interval=30, temperature=100.0)


def test_what_a_run_leaves(tmp_path):
    atoms = needle()
    table = start(atoms, VVCalculator(), tmp_path / 'run', QUICK, progress=False)
    assert sorted(p.name for p in (tmp_path / 'run').iterdir()) == [
        '.lock', 'checkpoint.state', 'checkpoint.state.previous', 'log.csv', 'settings.json', 'summary.png',
        'trajectory.extxyz',
    ]  # fmt: skip
    np.testing.assert_array_equal(table['step'], [0, 20, 40, 60])
    np.testing.assert_allclose(table['time_ps'], [0, 0.04, 0.08, 0.12])
    frames = read(tmp_path / 'run' / 'trajectory.extxyz', ':')
    assert len(frames) == 4
    last = frames[-1]
    assert last.arrays['local_energy'].sum() == pytest.approx(last.get_potential_energy(), abs=1e-3)
    assert last.arrays['coordination'].dtype.kind == 'i'
    assert set(last.get_tags()) == {0, 1}
    assert last.info['step'] == 60
    bottom = atoms.constraints[0].index
    np.testing.assert_allclose(last.positions[bottom], atoms.positions[bottom], atol=1e-7)
    conserved = table['total_energy_eV'] - table['thermostat_work_eV']
    assert np.ptp(conserved) < 2e-4
    text = summary(tmp_path / 'run')
    for word in (
        'height above the terrace',
        'surface fraction',
        'mean coordination',
        'energy drift',
        'temperature (K)',
    ):
        assert word in text
    assert text.splitlines()[0].split() == ['0', 'ps', '0.04', 'ps', '0.12', 'ps']
    assert 'The start is (nearly) an ideal lattice' in text  # second neighbors count there, and later do not
    assert len(atoms.constraints) == 1
    assert not atoms.has('momenta')


def test_the_picture_begins_with_a_frame_that_vibrates(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(record, 'run_summary', lambda first, last, *_, **__: shown.append((first, last)) or Figure())
    start(needle(), VVCalculator(), tmp_path / 'run', QUICK, progress=False)
    start(needle(), VVCalculator(), tmp_path / 'short', replace(QUICK, steps=10), progress=False)
    assert [[atoms.info['step'] for atoms in pair] for pair in shown] == [[20, 60], [0, 10]]


def test_same_numbers_as_ase(tmp_path):
    start(needle(), VVCalculator(), tmp_path / 'run', QUICK, progress=False)
    atoms = last_state(tmp_path / 'run')
    end = atoms.positions.copy()
    again = tmp_path / 'again'
    settings = RunSettings(**{**QUICK.__dict__, 'steps': 0})
    start(needle(), VVCalculator(), again, settings, progress=False)
    atoms = last_state(again)
    atoms.calc = VVCalculator()
    NVTBerendsen(atoms, 2 * units.fs, temperature_K=100, taut=500 * units.fs, fixcm=False).run(60)
    np.testing.assert_allclose(atoms.positions, end, atol=1e-10)


def last_state(folder):
    with JobFolder(folder, SETTINGS, None, what='a run') as job:
        return record.load_checkpoint(job)[0]


class StopsAfter(VVCalculator):
    """Sends Ctrl-C to its own process at one evaluation."""

    def __init__(self, count, **kwargs):
        super().__init__(**kwargs)
        self.count = count

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.count -= 1
        if self.count == 0:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize('when', [5, 33, 47])
def test_interrupt_and_resume(tmp_path, when):
    """Ctrl-C between or inside steps; the handler of before comes back, also where it ignores the signal."""
    before = signal.getsignal(signal.SIGINT)
    start(needle(), VVCalculator(), tmp_path / 'whole', QUICK, progress=False)
    with pytest.raises(Interrupted, match='mlffvv run --restart'):
        start(needle(), StopsAfter(when), tmp_path / 'broken', QUICK, progress=False)
    resume(tmp_path / 'broken', VVCalculator(), progress=False)
    same_run(tmp_path / 'whole', tmp_path / 'broken')
    assert signal.getsignal(signal.SIGINT) is before


def test_longer_than_planned(tmp_path):
    start(needle(), VVCalculator(), tmp_path / 'run', QUICK, progress=False)
    table = resume(tmp_path / 'run', VVCalculator(), steps=80, progress=False)
    np.testing.assert_array_equal(table['step'], [0, 20, 40, 60, 80])
    assert json.loads((tmp_path / 'run' / 'settings.json').read_text())['steps'] == 80
    np.testing.assert_array_equal(read_log(tmp_path / 'run')['step'], table['step'])


def test_any_calculator(tmp_path):
    """No atomic energies, no tags: the columns that need them are left out or mean the whole structure."""
    atoms = bulk('Cu', cubic=True) * (2, 2, 2)

    class Bare(EMT):
        implemented_properties = ['energy', 'free_energy', 'forces']

    start(atoms, Bare(), tmp_path / 'run', RunSettings(steps=4, frame_interval=2, temperature=300.0), progress=False)
    frame = read(tmp_path / 'run' / 'trajectory.extxyz', -1)
    assert 'local_energy' not in frame.arrays
    assert (frame.arrays['coordination'] == 12).all()


def test_messages(tmp_path):
    start(needle(), VVCalculator(), tmp_path / 'run', RunSettings(steps=0), progress=False)
    with pytest.raises(FileExistsError, match='--restart'):
        start(needle(), VVCalculator(), tmp_path / 'run', QUICK)
    with pytest.raises(FileNotFoundError, match='does not hold a run'):
        resume(tmp_path, VVCalculator())
    with pytest.raises(ValueError, match="dynamics='native' needs a VVCalculator"):
        start(needle(), EMT(), tmp_path / 'emt', RunSettings(dynamics='native'))
    with pytest.raises(StructureError, match='has no atoms'):
        start(needle()[:0], VVCalculator(), tmp_path / 'empty', QUICK)
    for settings, message in (
        ({'timestep': 0}, 'timestep must be positive'),
        ({'temperature': float('nan')}, 'temperature must be positive'),
        ({'frame_interval': 0}, 'frame_interval must be a whole number of steps'),
        ({'steps': 2.5}, 'steps must be a whole number'),
        ({'frame_interval': 50, 'log_interval': 20}, r'log_interval must divide frame_interval \(50\), got 20'),
        ({'thermostat': 'nose'}, "thermostat must be one of berendsen, csvr, .* got 'nose'"),
        ({'thermostat': 'csvr', 'dynamics': 'ase'}, "dynamics='ase' has the thermostat berendsen alone, got 'csvr'"),
    ):
        with pytest.raises(ValueError, match=message):
            RunSettings(**settings)


def test_output_lost_since_the_checkpoint(tmp_path):
    start(needle(), VVCalculator(), tmp_path, RunSettings(steps=0), progress=False)
    path = tmp_path / record.TRAJECTORY
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(FileNotFoundError, match='has 100 bytes, but .* were written before the checkpoint'):
        resume(tmp_path, VVCalculator())
    path.unlink()
    with pytest.raises(FileNotFoundError, match='has 0 bytes'):
        resume(tmp_path, VVCalculator())


def test_blow_up_is_reported_and_the_checkpoint_kept(tmp_path):
    class Hot(Calculator):
        implemented_properties = ['energy', 'forces']

        def calculate(self, atoms=None, properties=(), system_changes=()):
            super().calculate(atoms, properties, system_changes)
            self.results = {'energy': 0.0, 'forces': 100.0 * np.sin(97 * self.atoms.positions)}

    with pytest.raises(StructureError, match=r'the run blew up between steps \d+ and \d+: '):
        start(needle(), Hot(), tmp_path / 'run', RunSettings(steps=400), progress=False)
    assert (tmp_path / 'run' / record.CHECKPOINT).exists()


def test_potential_object_as_model(tmp_path):
    potential = random_potential()
    start(needle(), VVCalculator(potential), tmp_path / 'run', RunSettings(steps=2), progress=False)
    assert read_settings(tmp_path / 'run')['model']['sha256'] == potential.digest()
    with pytest.raises(ValueError, match=r'started with a potential that has no file \(VVPotential'):
        resume(tmp_path / 'run', steps=4, progress=False)
    table = resume(tmp_path / 'run', steps=4, model=potential, progress=False)
    assert table['step'][-1] == 4


@pytest.mark.parametrize('thermostat', ['berendsen', 'csvr', 'langevin', 'none'])
def test_device_dynamics_in_a_folder(tmp_path, thermostat, caplog):
    caplog.set_level('INFO', 'ase_mlffvv')
    settings = replace(QUICK, dynamics='native', thermostat=thermostat, trajectory='packed', log_interval=5)
    table = start(needle(), VVCalculator(), tmp_path / 'run', settings, progress=False)
    assert 'dynamics on the device' in caplog.text
    assert 'trajectory.vvtraj' in caplog.text
    np.testing.assert_array_equal(table['step'], np.arange(0, 61, 5))
    assert np.ptp(table['total_energy_eV'] - table['thermostat_work_eV']) < 2e-4
    frames = read(tmp_path / 'run' / 'trajectory.vvtraj', ':')
    assert [frame.info['step'] for frame in frames] == [0, 20, 40, 60]
    assert (tmp_path / 'run' / record.PICTURE).exists()
    if thermostat == 'berendsen':  # the same with ASE's dynamics and text
        other = start(needle(), VVCalculator(), tmp_path / 'ase', replace(QUICK, dynamics='ase'), progress=False)
        for name in record.COLUMNS:
            np.testing.assert_allclose(table[name][::4], other[name], rtol=1e-6, atol=1e-9, err_msg=name)
        for a, b in zip(frames, read(tmp_path / 'ase' / 'trajectory.extxyz', ':')):
            np.testing.assert_allclose(a.positions, b.positions, atol=6e-5)
            np.testing.assert_array_equal(a.arrays['coordination'], b.arrays['coordination'])
            np.testing.assert_allclose(a.arrays['local_energy'], b.arrays['local_energy'], rtol=1e-6)
            np.testing.assert_allclose(a.arrays['grade'], b.arrays['grade'], rtol=1e-4)
            np.testing.assert_array_equal(a.get_tags(), b.get_tags())


def test_what_auto_means():
    settings = RunSettings()
    assert settings.resolve(100, True).dynamics == settings.resolve(10**6, False).dynamics == 'ase'
    assert settings.resolve(10_000, True).dynamics == 'native'
    assert replace(settings, thermostat='csvr').resolve(100, True).dynamics == 'native'
    assert settings.resolve(100, True).trajectory == 'extxyz'
    assert settings.resolve(10**6, True).trajectory == 'packed'
