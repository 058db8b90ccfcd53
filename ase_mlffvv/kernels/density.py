"""Moments of the neighbour density, and the way back from their derivatives, in Numba.

The loops run over whole vectors of neighbours of one atom (:mod:`.lanes`), in the precision of the tables. Neighbours
are ordered by element; the radial functions of an element are zero for the others, and sums for it run over the vectors
that have neighbours of it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from .cosine import FAST
from .lanes import at_least, filled, lane_sums, load, load_as, root, spread, store, total, width


class DensityWork(NamedTuple):
    """Scratch of one thread; p counts the neighbours of one atom, up to whole vectors."""

    x: np.ndarray  # (3, p): unit vectors
    inverse: np.ndarray  # (1, p): of distances
    R: np.ndarray  # (u, p), u = (element, n), and slopes
    R_slope: np.ndarray
    sums: np.ndarray  # (moment, lane): of Y R over every lane-th neighbour
    Y: np.ndarray  # (l m, p): this and the following may change at any time
    mask: np.ndarray  # (element, p): 1 for neighbours of this element, else 0
    legendre: np.ndarray  # (m l, lane): derivative m of P_l
    cosine: np.ndarray  # (m, lane): parts of (x + i y)^m
    sine: np.ndarray
    cheb: np.ndarray  # (k, lane) and slopes, cutoff function included
    cheb_slope: np.ndarray


@njit(**FAST)
def make_density_work(tables, n_max, count):
    """Scratch for at most ``n_max`` neighbours (whole vectors) of each of ``count`` atoms, which are the first axis of
    the first five arrays: see :func:`density_of`."""
    dtype, lanes = tables.radial.dtype, width(tables.weight3)
    n_types, n, k = tables.radial.shape[1], tables.radial.shape[2], tables.radial.shape[3]
    n_l, moments = len(tables.channels), tables.first[len(tables.channels)]
    return DensityWork(
        np.zeros((count, 3, n_max), dtype),
        np.zeros((count, 1, n_max), dtype),
        np.zeros((count, n_types * n, n_max), dtype),
        np.zeros((count, n_types * n, n_max), dtype),
        np.zeros((count, moments, lanes), dtype),
        np.zeros((n_l * n_l, n_max), dtype),
        np.zeros((n_types, n_max), dtype),
        np.zeros((n_l * n_l, lanes), dtype),
        np.zeros((n_l, lanes), dtype),
        np.zeros((n_l, lanes), dtype),
        np.zeros((k, lanes), dtype),
        np.zeros((k, lanes), dtype),
    )


@njit(**FAST)
def density_of(dw, k):
    """Scratch of the k-th atom."""
    return DensityWork(
        dw.x[k], dw.inverse[k], dw.R[k], dw.R_slope[k], dw.sums[k],
        dw.Y, dw.mask, dw.legendre, dw.cosine, dw.sine, dw.cheb, dw.cheb_slope,
    )  # fmt: skip


@njit(**FAST)
def _vectors(s, near, dw):
    """First vector with neighbours of element s, and the end."""
    lanes = width(dw.x)
    begin, end = near.start[s], near.start[s + 1]
    if begin == end:
        return 0, 0
    return begin // lanes, (end + lanes - 1) // lanes


@njit(**FAST)
def _harmonics(climb, x, y, z, dw):
    """Derivatives of Legendre polynomials and powers of x + i y of one vector of neighbours."""
    legendre, cosine, sine = dw.legendre, dw.cosine, dw.sine
    n_l = len(climb)
    c, s = filled(legendre, 1.0), filled(legendre, 0.0)
    for m in range(n_l):
        store(cosine, m, c)
        store(sine, m, s)
        c, s = x * c - y * s, x * s + y * c
        below, last = filled(legendre, 0.0), filled(legendre, climb[m, m, 0])
        store(legendre, m * n_l + m, last)
        for l in range(m + 1, n_l):
            below, last = last, climb[m, l, 0] * (z * last) - climb[m, l, 1] * below
            store(legendre, m * n_l + l, last)


@njit(**FAST)
def _radial(t, b, tables, d, near, dw):
    """Radial functions and their slopes at the distances of the b-th vector of neighbours."""
    R, R_slope, cheb, cheb_slope = dw.R, dw.R_slope, dw.cheb, dw.cheb_slope
    K = len(cheb)
    inverse = 1.0 / tables.cutoff[t]
    s = inverse * d
    rest = 1.0 - s
    u = at_least(1.0 - s * s, 0.0)
    cut, dcut = u * u * u, (-6.0 * inverse) * (s * u * u)
    x, dx = 2.0 * rest * rest - 1.0, (-4.0 * inverse) * rest
    a, b_, da, db = filled(R, 1.0), x, filled(R, 0.0), dx  # T_k, T_(k+1) and slopes
    for k in range(K):
        store(cheb, k, a * cut)
        store(cheb_slope, k, da * cut + a * dcut)
        a, b_, da, db = b_, 2.0 * x * b_ - a, db, 2.0 * (dx * b_ + x * db) - da
    n_radial = tables.radial.shape[2]
    for e in range(tables.radial.shape[1]):
        begin, end = _vectors(e, near, dw)
        if b < begin or b >= end:
            continue
        mask = load(dw.mask, (e, b))
        for m in range(n_radial):
            value, slope = filled(R, 0.0), filled(R, 0.0)
            for k in range(tables.span[t, e, m, 0], tables.span[t, e, m, 1]):
                c = tables.radial[t, e, m, k]
                value += c * load(cheb, k)
                slope += c * load(cheb_slope, k)
            store(R, (e * n_radial + m, b), mask * value)
            store(R_slope, (e * n_radial + m, b), mask * slope)


@njit(**FAST)
def density_moments(t, tables, near, dw):
    """Moments of the gathered centre atom of element t, but for the sum over lanes and the factor of each harmonic
    (:func:`lane_moments`), into ``dw.sums``; leaves directions and radial functions in the scratch."""
    n, lanes = near.n[0], width(dw.x)
    n_l, n_types, n_radial = len(tables.channels), tables.radial.shape[1], tables.radial.shape[2]
    x_, Y, R, sums, legendre, cosine, sine = dw.x, dw.Y, dw.R, dw.sums, dw.legendre, dw.cosine, dw.sine
    vectors = (n + lanes - 1) // lanes
    for s in range(n_types):
        for p in range(vectors * lanes):
            dw.mask[s, p] = 1.0 if (p >= near.start[s]) & (p < near.start[s + 1]) else 0.0
    for b in range(vectors):
        x, y, z = (
            load_as(x_, near.D, (0, b)), load_as(x_, near.D, (1, b)), load_as(x_, near.D, (2, b)),
        )  # fmt: skip
        d = root(x * x + y * y + z * z)
        inverse = 1.0 / d
        x, y, z = x * inverse, y * inverse, z * inverse
        store(x_, (0, b), x)
        store(x_, (1, b), y)
        store(x_, (2, b), z)
        store(dw.inverse, (0, b), inverse)
        _radial(t, b, tables, d, near, dw)
        _harmonics(tables.climb, x, y, z, dw)
        for l in range(n_l):
            for m in range(l + 1):
                P = load(legendre, m * n_l + l)
                store(Y, (l * l + l + m, b), P * load(cosine, m))
                if m > 0:
                    store(Y, (l * l + l - m, b), P * load(sine, m))
    for l in range(n_l):
        channels = tables.channels[l]
        stride = n_types * channels
        for s in range(n_types):
            begin, end = _vectors(s, near, dw)
            for m in range(l + 1):
                row = l * l + l
                k = tables.first[l] + l * stride + s * channels
                for u in range(s * n_radial, s * n_radial + channels):
                    one, two = filled(R, 0.0), filled(R, 0.0)
                    if m == 0:
                        for b in range(begin, end):
                            one += load(Y, (row, b)) * load(R, (u, b))
                    else:  # the two harmonics share what is read of R
                        for b in range(begin, end):
                            r = load(R, (u, b))
                            one += load(Y, (row + m, b)) * r
                            two += load(Y, (row - m, b)) * r
                        store(sums, k - m * stride, two)
                    store(sums, k + m * stride, one)
                    k += 1


@njit(**FAST)
def lane_moments(tables, dw, A):
    """Moments A (moment, lane) of as many atoms as there are lanes, from the sums that each left in its scratch."""
    count, n, lanes = dw.sums.shape
    sums = dw.sums.reshape((count * n, lanes))
    for k in range(n):
        store(A, k, lane_sums(sums, k, n))
    scale_moments(tables, A)


@njit(**FAST)
def atom_moments(tables, dw, A):
    """Moments of one atom in every lane of A (moment, lane)."""
    for k in range(len(A)):
        store(A, k, filled(A, total(load(dw.sums, k))))
    scale_moments(tables, A)


@njit(**FAST)
def scale_moments(tables, A):
    """Multiply rows (moment, lane) with the factors of their harmonics."""
    for l in range(len(tables.channels)):
        width_ = tables.radial.shape[1] * tables.channels[l]
        for m in range(-l, l + 1):
            begin = tables.first[l] + (l + m) * width_
            for k in range(begin, begin + width_):
                store(A, k, tables.factor[l, abs(m)] * load(A, k))


@njit(**FAST)
def density_slopes(tables, near, dw, W, lane):
    """dE/dD of every gathered neighbour into ``near.slope`` for ``W[:, lane]`` of :func:`density_products_back`.

    The scratch must hold directions and radial functions of this atom: call :func:`density_moments` before.
    """
    lanes = width(dw.x)
    n_l, n_types, n_radial = len(tables.channels), tables.radial.shape[1], tables.radial.shape[2]
    R, R_slope, legendre, cosine, sine = dw.R, dw.R_slope, dw.legendre, dw.cosine, dw.sine
    for b in range((near.n[0] + lanes - 1) // lanes):
        x, y, z, inverse = load(dw.x, (0, b)), load(dw.x, (1, b)), load(dw.x, (2, b)), load(dw.inverse, (0, b))
        _harmonics(tables.climb, x, y, z, dw)
        own, vx, vy, vz = filled(R, 0.0), filled(R, 0.0), filled(R, 0.0), filled(R, 0.0)
        for m in range(n_l):
            # factors of the cosine and sine part: of P', of the next derivative, and of P' in the slope with distance
            c, c_next, c_slope = filled(R, 0.0), filled(R, 0.0), filled(R, 0.0)
            s, s_next, s_slope = filled(R, 0.0), filled(R, 0.0), filled(R, 0.0)
            for l in range(m, n_l):
                channels = tables.channels[l]
                stride = n_types * channels
                plus, plus_slope, minus, minus_slope = filled(R, 0.0), filled(R, 0.0), filled(R, 0.0), filled(R, 0.0)
                for e in range(n_types):
                    begin, end = _vectors(e, near, dw)
                    if b < begin or b >= end:
                        continue
                    k = tables.first[l] + l * stride + e * channels
                    if m == 0:
                        for u in range(e * n_radial, e * n_radial + channels):
                            w = spread(W, k, lane)
                            plus += w * load(R, (u, b))
                            plus_slope += w * load(R_slope, (u, b))
                            k += 1
                    else:
                        for u in range(e * n_radial, e * n_radial + channels):
                            r, dr = load(R, (u, b)), load(R_slope, (u, b))
                            w, v = spread(W, k + m * stride, lane), spread(W, k - m * stride, lane)
                            plus += w * r
                            plus_slope += w * dr
                            minus += v * r
                            minus_slope += v * dr
                            k += 1
                P = load(legendre, m * n_l + l)
                c += P * plus
                s += P * minus
                c_slope += P * plus_slope
                s_slope += P * minus_slope
                if l > m:
                    P = load(legendre, (m + 1) * n_l + l)
                    c_next += P * plus
                    s_next += P * minus
            C, S = load(cosine, m), load(sine, m)
            own += c_slope * C + s_slope * S
            vz += c_next * C + s_next * S
            if m > 0:
                C, S = load(cosine, m - 1), load(sine, m - 1)
                vx += m * (c * C + s * S)
                vy += m * (s * C - c * S)
        radial = own - inverse * (vx * x + vy * y + vz * z)
        store(near.slope, (0, b), radial * x + inverse * vx)
        store(near.slope, (1, b), radial * y + inverse * vy)
        store(near.slope, (2, b), radial * z + inverse * vz)


@njit(**FAST)
def moment_gradients(tables, near, dw, dA):
    """Derivatives of every moment with respect to D, but for the factor of each harmonic, into dA (moment 3, p), for
    a fit; after :func:`density_moments`."""
    lanes = width(dw.x)
    n_l, n_types, n_radial = len(tables.channels), tables.radial.shape[1], tables.radial.shape[2]
    R, R_slope, legendre, cosine, sine = dw.R, dw.R_slope, dw.legendre, dw.cosine, dw.sine
    zero = filled(R, 0.0)
    for b in range((near.n[0] + lanes - 1) // lanes):
        x, y, z, inverse = load(dw.x, (0, b)), load(dw.x, (1, b)), load(dw.x, (2, b)), load(dw.inverse, (0, b))
        _harmonics(tables.climb, x, y, z, dw)
        for l in range(n_l):
            channels = tables.channels[l]
            for m in range(-l, l + 1):
                mm = abs(m)
                P, after = load(legendre, mm * n_l + l), zero
                if l > mm:
                    after = load(legendre, (mm + 1) * n_l + l)
                vx, vy, phase = zero, zero, load(cosine, mm)
                if m > 0:
                    vx, vy = m * P * load(cosine, m - 1), (-m) * P * load(sine, m - 1)
                elif m < 0:
                    phase = load(sine, mm)
                    vx, vy = mm * P * load(sine, mm - 1), mm * P * load(cosine, mm - 1)
                Y, vz = P * phase, after * phase
                own = vx * x + vy * y + vz * z
                gx, gy, gz = inverse * (vx - own * x), inverse * (vy - own * y), inverse * (vz - own * z)
                k = tables.first[l] + (l + m) * n_types * channels
                for e in range(n_types):
                    begin, end = _vectors(e, near, dw)
                    for u in range(e * n_radial, e * n_radial + channels):
                        r, dr = zero, zero
                        if begin <= b and b < end:
                            r, dr = load(R, (u, b)), Y * load(R_slope, (u, b))
                        store(dA, (3 * k, b), dr * x + r * gx)
                        store(dA, (3 * k + 1, b), dr * y + r * gy)
                        store(dA, (3 * k + 2, b), dr * z + r * gz)
                        k += 1
