"""Projection, scaling and Gaussian centres from the distribution of the training features."""

from __future__ import annotations

import numpy as np

_BINS_PER_UNIT, _LIMIT = 30, 200


def principal_components(features, n_max=None, threshold=1e-13):
    """Principal directions of the features, without constant features.

    As in the original programs, the second moment is not centred.

    Parameters
    ----------
    features : ndarray, shape (n_atoms, n_features)
    n_max : int, optional
    threshold : float
        Smallest eigenvalue kept, relative to the largest.

    Returns
    -------
    ndarray, shape (n_features, n)
        Directions, normalized to ``v^T (F^T F) v = 1``, with the largest eigenvalue first. Signs are chosen so that the
        largest entry is positive.
    """
    live = alive(features)
    values, vectors = np.linalg.eigh(features[:, live].T @ features[:, live])
    order = np.argsort(-values)[:n_max]
    order = order[values[order] > threshold * values.max(initial=0.0)]
    vectors = vectors[:, order]
    sign = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    out = np.zeros((features.shape[1], len(order)))
    out[live] = vectors * sign / np.sqrt(values[order])
    return out


def plain_components(features):
    """Projection on the features themselves, without constant features: shape (n_features, n)."""
    return np.eye(features.shape[1])[:, alive(features)]


def alive(features):
    """Mask of the features that are not constant over the training set."""
    return np.ptp(features, axis=0) > 1e-7


def scaling(h):
    """Shift and scale of projections h (n_atoms, n) to zero mean and unit population standard deviation."""
    variance = h.var(axis=0)
    return h.mean(axis=0), np.where(variance < 1e-10, 1.0, 1 / np.sqrt(np.where(variance > 0, variance, 1.0)))


def fixed_gaussians(n_components, n_single=20):
    """Centres and widths of the original programs: arrays (n_components, n_single, 2) and (n_components, 4, 2)."""
    k = np.arange(1, n_single + 1)
    single = np.stack([-(k - n_single // 2) * 3.0 / n_single, np.full(n_single, 3.0 / n_single)], axis=1)
    pair = np.stack([[-3.9, -1.3, 1.3, 3.9], [2.6] * 4], axis=1)
    return np.tile(single, (n_components, 1, 1)), np.tile(pair, (n_components, 1, 1))


def adaptive_gaussians(g, n, width_factor=2.0, exponent=0.001, relax_to=None):
    """Centres that divide the occupied range of each component equally, and widths from the distances between them.

    Parameters
    ----------
    g : ndarray, shape (n_atoms, n_components)
        Scaled components.
    n : int
        Number of Gaussians per component.
    width_factor : float
        Width divided by the distance from the nearest neighboring centre.
    exponent : float
        Power to which histogram counts are raised. Near zero, bins count as either occupied or empty.
    relax_to : int, optional
        The original programs relax the upper of two coincident centres only among the first four, for any ``n``; 4
        reproduces that. The default is ``n``.

    Returns
    -------
    ndarray, shape (n_components, n, 2)
        Centres and widths.
    """
    return np.stack([_one(column, n, width_factor, exponent, relax_to or n) for column in g.T])


def _one(values, n, width_factor, exponent, relax_to):
    bins = np.clip(np.trunc(_BINS_PER_UNIT * values), -_LIMIT, _LIMIT).astype(int) + _LIMIT
    counts = np.bincount(bins, minlength=2 * _LIMIT + 1)
    weight = np.where(counts > 0, counts.astype(float) ** exponent, 0.0)
    if (counts > 0).sum() < 2 or n < 2:  # nothing to resolve: one broad function, or equal ones
        return np.column_stack([np.full(n, values.mean()), np.full(n, max(np.ptp(values), 1.0))])
    share = np.cumsum(weight) / weight.sum()
    targets = (np.arange(1, n + 1) - 0.5) / n
    centres = (np.searchsorted(share, targets) - _LIMIT) / _BINS_PER_UNIT
    for _ in range(10_000):
        close = np.flatnonzero(np.abs(np.diff(centres)) < 1e-4)
        if len(close) == 0:
            break
        for k in range(n - 1):
            if abs(centres[k + 1] - centres[k]) < 1e-4:
                if k > 0:
                    centres[k] = (centres[k + 1] + centres[k - 1]) / 2
                if k + 1 < relax_to - 1:
                    centres[k + 1] = (centres[k + 2] + centres[k]) / 2
    else:
        centres = np.linspace(values.min(), values.max(), n)
    gaps = np.diff(centres)
    width = np.concatenate([gaps[:1], np.minimum(gaps[:-1], gaps[1:]), gaps[-1:]]) * width_factor
    return np.column_stack([centres, np.abs(width)])
