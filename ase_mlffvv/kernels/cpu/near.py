"""Neighbors of one atom within the cutoff, gathered from a pair list and padded to whole vectors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from .cosine import FAST


class Near(NamedTuple):
    """Neighbors of several atoms, sorted by element, in float64 for any precision of the features.

    Atom k has row k or, for vector quantities, rows 3 k to 3 k + 2, because array views would cost reference counting.
    """

    n: np.ndarray  # (k): number of neighbors
    start: np.ndarray  # (k, element): first neighbor of each element, and the end
    square: np.ndarray  # (k): smallest squared distance
    atom: np.ndarray  # (k, p): index, place in the pair list
    entry: np.ndarray
    D: np.ndarray  # (k 3, p): vector to the neighbor; in the padding, a vector beyond the cutoff
    slope: np.ndarray  # (k 3, p): dE/dD


@njit(**FAST)
def room(widest, lanes):
    """Length of arrays over neighbors: whole vectors with room for one more neighbor than the longest list has."""
    return (widest // lanes + 1) * lanes


@njit(**FAST)
def make_near(n_types, n_max, count):
    """Allocate memory for the neighbors of ``count`` atoms; ``n_max`` is the result of :func:`room`."""
    return Near(
        np.zeros(count, np.int64),
        np.zeros((count, n_types + 1), np.int64),
        np.zeros(count),
        np.zeros((count, n_max), np.int64),
        np.zeros((count, n_max), np.int64),
        np.zeros((count * 3, n_max)),
        np.zeros((count * 3, n_max)),
    )


@njit(forceinline=True, **FAST)
def image_of(image, p):
    """Image of pair p, from the bytes in its row; the array has the same type for any number of images."""
    k = np.int64(image[p, 0])
    for b in range(1, image.shape[1]):
        k |= np.int64(image[p, b]) << 8 * b
    return k


@njit(forceinline=True, **FAST)
def gather(i, cutoff, system, near, at, lanes):
    """Write the neighbors of atom i within ``cutoff`` to place ``at`` of ``near``, padded to whole vectors.

    Returns the smallest squared distance in the list.
    """
    positions, shift, D = system.positions, system.shift_vectors, near.D
    x0, y0, z0 = positions[i, 0], positions[i, 1], positions[i, 2]
    n_types = near.start.shape[1] - 1
    n = np.uint64(0)  # unsigned, so that indices are not checked for negative values
    smallest = np.inf
    limit = cutoff * cutoff
    for t in range(n_types):
        near.start[at, t] = n
        for p in range(np.uint64(system.first[i]), np.uint64(system.first[i + 1])):
            j, k = np.uint64(system.neighbor[p]), np.uint64(image_of(system.image, p))
            x = positions[j, 0] - x0 + shift[k, 0]
            y = positions[j, 1] - y0 + shift[k, 1]
            z = positions[j, 2] - z0 + shift[k, 2]
            square = x * x + y * y + z * z
            D[3 * at, n], D[3 * at + 1, n], D[3 * at + 2, n] = x, y, z
            near.atom[at, n] = j
            near.entry[at, n] = p
            smallest = min(smallest, square)
            n += np.uint64((square < limit) & (system.species[j] == t))  # a branch would often be mispredicted
    near.start[at, n_types] = near.n[at] = n
    near.square[at] = smallest
    for p in range(near.n[at], (near.n[at] + lanes - 1) // lanes * lanes):
        D[3 * at, p], D[3 * at + 1, p], D[3 * at + 2, p] = 2.0 * cutoff, 0.0, 0.0
    return smallest
