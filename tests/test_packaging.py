"""Wheels and source archives are complete and work outside of the repository, installed into clean environments.

Dependencies come from the environment of the tests, so that nothing is downloaded.
"""

import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = """\
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {names!r}:
            raise ImportError(f'{{name}} is not installed')

sys.meta_path.insert(0, Refuse())
"""
ANALYSIS = """\
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import write
from mlffvv_analysis.surfaces import surface_energy
from mlffvv_analysis.timeline import timeline
import ase_mlffvv, mlffvv_analysis, sys
frames = [bulk('Cu', cubic=True) * (3, 3, 3) for _ in range(2)]
for k, atoms in enumerate(frames):
    atoms.rattle(0.05, seed=k)
    atoms.calc = EMT()
    atoms.get_forces()
write('copper.extxyz', frames)
print(timeline('copper.extxyz', progress=False).shape, ase_mlffvv.__file__)
assert not {'torch', 'numba'} & set(sys.modules)
try:
    ase_mlffvv.VVCalculator
except ImportError as error:
    assert 'pip install ase-mlffvv' in str(error)
else:
    raise AssertionError('VVCalculator without the force field')
"""
FORCE_FIELD = """\
from ase.build import bulk
from ase_mlffvv import VVCalculator
import ase_mlffvv
atoms = bulk('Li', 'bcc', a=3.44)
atoms.calc = VVCalculator(engine='torch', on_extrapolation='ignore')
print(round(atoms.get_potential_energy(), 2), ase_mlffvv.__file__)
"""


@pytest.fixture(scope='module')
def built(tmp_path_factory):
    """Folder with the distributions of both packages."""
    pytest.importorskip('build', reason='build is not installed')
    folder = tmp_path_factory.mktemp('dist')
    run([sys.executable, '-m', 'build', '--no-isolation', '--outdir', folder, '.'], cwd=ROOT)
    run([sys.executable, 'packaging/build_analysis.py', folder, '--no-isolation', '--wheel'], cwd=ROOT)
    return folder


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def install(wheel, folder, without=()):
    """Python of a new environment with a wheel; other packages come from here, but for those that are left out."""
    venv.create(folder, symlinks=True)
    python = folder / 'bin' / 'python'
    run([sys.executable, '-m', 'pip', '--python', python, 'install', '--quiet', '--no-deps', wheel], cwd=folder)
    site = Path(run([python, '-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'], cwd=folder).strip())
    paths = [sysconfig.get_path('purelib'), *(p for p in sys.path if p.endswith('site-packages'))]
    (site / 'dependencies.pth').write_text('\n'.join(dict.fromkeys(paths)) + '\n')
    (site / 'refuse.py').write_text(BLOCK.format(names=set(without)))
    (site / 'zz_refuse.pth').write_text('import refuse\n')
    return python


def test_the_wheel_of_the_force_field(built, tmp_path):
    wheel = next(built.glob('ase_mlffvv-*.whl'))
    python = install(wheel, tmp_path / 'venv')
    environment = {'PATH': '/usr/bin:/bin', 'HOME': str(tmp_path), 'NUMBA_CACHE_DIR': str(tmp_path)}
    energy, where = run([python, '-c', FORCE_FIELD], cwd=tmp_path, env=environment).split()
    assert float(energy) == pytest.approx(-1.9, abs=0.01)
    assert str(tmp_path) in where
    assert 'li-pbe-2-fast' in run([tmp_path / 'venv/bin/mlffvv', 'info'], cwd=tmp_path, env=environment)
    assert 'ase-mlffvv' in run([tmp_path / 'venv/bin/mlffvv', '--version'], cwd=tmp_path, env=environment)


def test_the_analysis_needs_neither_torch_nor_kernels(built, tmp_path):
    for package in ('ovito', 'pandas', 'ruptures', 'sklearn'):
        pytest.importorskip(package, reason='the extra analysis is not installed')
    wheel = next(built.glob('mlffvv_analysis-*.whl'))
    names = zipfile.ZipFile(wheel).namelist()
    assert not any('kernels' in name or name.endswith('.vv') for name in names)
    metadata = message_from_bytes(zipfile.ZipFile(wheel).read(next(n for n in names if n.endswith('METADATA'))))
    required = ' '.join(metadata.get_all('Requires-Dist'))
    assert 'ovito' in required
    assert not any(name in required for name in ('torch', 'numba'))
    python = install(wheel, tmp_path / 'venv', ('torch', 'numba'))
    printed = run([python, '-c', ANALYSIS], cwd=tmp_path, env={'PATH': '/usr/bin:/bin', 'HOME': str(tmp_path)})
    assert printed.startswith('(2, ')
    assert str(tmp_path) in printed


def test_the_source_archive_is_complete(built):
    with tarfile.open(next(built.glob('ase_mlffvv-*.tar.gz'))) as archive:
        names = {name.partition('/')[2] for name in archive.getnames()}
    try:
        tracked = run(['git', 'ls-files'], cwd=ROOT).splitlines()
    except (AssertionError, FileNotFoundError):
        pytest.skip('not a git repository')
    present = {name for name in tracked if (ROOT / name).exists()} - {'.gitignore', '.gitattributes'}
    assert not present - names


def test_the_long_description_has_absolute_addresses(built):
    wheel = zipfile.ZipFile(next(built.glob('ase_mlffvv-*.whl')))
    metadata = message_from_bytes(wheel.read(next(n for n in wheel.namelist() if n.endswith('METADATA'))))
    text = metadata.get_payload()
    links = [part.split(')')[0] for part in text.split('](')[1:]]
    assert len(links) > 5
    assert all(link.startswith('https://') for link in links)
    assert {f'Programming Language :: Python :: 3.{n}' for n in (10, 11, 12, 13)} <= set(metadata.get_all('Classifier'))
    assert metadata.get_all('Project-URL')
