"""Features and their projections with derivatives, frame by frame: what a fit needs."""

from __future__ import annotations

import numpy as np
from numba import njit

from .cosine import FAST, System, gather, make_work
from .density import make_density_work, make_lane_work
from .features import all_features, all_slopes, density_weights
from .lanes import LANES
from .tables import FeatureTables
from .threads import available_threads, over_blocks


def raw_features(tables: FeatureTables, cutoff, system: System, threads=None):
    """Raw features of every atom, shape (n_atoms, n_features); atoms of elements with fewer are padded with zeros."""
    f = np.zeros((len(system.positions), tables.n_features.max()))

    def block(begin, end):
        _features(tables, cutoff, system, _widest(system), begin, end, f)

    over_blocks(block, len(f), threads or available_threads())
    return f


def projections(tables: FeatureTables, cutoff, projection, origin, system: System, threads=None):
    """Scaled projections ``g = f . projection + origin`` of every atom and their derivatives.

    Parameters
    ----------
    projection : ndarray, shape (n_types, n_features, n)
        Scale included.
    origin : ndarray, shape (n_types, n)

    Returns
    -------
    g : ndarray, shape (n_atoms, n)
    J : ndarray, shape (n_pairs, 3, n), 1/Å
        dg_i/dD of each pair (i, j) of the list with D from i to j; pairs beyond the cutoff have zeros.
    """
    n = projection.shape[2]
    columns = np.ascontiguousarray(projection.transpose(0, 2, 1))
    g = origin[system.species].copy()
    J = np.zeros((len(system.neighbour), 3, n))

    def block(begin, end):
        _project(tables, cutoff, columns, system, _widest(system), begin, end, g, J)

    over_blocks(block, len(g), threads or available_threads())
    return g, J


def _widest(system):
    return int(np.diff(system.first).max(initial=0))


@njit(cache=True, nogil=True, **FAST)
def _features(tables, cutoff, system, widest, begin, end, out):
    w, dw = make_work(tables, widest), make_density_work(tables.density, widest)
    lw = make_lane_work(tables.density)
    for i in range(begin, end):
        gather(i, cutoff, system, w)
        all_features(system.species[i], tables, w, dw, lw, out[i])


@njit(cache=True, nogil=True, **FAST)
def _project(tables, cutoff, columns, system, widest, begin, end, g, J):
    w, dw = make_work(tables, widest), make_density_work(tables.density, widest)
    lw = make_lane_work(tables.density)
    f = np.zeros(tables.n_features.max())
    for i in range(begin, end):
        t = system.species[i]
        gather(i, cutoff, system, w)
        all_features(t, tables, w, dw, lw, f)
        for first in range(0, columns.shape[1], LANES):
            weights = columns[t, first : first + LANES]
            density_weights(t, tables, lw, weights)
            for lane in range(len(weights)):
                k = first + lane
                for a in range(tables.n_features[t]):
                    g[i, k] += f[a] * weights[lane, a]
                all_slopes(t, tables, w, dw, lw, weights[lane], lane)
                for p in range(w.n[0]):
                    J[w.entry[p], :, k] = w.slope[p]
