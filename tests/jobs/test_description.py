"""A run describes itself: a restart takes everything from its folder, and refuses what differs."""

import json
import random
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.constraints import FixBondLength
from ase.io import write

from ase_mlffvv import CommitteeCalculator, VVCalculator
from ase_mlffvv.cli import main
from ase_mlffvv.engines.grade import GradeWatch
from ase_mlffvv.errors import CheckpointError
from ase_mlffvv.jobs import RunSettings, read_settings, record, resume, run, start

from ..toys import random_potential
from .runs import needle, same_run

QUICK = RunSettings(steps=60, frame_interval=20, checkpoint_interval=30, temperature=100.0)
OPTIONS = ['--diameter', 2.5, '--height', 2, '--box', 5, '--substrate-layers', 3, '--freeze', 1, '--adatoms', 0.05,
           '--time', 0.12, '--timestep', 2.5, '--temperature', 120, '--thermostat', 'csvr', '--taut', 300, '--seed', 3,
           '--frame-interval', 12, '--log-interval', 4, '--checkpoint-interval', 15, '--dynamics', 'native',
           '--trajectory', 'packed', '--precision', 'float32', '--on-extrapolation', 'stop', '--engine', 'numba',
           '--threads', 1]  # fmt: skip
OTHER = {
    '--diameter': 3.5, '--height': 3.5, '--box': 6, '--substrate-layers': 4, '--freeze': 2, '--adatoms': 0.1,
    '--timestep': 1.5, '--temperature': 250.5, '--thermostat': 'langevin', '--taut': 500.5, '--seed': 0,
    '--frame-interval': 50, '--log-interval': 12, '--checkpoint-interval': 200, '--dynamics': 'ase',
    '--trajectory': 'extxyz', '--precision': 'float64', '--on-extrapolation': 'warn', '--engine': 'torch',
    '--shape': 'cuboid-100', '--structure': 'a.cif', '--output': 'other',
}  # fmt: skip


def command(*args):
    return main(['run', *[str(a) for a in args]])


