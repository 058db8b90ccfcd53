"""Moments of the neighbor density, and their derivatives with respect to positions, in Numba.

The loops run over whole vectors of neighbors of one atom (:mod:`.lanes`), in the precision of the tables. Neighbors
are sorted by element. The radial functions of an element are zero for neighbors of other elements, and sums for an
element run over the vectors that contain its neighbors.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from .cosine import FAST
from .lanes import at_least, between, broadcast, filled, lane_sums, load, load_as, root, store, total, width


class DensityWork(NamedTuple):
    """Working memory of one thread for several atoms; p is a neighbor of one atom, padded to whole vectors.

    Rows of an atom k begin at k times the number of rows of one.
    """

    x: np.ndarray  # (k 3, p): unit vectors
    inverse: np.ndarray  # (k, p): inverse distances
    R: np.ndarray  # (k u, p), u = (element, n), and slopes
    R_slope: np.ndarray
    sums: np.ndarray  # (k moment, lane): sums of Y R over the neighbors in each lane
    Y: np.ndarray  # (l m, p): this and the following arrays are reused for each atom
    legendre: np.ndarray  # (m l, lane): derivative m of P_l
    cosine: np.ndarray  # (m, lane): real part of (x + i y)^m; sine is the imaginary part
    sine: np.ndarray
    cheb: np.ndarray  # (k, lane): Chebyshev polynomials times the cutoff function, and slopes
    cheb_slope: np.ndarray


@njit(**FAST)
def make_density_work(tables, n_max, count):
    """Allocate working memory for up to ``n_max`` neighbors (whole vectors) of each of ``count`` atoms."""
    dtype, lanes = tables.radial.dtype, width(tables.weight3)
    n_types, n, k = tables.radial.shape[1], tables.radial.shape[2], tables.radial.shape[3]
    n_l, moments = len(tables.channels), tables.first[len(tables.channels)]
    return DensityWork(
        np.zeros((count * 3, n_max), dtype),
        np.zeros((count, n_max), dtype),
        np.zeros((count * n_types * n, n_max), dtype),
        np.zeros((count * n_types * n, n_max), dtype),
        np.zeros((count * moments, lanes), dtype),
        np.zeros((n_l * n_l, n_max), dtype),
        np.zeros((n_l * n_l, lanes), dtype),
        np.zeros((n_l, lanes), dtype),
        np.zeros((n_l, lanes), dtype),
        np.zeros((k, lanes), dtype),
        np.zeros((k, lanes), dtype),
    )


@njit(forceinline=True, **FAST)
def _vectors(begin, end, lanes):
    """First of the vectors that contain the neighbors ``begin`` to ``end - 1``, and the end."""
    return (begin // lanes, (end + lanes - 1) // lanes) if begin < end else (0, 0)


@njit(forceinline=True, **FAST)
def _harmonics(climb, x, y, z, dw):
    """Derivatives of Legendre polynomials and powers of x + i y of one vector of neighbors."""
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


@njit(forceinline=True, **FAST)
def _chebyshev(inverse, d, dw):
    """Chebyshev polynomials times the cutoff function, and their slopes, for one vector of neighbors."""
    cheb, cheb_slope = dw.cheb, dw.cheb_slope
    s = inverse * d
    rest = 1.0 - s
    u = at_least(1.0 - s * s, 0.0)
    cut, dcut = u * u * u, (-6.0 * inverse) * (s * u * u)
    x, dx = 2.0 * rest * rest - 1.0, (-4.0 * inverse) * rest
    value, slope, after, after_slope = filled(cheb, 1.0), filled(cheb, 0.0), x, dx
    for k in range(len(cheb)):
        store(cheb, k, value * cut)
        store(cheb_slope, k, slope * cut + value * dcut)
        value, after = after, 2.0 * x * after - value
        slope, after_slope = after_slope, 2.0 * (dx * value + x * after_slope) - slope


@njit(forceinline=True, **FAST)
def density_moments(t, tables, near, dw, at):
    """Write the moments of atom ``at`` of the working memory, of element t, to ``dw.sums``.

    :func:`lane_moments` sums them over lanes and multiplies them by the factors of the harmonics. Directions and radial
    functions stay in the working memory.
    """
    lanes = width(dw.x)
    n_l, n_types, n_radial = len(tables.channels), tables.radial.shape[1], tables.radial.shape[2]
    x_, Y, R, R_slope, legendre, cosine, sine = dw.x, dw.Y, dw.R, dw.R_slope, dw.legendre, dw.cosine, dw.sine
    D, cheb, cheb_slope, sums = near.D, dw.cheb, dw.cheb_slope, dw.sums
    cutoff, zero = 1.0 / tables.cutoff[t], filled(R, 0.0)
    for e in range(n_types):
        begin, end = _vectors(near.start[at, e], near.start[at, e + 1], lanes)
        radial = (at * n_types + e) * n_radial
        for b in range(begin, end):
            x, y, z = load_as(R, D, (3 * at, b)), load_as(R, D, (3 * at + 1, b)), load_as(R, D, (3 * at + 2, b))
            d = root(x * x + y * y + z * z)
            inverse = 1.0 / d
            x, y, z = x * inverse, y * inverse, z * inverse
            store(x_, (3 * at, b), x)
            store(x_, (3 * at + 1, b), y)
            store(x_, (3 * at + 2, b), z)
            store(dw.inverse, (at, b), inverse)
            _chebyshev(cutoff, d, dw)
            mask = between(R, b * lanes, near.start[at, e], near.start[at, e + 1])
            for m in range(n_radial):
                value, slope = zero, zero
                for k in range(tables.span[t, e, m, 0], tables.span[t, e, m, 1]):
                    value += tables.radial[t, e, m, k] * load(cheb, k)
                    slope += tables.radial[t, e, m, k] * load(cheb_slope, k)
                store(R, (radial + m, b), mask * value)
                store(R_slope, (radial + m, b), mask * slope)
            _harmonics(tables.climb, x, y, z, dw)
            for l in range(n_l):
                row = l * l + l
                store(Y, (row, b), load(legendre, l))
                for m in range(1, l + 1):
                    P = load(legendre, m * n_l + l)
                    store(Y, (row + m, b), P * load(cosine, m))
                    store(Y, (row - m, b), P * load(sine, m))
        for l in range(n_l):
            channels, row = tables.channels[l], l * l + l
            stride = n_types * channels
            first = at * tables.first[n_l] + tables.first[l] + l * stride + e * channels
            for u in range(channels):
                one = zero
                for b in range(begin, end):
                    one += load(Y, (row, b)) * load(R, (radial + u, b))
                store(sums, first + u, one)
            for m in range(1, l + 1):
                for u in range(channels):
                    one, two = zero, zero
                    for b in range(begin, end):
                        r = load(R, (radial + u, b))
                        one += load(Y, (row + m, b)) * r
                        two += load(Y, (row - m, b)) * r
                    store(sums, first + m * stride + u, one)
                    store(sums, first - m * stride + u, two)


@njit(forceinline=True, **FAST)
def lane_moments(tables, dw, A):
    """Moments A (moment, lane) of as many atoms as there are lanes, from their sums in the working memory."""
    for k in range(len(A)):
        store(A, k, lane_sums(dw.sums, k, len(A)))
    scale_moments(tables, A)


@njit(**FAST)
def atom_moments(tables, dw, A):
    """Moments of one atom in every lane of A (moment, lane)."""
    for k in range(len(A)):
        store(A, k, filled(A, total(load(dw.sums, k))))
    scale_moments(tables, A)


@njit(forceinline=True, **FAST)
def scale_moments(tables, A):
    """Multiply rows (moment, lane) by the factors of their harmonics."""
    for l in range(len(tables.channels)):
        width_ = tables.radial.shape[1] * tables.channels[l]
        for m in range(-l, l + 1):
            begin = tables.first[l] + (l + m) * width_
            for k in range(begin, begin + width_):
                store(A, k, tables.factor[l, abs(m)] * load(A, k))


@njit(forceinline=True, **FAST)
def density_slopes(tables, near, dw, at, W, lane):
    """Write dE/dD of every neighbor of atom ``at`` to ``near.slope``.

    ``W[:, lane]`` comes from :func:`density_products_back`. The working memory must contain the directions and radial
    functions of this atom from :func:`density_moments`.
    """
    lanes = width(dw.x)
    n_l, n_types, n_radial = len(tables.channels), tables.radial.shape[1], tables.radial.shape[2]
    x_, R, R_slope, legendre, cosine, sine = dw.x, dw.R, dw.R_slope, dw.legendre, dw.cosine, dw.sine
    slope, zero = near.slope, filled(R, 0.0)
    last = -1
    for e in range(n_types):
        begin, end = _vectors(near.start[at, e], near.start[at, e + 1], lanes)
        radial = (at * n_types + e) * n_radial
        for b in range(begin, end):
            x, y, z = load(x_, (3 * at, b)), load(x_, (3 * at + 1, b)), load(x_, (3 * at + 2, b))
            inverse = load(dw.inverse, (at, b))
            _harmonics(tables.climb, x, y, z, dw)
            # for m = 0: factors of P', of the next derivative, and of P' in the derivative with respect to the distance
            own, vx, vy, vz = zero, zero, zero, zero
            for l in range(n_l):
                channels = tables.channels[l]
                k = tables.first[l] + (l * n_types + e) * channels
                value, change = zero, zero
                for u in range(channels):
                    w = broadcast(W, k + u, lane)
                    value += w * load(R, (radial + u, b))
                    change += w * load(R_slope, (radial + u, b))
                own += load(legendre, l) * change
                if l > 0:
                    vz += load(legendre, n_l + l) * value
            for m in range(1, n_l):
                c, c_next, c_slope, s, s_next, s_slope = zero, zero, zero, zero, zero, zero  # real, imaginary parts
                for l in range(m, n_l):
                    channels = tables.channels[l]
                    stride = n_types * channels
                    k = tables.first[l] + l * stride + e * channels
                    plus, plus_slope, minus, minus_slope = zero, zero, zero, zero
                    for u in range(channels):
                        r, dr = load(R, (radial + u, b)), load(R_slope, (radial + u, b))
                        w, v = broadcast(W, k + u + m * stride, lane), broadcast(W, k + u - m * stride, lane)
                        plus += w * r
                        plus_slope += w * dr
                        minus += v * r
                        minus_slope += v * dr
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
                C, S = load(cosine, m - 1), load(sine, m - 1)
                vx += m * (c * C + s * S)
                vy += m * (s * C - c * S)
            own -= inverse * (vx * x + vy * y + vz * z)
            x, y, z = own * x + inverse * vx, own * y + inverse * vy, own * z + inverse * vz
            if b == last:  # also contains neighbors of the previous element
                x += load_as(R, slope, (3 * at, b))
                y += load_as(R, slope, (3 * at + 1, b))
                z += load_as(R, slope, (3 * at + 2, b))
            store(slope, (3 * at, b), x)
            store(slope, (3 * at + 1, b), y)
            store(slope, (3 * at + 2, b), z)
            last = b


@njit(**FAST)
def moment_gradients(tables, near, dw, dA):
    """Write the derivatives of moments with respect to D, without the factors of the harmonics, to dA (moment 3, p).

    Call :func:`density_moments` first. Fits use these derivatives.
    """
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
                    begin, end = _vectors(near.start[0, e], near.start[0, e + 1], lanes)
                    for u in range(e * n_radial, e * n_radial + channels):
                        r, dr = zero, zero
                        if begin <= b and b < end:
                            r, dr = load(R, (u, b)), Y * load(R_slope, (u, b))
                        store(dA, (3 * k, b), dr * x + r * gx)
                        store(dA, (3 * k + 1, b), dr * y + r * gy)
                        store(dA, (3 * k + 2, b), dr * z + r * gz)
                        k += 1
