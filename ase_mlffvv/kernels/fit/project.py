"""Features, and their projections with derivatives, of one structure at a time, for fits."""

from __future__ import annotations

import numpy as np
from numba import njit

from ...jit import available_threads, kernel, over_blocks
from ..cpu.cosine import FAST, System, cosine_slopes, make_work
from ..cpu.density import make_density_work, moment_gradients
from ..cpu.features import all_features, density_weights
from ..cpu.lanes import width
from ..cpu.near import gather, make_near, room
from ..cpu.products import make_lane_work
from ..shared.tables import FeatureTables


def raw_features(tables: FeatureTables, cutoff, system: System, threads=None, atoms=slice(None)):
    """Raw features of all atoms or a slice, shape (n_atoms, n_features), padded with zeros for some elements."""
    first, last, _ = atoms.indices(len(system.positions))
    f = np.zeros((last - first, tables.n_features.max()))
    widest = int(np.diff(system.first[first : last + 1]).max(initial=0))

    def block(begin, end):
        _features(tables, cutoff, system, widest, first + begin, first + end, f[begin:end])

    over_blocks(block, len(f), threads or available_threads())
    return f


def projections(tables: FeatureTables, cutoff, projection, origin, system: System, threads=None, buffer=None):
    """Scaled projections ``g = f . projection + origin`` of every atom and their derivatives.

    Parameters
    ----------
    projection : ndarray, shape (n_types, n_features, n)
        Projection, multiplied by the scale.
    origin : ndarray, shape (n_types, n)
    buffer : ndarray, optional
        One-dimensional memory for J, used if large enough; allocating new memory takes longer than the derivatives.

    Returns
    -------
    g : ndarray, shape (n_atoms, n)
    J : ndarray, shape (n_pairs, 3, n), 1/Å
        Derivatives dg_i/dD of each pair (i, j) of the list, with D from i to j; zero beyond the cutoff.
    """
    n = projection.shape[2]
    columns = np.ascontiguousarray(projection.transpose(0, 2, 1))
    g = origin[system.species].copy()
    size = len(system.neighbor) * 3 * n
    J = np.empty(size) if buffer is None or len(buffer) < size else buffer[:size]
    J = J.reshape(-1, 3, n)

    def block(begin, end):
        _project(tables, cutoff, columns, system, _widest(system), begin, end, g, J)

    over_blocks(block, len(g), threads or available_threads())
    return g, J


def _widest(system):
    return int(np.diff(system.first).max(initial=0))


@kernel(**FAST)
def _features(tables, cutoff, system, widest, begin, end, out):
    lw = make_lane_work(tables.density)
    lanes = width(lw.A)
    most = room(widest, lanes)
    near, w = make_near(tables.n_types, most, 1), make_work(tables, widest)
    dw = make_density_work(tables.density, most, 1)
    for i in range(begin, end):
        gather(i, cutoff, system, near, 0, lanes)
        all_features(system.species[i], tables, near, w, dw, lw, out[i - begin])


@kernel(**FAST)
def _project(tables, cutoff, columns, system, widest, begin, end, g, J):
    lw = make_lane_work(tables.density)
    lanes = width(lw.A)
    most = room(widest, lanes)
    near, w = make_near(tables.n_types, most, 1), make_work(tables, widest)
    dw = make_density_work(tables.density, most, 1)
    f = np.zeros(tables.n_features.max())
    n_moments, n_density = len(lw.A), tables.density.n_features
    dA = np.zeros((n_moments * 3, most))
    slope = np.zeros((lanes, 3, most))
    for i in range(begin, end):
        t = system.species[i]
        J[system.first[i] : system.first[i + 1]] = 0.0
        gather(i, cutoff, system, near, 0, lanes)
        all_features(t, tables, near, w, dw, lw, f)
        if n_density > 0:
            moment_gradients(tables.density, near, dw, dA)
        for first in range(0, columns.shape[1], lanes):
            weights = columns[t, first : first + lanes]
            slope[:] = 0.0
            if n_density > 0:
                density_weights(t, tables, lw, weights)
                for lane in range(len(weights)):
                    for a in range(n_moments):
                        if lw.W[a, lane] != 0.0:  # few are nonzero if components are the features themselves
                            _add_moment(w.n[0], lw.W[a, lane], dA[3 * a : 3 * a + 3], slope[lane])
            for lane in range(len(weights)):
                total = 0.0
                for a in range(tables.n_features[t]):
                    total += f[a] * weights[lane, a]
                g[i, first + lane] += total
                if tables.with_cosines:
                    cosine_slopes(t, tables, w, weights[lane])
                    for p in range(w.n[0]):
                        for a in range(3):
                            slope[lane, a, p] += w.slope[p, a]
            for p in range(w.n[0]):  # in an order that writes whole cache lines
                for a in range(3):
                    for lane in range(len(weights)):
                        J[near.entry[0, p], a, first + lane] = slope[lane, a, p]


@njit(**FAST)
def _add_moment(n, weight, change, out):
    for a in range(3):
        for p in range(n):
            out[a, p] += weight * change[a, p]
