"""What the README and the tutorials say works as they say."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.io import read

ROOT = Path(__file__).parents[1]
README = (ROOT / 'README.md').read_text()
TUTORIALS = sorted((ROOT / 'tutorials').glob('*.py'))


def test_the_script_of_the_readme(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    block = next(b for b in re.findall(r'```python\n(.*?)```', README, re.S) if 'NVTBerendsen' in b)
    assert len([line for line in block.splitlines() if line.strip()]) <= 12
    exec(compile(block, 'README.md', 'exec'), {})
    frames = read('needle.traj', ':')
    assert len(frames) == 21
    printed = np.array([float(x) for x in capsys.readouterr().out.strip(' []\n').split() if x != '...'])
    np.testing.assert_allclose(printed[-3:], frames[-1].get_potential_energies()[-3:], atol=1e-6)


def test_commands_of_the_readme_exist():
    from ase_mlffvv.cli import parser

    commands = [line.split('#')[0].split() for line in README.splitlines() if line.startswith('mlffvv ')]
    assert len(commands) >= 5
    for command in commands:
        parser().parse_args(command[1:])


def test_make_targets_and_files():
    makefile = (ROOT / 'Makefile').read_text()
    for target in re.findall(r'make (\w+)', README):
        assert f'\n{target}:' in makefile
    for link in re.findall(r'\]\(([^)h][^)]*)\)', README):
        assert (ROOT / link).exists(), link
    assert 'make test' in (ROOT / '.ci' / 'run').read_text()


@pytest.mark.parametrize('path', TUTORIALS, ids=lambda p: p.name)
def test_tutorials_run(path, tmp_path):
    args = ['0.2'] if path.name == '01_needle.py' else []
    done = subprocess.run([sys.executable, path, *args], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_packages_are_all_listed():
    """setup.cfg names each package; none may be forgotten."""
    import configparser

    config = configparser.ConfigParser()
    config.read(ROOT / 'setup.cfg')
    listed = set(config['options']['packages'].split())
    found = {'.'.join(p.parent.relative_to(ROOT).parts) for p in ROOT.glob('ase_mlffvv/**/__init__.py')}
    assert listed == found | {'mlffvv_analysis'}


def test_version_stands_in_one_place():
    from ase_mlffvv import __version__

    assert f'version: {__version__}' in (ROOT / 'CITATION.cff').read_text()
    assert 'attr: ase_mlffvv.__version__' in (ROOT / 'setup.cfg').read_text()
