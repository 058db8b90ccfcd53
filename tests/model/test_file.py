"""Model files: identity, and a message for everything that can be wrong with one."""

import json
import zipfile

import numpy as np
import pytest

from ase_mlffvv.errors import VVFileError
from ase_mlffvv.model import VVPotential, VVSpec, find_potential
from ase_mlffvv.model.file import FORMAT

from ..toys import random_potential


@pytest.mark.parametrize('pair', [None, 'own', 'original'])
def test_write_read_identity(tmp_path, pair):
    potential = random_potential(('Li', 'Na'), shared=False, pair=pair)
    potential.card['note'] = 'Å'
    potential.save(tmp_path / 'a.vv')
    again = VVPotential.load(tmp_path / 'a.vv')
    assert again.digest() == potential.digest()
    assert again.card == {'note': 'Å'}
    assert again.elements == ('Li', 'Na')
    np.testing.assert_array_equal(again.blocks[1].terms, potential.blocks[1].terms)
    assert [p.name for p in tmp_path.iterdir()] == ['a.vv']
    assert zipfile.ZipFile(tmp_path / 'a.vv').testzip() is None


def test_interrupted_write_keeps_the_old_file(tmp_path, monkeypatch):
    potential = random_potential()
    potential.save(tmp_path / 'a.vv')
    before = (tmp_path / 'a.vv').read_bytes()

    def fail(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(np.lib.format, 'write_array', fail)
    with pytest.raises(KeyboardInterrupt):
        random_potential(seed=1).save(tmp_path / 'a.vv')
    assert (tmp_path / 'a.vv').read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ['a.vv']


def rewritten(path, change):
    """Rewrite a model file, changing its members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, 'w') as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def test_bad_files(tmp_path):
    path = tmp_path / 'a.vv'
    with pytest.raises(FileNotFoundError, match=r"model file '.*a.vv' does not exist \(working directory"):
        VVPotential.load(path)
    with pytest.raises(FileNotFoundError, match='is a folder'):
        VVPotential.load(tmp_path)
    path.write_text('not a model')
    with pytest.raises(VVFileError, match='not a complete .vv model file'):
        VVPotential.load(path)
    random_potential().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(VVFileError, match='not a complete .vv model file'):
        VVPotential.load(path)


def test_newer_format_and_changed_numbers(tmp_path):
    path = tmp_path / 'a.vv'
    random_potential().save(path)

    def newer(members):
        header = json.loads(members['header.json'])
        members['header.json'] = json.dumps({**header, 'format': FORMAT + 2})

    rewritten(path, newer)
    with pytest.raises(VVFileError, match=rf'a.vv has format {FORMAT + 2}; this version \(.*\) reads up to {FORMAT}'):
        VVPotential.load(path)
    random_potential().save(path)
    other = tmp_path / 'b.vv'
    random_potential(seed=1).save(other)
    coefficients = zipfile.ZipFile(other).read('block0.coefficients.npy')
    rewritten(path, lambda members: members.update({'block0.coefficients.npy': coefficients}))
    with pytest.raises(VVFileError, match='is damaged: its checksum is missing'):
        VVPotential.load(path)
    random_potential().save(path)
    rewritten(path, lambda members: members.pop('block0.shift.npy'))
    with pytest.raises(VVFileError, match='its checksum is missing'):
        VVPotential.load(path)


def test_find_potential(tmp_path):
    potential = random_potential()
    potential.save(tmp_path / 'a.vv')
    assert find_potential(potential) is potential
    assert find_potential(str(tmp_path / 'a.vv')).digest() == potential.digest()
    assert find_potential().elements == ('Li',)
    assert find_potential('li-pbe-2-fast').digest() == find_potential(None).digest()
    with pytest.raises(TypeError, match='must be a path'):
        find_potential(3)


def test_spec():
    spec = VVSpec('Li', cutoff=5.0, terms=10)
    assert spec == VVSpec.from_dict(json.loads(json.dumps(spec.to_dict())))
    assert [f.name for f in spec.features()] == ['cosine2', 'cosine3']
    explicit = VVSpec(['Li', 'Na'], two_body_grid=[[0, 3], [2, 5.5]], three_body=(0, 0))
    assert [f.size(0, 2) for f in explicit.features()] == [4]
    for settings, message in (
        ({'elements': 'Xx'}, 'chemical symbols'),
        ({'elements': ()}, 'chemical symbols'),
        ({'elements': 'Li', 'projection': 'tsne'}, 'must be one of pca, supervised, none'),
        ({'elements': 'Li', 'cutoff': -1}, 'cutoff must be positive'),
        ({'elements': 'Li', 'centres': 'fixed', 'product': 3}, 'defines 4 Gaussians for products'),
        ({'elements': 'Li', 'terms': -1}, 'terms must be a whole number from 0'),
        ({'elements': 'Li', 'two_body': 0, 'three_body': (0, 0)}, 'needs two-body, three-body or density'),
        ({'elements': 'Li', 'grid': 'magic'}, 'grid must be'),
        ({'elements': 'Li', 'nterms': 4}, 'unknown settings nterms; known: .*terms'),
    ):
        with pytest.raises(ValueError, match=message):
            VVSpec.from_dict(settings)
