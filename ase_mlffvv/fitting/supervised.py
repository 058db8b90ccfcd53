"""Projections that matter for the energy: the active subspace of a first fit."""

from __future__ import annotations

import numpy as np

from ..kernels.rows import basis
from .frames import Projector
from .rows import Columns


def active_directions(potential, data):
    """Directions in feature space, those along which a potential's atomic energies vary most first.

    The eigenvectors of the mean outer product of the energy's gradient with respect to the components (of unit
    variance): P. Constantine, E. Dow and Q. Wang, SIAM J. Sci. Comput. 36, A1500 (2014).

    Parameters
    ----------
    potential : VVPotential
    data : list of Frame

    Returns
    -------
    list of ndarray, shape (n_features, n)
        One per element.
    """
    projector, columns = Projector(potential), Columns(potential.blocks)
    outer = [np.zeros((block.n, block.n)) for block in potential.blocks]
    for frame in data:
        f = projector.features(frame)
        for t, table, factors, _ in columns.parts():
            block = potential.blocks[t]
            g = projector.components(f[frame.system.species == t], t)
            _, dX = basis(g, table, factors)
            component = table[:, 0].astype(int)[factors]
            gradient = np.zeros((block.n + 1, len(g)))
            for k in range(factors.shape[1]):
                np.add.at(gradient, component[:, k], (dX[:, :, k] * block.coefficients).T)
            outer[t] += gradient[:-1] @ gradient[:-1].T
    directions = []
    for block, matrix in zip(potential.blocks, outer):
        _, vectors = np.linalg.eigh(matrix)
        directions.append((block.projection * block.scale) @ vectors[:, ::-1])
    return directions
