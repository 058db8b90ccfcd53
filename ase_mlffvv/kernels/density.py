"""Moments of the neighbour density, their invariant products, and the way back, in Numba.

Moments take one loop over neighbours; the loops run over the neighbours of one atom and vectorise. Products take the
moments of :data:`LANES` atoms (or, in a fit, of LANES components) side by side, so that each operation on them is one
on a vector.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from .cosine import FAST, Near
from .lanes import LANES, add, add_product, add_triple


class DensityTables(NamedTuple):
    """What the kernels need; the first axis of ``cutoff`` and ``radial`` is the element of the centre atom."""

    cutoff: np.ndarray
    radial: np.ndarray  # (centre, neighbour, n, k)
    channels: np.ndarray  # per l
    first: np.ndarray  # moment of each l
    factor: np.ndarray  # (l, m): of the harmonics
    offset: np.ndarray  # first feature, per element of the centre atom
    n_features: int
    one: np.ndarray
    two: np.ndarray  # (feature, 4): two moments, stride over m, number of m
    first3: np.ndarray  # products of each feature of three moments
    three: np.ndarray
    weight3: np.ndarray


class DensityWork(NamedTuple):
    """Scratch of one thread; p counts the neighbours of one atom."""

    x: np.ndarray  # (3, p): unit vectors
    mask: np.ndarray  # (element, p): 1 for neighbours of this element, else 0
    R: np.ndarray  # (u, p), u = (element, n), zero for neighbours of other elements, and slopes
    R_slope: np.ndarray
    legendre: np.ndarray  # (m, l, p): derivative m of P_l
    cosine: np.ndarray  # (m, p): parts of (x + i y)^m
    sine: np.ndarray
    cheb: np.ndarray  # (k, p) and slopes, cutoff function included; this and the following may change at any time
    cheb_slope: np.ndarray
    Y: np.ndarray  # p
    C: np.ndarray
    C_slope: np.ndarray
    own: np.ndarray  # p: dE/dd
    v: np.ndarray  # (3, p): derivative with respect to the unit vector


@njit(**FAST)
def make_density_work(tables, n_max, lanes):
    """Scratch for at most ``n_max`` neighbours of each of ``lanes`` atoms, which are the first axis of the first seven
    arrays: see :func:`density_lane`."""
    n_types, n, k = tables.radial.shape[1], tables.radial.shape[2], tables.radial.shape[3]
    n_l = len(tables.channels)
    return DensityWork(
        np.zeros((lanes, 3, n_max)),
        np.zeros((lanes, n_types, n_max)),
        np.zeros((lanes, n_types * n, n_max)),
        np.zeros((lanes, n_types * n, n_max)),
        np.zeros((lanes, n_l + 1, n_l, n_max)),
        np.zeros((lanes, n_l + 1, n_max)),
        np.zeros((lanes, n_l + 1, n_max)),
        np.zeros((k, n_max)),
        np.zeros((k, n_max)),
        np.zeros(n_max),
        np.zeros(n_max),
        np.zeros(n_max),
        np.zeros(n_max),
        np.zeros((3, n_max)),
    )


@njit(**FAST)
def density_lane(dw, lane):
    """Scratch of one atom."""
    return DensityWork(
        dw.x[lane], dw.mask[lane], dw.R[lane], dw.R_slope[lane], dw.legendre[lane], dw.cosine[lane], dw.sine[lane],
        dw.cheb, dw.cheb_slope, dw.Y, dw.C, dw.C_slope, dw.own, dw.v,
    )  # fmt: skip


@njit(**FAST)
def make_near(n_types, n_max):
    """Space for the neighbours of LANES atoms, which are the first axis: see :func:`near_lane`."""
    return Near(
        np.zeros((LANES, 1), np.int64),
        np.zeros((LANES, n_types + 1), np.int64),
        np.zeros((LANES, n_max), np.int64),
        np.zeros((LANES, n_max), np.int64),
        np.zeros((LANES, n_max, 3)),
        np.zeros((LANES, n_max)),
        np.zeros((LANES, n_max)),
        np.zeros((LANES, n_max, 3)),
    )


@njit(**FAST)
def near_lane(near, lane):
    """Neighbours of one atom."""
    return Near(
        near.n[lane], near.start[lane], near.atom[lane], near.entry[lane], near.D[lane], near.d[lane],
        near.inverse[lane], near.slope[lane],
    )  # fmt: skip


class LaneWork(NamedTuple):
    """Scratch of one thread for LANES atoms side by side."""

    A: np.ndarray  # (moment, lane)
    W: np.ndarray  # dE/dA
    F: np.ndarray  # (feature, lane)
    Q: np.ndarray  # dE/dF


@njit(**FAST)
def make_lane_work(tables):
    """Scratch for products of moments."""
    n, f = tables.first[len(tables.channels)], tables.n_features
    return LaneWork(np.zeros((n, LANES)), np.zeros((n, LANES)), np.zeros((f, LANES)), np.zeros((f, LANES)))


@njit(**FAST)
def _directions(n, tables, w, dw):
    """Unit vectors, derivatives of Legendre polynomials and powers of x + i y of the n gathered neighbours."""
    x, cosine, sine, legendre = dw.x, dw.cosine, dw.sine, dw.legendre
    for p in range(n):
        for a in range(3):
            x[a, p] = w.D[p, a] * w.inverse[p]
        cosine[0, p], sine[0, p] = 1.0, 0.0
    n_l = len(tables.channels)
    for m in range(1, n_l):
        for p in range(n):
            cosine[m, p] = x[0, p] * cosine[m - 1, p] - x[1, p] * sine[m - 1, p]
            sine[m, p] = x[0, p] * sine[m - 1, p] + x[1, p] * cosine[m - 1, p]
    diagonal = 1.0
    for m in range(n_l + 1):
        if m > 0:
            diagonal *= 2 * m - 1
        for l in range(min(m, n_l)):
            legendre[m, l, :n] = 0.0
        for l in range(m, n_l):
            if l == m:
                legendre[m, l, :n] = diagonal
            elif l == m + 1:
                for p in range(n):
                    legendre[m, l, p] = (2 * m + 1) * x[2, p] * legendre[m, l - 1, p]
            else:
                a, b = (2.0 * l - 1) / (l - m), (l + m - 1.0) / (l - m)
                for p in range(n):
                    legendre[m, l, p] = a * x[2, p] * legendre[m, l - 1, p] - b * legendre[m, l - 2, p]


@njit(**FAST)
def _radial(n, t, tables, w, dw):
    """Radial functions and their slopes."""
    cutoff = tables.cutoff[t]
    inverse = 1.0 / cutoff
    K = dw.cheb.shape[0]
    cheb, slope = dw.cheb, dw.cheb_slope
    x, dx, cut, dcut = dw.Y, dw.C, dw.C_slope, dw.own
    for p in range(n):
        s = w.d[p] * inverse
        inside = 1.0 if s < 1.0 else 0.0
        x[p] = 2.0 * (1.0 - s) * (1.0 - s) - 1.0
        dx[p] = -4.0 * (1.0 - s) * inverse
        u = inside * (1.0 - s * s)
        cut[p] = u * u * u
        dcut[p] = -6.0 * s * inverse * u * u
    for p in range(n):
        cheb[0, p], slope[0, p] = 1.0, 0.0
    if K > 1:
        for p in range(n):
            cheb[1, p], slope[1, p] = x[p], dx[p]
    for k in range(2, K):
        a, b, da, db, value, change = cheb[k - 1], cheb[k - 2], slope[k - 1], slope[k - 2], cheb[k], slope[k]
        for p in range(n):
            value[p] = 2.0 * x[p] * a[p] - b[p]
            change[p] = 2.0 * (dx[p] * a[p] + x[p] * da[p]) - db[p]
    for k in range(K):
        for p in range(n):
            slope[k, p] = slope[k, p] * cut[p] + cheb[k, p] * dcut[p]
            cheb[k, p] *= cut[p]
    R, R_slope, mask = dw.R, dw.R_slope, dw.mask
    n_radial = tables.radial.shape[2]
    for s in range(tables.radial.shape[1]):
        for p in range(n):
            mask[s, p] = 1.0 if (p >= w.start[s]) & (p < w.start[s + 1]) else 0.0
        for m in range(n_radial):
            u = s * n_radial + m
            R[u, :n] = 0.0
            R_slope[u, :n] = 0.0
            for k in range(K):
                c = tables.radial[t, s, m, k]
                if c != 0.0:
                    for p in range(n):
                        R[u, p] += c * mask[s, p] * cheb[k, p]
                        R_slope[u, p] += c * mask[s, p] * slope[k, p]


@njit(**FAST)
def density_moments(t, tables, w, dw, A, lane):
    """Moments of the gathered centre atom of element t into ``A[:, lane]``; leaves R and harmonics in the scratch."""
    n = w.n[0]
    _directions(n, tables, w, dw)
    _radial(n, t, tables, w, dw)
    Y, R, legendre, cosine, sine = dw.Y, dw.R, dw.legendre, dw.cosine, dw.sine
    n_types, n_radial = tables.radial.shape[1], tables.radial.shape[2]
    for l in range(len(tables.channels)):
        channels = tables.channels[l]
        for m in range(-l, l + 1):
            mm, factor = abs(m), tables.factor[l, abs(m)]
            phase = cosine if m >= 0 else sine
            for p in range(n):
                Y[p] = factor * legendre[mm, l, p] * phase[mm, p]
            k = tables.first[l] + (l + m) * n_types * channels
            for s in range(n_types):
                for u in range(s * n_radial, s * n_radial + channels):
                    total = 0.0
                    for p in range(n):  # from a constant: a start that may be negative keeps loops from vectorising
                        total += Y[p] * R[u, p]
                    A[k, lane] = total
                    k += 1


@njit(**FAST)
def density_products(tables, A, F):
    """Features F (feature, lane) of moments A (moment, lane)."""
    F[:] = 0.0
    n_one, n_two = len(tables.one), len(tables.two)
    for k in range(n_one):
        add(F, k, 1.0, A, tables.one[k])
    for k in range(n_two):
        a, b, stride = tables.two[k, 0], tables.two[k, 1], tables.two[k, 2]
        for m in range(tables.two[k, 3]):
            add_product(F, n_one + k, 1.0, A, a + m * stride, A, b + m * stride)
    for k in range(len(tables.first3) - 1):
        for m in range(tables.first3[k], tables.first3[k + 1]):
            a, b, c = tables.three[m, 0], tables.three[m, 1], tables.three[m, 2]
            add_triple(F, n_one + n_two + k, tables.weight3[m], A, a, A, b, A, c)


@njit(**FAST)
def density_products_back(tables, A, Q, W):
    """W = dE/dA (moment, lane) for Q = dE/dF (feature, lane)."""
    W[:] = 0.0
    n_one, n_two = len(tables.one), len(tables.two)
    for k in range(n_one):
        add(W, tables.one[k], 1.0, Q, k)
    for k in range(n_two):
        a, b, stride = tables.two[k, 0], tables.two[k, 1], tables.two[k, 2]
        for m in range(tables.two[k, 3]):
            add_product(W, a + m * stride, 1.0, Q, n_one + k, A, b + m * stride)
            add_product(W, b + m * stride, 1.0, Q, n_one + k, A, a + m * stride)
    for k in range(len(tables.first3) - 1):
        row = n_one + n_two + k
        for m in range(tables.first3[k], tables.first3[k + 1]):
            a, b, c, weight = tables.three[m, 0], tables.three[m, 1], tables.three[m, 2], tables.weight3[m]
            add_triple(W, a, weight, Q, row, A, b, A, c)
            add_triple(W, b, weight, Q, row, A, a, A, c)
            add_triple(W, c, weight, Q, row, A, a, A, b)


@njit(**FAST)
def density_slopes(tables, w, dw, W, lane):
    """Add dE/dD of every gathered neighbour to ``w.slope`` for dE/dA = ``W[:, lane]``.

    The scratch must hold R and harmonics of this atom: call :func:`density_moments` before.
    """
    n = w.n[0]
    n_types, n_radial = tables.radial.shape[1], tables.radial.shape[2]
    own, C, C_slope, v, R, R_slope = dw.own, dw.C, dw.C_slope, dw.v, dw.R, dw.R_slope
    legendre, cosine, sine = dw.legendre, dw.cosine, dw.sine
    for p in range(n):
        own[p], v[0, p], v[1, p], v[2, p] = 0.0, 0.0, 0.0, 0.0
    for l in range(len(tables.channels)):
        channels = tables.channels[l]
        for m in range(-l, l + 1):
            mm, factor = abs(m), tables.factor[l, abs(m)]
            k = tables.first[l] + (l + m) * n_types * channels
            for p in range(n):
                C[p], C_slope[p] = 0.0, 0.0
            for s in range(n_types):
                for u in range(s * n_radial, s * n_radial + channels):
                    weight = factor * W[k, lane]
                    k += 1
                    for p in range(n):
                        C[p] += weight * R[u, p]
                        C_slope[p] += weight * R_slope[u, p]
            phase = cosine if m >= 0 else sine
            for p in range(n):
                own[p] += C_slope[p] * legendre[mm, l, p] * phase[mm, p]
                v[2, p] += C[p] * legendre[mm + 1, l, p] * phase[mm, p]
            if m > 0:
                for p in range(n):
                    v[0, p] += C[p] * legendre[mm, l, p] * mm * cosine[mm - 1, p]
                    v[1, p] -= C[p] * legendre[mm, l, p] * mm * sine[mm - 1, p]
            elif m < 0:
                for p in range(n):
                    v[0, p] += C[p] * legendre[mm, l, p] * mm * sine[mm - 1, p]
                    v[1, p] += C[p] * legendre[mm, l, p] * mm * cosine[mm - 1, p]
    x, y, z = dw.x[0], dw.x[1], dw.x[2]
    for p in range(n):
        radial = own[p] - w.inverse[p] * (v[0, p] * x[p] + v[1, p] * y[p] + v[2, p] * z[p])
        w.slope[p, 0] += radial * x[p] + w.inverse[p] * v[0, p]
        w.slope[p, 1] += radial * y[p] + w.inverse[p] * v[1, p]
        w.slope[p, 2] += radial * z[p] + w.inverse[p] * v[2, p]


@njit(**FAST)
def moment_gradients(tables, w, dw, dA):
    """Derivatives dA/dD of every moment, (moment, 3, p), for a fit; after :func:`density_moments`."""
    n = w.n[0]
    n_types, n_radial = tables.radial.shape[1], tables.radial.shape[2]
    x, Y, own, v, R, R_slope = dw.x, dw.Y, dw.own, dw.v, dw.R, dw.R_slope
    legendre, cosine, sine = dw.legendre, dw.cosine, dw.sine
    for l in range(len(tables.channels)):
        channels = tables.channels[l]
        for m in range(-l, l + 1):
            mm, factor = abs(m), tables.factor[l, abs(m)]
            phase, a, b, sign = (cosine, cosine, sine, -1.0) if m >= 0 else (sine, sine, cosine, 1.0)
            for p in range(n):
                Y[p] = factor * legendre[mm, l, p] * phase[mm, p]
                v[0, p], v[1, p] = 0.0, 0.0
                v[2, p] = factor * legendre[mm + 1, l, p] * phase[mm, p]
            if mm > 0:
                for p in range(n):
                    v[0, p] = factor * legendre[mm, l, p] * mm * a[mm - 1, p]
                    v[1, p] = factor * legendre[mm, l, p] * mm * b[mm - 1, p] * sign
            for p in range(n):
                own[p] = w.inverse[p] * (v[0, p] * x[0, p] + v[1, p] * x[1, p] + v[2, p] * x[2, p])
            k = tables.first[l] + (l + m) * n_types * channels
            for s in range(n_types):
                for u in range(s * n_radial, s * n_radial + channels):
                    for c in range(3):
                        for p in range(n):
                            dA[k, c, p] = (
                                R_slope[u, p] * Y[p] * x[c, p] + R[u, p] * (v[c, p] * w.inverse[p] - own[p] * x[c, p])
                            )
                    k += 1


def density_tables(family, n_types, offset):
    """Arrays of a :class:`ase_mlffvv.features.density.Density` family; None gives empty ones."""
    if family is None:
        none = np.zeros(0, np.int64)
        return DensityTables(
            np.zeros(n_types), np.zeros((n_types, n_types, 0, 0)), none, np.zeros(1, np.int64), np.zeros((0, 0)),
            np.zeros(n_types, np.int64), 0, none, np.zeros((0, 4), np.int64), np.zeros(1, np.int64),
            np.zeros((0, 3), np.int64), np.zeros(0),
        )  # fmt: skip
    from ..features.harmonics import legendre_factor

    one, two, three = family.products(n_types)
    degrees = range(family.l_max + 1)
    channels = np.array([family.channels(l) for l in degrees])
    l = two[:, 2]
    counts = [len(x[3]) for x in three]
    return DensityTables(
        cutoff=np.array(family.cutoff, float),
        radial=np.ascontiguousarray(np.stack(family.radial), float),
        channels=channels,
        first=family.moments(n_types).astype(np.int64),
        factor=np.array([[legendre_factor(l, m) if m <= l else 0.0 for m in degrees] for l in degrees]),
        offset=np.asarray(offset, np.int64),
        n_features=len(one) + len(two) + len(three),
        one=one.astype(np.int64),
        two=np.column_stack([two[:, :2], n_types * channels[l], 2 * l + 1]).astype(np.int64),
        first3=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        three=np.concatenate([np.stack(x[:3], axis=1) for x in three] or [np.zeros((0, 3))]).astype(np.int64),
        weight3=np.concatenate([x[3] for x in three] or [np.zeros(0)]),
    )
