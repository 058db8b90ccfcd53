"""Cosine features of one atom and their derivatives, in Numba.

With u = (element, leg function), L[p, u] = phi_u(d_p) and H[c, p, v] = sum over neighbors q != p of psi_c(pq) L[q, v],
the three-body features are T[c, u, v] = sum_p L[p, u] H[c, p, v]. Their energy with symmetric coefficients Q[c, u, v]
has the derivatives dE/dd_p = 2 sum L'[p, u] Q[c, u, v] H[c, p, v], and for each side dE/dd_pq = 2 sum_c psi'_c(pq)
(L Q_c L^T)[p, q]. The cost of an atom is therefore a few products of small matrices for any size of the basis, and the
functions of all triangles are computed in long simple loops, which vectorise. Both corners of a triangle are computed,
because this is cheaper than scattering.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

# Only functions that Python calls are cached. If inner functions were cached too, the machine code would depend on
# which of them were cached already, and with it the last bits of results, which a restarted run has to reproduce.
# fastmath allows reordered sums but keeps NaN and infinity; with error_model='numpy', division by zero gives infinity
# instead of a branch that prevents vectorisation.
FAST = {'fastmath': {'contract', 'reassoc', 'nsz', 'arcp'}, 'error_model': 'numpy'}
_SINE = tuple((-1) ** k * math.pi ** (2 * k + 1) / math.factorial(2 * k + 1) for k in range(11))
_COSINE = tuple((-1) ** k * math.pi ** (2 * k) / math.factorial(2 * k) for k in range(12))


class System(NamedTuple):
    """Atoms and their pair list in the form that the kernels use."""

    species: np.ndarray
    positions: np.ndarray
    shift_vectors: np.ndarray
    cell: np.ndarray
    inverse_cell: np.ndarray
    first: np.ndarray
    neighbor: np.ndarray
    image: np.ndarray  # (pair, byte): row of shift_vectors, least byte first


def make_system(species, positions, cell, pairs):
    """System of element indices, positions (Å), cell (rows; zero where not periodic) and a PairList."""
    cell = np.ascontiguousarray(cell, float)
    return System(
        np.asarray(species, np.int64),
        np.ascontiguousarray(positions, float),
        pairs.shifts @ cell,
        cell,
        np.linalg.pinv(cell),  # zero rows of non-periodic directions stay zero
        pairs.first,
        pairs.j,
        pairs.image.view(np.uint8).reshape(len(pairs.j), -1) if len(pairs.j) else np.zeros((0, 1), np.uint8),
    )


class Work(NamedTuple):
    """Working memory of one thread, reused for each atom; p and q are neighbors, pq all ordered pairs of them."""

    n: np.ndarray  # [number of neighbors]
    start: np.ndarray  # first neighbor of each element, and the end
    D: np.ndarray  # (p, 3): vector; distance and its inverse
    d: np.ndarray
    inverse: np.ndarray
    two_body: np.ndarray  # (function, p)
    two_body_slope: np.ndarray  # slopes are divided by the distance
    leg: np.ndarray
    leg_slope: np.ndarray
    L: np.ndarray  # (p u)
    L_slope: np.ndarray
    side: np.ndarray  # pq
    side_inverse: np.ndarray
    sine: np.ndarray  # pq: sine of the phase
    cosine: np.ndarray
    psi: np.ndarray  # (c, pq)
    psi_slope: np.ndarray
    H: np.ndarray  # (c, p v)
    Q: np.ndarray  # (c, u v): first T, then twice the symmetric coefficients
    product: np.ndarray  # (p u)
    radial: np.ndarray  # pq
    inner: np.ndarray
    slope: np.ndarray  # (p, 3): dE/dD


@njit(**FAST)
def make_work(tables, n_max):
    """Allocate working memory for up to ``n_max`` neighbors per atom."""
    n_two, n_leg, n_side = tables.two_body.a.shape[1], tables.legs.a.shape[1], tables.sides.a.shape[1]
    rows = tables.n_types * n_leg
    n_sides = n_max * n_max if n_leg > 0 else n_max
    return Work(
        np.zeros(1, np.int64),
        np.zeros(tables.n_types + 1, np.int64),
        np.zeros((n_max, 3)),
        np.zeros(n_max),
        np.zeros(n_max),
        np.zeros((n_two, n_max)),
        np.zeros((n_two, n_max)),
        np.zeros((n_leg, n_max)),
        np.zeros((n_leg, n_max)),
        np.zeros(n_max * rows),
        np.zeros(n_max * rows),
        np.zeros(n_sides),
        np.zeros(n_sides),
        np.zeros(n_sides),
        np.zeros(n_sides),
        np.zeros((n_side, n_sides)),
        np.zeros((n_side, n_sides)),
        np.zeros((n_side, n_max * rows)),
        np.zeros((n_side, rows * rows)),
        np.zeros(n_max * rows),
        np.zeros(n_sides),
        np.zeros(n_sides),
        np.zeros((n_max, 3)),
    )


@njit(**FAST, inline='always')
def sincospi(x):
    """Sine and cosine of pi x to round-off, by plain arithmetic that vectorises."""
    n = math.floor(x + 0.5)
    r = x - n
    z = r * r
    s = _SINE[10]
    c = _COSINE[11]
    for k in range(9, -1, -1):
        s = s * z + _SINE[k]
    for k in range(10, -1, -1):
        c = c * z + _COSINE[k]
    sign = 1.0 - 2.0 * (n - 2.0 * math.floor(0.5 * n))
    return sign * r * s, sign * c


@njit(**FAST)
def take(near, w):
    """Copy the neighbors of the first gathered atom (:mod:`.near`) to the working memory."""
    n = near.n[0]
    w.n[0] = n
    w.start[:] = near.start[0]
    for p in range(n):
        x, y, z = near.D[0, p], near.D[1, p], near.D[2, p]
        w.D[p, 0], w.D[p, 1], w.D[p, 2] = x, y, z
        w.d[p] = math.sqrt(x * x + y * y + z * z)
        w.inverse[p] = 1.0 / w.d[p]


@njit(**FAST)
def _basis(n, d, inverse, limit, basis, t, sine, cosine, value, slope):
    """Values, and slopes divided by the distance, (function, p), at the n distances d; zero from ``limit`` on."""
    if basis.shared[t]:
        frequency = basis.frequency[t, 0]
        for p in range(n):
            sine[p], cosine[p] = sincospi(d[p] * frequency)
    for m in range(basis.n[t]):
        if not basis.shared[t]:
            frequency = basis.frequency[t, m]
            for p in range(n):
                sine[p], cosine[p] = sincospi(d[p] * frequency)
        a, b = basis.a[t, m], min(basis.b[t, m], limit)
        s, c, half_omega = basis.sine[t, m], basis.cosine[t, m], basis.half_omega[t, m]
        value_m, slope_m = value[m], slope[m]
        for p in range(n):
            inside = 1.0 if (d[p] >= a) & (d[p] < b) else 0.0
            value_m[p] = inside * (0.5 + 0.5 * (cosine[p] * c + sine[p] * s))
            slope_m[p] = inside * inverse[p] * half_omega * (cosine[p] * s - sine[p] * c)


@njit(**FAST)
def features(t, tables, w, f):
    """Raw features f of the gathered centre atom of element t; basis functions and H stay in the working memory."""
    f[: tables.n_features[t]] = 0.0
    n, n_two, n_leg = w.n[0], tables.two_body.n[t], tables.legs.n[t]
    _basis(n, w.d, w.inverse, tables.cutoff2[t], tables.two_body, t, w.sine, w.cosine, w.two_body, w.two_body_slope)
    for s in range(tables.n_types):
        for m in range(n_two):
            f[tables.offset2[t] + s * n_two + m] = w.two_body[m, w.start[s] : w.start[s + 1]].sum()
    if n_leg == 0 or n == 0:
        return
    _basis(n, w.d, w.inverse, tables.cutoff3[t], tables.legs, t, w.sine, w.cosine, w.leg, w.leg_slope)
    rows = tables.n_types * n_leg
    L, L_slope = w.L[: n * rows].reshape((n, rows)), w.L_slope[: n * rows].reshape((n, rows))
    L[:] = 0.0
    L_slope[:] = 0.0
    for s in range(tables.n_types):
        for p in range(w.start[s], w.start[s + 1]):
            for k in range(n_leg):
                L[p, s * n_leg + k] = w.leg[k, p]
                L_slope[p, s * n_leg + k] = w.leg_slope[k, p]
    _sides(n, t, tables, w)
    for c in range(tables.sides.n[t]):
        H = w.H[c, : n * rows].reshape((n, rows))
        np.dot(w.psi[c, : n * n].reshape((n, n)), L, H)
        np.dot(L.T, H, w.Q[c, : rows * rows].reshape((rows, rows)))
    for m in range(tables.n_index3[t]):
        u, v, c = tables.index3[t, m, 0], tables.index3[t, m, 1], tables.index3[t, m, 2]
        f[tables.offset3[t] + m] = w.Q[c, u * rows + v]


@njit(**FAST)
def _sides(n, t, tables, w):
    """Basis functions of the distances between all neighbors."""
    side, inverse = w.side, w.side_inverse
    for p in range(n):
        x, y, z = w.D[p, 0], w.D[p, 1], w.D[p, 2]
        row = side[p * n : (p + 1) * n]
        for q in range(n):
            dx, dy, dz = x - w.D[q, 0], y - w.D[q, 1], z - w.D[q, 2]
            row[q] = dx * dx + dy * dy + dz * dz
    for pq in range(n * n):
        side[pq] = math.sqrt(side[pq] if side[pq] >= 1e-8 else 1e12)  # p = q or coincident neighbors: far away
        inverse[pq] = 1.0 / side[pq]
    limit = np.nextafter(tables.side_cutoff[t], np.inf)
    _basis(n * n, side, inverse, limit, tables.sides, t, w.sine, w.cosine, w.psi, w.psi_slope)


@njit(**FAST)
def cosine_slopes(t, tables, w, weights):
    """Write dE/dD of every gathered neighbor to ``w.slope``, for dE/df = weights. Call :func:`features` first."""
    n, n_two = w.n[0], tables.two_body.n[t]
    own = w.cosine  # dE/dd_p / d_p
    own[:n] = 0.0
    for s in range(tables.n_types):
        begin, end = w.start[s], w.start[s + 1]
        for m in range(n_two):
            own[begin:end] += weights[tables.offset2[t] + s * n_two + m] * w.two_body_slope[m, begin:end]
    if tables.legs.n[t] > 0 and n > 0:
        _three_body_slopes(n, t, tables, w, weights, own)
    for p in range(n):
        for a in range(3):
            w.slope[p, a] = own[p] * w.D[p, a]
    if tables.legs.n[t] > 0 and n > 0:
        radial, D = w.radial[: n * n].reshape((n, n)), w.D[:n]
        w.slope[:n] -= np.dot(radial, D)


@njit(**FAST)
def _three_body_slopes(n, t, tables, w, weights, own):
    """Add the derivatives of triangles to ``own``, including the row sums of dE/dd_pq / d_pq, left in ``w.radial``."""
    rows = tables.n_types * tables.legs.n[t]
    w.Q[:, : rows * rows] = 0.0
    for m in range(tables.n_index3[t]):
        u, v, c = tables.index3[t, m, 0], tables.index3[t, m, 1], tables.index3[t, m, 2]
        value = weights[tables.offset3[t] + m]
        w.Q[c, u * rows + v] += value
        w.Q[c, v * rows + u] += value
    L, L_slope = w.L[: n * rows].reshape((n, rows)), w.L_slope[: n * rows].reshape((n, rows))
    product, inner = w.product[: n * rows].reshape((n, rows)), w.inner[: n * n].reshape((n, n))
    radial = w.radial
    radial[: n * n] = 0.0
    for c in range(tables.sides.n[t]):
        Q, H = w.Q[c, : rows * rows].reshape((rows, rows)), w.H[c]
        np.dot(L_slope, Q, product)
        for p in range(n):
            for v in range(rows):
                own[p] += product[p, v] * H[p * rows + v]
        np.dot(L, Q, product)
        np.dot(product, L.T, inner)
        flat, slope = w.inner, w.psi_slope[c]
        for pq in range(n * n):
            radial[pq] += flat[pq] * slope[pq]
    for p in range(n):
        own[p] += radial[p * n : (p + 1) * n].sum()
