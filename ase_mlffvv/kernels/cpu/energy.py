"""The VV layer: atomic energy as a function of raw features and its gradient, for one atom or a vector of atoms."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from .cosine import FAST
from .lanes import add, at_least, filled, floor, load, power_of_two, store, wide, width


@njit(**FAST)
def atomic_energy(t, vv, f, g, gauss, q):
    """Energy of an atom of element t with raw features f; writes dE/df into q. g and gauss are working memory."""
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
    value, slope, eps = gauss[0], gauss[1], gauss[2]  # value of each Gaussian; slope = dE/dG, eps = dE/dg
    eps[: n + 1] = 0.0
    n_gauss = vv.n_gauss[t]
    for s in range(n_gauss):
        x = (g[vv.gauss_component[t, s]] - vv.gauss_centre[t, s]) * vv.gauss_inverse[t, s]
        value[s] = math.exp(-x * x)
        slope[s] = vv.single[t, s]
        energy += vv.single[t, s] * value[s]
    for m in range(vv.n_product[t]):
        a, b, weight = vv.product_index[t, m, 0], vv.product_index[t, m, 1], vv.product_weight[t, m]
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
    """Working memory of one thread; the last axis of each array is the lane."""

    energy: np.ndarray  # float64
    g: np.ndarray
    eps: np.ndarray  # dE/dg
    value: np.ndarray  # value of each Gaussian
    slope: np.ndarray  # dE/dG
    x: np.ndarray


@njit(**FAST)
def make_vv_work(vv):
    """Allocate working memory for :func:`atomic_energies`."""
    n, n_gauss, lanes, dtype = vv.origin.shape[1] + 1, vv.single.shape[1], width(vv.single), vv.single.dtype
    return VVWork(
        np.zeros((1, lanes)),
        np.zeros((n, lanes), dtype),
        np.zeros((n, lanes), dtype),
        np.zeros((n_gauss, lanes), dtype),
        np.zeros((n_gauss, lanes), dtype),
        np.zeros((n_gauss, lanes), dtype),
    )


_INVERSE_FACTORIAL = tuple(1 / math.factorial(k) for k in range(14))
_LOG2E, _LN2 = 1 / math.log(2), math.log(2)


@njit(forceinline=True, **FAST)
def _gaussian(x):
    """exp(-x^2) of a vector to round-off, but at least exp(-80), by plain arithmetic."""
    y = at_least(-1.0 * (x * x), -80.0)
    n = floor(y * _LOG2E + 0.5)
    r = y - n * _LN2
    p = r * _INVERSE_FACTORIAL[13] + _INVERSE_FACTORIAL[12]
    for m in range(11, -1, -1):
        p = p * r + _INVERSE_FACTORIAL[m]
    return p * power_of_two(n)


@njit(forceinline=True, **FAST)
def atomic_energies(t, vv, F, vw, Q):
    """Energies of atoms of element t with raw features F (feature, lane) into ``vw.energy``; Q = dE/dF."""
    energy = wide(filled(F, 0.0)) + vv.constant[t]
    for a in range(len(F)):
        store(Q, a, filled(Q, vv.direct[t, a]))
        energy += vv.direct[t, a] * wide(load(F, a))
    store(vw.energy, 0, energy)
    if vv.n[t] > 0:
        _add_terms(t, vv, F, vw, Q)


@njit(**FAST)
def _add_terms(t, vv, F, vw, Q):
    """Add the terms that are not linear in the features to ``vw.energy`` and Q."""
    n, n_gauss, n_features = vv.n[t], vv.n_gauss[t], len(F)
    g, eps, x, value, slope = vw.g, vw.eps, vw.x, vw.value, vw.slope
    energy = wide(filled(F, 0.0))
    np.dot(vv.projection[t], F, g[:-1])
    for j in range(n):
        store(g, j, load(g, j) + vv.origin[t, j])
    store(g, n, filled(g, 1.0))
    eps[:] = 0.0
    for s in range(n_gauss):
        scaled = (load(g, vv.gauss_component[t, s]) - vv.gauss_centre[t, s]) * vv.gauss_inverse[t, s]
        gauss = _gaussian(scaled)
        store(x, s, scaled)
        store(value, s, gauss)
        store(slope, s, filled(slope, vv.single[t, s]))
        energy += wide(vv.single[t, s] * gauss)
    for m in range(vv.n_product[t]):
        i, j, weight = vv.product_index[t, m, 0], vv.product_index[t, m, 1], vv.product_weight[t, m]
        a, b = weight * load(value, i), load(value, j)
        energy += wide(a * b)
        add(slope, i, weight * b)
        add(slope, j, a)
    for s in range(n_gauss):
        factor = -2.0 * vv.gauss_inverse[t, s]
        add(eps, vv.gauss_component[t, s], factor * load(slope, s) * load(value, s) * load(x, s))
    for m in range(vv.n_cubic[t]):
        i, j, k = vv.cubic_index[t, m, 0], vv.cubic_index[t, m, 1], vv.cubic_index[t, m, 2]
        weight, a, b, c = vv.cubic_weight[t, m], load(g, i), load(g, j), load(g, k)
        energy += wide(weight * a * b * c)
        add(eps, i, weight * b * c)
        add(eps, j, weight * a * c)
        add(eps, k, weight * a * b)
    for j in range(n):
        e = load(eps, j)
        for a in range(n_features):
            add(Q, a, vv.projection[t, j, a] * e)
    add(vw.energy, 0, energy)
