"""Dynamics on a GPU, simulated, agrees with that on the CPU."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from ase.calculators.calculator import CalculatorSetupError

from ase_mlffvv.md import Dynamics

from ..toys import random_potential
from .simulate_dynamics import SETTINGS, arrays, make, slab

ROOT = Path(__file__).parents[2]


def test_simulated_dynamics(tmp_path):
    if find_spec('numba.cuda') is None or find_spec('numba.cuda.simulator') is None:
        pytest.skip('this Numba has no CUDA simulator')
    out = tmp_path / 'out.npz'
    done = subprocess.run(
        [sys.executable, '-m', 'tests.md.simulate_dynamics', str(out)], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, 'NUMBA_ENABLE_CUDASIM': '1'},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = np.load(out)
    md = make('cpu')
    md.run(SETTINGS['steps'])
    for name, value in arrays(md).items():
        scale = max(1.0, np.abs(value).max())
        np.testing.assert_allclose(found[f'float64/{name}'], value, rtol=1e-9, atol=1e-9 * scale, err_msg=name)
        np.testing.assert_allclose(found[f'float32/{name}'], value, rtol=1e-4, atol=1e-4 * scale, err_msg=name)
    np.testing.assert_array_equal(found['restarted'], found['whole'])


def test_models_without_kernels():
    with pytest.raises(CalculatorSetupError, match='CUDA|cuda'):
        Dynamics(slab(), random_potential(), device='cuda')


@pytest.mark.parametrize('precision', ['float32', 'float64'])
def test_precision_on_the_cpu(precision):
    md = make('cpu', precision)
    md.run(SETTINGS['steps'])
    exact = make('cpu')
    exact.run(SETTINGS['steps'])
    difference = np.abs(md.structure().positions - exact.structure().positions).max()
    assert difference < 1e-4
    assert (difference == 0) == (precision == 'float64')
