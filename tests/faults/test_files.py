"""Damaged files: each row is a format, a damage, and the words that the message must hold beside the name of the file.

The exception is the one of the format, see :mod:`.formats`. A sound file is read first, so that a row cannot pass
because of another fault.
"""

import bz2
import gzip
import logging
import lzma
import re

import pytest

from ase_mlffvv.errors import PWmatFileError, PWmatWarning
from ase_mlffvv.io.files import save_json
from ase_mlffvv.io.pwmat.atom_config import read_pwmat_config

from .formats import BY_NAME, FACTS, fresh


class Damage:
    """A damage by name, for the names of the tests."""

    def __init__(self, name, function):
        self.name, self.function = name, function

    def __call__(self, content):
        return self.function(content)

    def __repr__(self):
        return self.name


def replace(old, new, count=1):
    def function(content):
        assert old in content
        return content.replace(old, new, count)

    return Damage(f'{old[:20]!r} to {new[:20]!r}', function)


def cut(end):
    """Cut at a fraction of the size, or at a number of bytes from the end if negative."""
    return Damage(f'cut at {end}', lambda content: content[: end if end < 0 else int(end * len(content))])


def cut_after(text):
    return Damage(f'cut after {text!r}', lambda content: content[: content.rindex(text) + len(text)])


def flip(part):
    """Flip a bit at a fraction of the size."""

    def function(content):
        k = int(part * len(content))
        return content[:k] + bytes([content[k] ^ 1]) + content[k + 1 :]

    return Damage(f'flip at {part}', function)


def becomes(content):
    return Damage(f'becomes {content[:20]!r}', lambda _: content)


EMPTY, TEXT, ZEROS, MORE = becomes(b''), becomes(b'Lithium\n'), becomes(bytes(200)), Damage('more', lambda c: c + b'\0')
NEST = becomes(b'{"a":' + b'[' * 100_000)


def without(*names):
    """Remove lines that contain one of some words."""
    return Damage(
        f'without {", ".join(names)}',
        lambda content: b'\n'.join(line for line in content.split(b'\n') if not any(n.encode() in line for n in names)),
    )


