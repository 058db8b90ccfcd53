"""Files that were made to do harm: their checksums are right, but their content is not. And no code in any of them."""

import ast
import hashlib
import io
import json
import pickle
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from ase_mlffvv.errors import CheckpointError, DatasetError, TrajectoryError, VVFileError
from ase_mlffvv.fitting.information import NormalMatrix
from ase_mlffvv.io import archive
from ase_mlffvv.io.checkpoint import MAGIC, load_checkpoint
from ase_mlffvv.io.packed import records
from ase_mlffvv.io.packed.frames import read_mlffvv_packed
from ase_mlffvv.learning import Recipe
from ase_mlffvv.learning.loop_report import report
from ase_mlffvv.model import VVPotential

from ..toys import random_potential

ROOT = Path(__file__).parents[2]


def npy(array=None, *, shape=None, dtype='<f8', data=b''):
    """Content of an npy file; with ``shape``, one that declares this shape."""
    out = io.BytesIO()
    if shape is None:
        np.lib.format.write_array(out, array, allow_pickle=True)
        return out.getvalue()
    np.lib.format.write_array_header_1_0(out, {'descr': dtype, 'fortran_order': False, 'shape': shape})
    return out.getvalue() + data


class Bomb:
    def __reduce__(self):
        return (Path.touch, (Path('opened'),))


