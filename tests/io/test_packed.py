"""Packed trajectories through ase.io."""

import os

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import iread, read, write
from ase.io.formats import filetype

from ase_mlffvv.errors import TrajectoryError, TrajectoryWarning
from ase_mlffvv.io.packed.frames import append_frame
from ase_mlffvv.structures import column

from ..systems import zoo


def frame(seed, atoms=None):
    rng = np.random.default_rng(seed)
    atoms = column(diameter=3, height=3, box=6) if atoms is None else atoms.copy()
    atoms.rattle(0.2, rng=rng)
    n = len(atoms)
    atoms.info = {'step': seed, 'time_ps': 0.1 * seed}
    atoms.arrays['local_energy'] = -1.9 + 0.1 * rng.random(n)
    atoms.arrays['coordination'] = rng.integers(0, 15, n)
    atoms.arrays['image'] = rng.integers(-300, 300, (n, 3))
    atoms.arrays['move'] = rng.normal(size=(n, 3))
    atoms.arrays['frozen'] = rng.random(n) > 0.5
    atoms.calc = SinglePointCalculator(atoms, energy=-1.9 * n)
    return atoms


def same(a, b, precision=1e-4):
    assert a.info == b.info
    assert set(a.arrays) == set(b.arrays)
    assert a.get_potential_energy() == b.get_potential_energy()
    np.testing.assert_array_equal(a.numbers, b.numbers)
    np.testing.assert_array_equal(a.pbc, b.pbc)
    np.testing.assert_array_equal(a.cell, b.cell)
    np.testing.assert_allclose(a.positions, b.positions, rtol=0, atol=0.5001 * precision)
    for name in ('tags', 'coordination', 'image', 'frozen'):
        if name in b.arrays:
            np.testing.assert_array_equal(a.arrays[name], b.arrays[name])
    for name in ('local_energy', 'move'):
        np.testing.assert_allclose(a.arrays[name], b.arrays[name], rtol=1e-7)


def test_frames_come_back(tmp_path):
    path = tmp_path / 'a.vvtraj'
    frames = [frame(k) for k in range(50)]
    write(path, frames[:45])
    for atoms in frames[45:]:
        append_frame(path, atoms)
    for a, b in zip(read(path, ':'), frames):
        same(a, b)
    same(read(path), frames[-1])
    same(read(path, 7), frames[7])
    assert [atoms.info['step'] for atoms in iread(path, '10:40:10')] == [10, 20, 30]
    assert path.stat().st_size < 40 * sum(len(atoms) for atoms in frames)
    assert filetype(str(path.rename(tmp_path / 'other'))) == 'mlffvv-packed'


@pytest.mark.parametrize('name', zoo())
def test_any_cell(tmp_path, name):
    path = tmp_path / 'a.vvtraj'
    atoms = frame(1, zoo()[name])
    write(path, atoms, precision=1e-6)
    same(read(path), atoms, 1e-6)


def test_going_back(tmp_path):
    """What was appended after a checkpoint is cut off by its number of bytes."""
    path = tmp_path / 'a.vvtraj'
    frames = [frame(k, column(diameter=2, height=1, box=4, substrate_layers=2)) for k in range(12)]
    for atoms in frames[:8]:
        append_frame(path, atoms)
    size = path.stat().st_size
    for atoms in frames[8:]:
        append_frame(path, atoms)
    whole = path.read_bytes()
    os.truncate(path, size)
    assert len(read(path, ':')) == 8
    for atoms in frames[8:]:
        append_frame(path, atoms)
    assert path.read_bytes() == whole


def test_an_incomplete_frame_is_left_out_and_replaced(tmp_path, caplog):
    path = tmp_path / 'a.vvtraj'
    frames = [frame(k, column(diameter=2, height=1, box=4, substrate_layers=2)) for k in range(3)]
    write(path, frames[:2])
    size = path.stat().st_size
    append_frame(path, frames[2])
    whole = path.read_bytes()
    for cut in (size + 1, size + 30, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.warns(TrajectoryWarning, match=rf"a.vvtraj': frame 2 \(at byte {size}\) is cut off and left out"):
            assert len(read(path, ':')) == 2
        append_frame(path, frames[2])
        assert path.read_bytes() == whole
    assert caplog.text.count('frame 2 was incomplete') == 3


def test_a_file_is_replaced_only_when_the_new_one_is_complete(tmp_path):
    path = tmp_path / 'a.vvtraj'
    write(path, frame(0))
    before = path.read_bytes()
    with pytest.raises(ValueError, match='cannot be stored'):
        write(path, [frame(1), Atoms('Li', [[0, 0, np.nan]])])
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ['a.vvtraj']


def test_frames_are_read_as_far_as_they_are_sound(tmp_path):
    path = tmp_path / 'a.vvtraj'
    write(path, [frame(k, column(diameter=2, height=1, box=4, substrate_layers=2)) for k in range(4)])
    with pytest.raises(IndexError, match='has 4 frames, there is no frame 99'):
        read(path, 99)
    content = bytearray(path.read_bytes())
    content[len(content) * 5 // 8] ^= 1  # in frame 2
    path.write_bytes(content)
    assert len(read(path, ':2')) == 2
    assert read(path).info['step'] == read(path, '3:')[0].info['step'] == 3
    with pytest.raises(TrajectoryError, match='frame 2 .* is damaged: its content does not match its checksum'):
        read(path, ':')


def test_messages(tmp_path):
    path = tmp_path / 'a.vvtraj'
    with pytest.raises(ValueError, match='precision must be positive'):
        write(path, Atoms('Li'), precision=0)
    with pytest.raises(ValueError, match='cannot be stored with a precision of 1e-06'):
        write(path, Atoms('Li', [[0, 0, 1e5]]), precision=1e-6)
    with pytest.raises(ValueError, match='cannot be stored'):
        write(path, Atoms('Li', [[0, 0, np.nan]]))
    named = Atoms('Li')
    named.arrays['name'] = np.array(['a'])
    with pytest.raises(TypeError, match='use extxyz'):
        write(path, named)
    assert not path.exists()
