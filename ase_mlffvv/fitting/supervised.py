"""Projections that matter for the energy: the active subspace of a first fit."""

from __future__ import annotations

import numpy as np

from .projector import Projector
from .rows import Columns


def active_directions(potential, data):
    """Directions in feature space, sorted by how strongly the atomic energies of a potential vary along them.

    They are the eigenvectors of the mean outer product of the gradient of the energy with respect to the components
    (with unit variance); see P. Constantine, E. Dow and Q. Wang, SIAM J. Sci. Comput. 36, A1500 (2014).

    Parameters
    ----------
    potential : VVPotential
    data : Dataset

    Returns
    -------
    list of ndarray, shape (n_features, n)
        One per element.
    """
    projector, columns = Projector(potential), Columns(potential.blocks)
    outer = [np.zeros((block.n, block.n)) for block in potential.blocks]
    for frame in data:
        for t, x, dX, component in columns.atoms(frame, projector):
            block = potential.blocks[t]
            gradient = np.zeros((block.n + 1, len(x)))
            for k in range(component.shape[1]):
                np.add.at(gradient, component[:, k], (dX[:, :, k] * block.coefficients).T)
            outer[t] += gradient[:-1] @ gradient[:-1].T
    directions = []
    for block, matrix in zip(potential.blocks, outer):
        _, vectors = np.linalg.eigh(matrix)
        directions.append((block.projection * block.scale) @ vectors[:, ::-1])
    return directions
