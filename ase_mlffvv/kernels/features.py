"""Features of one atom from all families and the way back: cosine families and the neighbour density side by side."""

from __future__ import annotations

from numba import njit

from .cosine import FAST, features, pair_slopes
from .density import density_moments, density_products, density_products_back, density_slopes
from .lanes import LANES


@njit(**FAST)
def all_features(t, tables, w, dw, lw, f):
    """Raw features f of the gathered centre atom of element t; ``lw.A`` holds its moments in every lane."""
    features(t, tables, w, f)
    density = tables.density
    if density.n_features > 0:
        density_moments(t, density, w, dw, lw.A, 0)
        for a in range(lw.A.shape[0]):
            lw.A[a, 1:] = lw.A[a, 0]
        density_products(density, lw.A, lw.F)
        for k in range(density.n_features):
            f[density.offset[t] + k] = lw.F[k, 0]


@njit(**FAST)
def density_weights(t, tables, lw, weights):
    """Leave dE/dA of up to LANES sets of weights (set, feature) in ``lw.W``."""
    density = tables.density
    for k in range(density.n_features):
        for lane in range(LANES):
            lw.Q[k, lane] = weights[lane, density.offset[t] + k] if lane < len(weights) else 0.0
    density_products_back(density, lw.A, lw.Q, lw.W)


@njit(**FAST)
def all_slopes(t, tables, w, dw, lw, weights):
    """dE/dD of every gathered neighbour into ``w.slope``, for dE/df = weights[0].

    Call :func:`all_features` first, and :func:`density_weights` with these weights.
    """
    pair_slopes(t, tables, w, weights[0])
    if tables.density.n_features > 0:
        density_slopes(tables.density, w, dw, lw.W, 0)
