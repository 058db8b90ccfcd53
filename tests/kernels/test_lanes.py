"""Operations on vectors give what NumPy gives, in the precision of the array."""

import numpy as np
import pytest
from numba import njit

from ase_mlffvv.kernels.cpu import lanes

NUMBERS = [np.float64, np.float32]


@njit
def _formula(a, b, out):
    x, y = lanes.load(a, 0), lanes.load(b, (0, 1))
    lanes.store(out, 0, 2 * x * y + 0.1 - x / (1.5 - y))
    lanes.store(out, 1, lanes.root(lanes.at_least(x, 0.0)) + lanes.floor(x))
    lanes.store(out, 2, lanes.power_of_two(lanes.floor(x)) + lanes.broadcast(a, 1, 2))
    lanes.store(out, 3, lanes.between(a, 3, 4, 6) * x)
    lanes.add(out, 3, y)


@njit
def _sums(a, out):
    lanes.store(out, 0, lanes.lane_sums(a, 1, 2))
    return lanes.total(lanes.load(a, 0))


@njit
def _converted(a, double, out):
    x = lanes.load_as(a, double, 0)
    lanes.store(a, 0, x * 0.1)
    lanes.store(out, 0, lanes.wide(x) * 0.1)


@pytest.mark.parametrize('number', NUMBERS)
def test_arithmetic(number):
    n = 64 // np.dtype(number).itemsize
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, n)).astype(number), rng.normal(size=(1, 2 * n)).astype(number)
    out = np.zeros((4, n), number)
    _formula(a, b, out)
    x, y = a[0], b[0, n:]
    k = np.arange(n) + 3
    want = [
        2 * x * y + number(0.1) - x / (number(1.5) - y),
        np.sqrt(np.maximum(x, 0)) + np.floor(x),
        2 ** np.floor(x) + a[1, 2],
        np.where((k >= 4) & (k < 6), x, 0) + y,
    ]
    np.testing.assert_allclose(out, want, rtol=8 * np.finfo(number).eps, atol=8 * np.finfo(number).eps)


@pytest.mark.parametrize('number', NUMBERS)
def test_sums(number):
    n = 64 // np.dtype(number).itemsize
    a = np.random.default_rng(1).normal(size=(2 * n + 1, n)).astype(number)
    out = np.zeros((1, n), number)
    assert _sums(a, out) == pytest.approx(a[0].sum(), rel=1e-5)
    np.testing.assert_allclose(out[0], a[1::2].sum(axis=1), rtol=1e-4, atol=20 * np.finfo(number).eps)


def test_precision():
    """A number does not promote a vector; a wide vector has twice the digits."""
    n = 16
    double = np.random.default_rng(2).normal(size=(1, n))
    single, out = np.zeros((1, n), np.float32), np.zeros((1, n))
    _converted(single, double, out)
    rounded = double.astype(np.float32)
    np.testing.assert_allclose(single, rounded * np.float32(0.1), rtol=1e-7)
    np.testing.assert_array_equal(out, rounded.astype(float) * 0.1)
