"""Nothing of a user is lost: a write that fails or is refused leaves the file as it was, and nothing beside it."""

import os
import stat
import sys

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import read, write
from matplotlib.figure import Figure

from ase_mlffvv import VVSpec, fit
from ase_mlffvv.errors import CheckpointError, TrajectoryError
from ase_mlffvv.fitting.checkpoint import FitCheckpoint
from ase_mlffvv.fitting.information import NormalMatrix
from ase_mlffvv.fitting.surroundings import KnownSurroundings
from ase_mlffvv.io.archive import save_archive
from ase_mlffvv.io.checkpoint import load_checkpoint, save_checkpoint
from ase_mlffvv.io.files import save_figure, save_json
from ase_mlffvv.io.packed.frames import append_frame, write_mlffvv_packed
from ase_mlffvv.io.pwmat.atom_config import write_pwmat_config
from ase_mlffvv.io.pwmat.etot_input import write_etot_input
from ase_mlffvv.io.pwmat.movement import write_pwmat_movement
from ase_mlffvv.io.pwmat.solvent_input import write_solvent_input
from ase_mlffvv.jobs import record
from ase_mlffvv.jobs.folder import JobFolder
from ase_mlffvv.labelling.store import save_structures
from ase_mlffvv.model import VVPotential

from ..io.pwmat import files as pwmat
from ..toys import random_potential

NAN = Atoms('Li', [[0, 0, np.nan]], cell=[3, 3, 3], pbc=True)
NAMED = Atoms('Li')
NAMED.arrays['name'] = np.array(['a'])


def model(card):
    potential = random_potential(cubic=False)
    potential.card.update(card)
    return potential


def labelled_then_bad():
    frames = pwmat.labelled(2)
    frames[1].positions[0] = np.nan
    return frames


def normal(matrix):
    return NormalMatrix('f', matrix, KnownSurroundings((), (), ()))


def twice(path):
    """A generator of structures that fails at the second one."""
    yield bulk('Li')
    raise KeyboardInterrupt


ROWS = [
    ('a model with a card that JSON cannot hold', lambda p: model({'x': object()}).save(p), TypeError),
    ('a model that is interrupted', lambda p: save_archive(p, {}, {'a': np.array([{}])}), TypeError),
    ('a normal matrix of objects', lambda p: normal(np.array([[None]])).save(p), TypeError),
    ('a packed trajectory with NaN', lambda p: write_mlffvv_packed(p, NAN), ValueError),
    ('a packed trajectory with text', lambda p: write_mlffvv_packed(p, [bulk('Li'), NAMED]), TypeError),
    ('a packed trajectory that is interrupted', lambda p: write_mlffvv_packed(p, twice(p)), KeyboardInterrupt),
    ('a packed trajectory without precision', lambda p: write_mlffvv_packed(p, bulk('Li'), precision=0), ValueError),
    ('a frame at the end of another file', lambda p: append_frame(p, bulk('Li')), TrajectoryError),
    ('a checkpoint of objects', lambda p: save_checkpoint(p, 'x', {'a': np.array([{}])}, {}), TypeError),
    ('a checkpoint of no data', lambda p: save_checkpoint(p, 'x', {}, {'a': {1, 2}}), TypeError),
    ('JSON with NaN', lambda p: save_json(p, {'a': np.nan}), ValueError),
    ('JSON with NaN and a checksum', lambda p: save_json(p, {'a': np.nan}, checksum=True), TypeError),
    ('a figure of an unknown format', lambda p: save_figure(Figure(), p), ValueError),
    ('structures that are interrupted', lambda p: save_structures(p, twice(p)), KeyboardInterrupt),
    ('atom.config with NaN', lambda p: write_pwmat_config(p, NAN), ValueError),
    ('atom.config without a cell', lambda p: write_pwmat_config(p, Atoms('Li')), ValueError),
    ('MOVEMENT with NaN', lambda p: write_pwmat_movement(p, labelled_then_bad()), ValueError),
    ('MOVEMENT without labels', lambda p: write_pwmat_movement(p, bulk('Li')), ValueError),
    ('etot.input without a job', lambda p: write_etot_input(p, {'ECUT': 50}), ValueError),
    ('IN.SOLVENT with an unknown key', lambda p: write_solvent_input(p, {'DIELECTRIK': 1}), ValueError),
    ('the checkpoint of a fit', lambda p: fit([bulk('Li')], VVSpec('Li'), checkpoint=p), CheckpointError),
    ('the checkpoint of a fit, later', lambda p: FitCheckpoint(p, {}, 'f').save(random_potential().blocks),
     CheckpointError),
    ('a folder of a job', lambda p: JobFolder(p, 'job.json', {}, what='a job').__enter__(), FileExistsError),
]  # fmt: skip


