"""What the README says works as it says; tests/test_docs.py tests the pages of the documentation."""

import re

import numpy as np
import pytest
from ase.io import read

from ase_mlffvv.cli import parser

from .documents import ROOT, blocks, commands, run_blocks

PATH = ROOT / 'README.md'
README = PATH.read_text()

# trajectories are chaotic: on some machines a hot atom of the needle leaves the training data, and the user is warned
TRAJECTORY = pytest.mark.filterwarnings('ignore::ase_mlffvv.errors.ExtrapolationWarning')


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 150


@TRAJECTORY
def test_all_blocks_of_the_readme_run_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ran, skipped = run_blocks(PATH)
    assert ran.count('python') >= 2
    assert not skipped


@TRAJECTORY
def test_the_script_of_the_readme(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    script = next(text for _, language, text, _ in blocks(README) if language == 'python')
    assert len([line for line in script.splitlines() if line.strip()]) <= 12
    exec(compile(script, 'README.md', 'exec'), {})
    frames = read('needle.traj', ':')
    assert len(frames) == 21
    printed = np.array([float(x) for x in capsys.readouterr().out.strip(' []\n').split() if x != '...'])
    np.testing.assert_allclose(printed[-3:], frames[-1].get_potential_energies()[-3:], atol=1e-6)


def test_commands_of_the_readme_exist():
    found = [words for _, language, text, _ in blocks(README) if language == 'sh' for words in commands(text)]
    found += [words for code in re.findall(r'`(mlffvv [^`]*)`', README) for words in commands(code)]
    assert len(found) >= 12
    for words in found:
        parser().parse_args(words)


def test_other_programs_of_the_readme_exist():
    found = re.findall(r'python (-m (?:benchmarks|recipes|studies)\.[\w.]+|\w+/\w+\.py)', README)
    assert found
    for program in found:
        path = program.removeprefix('-m ').replace('.', '/') + '.py' if program.startswith('-m') else program
        assert (ROOT / path).exists(), program


def test_make_targets_and_files():
    makefile = (ROOT / 'Makefile').read_text()
    for target in re.findall(r'(?:^|`)make (\w+)', README, re.M):
        assert f'\n{target}:' in makefile
    for link in re.findall(r'\]\(([^)h][^)]*)\)', README):
        assert (ROOT / link).exists(), link
    assert 'make test' in (ROOT / '.ci' / 'run').read_text()


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
