"""The VV layer: atomic energy of raw features and its gradient, for one atom and for LANES atoms side by side."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from .cosine import FAST
from .lanes import LANES, add, add_product, add_triple


@njit(**FAST)
def atomic_energy(t, vv, f, g, gauss, q):
    """Energy of an atom of element t with raw features f; writes dE/df into q. g and gauss are scratch."""
    n, n_features = vv.n[t], len(q)
    energy = vv.constant[t]
    for a in range(n_features):
        energy += vv.direct[t, a] * f[a]
        q[a] = vv.direct[t, a]
    for j in range(n):
        g[j] = vv.origin[t, j]
        for a in range(n_features):
            g[j] += vv.projection[t, j, a] * f[a]
    g[n] = 1.0
    value, slope, eps = gauss[0], gauss[1], gauss[2]  # of each Gaussian; slope = dE/dG, eps = dE/dg
    eps[: n + 1] = 0.0
    n_gauss = vv.n_gauss[t]
    for s in range(n_gauss):
        x = (g[vv.gauss_component[t, s]] - vv.gauss_centre[t, s]) * vv.gauss_inverse[t, s]
        value[s] = math.exp(-x * x)
        slope[s] = vv.single[t, s]
        energy += vv.single[t, s] * value[s]
    for m in range(vv.n_pair[t]):
        a, b, weight = vv.pair_index[t, m, 0], vv.pair_index[t, m, 1], vv.pair_weight[t, m]
        energy += weight * value[a] * value[b]
        slope[a] += weight * value[b]
        slope[b] += weight * value[a]
    for s in range(n_gauss):
        j, inverse = vv.gauss_component[t, s], vv.gauss_inverse[t, s]
        eps[j] += slope[s] * value[s] * (-2.0 * (g[j] - vv.gauss_centre[t, s]) * inverse * inverse)
    for m in range(vv.n_cubic[t]):
        a, b, c = vv.cubic_index[t, m, 0], vv.cubic_index[t, m, 1], vv.cubic_index[t, m, 2]
        weight = vv.cubic_weight[t, m]
        energy += weight * g[a] * g[b] * g[c]
        eps[a] += weight * g[b] * g[c]
        eps[b] += weight * g[a] * g[c]
        eps[c] += weight * g[a] * g[b]
    for j in range(n):
        for a in range(n_features):
            q[a] += vv.projection[t, j, a] * eps[j]
    return energy


class VVWork(NamedTuple):
    """Scratch of one thread; every last axis is the lane."""

    energy: np.ndarray
    g: np.ndarray
    eps: np.ndarray  # dE/dg
    value: np.ndarray  # of each Gaussian
    slope: np.ndarray  # dE/dG
    x: np.ndarray
    bits: np.ndarray


@njit(**FAST)
def make_vv_work(vv):
    """Scratch for :func:`atomic_energies`."""
    n, n_gauss = vv.origin.shape[1] + 1, vv.single.shape[1]
    return VVWork(
        np.zeros((1, LANES)),
        np.zeros((n, LANES)),
        np.zeros((n, LANES)),
        np.zeros((n_gauss, LANES)),
        np.zeros((n_gauss, LANES)),
        np.zeros((n_gauss, LANES)),
        np.zeros(n_gauss * LANES, np.int64),
    )


_INVERSE_FACTORIAL = tuple(1 / math.factorial(k) for k in range(14))
_LOG2E, _LN2 = 1 / math.log(2), math.log(2)


@njit(**FAST)
def _gaussians(x, value, bits):
    """value = exp(-x^2), flat arrays, to round-off; plain arithmetic that vectorises."""
    for k in range(len(x)):
        y = -min(x[k] * x[k], 700.0)
        n = math.floor(y * _LOG2E + 0.5)
        r = y - n * _LN2
        p = _INVERSE_FACTORIAL[13]
        for m in range(12, -1, -1):
            p = p * r + _INVERSE_FACTORIAL[m]
        value[k] = p
        bits[k] = (np.int64(n) + 1023) << 52  # 2^n
    power = bits.view(np.float64)
    for k in range(len(x)):
        value[k] *= power[k]


@njit(**FAST)
def atomic_energies(t, vv, F, vw, Q):
    """Energies of LANES atoms of element t with raw features F (feature, lane) into ``vw.energy``; Q = dE/dF."""
    n, n_gauss, n_features = vv.n[t], vv.n_gauss[t], len(F)
    energy, g, eps, x, value, slope = vw.energy, vw.g, vw.eps, vw.x, vw.value, vw.slope
    energy[:] = vv.constant[t]
    for a in range(n_features):
        Q[a] = vv.direct[t, a]
        add(energy, 0, vv.direct[t, a], F, a)
    if n == 0:
        return
    np.dot(vv.projection[t], F, g[:-1])
    for j in range(n):
        g[j] += vv.origin[t, j]
    g[n] = 1.0
    eps[:] = 0.0
    for s in range(n_gauss):
        j, centre, inverse = vv.gauss_component[t, s], vv.gauss_centre[t, s], vv.gauss_inverse[t, s]
        for lane in range(LANES):
            x[s, lane] = (g[j, lane] - centre) * inverse
    _gaussians(x.reshape(-1)[: n_gauss * LANES], value.reshape(-1), vw.bits)
    for s in range(n_gauss):
        slope[s] = vv.single[t, s]
        add(energy, 0, vv.single[t, s], value, s)
    for m in range(vv.n_pair[t]):
        a, b, weight = vv.pair_index[t, m, 0], vv.pair_index[t, m, 1], vv.pair_weight[t, m]
        add_product(energy, 0, weight, value, a, value, b)
        add(slope, a, weight, value, b)
        add(slope, b, weight, value, a)
    for s in range(n_gauss):
        factor = -2.0 * vv.gauss_inverse[t, s]
        add_triple(eps, vv.gauss_component[t, s], factor, slope, s, value, s, x, s)
    for m in range(vv.n_cubic[t]):
        a, b, c = vv.cubic_index[t, m, 0], vv.cubic_index[t, m, 1], vv.cubic_index[t, m, 2]
        weight = vv.cubic_weight[t, m]
        add_triple(energy, 0, weight, g, a, g, b, g, c)
        add_product(eps, a, weight, g, b, g, c)
        add_product(eps, b, weight, g, a, g, c)
        add_product(eps, c, weight, g, a, g, b)
    for j in range(n):
        for a in range(n_features):
            add(Q, a, vv.projection[t, j, a], eps, j)
