"""Random damage: flipped bits, cut files, and edits found by hypothesis. ``flips.py`` does many more.

All of it takes less than a minute. Cases that were found are in ``FOUND`` and in the tables of test_files.py.
"""

import tempfile
from functools import cache

import pytest
from ase.calculators.calculator import ReadError

pytest.importorskip('hypothesis')
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from .flips import BAD, count_outcomes, outcome
from .formats import BY_NAME, FORMATS, fresh

# format, part of the content, what it became: in silence, or with an error of a library
FOUND = [
    ('MOVEMENT', b'5.000000E-02', b'5.00000 E-02'),
    ('REPORT', b'720000E+03', b'7200 0E+03'),
    ('MDSTEPS', b'Etot,Ep', b'Etot<Ep'),
    ('RELAXSTEPS', b'NEW', b'\xceEW'),
    ('extxyz, labels', b'Lattice', b'Lettice'),
    ('extxyz, labels', b' energy', b'$energy'),
    ('extxyz, analysis', b'-1.89', b'\r1.89'),
    ('extxyz, analysis', b'energy=', b'energy}'),
    ('settings.json', b'"checksum"', b'"chepksum"'),
    ('result.json', b'"format": 2', b'"fosmat": 2'),
]


@pytest.mark.parametrize('kind', FORMATS, ids=lambda kind: kind.name)
def test_flips_and_cuts(kind):
    number = 60 if kind.text else 100
    counts, examples = count_outcomes(kind, number, seed=1)
    assert not any(counts[name] for name in BAD), examples
    assert counts['named'] > number // 4


@pytest.mark.parametrize(('name', 'old', 'new'), FOUND)
def test_found_cases(tmp_path, name, old, new):
    kind = BY_NAME[name]
    path, expected = fresh(kind, tmp_path)
    before = path.read_bytes()
    assert old in before
    path.write_bytes(before.replace(old, new, 1))
    assert outcome(kind, path, expected, before)[0] == 'named'


EDITS = st.lists(
    st.tuples(st.sampled_from(['insert', 'delete', 'replace', 'double']), st.floats(0, 1), st.binary(max_size=12)),
    min_size=1,
    max_size=4,
)


def edited(content, edits):
    for what, where, data in edits:
        k = int(where * len(content))
        if what == 'insert':
            content = content[:k] + data + content[k:]
        elif what == 'delete':
            content = content[:k] + content[k + len(data) :]
        elif what == 'replace':
            content = content[:k] + data + content[k + len(data) :]
        else:
            content = content[:k] + content[k : k + 200] + content[k:]
    return content


FAST = settings(max_examples=25, deadline=None, database=None, derandomize=True,
                suppress_health_check=list(HealthCheck))  # fmt: skip


@cache
def sound(kind):
    """Folder, path, what is read and content of a sound file; written once, because some take long to write."""
    folder = tempfile.TemporaryDirectory()
    path, expected = fresh(kind, folder.name)
    return folder, path, expected, path.read_bytes()


def check(kind, change):
    """The error of the format names the file; whatever else can be read is not wrong for formats with a checksum.

    Random text can look like a file of another format, whose error names it.
    """
    _, path, expected, before = sound(kind)
    path.write_bytes(change(before))
    found, error = outcome(kind, path, expected, before)
    foreign = isinstance(error, ReadError) and path.name in str(error)
    assert found != 'raw' or foreign, f'{type(error).__name__}: {error}'
    assert kind.text or found != 'wrong'


@pytest.mark.parametrize('name', list(BY_NAME))
def test_edits(name):
    @FAST
    @given(EDITS)
    @example([('double', 0.0, b'')])
    @example([('delete', 0.5, b'x')])
    @example([('insert', 0.0, b'\0')])
    @example([('insert', 1.0, b'nan')])
    def run(edits):
        check(BY_NAME[name], lambda content: edited(content, edits))

    run()


@pytest.mark.parametrize('name', list(BY_NAME))
def test_any_bytes(name):
    @FAST
    @given(st.binary(max_size=300))
    @example(b'')
    @example(b'\0' * 100)
    @example(b'PK\x05\x06' + bytes(18))
    @example(b'1\nLattice\n1 0 0\n0 1 0\n0 0 1\nPosition\n3 0 0 0')
    @example(b'99999999999999999999\n\n')
    @example(b'3 atoms, Iteration = 1')
    def run(content):
        check(BY_NAME[name], lambda _: content)

    run()


def test_a_damage_that_no_one_notices_is_counted():
    """The fuzzers can fail: a reader without a checksum returns other numbers."""
    kind = BY_NAME['settings.json']
    blind = type(kind)('blind', kind.write, lambda path: path.read_bytes(), ValueError)
    counts, _ = count_outcomes(blind, 20)
    assert counts['wrong'] == 20
