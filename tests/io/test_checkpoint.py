"""Checkpoints come back as they were saved, or not at all."""

import numpy as np
import pytest

from ase_mlffvv.errors import CheckpointError
from ase_mlffvv.io.checkpoint import load_checkpoint, previous, save_checkpoint

ARRAYS = {'positions': np.random.default_rng(0).normal(size=(20, 3)), 'numbers': np.arange(20, dtype=np.int32),
          'names': np.array(['Li', 'Na']), 'none': np.zeros((0, 3)), 'on': np.array(True),
          'big': np.arange(3, dtype='>f8'), 'turned': np.arange(6.0).reshape(2, 3).T}  # fmt: skip
DATA = {'step': 200, 'thermostat_work': 0.1, 'text': 'Å'}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / 'checkpoint'
    save_checkpoint(path, 'test', ARRAYS, DATA)
    return path


def test_round_trip(path):
    arrays, data = load_checkpoint(path, 'test')
    assert data == DATA
    assert list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].shape == array.shape
        assert arrays[name].dtype == array.dtype.newbyteorder('=')
    arrays['positions'] += 1  # its own memory
    assert b'pickle' not in path.read_bytes()


def test_any_flipped_bit_is_refused(path):
    content = path.read_bytes()
    rng = np.random.default_rng(1)
    bits = [
        *range(64),
        *rng.choice(8 * len(content), 400, replace=False),
        *range(8 * len(content) - 64, 8 * len(content)),
    ]
    for bit in bits:
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match='checkpoint'):
            load_checkpoint(path, 'test')


def test_cut_and_longer_files_are_refused(path):
    content = path.read_bytes()
    for size in [*range(0, 80), *range(80, len(content), 37), len(content) - 1]:
        path.write_bytes(content[:size])
        with pytest.raises(CheckpointError, match='damaged'):
            load_checkpoint(path, 'test')
    path.write_bytes(content + b'\0')
    with pytest.raises(CheckpointError, match=r'does not match its checksum.*remove it to start anew'):
        load_checkpoint(path, 'test')


def test_the_one_before_is_kept(path):
    for step in (300, 400):
        save_checkpoint(path, 'test', {}, {'step': step}, keep_previous=True)
    assert load_checkpoint(path, 'test') == ({}, {'step': 400})
    assert load_checkpoint(previous(path), 'test') == ({}, {'step': 300})
    path.write_bytes(b'')
    with pytest.raises(CheckpointError):
        load_checkpoint(path, 'test')
    path.write_bytes(previous(path).read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=r"from the checkpoint before, rename '.*checkpoint.previous'"):
        load_checkpoint(path, 'test')
    assert sorted(p.name for p in path.parent.iterdir()) == ['checkpoint', 'checkpoint.previous']


def test_what_is_no_checkpoint(path, tmp_path):
    with pytest.raises(CheckpointError, match=r"another kind of job \('test', expected 'run'\)"):
        load_checkpoint(path, 'run')
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / 'none', 'test')
    before = path.read_bytes()
    with pytest.raises(TypeError, match="array 'x' of the checkpoint has dtype object"):
        save_checkpoint(path, 'test', {'x': np.array([{}])}, {})
    with pytest.raises(TypeError):
        save_checkpoint(path, 'test', {}, {'x': object()})
    assert path.read_bytes() == before
