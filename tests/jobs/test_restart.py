"""SIGKILL at random moments: the run goes on from its last checkpoint and ends as if nothing had happened."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNS = {
    'ase': {'dynamics': 'ase', 'steps': 200},
    'native': {'dynamics': 'native', 'trajectory': 'packed', 'thermostat': 'langevin', 'log_interval': 5},
}


@pytest.mark.slow
@pytest.mark.parametrize('name', RUNS)
def test_killed_twenty_times(tmp_path, name):
    """One thread, in a process that forks those that are killed: they all have the same machine code."""
    settings = {'steps': 400, 'frame_interval': 10, 'checkpoint_interval': 20, 'temperature': 100.0, **RUNS[name]}
    done = subprocess.run(
        [sys.executable, '-m', 'tests.jobs.runs', str(tmp_path), json.dumps({'kills': 20, **settings})], cwd=ROOT,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) >= 10, 'most runs were over before they could be killed'
