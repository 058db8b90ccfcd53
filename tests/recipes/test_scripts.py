"""Recipes and studies start from the root of a clone, tell their command, and name it in the cards."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(p for folder in ('recipes', 'studies') for p in (ROOT / folder).glob('*.py') if p.stem != '__init__')
CARDS = sorted(p for folder in ('potentials', 'datasets') for p in (ROOT / 'ase_mlffvv' / folder).glob('*.md'))


@pytest.mark.parametrize('path', SCRIPTS, ids=lambda p: p.stem)
def test_scripts_tell_their_command(path):
    module = f'{path.parent.name}.{path.stem}'
    assert f'python -m {module}' in path.read_text()
    command = [sys.executable, '-m', module, '--help']
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert 'Traceback' not in done.stderr
    assert path.stem in done.stdout + done.stderr


@pytest.mark.parametrize('path', CARDS, ids=lambda p: p.stem)
def test_cards_name_scripts_that_exist(path):
    for folder, name in re.findall(r'python (?:-m )?(recipes|studies)[./](\w+)', path.read_text()):
        assert (ROOT / folder / f'{name}.py').exists()


def test_benchmarks_hold_timings_only():
    names = {p.stem for p in (ROOT / 'benchmarks').glob('*.py')}
    helpers = {'peers', 'lammps_peer', 'random_models', 'report', 'scale_model', 'soak'}
    assert {name for name in names - helpers if not name.startswith('bench_')} == set()