@pytest.fixture(autouse=True)
def ctrl_c():
    """Python's handler of SIGINT, also where the parent ignores the signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def interrupted(monkeypatch):
    """Ctrl-C when a line of the log is written for this step; once."""

    def at(step):
        usual, left = record.Recorder.record, [step]

        def recording(self, driver, now, frame):
            if left and now == left[0]:
                left.clear()
                signal.raise_signal(signal.SIGINT)
            usual(self, driver, now, frame)

        monkeypatch.setattr(record.Recorder, 'record', recording)

    return at


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_a_restart_needs_no_options(tmp_path, interrupted, capsys, monkeypatch):
    """Float32, a thermostat with noise, a packed trajectory, ...: byte for byte that of the run without a break."""
    assert command(*OPTIONS, '-o', tmp_path / 'whole') == 0
    interrupted(20)
    assert command(*OPTIONS, '-o', tmp_path / 'broken') == 130
    assert 'mlffvv run --restart' in capsys.readouterr().err
    calculators, make = [], run.make_driver

    def make_driver(atoms, calc, *args):
        calculators.append(calc)
        return make(atoms, calc, *args)

    monkeypatch.setattr(run, 'make_driver', make_driver)
    assert command('--restart', tmp_path / 'broken') == 0
    same_run(tmp_path / 'whole', tmp_path / 'broken')
    p = calculators[0].parameters
    assert (p['precision'], p['on_extrapolation'], p['engine'], p['threads']) == ('float32', 'stop', 'numba', 1)
    assert command('--restart', tmp_path / 'broken', *OPTIONS) == 0, 'equal options are fine'
    before = contents(tmp_path / 'broken')
    capsys.readouterr()
    for option, value in OTHER.items():
        value = tmp_path / value if option == '--output' else value
        assert command('--restart', tmp_path / 'broken', option, value) == 1, option
        message = capsys.readouterr().err
        assert f'{option} (before: ' in message
        assert f', now: {value})' in message
        if option in OPTIONS:
            assert f'before: {OPTIONS[OPTIONS.index(option) + 1]}' in message
    assert command('--restart', tmp_path / 'broken', '--seed', 1, '--taut', 1, '--overwrite') == 1
    message = capsys.readouterr().err
    assert all(name in message for name in ('--seed (before: 3, now: 1)', '--taut (before: 300.0, now: 1.0)', '--over'))
    assert contents(tmp_path / 'broken') == before
    assert not (tmp_path / 'other').exists()


def test_everything_is_written_down(tmp_path):
    atoms = needle()
    calc = VVCalculator(random_potential(families=('density',)), skin=0.6, check_interval=7, precision='float32')
    start(atoms, calc, tmp_path / 'run', replace(QUICK, steps=2), source={'shape': 'mine'}, progress=False)
    found = read_settings(tmp_path / 'run')
    assert found['structure']['source'] == {'shape': 'mine'}
    assert found['structure']['n_atoms'] == len(atoms)
    assert found['structure']['n_frozen'] == len(atoms.constraints[0].index)
    assert found['calculator'] == {'kind': 'VVCalculator', 'precision': 'float32', 'engine': 'auto', 'skin': 0.6,
                                   'check_interval': 7, 'on_extrapolation': 'warn'}  # fmt: skip
    assert found['dynamics']['dynamics'] == 'ase'
    assert found['dynamics']['trajectory'] == 'extxyz'
    assert {'timestep', 'temperature', 'taut', 'thermostat', 'seed', 'log_interval'} < set(found['dynamics'])
    assert found['model']['sha256'] == calc.potential.digest()
    assert (found['device'], found['threads'], found['steps']) == ('cpu', None, 2)
    assert {'python', 'ase-mlffvv', 'ase', 'numpy', 'numba', 'torch'} == set(found['versions'])
    with pytest.raises(ValueError, match='potential that has no file'):
        resume(tmp_path / 'run')
    other = VVCalculator(random_potential(families=('density',)), skin=0.8, check_interval=7)
    with pytest.raises(ValueError, match='another calculator .*precision: "float32" before, "float64" now; skin: 0.6'):
        resume(tmp_path / 'run', other)
    with pytest.raises(ValueError, match='another calculator'):
        resume(tmp_path / 'run', EMT())
    with pytest.raises(ValueError, match='has 2 steps already, got a new total of 1'):
        resume(tmp_path / 'run', calc, steps=1)
    with pytest.raises(TypeError, match='those of the calculator given'):
        resume(tmp_path / 'run', calc, threads=1)


def test_what_may_change_is_said(tmp_path, caplog, monkeypatch):
    caplog.set_level('INFO', 'ase_mlffvv')
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate('ab'):
        random_potential(families=('density',), seed=seed).save(f'{name}.vv')
    start(needle(), VVCalculator('a.vv'), 'run', replace(QUICK, steps=2), progress=False)
    (tmp_path / 'elsewhere').mkdir()
    monkeypatch.chdir('elsewhere')  # relative paths are those of the start
    resume('../run', progress=False)
    assert 'from step' not in caplog.text
    resume('../run', steps=4, model='../b.vv', threads=1, progress=False)
    a, b = tmp_path / 'a.vv', tmp_path / 'b.vv'
    digest = VVCalculator(a).potential.digest()[:12]
    assert f'from step 2 on: steps 4 instead of 2, model {b} (sha256 ' in caplog.text
    assert f'instead of {a} (sha256 {digest}...), threads 1 instead of None' in caplog.text
    found = read_settings('../run')
    assert (found['steps'], found['threads'], found['model']['name']) == (4, 1, str(b))
    assert found['changes'][0]['step'] == 2
    assert found['changes'][0]['threads'] == [None, 1]
    b.write_bytes(a.read_bytes())
    with pytest.raises(ValueError, match='was started with another potential'):
        resume('../run')


def test_a_second_process_is_refused(tmp_path):
    """While a run writes a line of its log, another process tries to continue it."""

    class Asks(VVCalculator):
        calls = 0

        def calculate(self, *args, **kwargs):
            super().calculate(*args, **kwargs)
            self.calls += 1
            if self.calls == 12:
                words = [sys.executable, '-m', 'ase_mlffvv.cli', 'run', '--restart', str(tmp_path / 'run')]
                done.append(subprocess.run(words, capture_output=True, text=True))

    done = []
    start(needle(), Asks(), tmp_path / 'run', QUICK, progress=False)
    assert done[0].returncode == 1
    assert 'another job works in' in done[0].stderr
    assert len(record.read_log(tmp_path / 'run')['step']) == 4


def test_a_flipped_bit_is_refused(tmp_path):
    folder = tmp_path / 'run'
    start(needle(), VVCalculator(), folder, QUICK, progress=False)
    path, rng = folder / record.CHECKPOINT, random.Random(1)
    whole, files = path.read_bytes(), contents(folder)
    for _ in range(60):
        flipped = bytearray(whole)
        flipped[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        with pytest.raises(CheckpointError):
            resume(folder, VVCalculator())
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError):
        resume(folder, VVCalculator())
    path.write_bytes(whole)
    assert contents(folder) == files
    settings = json.loads((folder / 'settings.json').read_text())
    settings['identity']['calculator']['precision'] = 'float32'
    (folder / 'settings.json').write_text(json.dumps(settings))
    with pytest.raises(FileExistsError, match='its content does not match its checksum'):
        resume(folder)


def test_the_checkpoint_of_another_run_is_refused(tmp_path):
    for seed in (1, 2):
        settings = RunSettings(steps=0, seed=seed)
        start(needle(), VVCalculator(), tmp_path / str(seed), settings, progress=False)
    path = tmp_path / '1' / record.CHECKPOINT
    path.write_bytes((tmp_path / '2' / record.CHECKPOINT).read_bytes())
    with pytest.raises(CheckpointError, match='is the checkpoint of another run'):
        resume(tmp_path / '1')


@pytest.mark.parametrize('name', ['trajectory.extxyz', 'trajectory.vvtraj', 'log.csv', 'notes.txt', 'settings.json'])
def test_foreign_files_are_kept(tmp_path, name, capsys):
    folder = tmp_path / 'mine'
    folder.mkdir()
    (folder / name).write_text('{"mine": 1}')
    options = [*OPTIONS[:12], '--time', 0.002, '-o', folder]
    assert command(*options) == 1
    assert name in capsys.readouterr().err
    assert contents(folder) == {name: b'{"mine": 1}'}
    assert command(*options, '--overwrite') == 0
    assert (folder / name).exists() == (name != 'trajectory.vvtraj')
    assert ((folder / name).read_bytes() == b'{"mine": 1}') if name == 'notes.txt' else True
    assert command(*options) == 1
    assert 'already holds a run. Continue it with --restart' in capsys.readouterr().err
    assert command(*options, '--overwrite', '--seed', 1) == 0
    assert read_settings(folder)['dynamics']['seed'] == 1


def test_killed_before_the_first_checkpoint(tmp_path):
    """Only settings.json is there: the same call begins again, another one is refused."""
    start(needle(), VVCalculator(), tmp_path / 'whole', QUICK, progress=False)
    folder = tmp_path / 'run'
    folder.mkdir()
    (folder / 'settings.json').write_bytes((tmp_path / 'whole' / 'settings.json').read_bytes())
    with pytest.raises(FileNotFoundError, match='without a checkpoint'):
        resume(folder)
    with pytest.raises(ValueError, match=r'dynamics.temperature: 100.0 before, 250.0 now'):
        start(needle(), VVCalculator(), folder, RunSettings(), progress=False)
    start(needle(), VVCalculator(), folder, QUICK, progress=False)
    same_run(tmp_path / 'whole', folder)


class Raises(VVCalculator):
    """KeyboardInterrupt in the middle of steps, before and after the calculation."""

    def __init__(self, when, **kwargs):
        super().__init__(**kwargs)
        self.calls, self.when = 0, when

    def calculate(self, *args, **kwargs):
        self.calls += 1
        if self.calls in self.when[:1]:
            raise KeyboardInterrupt
        super().calculate(*args, **kwargs)
        if self.calls in self.when[1:]:
            raise KeyboardInterrupt


def test_ctrl_c_inside_a_step_of_ase(tmp_path):
    start(needle(), VVCalculator(), tmp_path / 'whole', QUICK, progress=False)
    calc = Raises([37, 50])
    with pytest.raises(KeyboardInterrupt):
        start(needle(), calc, tmp_path / 'broken', QUICK, progress=False)
    with pytest.raises(KeyboardInterrupt):  # the same calculator, half used
        resume(tmp_path / 'broken', calc, progress=False)
    resume(tmp_path / 'broken', calc, progress=False)
    same_run(tmp_path / 'whole', tmp_path / 'broken')


@pytest.mark.parametrize('dynamics', ['ase', 'native'])
def test_the_grade_is_looked_at_in_the_same_steps(tmp_path, dynamics, interrupted, monkeypatch):
    def check(self, species, positions, cell, pairs):
        looks.append(np.asarray(positions).sum())

    monkeypatch.setattr(GradeWatch, 'check', check)
    settings = replace(QUICK, dynamics=dynamics, log_interval=4, steps=40)
    found = []
    for name in ('whole', 'broken'):
        looks = []
        if name == 'broken':
            interrupted(16)
            with pytest.raises(KeyboardInterrupt):
                start(needle(), VVCalculator(on_extrapolation='stop'), tmp_path / name, settings, progress=False)
            resume(tmp_path / name, progress=False)
        else:
            start(needle(), VVCalculator(on_extrapolation='stop'), tmp_path / name, settings, progress=False)
        found.append(looks)
    assert len(found[0]) == 5
    assert found[0] == found[1]


def test_structures_and_calculators_of_all_kinds(tmp_path):
    """What only ASE's dynamics knows: another constraint, another calculator, a committee, arrays of the user."""
    atoms = bulk('Cu', cubic=True) * (2, 2, 2)
    atoms.set_constraint(FixBondLength(0, 1))
    atoms.set_array('label', np.array(['a', 'bc'] * 16))
    settings = RunSettings(steps=4, frame_interval=2, temperature=300.0)
    start(atoms, EMT(), tmp_path / 'emt', settings, progress=False)
    found = read_settings(tmp_path / 'emt')
    assert found['calculator']['kind'] == 'ase.calculators.emt.EMT'
    assert found['model'] is None
    with pytest.raises(ValueError, match=r'continue it with ase_mlffvv.jobs.resume\(folder, calculator\)'):
        resume(tmp_path / 'emt')
    assert len(resume(tmp_path / 'emt', EMT(), steps=8, progress=False)['step']) == 5
    committee = CommitteeCalculator([random_potential(families=('density',), seed=seed) for seed in (1, 2)])
    start(needle(), committee, tmp_path / 'committee', settings, progress=False)
    assert len(read_settings(tmp_path / 'committee')['model']) == 2
    resume(tmp_path / 'committee', committee, progress=False)


def test_options_without_a_meaning_are_refused(tmp_path, capsys):
    write(tmp_path / 'a.xyz', bulk('Li', cubic=True) * 3)
    for args, message in (
        (['--structure', tmp_path / 'a.xyz', '--box', 5], '--box cannot be given with --structure'),
        (['--shape', 'training', '--height', 5], '--height cannot be given with --shape training'),
        (['--thermostat', 'none', '--taut', 5], '--taut is a setting of a thermostat'),
    ):
        assert command(*args, '-o', tmp_path / 'run') == 1
        assert message in capsys.readouterr().err
    assert not (tmp_path / 'run').exists()
    same = ['--structure', tmp_path / 'a.xyz']
    assert command(*same, '--time', 0.002, '-o', tmp_path / 'run') == 0
    assert command(*same, '--restart', tmp_path / 'run') == 0
    write(tmp_path / 'a.xyz', bulk('Li', cubic=True) * 2)
    assert command(*same, '--restart', tmp_path / 'run') == 1
    assert '--structure (before: ' in capsys.readouterr().err
    (tmp_path / 'a.xyz').unlink()
    assert command('--restart', tmp_path / 'run') == 0