BINARY = [
    ('.vv', EMPTY, 'not a complete .vv model file'),
    ('.vv', TEXT, 'not a complete .vv model file'),
    ('.vv', ZEROS, 'not a complete .vv model file'),
    ('.vv', cut(0.5), 'not a complete .vv model file'),
    ('.vv', cut(-1), 'not a complete .vv model file|damaged'),
    ('.vv', MORE, 'checksum is missing|not a complete'),
    *(('.vv', flip(part), 'does not match its checksum. Copy it again') for part in (0.0, 0.01, 0.3, 0.6, 0.95)),
    ('.vv', flip(0.9999), 'is damaged: the content does not match its checksum'),
    ('normal.npz', EMPTY, 'write it again'),
    ('normal.npz', TEXT, 'is not a normal matrix or is damaged'),
    ('normal.npz', cut(0.7), 'write it again'),
    ('normal.npz', flip(0.5), 'does not match its checksum'),
    ('normal.npz', MORE, 'its checksum is missing'),
    ('.vvtraj', EMPTY, 'has no complete frame'),
    ('.vvtraj', TEXT, "is not a packed trajectory, or its beginning is damaged: it begins with b'Lithium"),
    ('.vvtraj', becomes(b'- of Ulmmlffvv-packed'), 'version 1, which had no checksums.*ase convert'),
    ('.vvtraj', flip(0.0), 'beginning is damaged'),
    ('.vvtraj', cut(0.1), 'has no complete frame'),
    ('.vvtraj', flip(0.1), 'frame 0 .* is damaged: its content does not match its checksum. Copy the file again'),
    ('.vvtraj', flip(0.6), r"frame 2 .* the other frames can be read \(ase.io.read\(..., '3:'\)\)"),
    ('.vvtraj', flip(0.9999), 'frame 3 .* is damaged'),
    ('.vvtraj', Damage('twice', lambda c: 2 * c), 'frame 4 .* its beginning does not match its checksum'),
    *((name, EMPTY, 'is not a checkpoint') for name in ('checkpoint.state', 'checkpoint of a fit', 'timeline.state')),
    *((name, TEXT, 'remove it to start anew') for name in ('checkpoint.state', 'checkpoint of a fit')),
    *((name, cut(0.5), 'is damaged or cut off') for name in ('checkpoint.state', 'checkpoint of a fit')),
    *((name, MORE, 'does not match its checksum') for name in ('checkpoint.state', 'timeline.state')),
    *((name, flip(part), 'checkpoint|checksum') for part in (0.001, 0.04, 0.5, 0.999)
      for name in ('checkpoint.state', 'checkpoint of a fit', 'timeline.state')),
]  # fmt: skip
JSON = [
    *((name, damage, words) for name in ('settings.json', 'label.json', 'round.json') for damage, words in [
        (EMPTY, 'is damaged, or is not JSON'),
        (TEXT, 'is damaged, or is not JSON'),
        (ZEROS, 'is damaged, or is not JSON'),
        (becomes(b'["tea"]'), 'is damaged: it contains list, expected a dict'),
        (becomes(b'{}'), 'is damaged'),
        (becomes(b'\xff\xfe{}'), 'is damaged'),
        (NEST, 'is damaged'),
        (cut(0.5), 'is damaged, or is not JSON'),
        (replace(b'"checksum"', b'"cheksum"'), 'its checksum is missing'),
        (replace(b'": "', b'": "x'), 'does not match its checksum, so that it was changed'),
    ] if (name, damage.name) != ('round.json', "becomes b'{}'")),
    ('settings.json', replace(b'5000', b'6000'), 'Undo the change, or give a new folder, or --overwrite'.lower()),
    ('settings.json', replace(b'2.0', b'4.0'), 'does not match its checksum'),
    ('settings.json', replace(b'5000', b'NaN'), 'it contains NaN'),
    ('settings.json', replace(b'5000', b'-Infinity'), 'it contains -Infinity'),
    ('settings.json', replace(b'"format": 2', b'"format": 1'), 'does not match its checksum'),
    ('settings.json', replace(b'"format": 2', b'"format": true'), 'does not match its checksum'),
    ('settings.json', without('identity'), 'does not match its checksum'),
    ('label.json', replace(b'"seed": 3', b'"seed": 4'), 'does not describe labels'),
    ('round.json', replace(b'0.0125', b'0.0025'), 'Remove it: the round is summarized again'),
    ('cut_outs.extxyz', EMPTY, 'was changed or damaged after it was written.*remove it to compute it again'),
    ('cut_outs.extxyz', cut(-1), 'does not match its checksum in settings.json'),
    ('cut_outs.extxyz', flip(0.5), 'does not match its checksum'),
]  # fmt: skip
XYZ = [
    (EMPTY, 'is empty|contains no structures'),
    (Damage('count too large', lambda c: c.replace(b'\n4\n', b'\n5\n', 1)), r'the first line says 5 atoms.* after 4'),
    (Damage('count much too large', lambda c: c.replace(b'4\n', b'400\n', 1)), r'the first line says 400 atoms'),
    (Damage('count too small', lambda c: c.replace(b'4\n', b'3\n', 1)), 'expected a number of atoms, got'),
    (Damage('count of two', lambda c: c.replace(b'\n4\n', b'\n1\n', 1)), 'expected a number of atoms, got'),
    (Damage('count no number', lambda c: c.replace(b'4\n', b'4x\n', 1)), 'expected a number of atoms|damaged'),
    (Damage('count negative', lambda c: c.replace(b'\n4\n', b'\n-4\n', 1)), 'expected a number of atoms'),
    (replace(b' 8 ', b' '), 'atom 0 has 8 columns, its comment .Properties. says 9'),
    (replace(b' 8 ', b' 8 8 '), 'atom 0 has 10 columns'),
    (replace(b'Lattice', b'Lettice'), "'Lettice' stands for 'Lattice' in its comment"),
    (replace(b'Properties', b'Propertiez'), "'Propertiez' stands for 'Properties'"),
    (replace(b' pbc', b' pbb'), "'pbb' stands for 'pbc'"),
    (replace(b'pos:R:3', b'pos:R:x'), r'the columns in its comment \(Properties\) cannot be understood'),
    (replace(b'energy=-', b'energy5-'), 'is not KEY=VALUE'),
    (replace(b'-1.89', b'\r1.89'), 'has control characters'),
    (replace(b'Cu ', b'Cq '), 'Cq'),
    (replace(b'-1.89', b'-1.8x'), 'could not convert string to float'),
    (replace(b'-1.89', b'-1.\xff9'), 'cannot be read'),
]  # fmt: skip
XYZ_CUT = [(cut(-1), 'cut off'), (cut(-30), 'cut off'), (cut(0.5), 'cut off'), (cut(0.9), 'cut off')]
PWMAT = [
    ('MOVEMENT', EMPTY, 'found an empty file'),
    ('MOVEMENT', TEXT, "expected the number of atoms, found 'Lithium'"),
    ('MOVEMENT', replace(b' Force (', b' Forte (', 9), 'expected a force block in the frame that begins here'),
    ('MOVEMENT', without('Force', 'Velocity'), 'rows of|found one more|expected a force block'),
    ('MOVEMENT', replace(b'Etot,Ep,Ek', b'Etot,Ep;Ek'), 'expected Etot,Ep,Ek in the first line'),
    ('MOVEMENT', cut(0.2), 'has no complete frame'),
    ('MOVEMENT', cut(0.45), 'has no complete frame'),
    ('MOVEMENT', cut_after(b' Velocity'), '1 frame'),
    ('MOVEMENT', replace(b'   3 atoms', b'   4 atoms'), 'expected row 4 of 4|found one more'),
    ('MOVEMENT', replace(b'   3 atoms', b'   2 atoms'), 'expected 2 rows of position, found one more'),
    ('MOVEMENT', replace(b'5.000000E-02', b'5.00000 E-02'), 'numbers only'),
    ('atom.config', EMPTY, 'expected the number of atoms'),
    ('atom.config', TEXT, "expected the number of atoms, found 'Lithium'"),
    ('atom.config', cut(-1), 'the last word may be cut off'),
    ('atom.config', cut(-5), 'the last word may be cut off. Copy the file again, or end the line'),
    ('atom.config', cut(0.2), 'the last word may be cut off|cut off'),
    ('atom.config', replace(b'3\n', b'2\n'), 'one more'),
    ('atom.config', replace(b'3\n', b'30000000000\n'), 'expected row|number of atoms in its first line is wrong'),
    ('atom.config', replace(b'POSITION', b'POSITIO'), 'expected a POSITION block'),
    ('atom.config', replace(b'LATTICE', b'LATTIC'), 'expected a LATTICE block|POSITION'),
    ('atom.config', replace(b'\n   3 ', b'\n 300 '), 'expected an atomic number for atom 0'),
    ('OUT.FORCE', EMPTY, 'did not come to its end'),
    ('OUT.FORCE', replace(b'2', b'3'), 'expected rows of 3 atoms, found 2'),
    ('OUT.FORCE', cut(-3), 'may be cut off'),
    ('OUT.FORCE', replace(b'-0.2500000000', 13 * b'*'), 'all finite'),
    ('OUT.ENDIV', EMPTY, 'the constant dE'),
    ('OUT.ENDIV', cut(-4), 'may be cut off'),
    ('OUT.ENDIV', replace(b'   3 ', b'   4 '), 'different from atom 0 on'),
    ('OUT.STRESS', EMPTY, 'stress tensor'),
    ('OUT.STRESS', cut(0.6), 'cut off|stress tensor'),
    ('REPORT', EMPTY, "expected a line 'E_tot"),
    ('REPORT', replace(b'720000E+03', b'7200 0E+03'), 'E_tot and its change, two numbers'),
    ('REPORT', replace(b'-.38753996720000E+03', 20 * b'*'), 'the energy, all finite'),
    ('RELAXSTEPS', EMPTY, 'found an empty file'),
    ('RELAXSTEPS', cut(0.3), 'The file is cut off'),
    ('RELAXSTEPS', replace(b'M_F=', b'N_F='), 'expected max_force in step 0 as in others'),
    ('RELAXSTEPS', replace(b'NEW', b'N\xffW'), 'expected text'),
    ('MDSTEPS', EMPTY, 'found an empty file'),
    ('MDSTEPS', replace(b'Etot,Ep', b'Etot;Ep'), 'expected total_energy in step 0'),
    ('MDSTEPS', replace(b'=    2.0', b'=  0 2.0'), 'expected 1 numbers after Iter'),
    ('etot.input', EMPTY, 'NODE1 and NODE2'),
    ('etot.input', cut(-1), 'may be cut off'),
    ('etot.input', replace(b'ECUT =', b'ECUT '), 'expected KEY = value'),
    ('IN.SOLVENT', cut(-2), 'may be cut off'),
    ('IN.SOLVENT', replace(b'SURFACE_TENSION =', b'DIELECTRIC_CONST ='), 'DIELECTRIC_CONST once'),
]  # fmt: skip
ROWS = [*BINARY, *JSON, *((name, *row) for name in ('extxyz, analysis', 'extxyz, labels') for row in XYZ),
        *(('extxyz, labels', *row) for row in XYZ_CUT), *(row for row in PWMAT if row[2] != '1 frame')]  # fmt: skip