def members(path):
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def seal(path, content, method=zipfile.ZIP_DEFLATED, change=lambda content: content):
    """Write an archive with a checksum that is right, whatever its members are."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', method) as file:
        for name, data in content.items():
            file.writestr(name, data)
        file.comment = bytes(archive._SEAL)
    content = change(out.getvalue()[: -archive._SEAL])
    path.write_bytes(content + archive._seal(content))


def header(**changes):
    def function(content):
        found = {**json.loads(content['header.json']), **changes}
        content['header.json'] = json.dumps({name: value for name, value in found.items() if value is not ...})

    return function


def member(name, data):
    def function(content):
        content[name] = data
        if data is None:
            del content[name]

    return function


def method_99(content):
    """Name a compression method that does not exist, in all local and central headers."""
    found = content.replace(b'PK\x03\x04\x14\x00\x00\x00\x08\x00', b'PK\x03\x04\x14\x00\x00\x00\x63\x00')
    return found.replace(b'PK\x01\x02\x14\x03\x14\x00\x00\x00\x08\x00', b'PK\x01\x02\x14\x03\x14\x00\x00\x00\x63\x00')


MODELS = [
    (header(format=4), 'has format 4; this version .* reads up to 3. Update ase-mlffvv'),
    *((header(format=number), f'its format is {number!r}') for number in (0, -1, True, '3', None, 2.5)),
    (header(sha256='0'), 'its numbers do not match their checksum'),
    (header(sha256=...), 'KeyError'),
    (header(elements=['Xx']), 'elements must be chemical symbols'),
    (header(elements=['X']), 'elements must be chemical symbols'),
    (header(elements='Li'), 'elements must be chemical symbols'),
    (header(elements=['Li', 'Na']), 'not a complete'),
    (header(elements=7), 'not a complete'),
    (header(families=['magic']), 'magic'),
    (header(families=[]), 'not a complete|projection'),
    (header(families=[['density']]), 'not a complete'),
    (header(pair_term=3), 'not a complete'),
    (header(card=[]), 'the card a dict'),
    (header(card={'note': 'other'}), None),  # the card does not change results, and the file was sealed with it
    (member('header.json', b'[]'), 'header.json is list'),
    (member('header.json', b'{"a":' + b'[' * 50_000), 'RecursionError|not a complete'),
    (member('header.json', b'\xff'), 'not a complete'),
    (member('header.json', None), 'header.json'),
    (member('block0.shift.npy', None), 'shift'),
    (member('block0.shift.npy', b''), 'not a complete'),
    (member('block0.shift.npy', npy(np.array([Bomb()]))), 'declares object'),
    (member('block0.shift.npy', npy(np.full(6, np.nan))), 'block0.shift holds values that are not finite'),
    (member('block0.coefficients.npy', npy(np.array([np.inf]))), 'not finite'),
    (member('block0.shift.npy', npy(np.zeros(5))), 'shift must have shape'),
    (
        member('block0.shift.npy', npy(shape=(10**12,))),
        r'declares float64 of shape \(1000000000000,\), but holds',
    ),
    (member('block0.shift.npy', npy(shape=(-1,), data=bytes(8))), 'not a complete'),
    (member('block0.shift.npy', npy(shape=(6,), dtype='<U40000000')), 'declares'),
    (member('block0.terms.npy', npy(np.full((29, 5), 99, np.int32))), 'outside of 7 components'),
    (member('family0.l_max.npy', npy(np.array([10**9]))), 'are too many'),
    (member('family0.degree.npy', npy(np.array([10**6, 10**6]))), 'not a complete'),
    (member('family0.degree.npy', npy(np.array([3]))), 'are too many'),
]


@pytest.mark.parametrize(('change', 'words'), MODELS, ids=lambda x: x if isinstance(x, str) and len(x) < 40 else None)
def test_models(tmp_path, monkeypatch, change, words):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / 'm.vv'
    random_potential(cubic=False, families=('density',)).save(path)
    content = members(path)
    change(content)
    seal(path, content)
    if words is None:
        assert VVPotential.load(path).card == {'note': 'other'}
        return
    with pytest.raises(VVFileError, match=rf'(?s)m\.vv.*({words})'):
        VVPotential.load(path)
    assert not Path('opened').exists()


def test_zip_bombs_and_unknown_methods(tmp_path):
    path = tmp_path / 'm.vv'
    random_potential(cubic=False, families=('density',)).save(path)
    content = members(path)
    zeros = npy(np.zeros(30 * 2**20))
    seal(path, {**content, 'bomb.npy': zeros})
    assert path.stat().st_size < 2**20
    for load, error in ((VVPotential.load, VVFileError), (NormalMatrix.load, DatasetError)):
        with pytest.raises(error, match='m.vv.* its members unpack to 240 MiB, more than'):
            load(path)
    seal(path, content, change=method_99)
    with pytest.raises(VVFileError, match='m.vv.*NotImplementedError'):
        VVPotential.load(path)
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_STORED):
        seal(path, content, method)
        assert VVPotential.load(path).elements == ('Li',)
    seal(path, content, change=lambda c: c.replace(b'block0.shift', b'block0.shifs'))
    with pytest.raises(VVFileError, match='m.vv'):
        VVPotential.load(path)


def test_files_of_earlier_formats_are_read(tmp_path):
    path = tmp_path / 'm.vv'
    potential = random_potential(cubic=False, families=('density',))
    potential.save(path)
    content = members(path)
    header(format=2)(content)
    with zipfile.ZipFile(path, 'w') as file:  # without a seal, as they were
        for name, data in content.items():
            file.writestr(name, data)
    assert VVPotential.load(path).digest() == potential.digest()


def checkpoint(path, head, payload=b''):
    head = head if isinstance(head, bytes) else json.dumps(head).encode()
    content = MAGIC + len(head).to_bytes(8, 'little') + head + payload
    path.write_bytes(content + hashlib.sha256(content).digest())


@pytest.mark.parametrize(('head', 'payload'), [
    (b'{', b''), (b'[' * 50_000, b''), (b'7', b''), (b'\xff', b''), ({}, b''),
    ({'kind': 'run', 'data': {}}, b''),
    ({'kind': 'run', 'data': [], 'arrays': []}, b''),
    ({'kind': 'run', 'data': {}, 'arrays': [['a', '|O', [1]]]}, pickle.dumps(Bomb())),
    ({'kind': 'run', 'data': {}, 'arrays': [['a', '<f8', [10**12]]]}, bytes(8)),
    ({'kind': 'run', 'data': {}, 'arrays': [['a', '<f8', [-1]]]}, bytes(8)),
    ({'kind': 'run', 'data': {}, 'arrays': [['a', '<f8', [2]]]}, bytes(8)),
    ({'kind': 'run', 'data': {}, 'arrays': [['a', '<f8', [1]]]}, bytes(16)),
    ({'kind': 'run', 'data': {}, 'arrays': [['a', 'tea', [1]]]}, bytes(8)),
    ({'kind': 'run', 'data': {}, 'arrays': [['a']]}, bytes(8)),
], ids=lambda _: 'row')  # fmt: skip
def test_checkpoints(tmp_path, head, payload):
    checkpoint(tmp_path / 'c.state', head, payload)
    with pytest.raises(CheckpointError, match="c.state' was not written by ase-mlffvv .*remove it to start anew"):
        load_checkpoint(tmp_path / 'c.state', 'run')


def frame(**changes):
    """Content of a record with changes of its header."""
    n = {'numbers': ['<i1', [1]], 'positions': ['<i4', [1, 3]]}
    packed = {'numbers': zlib.compress(b'\3'), 'positions': zlib.compress(bytes(12))}
    head = {'n_atoms': 1, 'precision': 1e-4, 'cell': np.eye(3).tolist(), 'pbc': [True] * 3, 'info': {}, 'energy': None,
            'arrays': [[name, *n[name], len(data)] for name, data in packed.items()], **changes}  # fmt: skip
    head = json.dumps({name: value for name, value in head.items() if value is not ...}).encode()
    return len(head).to_bytes(4, 'little') + head + b''.join(packed.values())


@pytest.mark.parametrize('content', [
    b'', b'\xff\xff\xff\xff', (9).to_bytes(4, 'little') + b'[' * 9, frame(n_atoms=2), frame(precision='a'),
    frame(cell=[1, 2]), frame(arrays=[]), frame(arrays=7), frame(info=...), frame(energy={}),
    frame(arrays=[['numbers', '<i1', [1], 9], ['positions', '<i4', [1, 10**12], 9]]),
    frame(arrays=[['numbers', '<i1', [1], 9], ['positions', '|O', [1, 3], 9]]),
    frame(arrays=[['numbers', '<i1', [1], 9], ['positions', '<i4', [1, -3], 9]]),
    frame(arrays=[['numbers', '<i1', [1], 2**62]]),
    frame(info={'a': {'__ase_objtype__': 'tea'}}),
], ids=lambda _: 'row')  # fmt: skip
def test_frames(tmp_path, content):
    records.append_record(tmp_path / 't.vvtraj', frame())
    records.append_record(tmp_path / 't.vvtraj', content)
    assert len(list(read_mlffvv_packed(tmp_path / 't.vvtraj', slice(0, 1)))) == 1
    with pytest.raises(TrajectoryError, match="t.vvtraj': frame 1 cannot be understood"):
        list(read_mlffvv_packed(tmp_path / 't.vvtraj', 1))


RECIPE = {'structures': [{'file': 'a.extxyz', 'temperature': 300, 'time': 1}], 'calculator': 'emt'}


@pytest.mark.parametrize(('recipe', 'words'), [
    ('{', 'is damaged, or is not JSON'), ('[]', 'expected a dict'), ('{"structures": NaN}', 'it contains NaN'),
    ({'structures': {}}, 'missing entries structures'), ({'structures': 'a'}, 'structures must be a list'),
    ({'structures': ['a']}, 'entries of structures must be dicts'), ({'calculator': 7}, 'calculator must be a str'),
    ({'settings': []}, 'settings must be a dict'), ({'weights': 3}, 'weights must be a dict'),
    ({'train': '/etc/passwd'}, 'lie inside of it'), ({'train': '../a.extxyz'}, "got '../a.extxyz'"),
    ({'train': 3}, 'files are named relative to its folder'),
    ({'structures': [{'file': 'a/../../b', 'temperature': 1, 'time': 1}]}, 'Copy the file into the folder'),
    ({'shell': 'rm'}, 'unknown entries shell'),
], ids=lambda _: 'row')  # fmt: skip
def test_recipes(tmp_path, recipe, words):
    path = tmp_path / 'recipe.json'
    path.write_text(recipe if isinstance(recipe, str) else json.dumps({**RECIPE, **recipe}))
    with pytest.raises(ValueError, match=f"recipe.json'.*{words}"):
        Recipe.read(path)


FORBIDDEN = {'eval', 'exec', '__import__', 'os.system', 'os.popen', 'np.load', 'numpy.load', 'torch.load',
             'pickle.load', 'pickle.loads', 'pandas.read_pickle'}  # fmt: skip
ALLOWED = {  # file -> why
    'ase_mlffvv/export/lammps/mliap.py': 'LAMMPS takes a pickle; it is written, and nothing of the package reads it',
    'ase_mlffvv/labelling/pool.py': 'pickles go to and from own processes through pipes, not through files',
}


def test_no_code_comes_from_files():
    """No pickle, eval, shell or loader that could run code is named in the package."""
    for path in [*ROOT.glob('ase_mlffvv/**/*.py'), *ROOT.glob('analysis/**/*.py')]:
        if str(path.relative_to(ROOT)) not in ALLOWED:
            for node in ast.walk(ast.parse(path.read_text())):
                _check_node(node, path)


def _check_node(node, path):
    where = f'{path}: {ast.unparse(node)}' if isinstance(node, ast.Import | ast.ImportFrom | ast.Call) else ''
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = {alias.name for alias in node.names} | {getattr(node, 'module', None)}
        assert not {'pickle', 'marshal', 'shelve', 'dill', 'joblib', 'yaml'} & names, where
    elif isinstance(node, ast.Call):
        assert ast.unparse(node.func) not in FORBIDDEN, where
        words = {word.arg: ast.unparse(word.value) for word in node.keywords}
        assert words.get('shell', 'False') == words.get('allow_pickle', 'False') == 'False', where


def test_pages_escape_what_comes_from_files(tmp_path):
    evil = '<script>alert(1)</script>'
    recipe = Recipe(structures=[], calculator=evil)
    grades = {'quantiles': {'0.5': 0.1, '1.0': 0.2}, 'above_one': 0.0}
    rounds = [{'round': 0, 'grades': grades, 'seconds': 1.0, 'structures': evil, 'converged': evil}]
    report(tmp_path, recipe, rounds)
    page = (tmp_path / 'report.html').read_text()
    assert '<script>alert' not in page
    assert '&lt;script&gt;' in page
