"""Code of the README and of the pages in docs: blocks in order, and commands that run with less work."""

import re
import shlex
from pathlib import Path

import numpy as np
from ase.build import bulk
from ase.io import write

from ase_mlffvv import VVCalculator
from ase_mlffvv.cli import main

from .io.pwmat import synthetic

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(
    r'^(<!-- not run: (?P<why>.*?) -->\n)?```(?P<language>\{?[\w-]+\}?)[^\n]*\n(?P<text>.*?)^```', re.S | re.M
)
NEEDLE = ['--diameter', '2.5', '--height', '2', '--box', '5', '--substrate-layers', '3', '--time', '0.04']
SHORTER = {  # commands that run, and the options that make them short; the parser reads all others
    'run --preset': [*NEEDLE, '--frame-interval', '10'],
    'run --restart column': [],
    'run --thermostat': NEEDLE,
    'fit train.extxyz': ['--set', 'cutoff=4.5', '--ridge', '1e-6'],
    'fit few.extxyz': [],
    'evaluate test.extxyz --model': [],
    'info': [],
    'analyse': ['--processes', '1'],
}


def blocks(text):
    """Blocks of code in order: line, language, text, and why it is not run."""
    found = [(text[: m.start('text')].count('\n'), m['language'], m['text'], m['why']) for m in BLOCK.finditer(text)]
    assert len(found) == len(re.findall('^```', text, re.M)) / 2
    return found


def commands(text):
    """Words of each ``mlffvv`` line, without the program's name."""
    lines = [shlex.split(line, comments=True) for line in text.splitlines()]
    return [words[1:] for words in lines if words and words[0] == 'mlffvv']


def run_short(words):
    """Run a command with less work; False if it is not one of SHORTER."""
    line = ' '.join(words)
    for beginning, options in SHORTER.items():
        if line.startswith(beginning):
            assert main([*words, *options]) == 0, line
            return True
    return False


def run_blocks(path, names=None):
    """Run the blocks of a document in order, in one namespace; return what ran and the reasons of what did not."""
    names = {'__name__': 'document'} if names is None else names
    ran, skipped = [], []
    for line, language, text, why in blocks(path.read_text()):
        if why:
            skipped.append(why)
        elif language == 'python':
            exec(compile('\n' * line + text, path, 'exec'), names)
            ran.append('python')
        elif language == 'sh':
            ran += [' '.join(words) for words in commands(text) if run_short(words)]
        else:
            assert language in ('text', 'json', 'ini', 'yaml') or language.startswith('{'), f'{path}: {language}'
    return ran, skipped


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


def prepare(folder):
    """Write the files that the documents take for granted."""
    write(folder / 'train.extxyz', labelled(12, 0))
    write(folder / 'few.extxyz', labelled(5, 1))
    write(folder / 'test.extxyz', labelled(3, 2))
    (folder / 'MOVEMENT').write_text(synthetic.lithium())