@pytest.mark.filterwarnings('ignore::ase_mlffvv.errors.TrajectoryWarning', 'ignore::ase_mlffvv.errors.PWmatWarning')
@pytest.mark.parametrize(
    ('name', 'damage', 'words'), ROWS, ids=lambda x: x if isinstance(x, str) and len(x) < 20 else None
)
def test_damaged_files_are_named(tmp_path, name, damage, words):
    kind = BY_NAME[name]
    path, _ = fresh(kind, tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    before = path.read_bytes()
    error = (kind.error, ValueError) if damage is EMPTY and name == 'extxyz, analysis' else kind.error
    with pytest.raises(error, match=f'(?is){words}') as caught:
        kind.read(path)
    assert path.name in str(caught.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize(('damage', 'frames'), [(cut(-1), 2), (cut(-40), 2), (cut(0.5), 1), (cut(0.2), 0)], ids=repr)
def test_a_trajectory_that_is_still_being_written(tmp_path, caplog, damage, frames):
    kind = BY_NAME['extxyz, analysis']
    path, whole = fresh(kind, tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    assert kind.read(path) == whole[:frames]
    assert 'the last frame' in caplog.text
    assert 'is left out: it is still being written, or the file was cut off' in caplog.text


@pytest.mark.filterwarnings('ignore::ase_mlffvv.errors.PWmatWarning')
def test_a_movement_that_is_cut_off_or_incomplete(tmp_path):
    kind = BY_NAME['MOVEMENT']
    path, whole = fresh(kind, tmp_path)
    text = path.read_bytes()
    path.write_bytes(cut_after(b' Velocity')(text))
    with pytest.warns(PWmatWarning, match=r'MOVEMENT line \d+: .*the last frame is cut off and left out'):
        assert kind.read(path) == whole[:1]
    one = text[: text.index(b'-----\n') + 6]
    path.write_bytes(one[: one.index(b'Atomic-Energy')])
    with pytest.warns(PWmatWarning, match='the only frame does not end with a line of dashes: it may be cut off'):
        assert len(kind.read(path)) == 1
    second = text[len(one) :]
    for part, words in ((b' Velocity', 'a velocity block'), (b' Force', 'a force block'), (b'Iteration', 'a time')):
        path.write_bytes(one + second.replace(part, part[:-1] + b'?', 1))
        with pytest.raises(PWmatFileError, match=f'MOVEMENT line .* expected .*{words}.* found none'):
            kind.read(path)
    path.write_bytes(one.replace(b' Velocity', b' Velocita') + second)
    with (
        pytest.warns(PWmatWarning, match='the block .*Velocita.* is not known'),
        pytest.raises(PWmatFileError, match='a velocity block, which the first frame lacks'),
    ):
        kind.read(path)


RECORDS = [
    (becomes(b''), 'is not JSON'),
    (becomes(b'[1, 2]'), 'it contains list, expected a dict'),
    (replace(b'"energy": ', b'"energy": 1'), 'does not match its checksum'),
    ({'status': 'begun'}, "its status is 'begun'"),
    ({'hash': 'x'}, 'it belongs to another structure'),
    ({'forces': [[0.0, 0.0, 0.0]]}, r'forces must be finite numbers of shape \(4, 3\)'),
    ({'forces': None}, 'forces'),
    ({'energy': 'x'}, 'energy is not numeric'),
    ({'energies': [1.0]}, r'energies must be finite numbers of shape \(4,\)'),
    ({'stress': [[1, 2], [3]]}, 'stress is not numeric'),
    ({'extra': [1]}, 'extra must be numbers, or rows for all atoms'),
    ({'extra': {'surface': [1.0]}}, 'extra must be numbers, or rows for all atoms'),
    ({'code': ...}, 'code is missing'),
    ({'seconds': ..., 'safe': ...}, 'seconds, safe is missing'),
    ({'status': 'failed', 'reason': 3}, 'the reason of the failure is missing'),
]


@pytest.mark.parametrize(('damage', 'words'), RECORDS, ids=lambda x: x if isinstance(x, str) else None)
def test_damaged_labels_are_computed_again(tmp_path, caplog, damage, words):
    kind = BY_NAME['result.json']
    path, record = fresh(kind, tmp_path)
    if isinstance(damage, dict):
        record = {**record, 'hash': FACTS['hash'], **damage}
        save_json(path, {name: value for name, value in record.items() if value is not ...}, checksum=True)
    else:
        path.write_bytes(damage(path.read_bytes()))
    with caplog.at_level(logging.WARNING), pytest.raises(kind.error):
        kind.read(path)
    assert re.search(f"result.json' is damaged.*{words}.*The structure is computed again", caplog.text, re.S)


@pytest.mark.parametrize('suffix', ['gz', 'bz2', 'xz'])
@pytest.mark.parametrize('damage', [cut(0.5), flip(0.5), cut(-2)], ids=repr)
def test_damaged_compressed_files(tmp_path, suffix, damage):
    path, _ = fresh(BY_NAME['atom.config'], tmp_path)
    opener = {'gz': gzip.open, 'bz2': bz2.open, 'xz': lzma.open}[suffix]
    packed = tmp_path / f'atom.config.{suffix}'
    with opener(packed, 'wb') as file:
        file.write(path.read_bytes())
    packed.write_bytes(damage(packed.read_bytes()))
    with pytest.raises(PWmatFileError, match=r'atom.config.* (is damaged|expected)'):
        read_pwmat_config(packed)
