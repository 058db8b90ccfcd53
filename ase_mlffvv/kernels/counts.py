"""Numbers of neighbours from a pair list that is at hand."""

from __future__ import annotations

import numpy as np

from ..jit import kernel
from .cosine import FAST


def count_neighbours(positions, cell, pairs, cutoff):
    """Neighbours of each atom within ``cutoff``.

    Parameters
    ----------
    positions : ndarray, shape (n_atoms, 3), Å
    cell : ndarray, shape (3, 3), Å
    pairs : PairList
        Complete up to ``cutoff``.
    cutoff : float, Å

    Returns
    -------
    ndarray, shape (n_atoms,), int32

    Raises
    ------
    ValueError
        The list does not reach so far.
    """
    if not 0 < cutoff <= pairs.cutoff:
        raise ValueError(
            f'cutoff must be positive and at most {pairs.cutoff:g} Å, as far as the pair list goes, got {cutoff!r}'
        )
    counts = np.zeros(len(positions), np.int32)
    positions = np.ascontiguousarray(positions, float)
    _count(positions, pairs.shifts @ np.asarray(cell, float), pairs.first, pairs.j, pairs.image, cutoff**2, counts)
    return counts


@kernel(**FAST)
def _count(positions, shift_vectors, first, neighbour, image, limit, counts):
    for i in range(len(counts)):
        n = 0
        for p in range(first[i], first[i + 1]):
            j, k = neighbour[p], image[p]
            square = 0.0
            for a in range(3):
                d = positions[j, a] - positions[i, a] + shift_vectors[k, a]
                square += d * d
            if square < limit:
                n += 1
        counts[i] = n
