"""What ase.io makes of the formats: names, contents, and what importing them costs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.io import read, write
from ase.io.formats import filetype, ioformats

from . import files

ROOT = Path(__file__).parents[3]
CONFIG = '2\n LATTICE\n 3.5 0 0\n 0 3.5 0\n 0 0 3.5\n POSITION\n 3 0 0 0 1 1 1\n 3 0.5 0.5 0.5 1 1 1\n'


@pytest.mark.parametrize(
    'name', ['atom.config', 'final.config', 'slab.atom.config', 'slab_atom.config', 'atom.config.gz']
)
def test_names_of_structures(name):
    assert filetype(name, read=False) == 'pwmat-config'


@pytest.mark.parametrize('name', ['MOVEMENT', 'li.MOVEMENT', 'OUT.MLMD', 'IN.MOVEMENT', 'run_MOVEMENT.xz'])
def test_names_of_trajectories(name):
    assert filetype(name, read=False) == 'pwmat-movement'


@pytest.mark.parametrize(
    ('name', 'kind'),
    [('slab.config', 'dlp4'), ('CONFIG', 'dlp4'), ('MOVEMENT.xyz', 'extxyz'), ('MOVEMENT.traj', 'traj')],
)
def test_names_of_other_formats_stay_theirs(name, kind):
    assert filetype(name, read=False) == kind


@pytest.mark.parametrize(
    ('text', 'kind'),
    [
        (CONFIG, 'pwmat-config'),
        (
            CONFIG.replace(' LATTICE', 'Lattice vector (Angstrom), stress(eV/natom)').replace('\n', '\r\n'),
            'pwmat-config',
        ),
        (CONFIG.replace('2\n', '  2 atoms\n', 1), 'pwmat-config'),
        (files.frame(), 'pwmat-movement'),
        (files.frame(first='relax'), 'pwmat-movement'),
        (files.frame(extra=files.NPT), 'pwmat-movement'),
    ],
)
def test_contents(tmp_path, text, kind):
    path = tmp_path / 'slab.config'
    path.write_bytes(text.encode())
    assert filetype(str(path)) == kind


def test_extxyz_and_dl_poly_stay_what_they_are(tmp_path):
    atoms = bulk('Li', cubic=True)
    for name, kind in (('a.xyz', 'extxyz'), ('b.config', 'dlp4')):
        write(tmp_path / name, atoms)
        assert filetype(str(tmp_path / name)) == kind
        np.testing.assert_allclose(read(tmp_path / name).positions, atoms.positions, atol=1e-6)
    (tmp_path / 'c.xyz').write_text('2\nlattice vectors unknown\nLi 0 0 0\nLi 0 0 3\n')
    assert len(read(tmp_path / 'c.xyz')) == 2


def test_through_ase(tmp_path):
    atoms = bulk('Li', cubic=True)
    path = tmp_path / 'atom.config'
    write(path, atoms)
    assert path.read_text().startswith('2\nLATTICE\n')
    assert read(path) == atoms
    assert read(path, ':') == [atoms]
    with pytest.raises(ValueError, match='only store 1'):
        write(path, [atoms, atoms])
    frames = files.labelled(3)
    write(tmp_path / 'MOVEMENT.gz', frames)
    assert len(read(tmp_path / 'MOVEMENT.gz', ':')) == 3
    assert read(tmp_path / 'MOVEMENT.gz', 1).get_potential_energy() == frames[1].get_potential_energy()
    assert ioformats['pwmat-movement'].can_append


def test_the_script_of_the_guide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('MOVEMENT').write_text(files.frame(0) + files.frame(1))
    block = next(
        b for b in re.findall(r'```python\n(.*?)```', (ROOT / 'docs' / 'dft.md').read_text(), re.S) if 'MOVEMENT' in b
    )
    exec(compile(block, 'dft.md', 'exec'), {})
    np.testing.assert_allclose(read('atom.config').positions, read('MOVEMENT').positions, atol=1e-14)


def test_a_file_is_replaced_only_by_a_complete_one(tmp_path):
    path = tmp_path / 'atom.config'
    path.write_text(CONFIG)
    broken = bulk('Li')
    broken.positions[0, 0] = np.nan
    with pytest.raises(ValueError, match=r'atom.config: positions .* not finite numbers \(atoms 0\)'):
        write(path, broken)
    frames = [*files.labelled(2), bulk('Li')]
    with pytest.raises(ValueError, match=r'MOVEMENT frame 2: a MOVEMENT needs energy and forces'):
        write(tmp_path / 'MOVEMENT', frames)
    assert os.listdir(tmp_path) == ['atom.config']
    assert path.read_text() == CONFIG


def test_reading_does_not_import_torch(tmp_path):
    (tmp_path / 'atom.config').write_text(CONFIG)
    (tmp_path / 'MOVEMENT').write_text(files.frame())
    code = (
        'import sys; import ase.io; '
        'from ase_mlffvv.io.pwmat.atom_config import read_pwmat_config; '
        'from ase_mlffvv.io.pwmat.movement import read_pwmat_movement; '
        'assert len(read_pwmat_config("atom.config")) == 2; '
        'assert len(list(read_pwmat_movement("MOVEMENT"))) == 1; '
        'print(" ".join(sys.modules))'
    )
    run = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True, cwd=tmp_path,
                         env={**os.environ, 'PYTHONPATH': str(ROOT)})  # fmt: skip
    assert not {'torch', 'numba', 'matplotlib'} & set(run.stdout.split())


def test_the_module_ase_loads_is_light():
    code = 'import sys; import ase_mlffvv.io.pwmat; print(" ".join(sys.modules))'
    run = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True,
                         env={**os.environ, 'PYTHONPATH': str(ROOT)})  # fmt: skip
    loaded = set(run.stdout.split())
    assert not {'torch', 'ase.io', 'ase_mlffvv.errors', 'ase_mlffvv.io.datasets'} & loaded
