"""Neighbours of one atom within the cutoff, gathered from a pair list into whole vectors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from .cosine import FAST


class Near(NamedTuple):
    """Neighbours of one atom, element by element; float64 whatever the precision of the features."""

    n: np.ndarray  # [number of neighbours]
    start: np.ndarray  # first neighbour of each element, and the end
    square: np.ndarray  # [smallest squared distance]
    atom: np.ndarray  # p: index, place in the pair list
    entry: np.ndarray
    D: np.ndarray  # (3, p): vector; of the fillers behind the last neighbour, one out of reach
    slope: np.ndarray  # (3, p): dE/dD


@njit(**FAST)
def room(widest, lanes):
    """Length of arrays over neighbours: whole vectors with room for one more than the longest list has."""
    return (widest // lanes + 1) * lanes


@njit(**FAST)
def make_near(n_types, n_max, count):
    """Space for the neighbours of ``count`` atoms, the first axis: see :func:`near_of`. ``n_max`` is a :func:`room`."""
    return Near(
        np.zeros((count, 1), np.int64),
        np.zeros((count, n_types + 1), np.int64),
        np.zeros((count, 1)),
        np.zeros((count, n_max), np.int64),
        np.zeros((count, n_max), np.int64),
        np.zeros((count, 3, n_max)),
        np.zeros((count, 3, n_max)),
    )


@njit(**FAST)
def near_of(near, k):
    """Neighbours of the k-th atom."""
    return Near(near.n[k], near.start[k], near.square[k], near.atom[k], near.entry[k], near.D[k], near.slope[k])


@njit(**FAST)
def gather(i, cutoff, system, near, lanes):
    """Neighbours of atom i within ``cutoff``, filled up to whole vectors; returns the smallest squared distance."""
    positions, shift, D = system.positions, system.shift_vectors, near.D
    x0, y0, z0 = positions[i, 0], positions[i, 1], positions[i, 2]
    n = 0
    smallest = np.inf
    limit = cutoff * cutoff
    for t in range(len(near.start) - 1):
        near.start[t] = n
        for p in range(system.first[i], system.first[i + 1]):
            j, k = system.neighbour[p], system.image[p]
            x = positions[j, 0] - x0 + shift[k, 0]
            y = positions[j, 1] - y0 + shift[k, 1]
            z = positions[j, 2] - z0 + shift[k, 2]
            square = x * x + y * y + z * z
            D[0, n], D[1, n], D[2, n] = x, y, z
            near.atom[n] = j
            near.entry[n] = p
            smallest = min(smallest, square)
            n += (square < limit) & (system.species[j] == t)  # no branch, which would often be guessed wrong
    near.start[len(near.start) - 1] = n
    near.n[0] = n
    near.square[0] = smallest
    for p in range(n, (n + lanes - 1) // lanes * lanes):
        D[0, p], D[1, p], D[2, p] = 2.0 * cutoff, 0.0, 0.0
    return smallest
