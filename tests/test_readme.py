"""What the README and the tutorials say works as they say."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.io import read, write

from ase_mlffvv import VVCalculator
from ase_mlffvv.cli import main, parser

from .io.pwmat import synthetic

ROOT = Path(__file__).parents[1]
README = (ROOT / 'README.md').read_text()
TUTORIALS = sorted((ROOT / 'tutorials').glob('*.py'))


BLOCK = re.compile(r'(<!-- not run: (?P<why>.*?) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)```', re.S)
NEEDLE = ['--diameter', '2.5', '--height', '2', '--box', '5', '--substrate-layers', '3', '--time', '0.04']
SHORTER = {  # commands that run, and the options that make them short; the parser reads all others
    'run --preset': [*NEEDLE, '--frame-interval', '10'],
    'run --freeze': NEEDLE,
    'run --restart': [],
    'run --thermostat': NEEDLE,
    'fit train.extxyz': ['--set', 'cutoff=4.5', '--ridge', '1e-6'],
    'fit few.extxyz': [],
    'evaluate test.extxyz --model': [],
    'info': [],
    'analyse': [],
}


def blocks():
    """Blocks of code in order: line of the README, language, text, and why it is not run."""
    found = [
        (README[: m.start('text')].count('\n'), m['language'], m['text'], m['why']) for m in BLOCK.finditer(README)
    ]
    assert len(found) == README.count('```') / 2
    return found


def commands(text):
    """Words of each ``mlffvv`` line, without the program's name."""
    lines = [shlex.split(line, comments=True) for line in text.splitlines()]
    return [words[1:] for words in lines if words and words[0] == 'mlffvv']


def run_short(words):
    """Run a command of the README with less work; False if it is not one of SHORTER."""
    line = ' '.join(words)
    for beginning, options in SHORTER.items():
        if line.startswith(beginning):
            assert main([*words, *options]) == 0, line
            return True
    return False


def labelled(n, seed):
    """Small crystals with labels of the shipped potential."""
    frames, rng = [], np.random.default_rng(seed)
    for k in range(n):
        atoms = bulk('Li', 'bcc', a=3.3 + 0.02 * k, cubic=True) * (2, 1, 1)
        atoms.rattle(0.1, rng=rng)
        atoms.calc = VVCalculator()
        atoms.get_stress()
        frames.append(atoms)
    return frames


# trajectories are chaotic: on some machines a hot atom leaves the training data, of which the user is warned
TRAJECTORY = pytest.mark.filterwarnings('ignore::ase_mlffvv.errors.ExtrapolationWarning')


@TRAJECTORY
def test_all_blocks_of_the_readme_run_in_order(tmp_path, monkeypatch, capsys):
    """Python blocks share one namespace and one folder with the commands; structures, models and times are small."""
    for package in ('ovito', 'pandas', 'ruptures', 'sklearn'):
        pytest.importorskip(package, reason='the extra analysis is not installed')
    monkeypatch.chdir(tmp_path)
    write('train.extxyz', labelled(12, 0))
    write('few.extxyz', labelled(5, 1))
    write('test.extxyz', labelled(3, 2))
    Path('MOVEMENT').write_text(synthetic.lithium())
    names, ran, skipped = {'__name__': 'readme'}, [], []
    for line, language, text, why in blocks():
        if why:
            skipped.append(why)
        elif language == 'python':
            exec(compile('\n' * line + text, ROOT / 'README.md', 'exec'), names)
        else:
            ran += [' '.join(words) for words in commands(text) if run_short(words)]
    assert len(ran) == len(SHORTER)
    assert sorted(skipped) == ['GPAW takes minutes', 'PWmat is not free']
    assert {'report/index.html', 'timeline.csv', 'my.vv', 'parity.png', 'atom.config'} <= {
        str(path.relative_to(tmp_path)) for path in tmp_path.rglob('*')
    }


@TRAJECTORY
def test_the_script_of_the_readme(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    script = next(text for _, language, text, _ in blocks() if language == 'python')
    assert len([line for line in script.splitlines() if line.strip()]) <= 12
    exec(compile(script, 'README.md', 'exec'), {})
    frames = read('needle.traj', ':')
    assert len(frames) == 21
    printed = np.array([float(x) for x in capsys.readouterr().out.strip(' []\n').split() if x != '...'])
    np.testing.assert_allclose(printed[-3:], frames[-1].get_potential_energies()[-3:], atol=1e-6)


def test_commands_of_the_readme_exist():
    found = [words for _, language, text, _ in blocks() if language == 'sh' for words in commands(text)]
    assert len(found) >= 15
    for words in found:
        parser().parse_args(words)


def test_other_programs_of_the_readme_exist():
    found = re.findall(r'python (-m (?:benchmarks|recipes|studies)\.[\w.]+|\w+/\w+\.py)', README)
    assert len(found) >= 3
    for program in found:
        path = program.removeprefix('-m ').replace('.', '/') + '.py' if program.startswith('-m') else program
        assert (ROOT / path).exists(), program


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
