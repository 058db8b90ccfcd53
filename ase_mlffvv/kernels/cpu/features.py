"""Features of one atom from all families, and their derivatives: cosine families and the neighbor density."""

from __future__ import annotations

from numba import njit

from .cosine import FAST, cosine_slopes, features, take
from .density import atom_moments, density_moments, density_slopes
from .lanes import width
from .products import density_products, density_products_back


@njit(**FAST)
def all_features(t, tables, near, w, dw, lw, f):
    """Raw features f of the gathered centre atom of element t; ``lw.A`` holds its moments in every lane."""
    take(near, w)
    features(t, tables, w, f)
    density = tables.density
    if density.n_features > 0:
        density_moments(t, density, near, dw, 0)
        atom_moments(density, dw, lw.A)
        density_products(density, lw.A, lw.F)
        for k in range(density.n_features):
            f[density.offset[t] + k] = lw.F[k, 0]


@njit(**FAST)
def density_weights(t, tables, lw, weights):
    """Write dE/dA times the factors of the harmonics to ``lw.W``, for one set of weights (set, feature) per lane."""
    density = tables.density
    for k in range(density.n_features):
        for lane in range(width(lw.Q)):
            lw.Q[k, lane] = weights[lane, density.offset[t] + k] if lane < len(weights) else 0.0
    density_products_back(density, lw.A, lw.Q, lw.W)


@njit(**FAST)
def all_slopes(t, tables, near, w, dw, lw, weights):
    """Write dE/dD of every gathered neighbor to ``near.slope``, for dE/df = weights[0].

    Call :func:`all_features` first, and :func:`density_weights` with these weights.
    """
    cosine_slopes(t, tables, w, weights[0])
    if tables.density.n_features > 0:
        density_slopes(tables.density, near, dw, 0, lw.W, 0)
    else:
        near.slope[:] = 0.0
    for p in range(near.n[0]):
        for a in range(3):
            near.slope[a, p] += w.slope[p, a]