@pytest.mark.parametrize(('action', 'error'), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_file_of_before_is_kept(tmp_path, action, error):
    path = tmp_path / 'mine.tea'
    path.write_bytes(b'mine')
    with pytest.raises(error):
        action(path)
    assert path.read_bytes() == b'mine'
    assert [p.name for p in tmp_path.iterdir()] == ['mine.tea']


@pytest.mark.parametrize(('action', 'error'), [row[1:] for row in ROWS if 'append' not in row[0]][:20],
                         ids=[row[0] for row in ROWS][:20])  # fmt: skip
def test_no_half_file_appears(tmp_path, action, error):
    path = tmp_path / 'mine.tea'
    if action is ROWS[7][1]:
        pytest.skip('appends to an existing file')
    with pytest.raises(error):
        action(path)
    assert not list(tmp_path.iterdir())


def test_the_model_of_a_user_is_no_checkpoint(tmp_path, caplog):
    path = tmp_path / 'mine.vv'
    random_potential(cubic=False).save(path)
    whole = path.read_bytes()
    with pytest.raises(CheckpointError, match=r"mine.vv' is not a checkpoint .* It stays as it is"):
        fit([bulk('Li')], VVSpec('Li'), checkpoint=path)
    state = FitCheckpoint(path, {}, 'f')  # as if the file had appeared after the fit began
    with pytest.raises(CheckpointError, match="mine.vv' was written by another program while this fit was running"):
        state.save(random_potential(cubic=False).blocks)
    state.remove()
    assert "mine.vv' is not the checkpoint of this fit and is kept" in caplog.text
    assert path.read_bytes() == whole
    own = FitCheckpoint(tmp_path / 'own', {}, 'f')
    own.save(random_potential(cubic=False).blocks)
    other = FitCheckpoint(tmp_path / 'own', {}, 'another')
    other.remove()
    assert (tmp_path / 'own').exists()
    own.remove()
    assert not (tmp_path / 'own').exists()


@pytest.mark.parametrize('name', ['/dev/null', '/dev/full', 'folder'])
def test_what_is_not_a_file_is_no_checkpoint(tmp_path, name):
    path = name if name[0] == '/' else tmp_path
    with pytest.raises(CheckpointError, match='is not a regular file, so not a checkpoint; give another name'):
        load_checkpoint(path, 'fit')
    with pytest.raises(CheckpointError, match='is not a regular file'):
        fit([bulk('Li')], VVSpec('Li'), checkpoint=path)


@pytest.mark.skipif(sys.platform != 'linux', reason='devices are those of Linux')
@pytest.mark.parametrize('save', [
    lambda path: random_potential(cubic=False).save(path),
    lambda path: normal(np.eye(2)).save(path),
    lambda path: write_mlffvv_packed(path, bulk('Li')),
    lambda path: save_json(path, {}),
    lambda path: save_figure(Figure(), path),
    lambda path: write_pwmat_config(path, bulk('Li')),
], ids=['model', 'normal matrix', 'trajectory', 'JSON', 'figure', 'atom.config'])  # fmt: skip
def test_device_nodes_stay_device_nodes(save):
    save('/dev/null')
    assert stat.S_ISCHR(os.stat('/dev/null').st_mode)
    with pytest.raises(OSError, match='No space left'):
        save('/dev/full')
    assert stat.S_ISCHR(os.stat('/dev/full').st_mode)


def test_links_are_followed(tmp_path):
    for name, save, load in (
        ('m.vv', random_potential(cubic=False).save, VVPotential.load),
        ('t.vvtraj', lambda path: write_mlffvv_packed(path, bulk('Li')), read),
        ('a.extxyz', lambda path: save_structures(path, [bulk('Li')]), read),
    ):
        (tmp_path / f'link-{name}').symlink_to(tmp_path / name)
        save(tmp_path / f'link-{name}')
        assert (tmp_path / f'link-{name}').is_symlink()
        assert load(tmp_path / name) is not None


def test_files_beside_those_of_a_job_are_kept(tmp_path):
    write(tmp_path / 'mine.extxyz', bulk('Li'))
    with pytest.raises(FileExistsError, match=r'not empty .*found mine.extxyz.*Give a new folder'):
        JobFolder(tmp_path, 'job.json', {}, what='a job', writes=('*.csv',)).__enter__()
    with JobFolder(tmp_path, 'job.json', {}, what='a job', writes=('*.csv',), overwrite=True):
        pass
    assert (tmp_path / 'mine.extxyz').exists()


@pytest.mark.parametrize('change', [
    lambda text: text[: len(text) // 2],
    lambda text: text.replace('0', '7'),
    lambda text: '',
    lambda text: text.splitlines()[0] + '\n',
], ids=['cut', 'edited', 'empty', 'head only'])  # fmt: skip
def test_a_table_is_written_again_from_its_state(tmp_path, change):
    pytest.importorskip('pandas')
    from mlffvv_analysis.timeline import timeline

    frames, table = tmp_path / 't.extxyz', tmp_path / 't.csv'
    write(frames, [bulk('Li', cubic=True) * (2, 2, 2)] * 2)
    options = {'observables': ('motion',), 'frame_time_ps': 0.5, 'progress': False}
    first = timeline(frames, table, **options)
    whole = table.read_text()
    table.write_text(change(whole))
    assert timeline(frames, table, **options).equals(first)
    assert table.read_text() == whole


@pytest.mark.parametrize('change', [
    lambda text: text[:-6],
    lambda text: text.replace('step,', 'stop,'),
    lambda text: text.replace('250.0', '25O.0'),
], ids=['cut', 'a column', 'a number'])  # fmt: skip
def test_a_damaged_log_is_named(tmp_path, change):
    text = ','.join(record.COLUMNS) + '\n' + ','.join(['250.0'] * len(record.COLUMNS)) + '\n'
    (tmp_path / 'log.csv').write_text(text)
    assert record.read_log(tmp_path)['step'].tolist() == [250]
    (tmp_path / 'log.csv').write_text(change(text))
    with pytest.raises(ValueError, match=r"log.csv' is damaged: a line or column .*Resume the run"):
        record.read_log(tmp_path)
