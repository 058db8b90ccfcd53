"""The command line, as a user types it."""

import json
import subprocess
import sys

import numpy as np
import pytest
from ase.build import bulk
from ase.io import read, write

from ase_mlffvv import VVCalculator, VVPotential
from ase_mlffvv.cli import main
from ase_mlffvv.errors import ExtrapolationWarning
from ase_mlffvv.io.files import load_json, save_json


def run(*args):
    return main([str(a) for a in args])


NEEDLE = ['--diameter', 2.5, '--height', 2, '--box', 5, '--substrate-layers', 3, '--frame-interval', 10]


def test_run_restart_and_longer(tmp_path, capsys):
    folder = tmp_path / 'needle'
    assert run('run', *NEEDLE, '--time', 0.04, '--freeze', 1, '--adatoms', 0.05, '-o', folder) == 0
    out = capsys.readouterr().out
    assert 'energy drift' in out
    assert str(folder / 'trajectory.extxyz') in out
    assert (folder / 'summary.png').exists()
    assert len(read(folder / 'trajectory.extxyz', ':')) == 3
    assert run('run', *NEEDLE, '--time', 0.04, '-o', folder) == 1
    assert 'already holds a run' in capsys.readouterr().err
    assert run('run', '--restart', folder) == 0  # finished: nothing to add
    assert len(read(folder / 'trajectory.extxyz', ':')) == 3
    assert run('run', '--restart', folder, '--time', 0.06) == 0
    assert len(read(folder / 'trajectory.extxyz', ':')) == 4
    assert run('run', '--restart', tmp_path / 'none') == 1
    assert 'does not hold a run' in capsys.readouterr().err
    settings = load_json(folder / 'settings.json')
    assert settings['model']['name'] == 'li-pbe-2-fast'
    settings['model']['sha256'] = '0' * 64  # as if the shipped potential had changed since
    save_json(folder / 'settings.json', settings, checksum=True)
    assert run('run', '--restart', folder, '--time', 0.08) == 1
    assert 'was started with another potential' in capsys.readouterr().err
    assert run('run', '--restart', folder, '--time', 0.08, '--model', 'li-pbe-2-fast') == 0


@pytest.mark.parametrize('shape', ['cuboid-100', 'cuboid-110'])
def test_shapes(tmp_path, shape):
    assert run('run', *NEEDLE, '--shape', shape, '--time', 0.002, '-o', tmp_path / 'a') == 0


def test_structure_from_a_file(tmp_path):
    write(tmp_path / 'a.cif', bulk('Li', cubic=True) * (2, 2, 2))
    assert run('run', '--structure', tmp_path / 'a.cif', '--time', 0.01, '-o', tmp_path / 'a') == 0
    assert len(read(tmp_path / 'a' / 'trajectory.extxyz')) == 16


def training_file(path, n=12):
    rng = np.random.default_rng(0)
    frames = []
    for k in range(n):
        atoms = bulk('Li', 'bcc', a=3.3 + 0.02 * k, cubic=True) * (2, 1, 1)
        atoms.rattle(0.1, rng=rng)
        atoms.calc = VVCalculator()
        atoms.info['config_type'] = 'a' if k % 2 else 'b'
        atoms.get_stress()
        frames.append(atoms)
    write(path, frames)
    return path


def test_fit_evaluate_info(tmp_path, capsys):
    data = training_file(tmp_path / 'train.extxyz')
    (tmp_path / 'spec.json').write_text(json.dumps({'cutoff': 4.5, 'two_body': 10, 'three_body': [2, 2]}))
    model = tmp_path / 'model.vv'
    assert run('fit', data, '-o', model, '--spec', tmp_path / 'spec.json', '--set', 'terms=5', 'single=4',
               '--weights', 'forces=2', '--group-weights', 'a=2', '--validation', 0.25,
               '--parity', tmp_path / 'parity.png') == 0  # fmt: skip
    out = capsys.readouterr().out
    assert 'validation set' in out
    assert str(model) in out
    assert (tmp_path / 'parity.png').stat().st_size > 5000
    potential = VVPotential.load(model)
    assert potential.card['spec']['terms'] == 5
    assert potential.card['weights']['forces'] == 2
    assert not list(tmp_path.glob('*.part'))
    assert run('evaluate', data, '--model', model, '--json', tmp_path / 'e.json') == 0
    assert 'forces (meV/Å)' in capsys.readouterr().out
    table = json.loads((tmp_path / 'e.json').read_text())
    assert set(table) == {'all', 'a', 'b'}
    again = tmp_path / 'again.vv'
    assert run('fit', data, '-o', again, '--start', model, '--ridge', '1e-5') == 0
    assert VVPotential.load(again).card['fit']['ridge'] == 1e-5
    (old,), (new,) = potential.blocks, VVPotential.load(again).blocks
    np.testing.assert_array_equal(new.terms, old.terms)
    assert (new.coefficients != old.coefficients).any()
    capsys.readouterr()
    assert table['all']['forces']['n'] == 12 * 4 * 3
    assert run('info', model) == 0
    assert 'VVPotential(Li' in capsys.readouterr().out
    assert run('info') == 0
    assert 'li-pbe-2-fast' in capsys.readouterr().out


