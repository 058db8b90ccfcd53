"""Shares of atoms in fields on a grid, after Hirshfeld."""

from __future__ import annotations

import numpy as np

REACH = 12.0  # Bohr; farther points belong to all atoms alike
FLOOR = 1e-10  # electrons/Bohr^3 of all atoms together, everywhere


def atomic_shares(profiles, kinds, scaled, cell, fields):
    """Split fields among atoms with weights w_a = n_a / sum_b n_b of neutral-atom densities; the weights sum to one.

    Parameters
    ----------
    profiles : list of RadialDensity
    kinds : sequence of int, shape (n_atoms,)
    scaled : ndarray, shape (n_atoms, 3)
        Scaled positions; all directions are periodic.
    cell : ndarray, shape (3, 3), Bohr
    fields : ndarray, shape (n_fields, n1, n2, n3)

    Returns
    -------
    ndarray, shape (n_fields, n_atoms)
        Sums over grid points of w_a times the field.

    Notes
    -----
    Memory: two fields more than given, whatever the number of atoms.
    """
    shape = fields.shape[1:]
    splines = [profile.log_spline() for profile in profiles]
    total = np.full(shape, FLOOR)
    for kind, point in zip(kinds, scaled):
        index, density = _around(splines[kind], point, cell, shape)
        np.add.at(total, index, density)
    result = np.empty((len(fields), len(kinds)))
    for field, row in zip(fields, result):
        ratio = field / total
        row[:] = FLOOR / len(kinds) * ratio.sum()
        for a, (kind, point) in enumerate(zip(kinds, scaled)):
            index, density = _around(splines[kind], point, cell, shape)
            row[a] += np.vdot(density, ratio[index])
    return result


def _around(spline, point, cell, shape):
    """Grid indices (wrapped, for ``numpy.ix_``) of a box around an atom, and its density there."""
    heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    steps = []
    for x, n, height in zip(point, shape, heights):
        reach = REACH / height
        steps.append(np.arange(int(np.ceil((x - reach) * n)), int(np.floor((x + reach) * n)) + 1))
    parts = [np.outer(i / n - x, row) for i, n, x, row in zip(steps, shape, point, cell)]
    vectors = parts[0][:, None, None] + parts[1][None, :, None] + parts[2][None, None, :]
    distance = np.sqrt(np.einsum('ijkv,ijkv->ijk', vectors, vectors))
    near = distance < REACH
    density = np.zeros(distance.shape)
    density[near] = np.exp(spline(distance[near]))
    return np.ix_(*(i % n for i, n in zip(steps, shape))), density
