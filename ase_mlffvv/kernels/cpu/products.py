"""Invariant products of moments and their derivatives, for as many atoms (in a fit, components) as there are lanes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from .cosine import FAST
from .density import scale_moments
from .lanes import add, filled, load, store, width


class LaneWork(NamedTuple):
    """Working memory of one thread for atoms in the lanes of vectors."""

    A: np.ndarray  # (moment, lane)
    W: np.ndarray  # dE/dA times the factor of the harmonic
    F: np.ndarray  # (feature, lane)
    Q: np.ndarray  # dE/dF


@njit(**FAST)
def make_lane_work(tables):
    """Allocate working memory for products of moments."""
    n, f = tables.first[len(tables.channels)], tables.n_features
    lanes, dtype = width(tables.weight3), tables.radial.dtype
    return LaneWork(
        np.zeros((n, lanes), dtype), np.zeros((n, lanes), dtype), np.zeros((f, lanes), dtype),
        np.zeros((f, lanes), dtype),
    )  # fmt: skip


@njit(forceinline=True, **FAST)
def density_products(tables, A, F):
    """Features F (feature, lane) of moments A (moment, lane)."""
    n_one, n_two = len(tables.one), len(tables.two)
    for k in range(n_one):
        store(F, k, load(A, tables.one[k]))
    for k in range(n_two):
        a, b, stride = tables.two[k, 0], tables.two[k, 1], tables.two[k, 2]
        value = filled(A, 0.0)
        for m in range(tables.two[k, 3]):
            value += load(A, a + m * stride) * load(A, b + m * stride)
        store(F, n_one + k, value)
    for k in range(len(tables.first3) - 1):
        value = filled(A, 0.0)
        for m in range(tables.first3[k], tables.first3[k + 1]):
            a, b, c = load(A, tables.three[m, 0]), load(A, tables.three[m, 1]), load(A, tables.three[m, 2])
            value += tables.weight3[m] * a * b * c
        store(F, n_one + n_two + k, value)


@njit(forceinline=True, **FAST)
def density_products_back(tables, A, Q, W):
    """W = dE/dA (moment, lane) for Q = dE/dF (feature, lane), times the factors of the harmonics."""
    W[:] = 0.0
    n_one, n_two = len(tables.one), len(tables.two)
    for k in range(n_one):
        add(W, tables.one[k], load(Q, k))
    for k in range(n_two):
        a, b, stride = tables.two[k, 0], tables.two[k, 1], tables.two[k, 2]
        q = load(Q, n_one + k)
        for _ in range(tables.two[k, 3]):
            add(W, a, q * load(A, b))
            add(W, b, q * load(A, a))
            a += stride
            b += stride
    for k in range(len(tables.first3) - 1):
        q = load(Q, n_one + n_two + k)
        for m in range(tables.first3[k], tables.first3[k + 1]):
            i, j, k3 = tables.three[m, 0], tables.three[m, 1], tables.three[m, 2]
            a, b, c, weight = load(A, i), load(A, j), load(A, k3), tables.weight3[m] * q
            wb = weight * b
            add(W, i, wb * c)
            add(W, j, weight * c * a)
            add(W, k3, wb * a)
    scale_moments(tables, W)
