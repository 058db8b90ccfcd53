"""Runs a program on Numba's CUDA simulator, which is chosen when numba is imported: in a process of its own."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def simulate(*command):
    """Standard output of ``python command`` on the simulator, from the folder of the checkout."""
    if find_spec('numba.cuda') is None or find_spec('numba.cuda.simulator') is None:
        pytest.skip('this Numba has no CUDA simulator')
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, 'NUMBA_ENABLE_CUDASIM': '1'},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
