"""Numbers of neighbors from an existing pair list."""

from __future__ import annotations

import numpy as np

from ...jit import kernel
from .cosine import FAST, make_system
from .near import image_of


def count_neighbors(positions, cell, pairs, cutoff):
    """Number of neighbors of each atom within ``cutoff``.

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
    _count(make_system(counts, positions, cell, pairs), cutoff * cutoff, counts)
    return counts


@kernel(**FAST)
def _count(system, limit, counts):
    positions, shift = system.positions, system.shift_vectors
    for i in range(len(counts)):
        n = 0
        for p in range(system.first[i], system.first[i + 1]):
            j, k = system.neighbor[p], image_of(system.image, p)
            square = 0.0
            for a in range(3):
                d = positions[j, a] - positions[i, a] + shift[k, a]
                square += d * d
            n += square < limit
        counts[i] = n
