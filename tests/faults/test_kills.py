"""A few of the kills of ``python -m tests.faults.kills``, which makes a hundred."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, 'fork'), reason='needs POSIX processes')
ROOT = Path(__file__).parents[2]


def kills(folder, *options):
    """Output of the program; its processes end with it."""
    done = subprocess.run([sys.executable, '-m', 'tests.faults.kills', str(folder), *options], cwd=ROOT, text=True,
                          capture_output=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_commands_are_killed_and_go_on(tmp_path):
    pytest.importorskip('sklearn', reason='the extra analysis is not installed')
    out = kills(tmp_path / 'jobs', '--kills', '4', '--commands', 'run', 'label', 'fit', 'analyse')
    assert [line.split()[:2] for line in out.splitlines()[1:5]] == [[name, '1'] for name in ('run', 'label', 'fit',
                                                                                            'analyse')]  # fmt: skip
    assert 'all results are identical' in out


def test_learning_is_killed_in_stages(tmp_path):
    """It goes on with the same results, and repeats nothing that was finished. The program kills in all stages."""
    stages = ['cut', 'label', '_refit']
    out = kills(tmp_path / 'jobs', '--stages', *stages)
    assert [line.split()[0] for line in out.splitlines()] == stages