def test_recipe_uncertainty_and_a_run_that_stops(tmp_path, capsys):
    """Many-body features by name; their errors beside those predicted; a needle is nothing that bulk lithium knows."""
    data, model = training_file(tmp_path / 'train.extxyz'), tmp_path / 'model.vv'
    assert run('fit', data, '-o', model, '--recipe', 'fast', '--set', 'cutoff=4.5', '--ridge', '1e-6',
               '--validation', 0.25) == 0  # fmt: skip
    potential = VVPotential.load(model)
    assert potential.card['spec']['density'] == [6, 3]
    assert potential.uncertainty is not None
    capsys.readouterr()
    assert run('evaluate', data, '--model', model, '--reliability', tmp_path / 'r.png') == 0
    assert 'uncertainty of forces: rank correlation' in capsys.readouterr().out
    assert (tmp_path / 'r.png').stat().st_size > 5000
    needle = ['--diameter', 2, '--height', 2, '--box', 4, '--substrate-layers', 3, '--time', 0.01, '--model', model]
    assert run('run', *needle, '--on-extrapolation', 'stop', '-o', tmp_path / 'needle') == 1
    assert 'The structure is in' in capsys.readouterr().err
    assert read(tmp_path / 'needle' / 'extrapolation.extxyz').arrays['grade'].max() > 1
    with pytest.warns(ExtrapolationWarning):
        assert run('run', *needle, '-o', tmp_path / 'other') == 0
    frame = read(tmp_path / 'other' / 'trajectory.extxyz')
    assert frame.arrays['grade'].max() > 1
    assert run('fit', data, '-o', model, '--recipe', 'fast', '--start', 'li-pbe-1') == 1
    assert '--start keeps the features' in capsys.readouterr().err


def test_mistakes_are_one_line(tmp_path, capsys):
    data = training_file(tmp_path / 'train.extxyz', 3)
    for args, message in (
        (['fit', data, '-o', tmp_path / 'm.vv', '--set', 'nterms=5'], 'unknown settings nterms'),
        (['fit', data, '-o', 'm.vv', '--set', 'terms=5', '--start', 'li-pbe-1'], '--start keeps the features'),
        (['fit', data, '-o', tmp_path / 'm.vv', '--set', 'terms'], "expected KEY=VALUE, got 'terms'"),
        (['fit', data, '-o', tmp_path / 'm.vv', '--weights', 'force=5'], 'force'),
        (['fit', tmp_path / 'none.xyz', '-o', tmp_path / 'm.vv'], 'none.xyz'),
        (['evaluate', data, '--model', tmp_path / 'none.vv'], 'does not exist'),
        (['info', tmp_path / 'none.vv'], 'does not exist'),
        (['run', '--structure', tmp_path / 'none.cif', '-o', tmp_path / 'r'], 'none.cif'),
        (['run', '--device', 'abacus', '-o', tmp_path / 'r'], "device must be 'cpu' or 'cuda'"),
        (['run', '--temperature', '-5', '-o', tmp_path / 'r'], 'temperature must be positive'),
    ):
        assert run(*args) == 1
        err = capsys.readouterr().err.strip().splitlines()
        assert message in err[-1]
        assert 'Traceback' not in '\n'.join(err)
    assert not (tmp_path / 'm.vv').exists()


def test_installed_command():
    command = [sys.executable, '-m', 'ase_mlffvv.cli', '--version']
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    assert out.stdout.startswith('ase-mlffvv ')
