"""What a command writes never takes the place of a file that is there, unless it is told to."""

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write

from ase_mlffvv import VVPotential
from ase_mlffvv.cli import main


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    frames = []
    for k in range(4):
        atoms = bulk('Li', 'bcc', a=3.4 + 0.02 * k, cubic=True)
        atoms.rattle(0.1, rng=rng)
        atoms.info['REF_energy'] = -4 + 0.1 * k
        frames.append(atoms)
    write(tmp_path / 'train.extxyz', frames)
    return tmp_path / 'train.extxyz'


def run(*args):
    return main([str(a) for a in args])


def fit(data, output, *more):
    small = ('cutoff=4.2', 'two_body=4', 'three_body=[1,1]', 'terms=2', 'single=3')
    return run('fit', data, '-o', output, '--set', *small, *more)


def test_a_model_that_exists(data, tmp_path, capsys):
    model, link = tmp_path / 'm.vv', tmp_path / 'link.vv'
    model.write_text('mine')
    link.symlink_to(model)
    assert fit(data, model) == 1
    assert fit(data, link) == 1
    assert capsys.readouterr().err.count('exists already; give another name, or --overwrite') == 2
    assert model.read_text() == 'mine'
    assert fit(data, link, '--overwrite') == 0
    assert link.is_symlink()
    assert VVPotential.load(model).elements == ('Li',)
    assert fit(data, '/dev/null') == 0
    assert not list(tmp_path.glob('*.part'))


def test_the_training_file_is_never_the_output(data, capsys):
    before = data.read_bytes()
    for command in (
        ['fit', data, '-o', data, '--overwrite'],
        ['fit', f'{data}@0:3', '-o', data, '--overwrite'],
        ['fit', data, '-o', data.with_name('m.vv'), '--parity', data, '--overwrite'],
        ['evaluate', data, '--json', data],
    ):
        assert run(*command) == 1
        assert 'is one of the files to read' in capsys.readouterr().err
    assert data.read_bytes() == before


def test_labels_are_not_read_from_what_they_replace(data, tmp_path, capsys):
    folder = tmp_path / 'labels'
    assert run('label', data, '-o', folder, '--calculator', 'vv') == 0
    before = (folder / 'labelled.extxyz').read_bytes()
    assert run('label', f'{folder}/labelled.extxyz@0', '-o', folder, '--calculator', 'vv') == 1
    assert 'is one of the files to read' in capsys.readouterr().err
    assert (folder / 'labelled.extxyz').read_bytes() == before
    assert run('label', data, '-o', folder, '--calculator', 'emt') == 1
    assert 'calculator: "vv" before, "emt" now' in capsys.readouterr().err


def test_a_users_file_beside_the_model(data, tmp_path, capsys):
    """The checkpoint of a fit stands beside its output; a user's file of that name is kept."""
    (tmp_path / 'm.vv.part').write_text('mine')
    assert fit(data, tmp_path / 'm.vv') == 1
    assert 'is not a checkpoint' in capsys.readouterr().err
    assert (tmp_path / 'm.vv.part').read_text() == 'mine'
