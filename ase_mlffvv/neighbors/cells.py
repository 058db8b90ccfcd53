"""Search for pairs in bins of atoms and their periodic images, in Numba: one pass counts the pairs, one lists them.

Images within the cutoff of the atoms are explicit points, so that the search itself needs no periodicity. Points are
sorted by bins of half the cutoff; only occupied bins are stored, so that empty space costs nothing. For a needle of a
million atoms with 60 pairs each, the search takes 4.9 µs of processor time and 0.44 kB per atom; matscipy takes 11 µs
and 1.8 kB, vesin 18 µs and 3.4 kB for an unsorted list.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from ..errors import StructureError, some
from ..jit import in_order, kernel

_REACH = 2  # bins per cutoff


class Points(NamedTuple):
    """Atoms and their periodic images, in the order of their bins."""

    position: np.ndarray  # (n_points, 3)
    atom: np.ndarray  # index of the atom; of an image, that of its atom plus n_atoms
    shift: np.ndarray  # number of the cell shift of each point, relative to the given position of the atom
    bin: np.ndarray  # ascending
    row: int  # number of bins in a row
    slab: int  # number of bins in a layer of rows
    home: np.ndarray  # (n_atoms, 3): wrapped positions of the atoms
    images: np.ndarray  # row of ``vectors`` for each point: its cell shift relative to the wrapped atom
    vectors: np.ndarray
    centre: np.ndarray  # (n_atoms,), bool: whether the neighbors of the atom are searched


def find_points(positions, cell, pbc, cutoff, centre=None):
    """Points for a search up to ``cutoff``, and the strides and the origin of the numbers of cell shifts.

    Parameters
    ----------
    positions : ndarray, shape (n_atoms, 3), Å
    cell : ndarray, shape (3, 3), Å
        Rows are the cell vectors; those of non-periodic directions are any that complete the others to a basis.
    pbc : ndarray, shape (3,), bool
    cutoff : float, Å
    centre : ndarray, shape (n_atoms,), bool, optional
        Atoms whose neighbors are searched; by default all.

    Raises
    ------
    StructureError
        If atoms are so far outside the cell that their images cannot be numbered.
    """
    inverse = np.linalg.inv(cell)
    scaled = positions @ inverse
    turns = np.floor(np.where(pbc, scaled, 0.0))
    if len(far := np.flatnonzero((np.abs(turns) > 500_000).any(axis=1))):
        raise StructureError(
            f'atoms {some(far)} are more than 500000 cell vectors outside the cell. If this happened during molecular '
            'dynamics, the time step is too long; otherwise, use atoms.wrap().'
        )
    wrapped = turns.any()
    low, high = turns.min(axis=0).astype(int), turns.max(axis=0).astype(int)
    if wrapped:
        scaled -= turns
        turns = turns.astype(np.int32)
        home = positions - _combine(turns, cell)
    else:
        turns, home = np.zeros((1, 3), np.int32), positions
    margin = np.where(pbc, cutoff * np.linalg.norm(inverse, axis=0) + 1e-9, 0.0)
    start, stop = scaled.min(axis=0) - margin, scaled.max(axis=0) + margin
    reach = np.where(pbc, np.floor(stop - start - margin), 0).astype(int)
    shifts = np.stack(np.meshgrid(*(np.arange(-m, m + 1) for m in reach), indexing='ij'), axis=-1).reshape(-1, 3)
    shifts = np.concatenate([np.zeros((1, 3), int), shifts[(shifts != 0).any(axis=1)]])
    n_points = _images(scaled, shifts, start, stop, np.zeros(0, np.int32), np.zeros(0, np.int32))
    atom, image = np.empty(n_points, np.int32), np.empty(n_points, np.int32)
    _images(scaled, shifts, start, stop, atom, image)
    del scaled
    span = 2 * (reach + high - low) + 1
    strides = np.array([span[1] * span[2], span[2], 1])
    vectors = _combine(shifts, cell)
    order, bins, row, slab = _bins(home, vectors, atom, image, cutoff / _REACH)
    atom, image = atom[order], image[order]
    number = (shifts @ strides)[image]
    number -= (turns @ strides)[atom] if wrapped else 0
    position = home[atom]
    position += vectors[image]
    atom[image > 0] += len(positions)
    centre = np.ones(len(positions), bool) if centre is None else centre
    points = Points(position, atom, number, bins, row, slab, home, image, vectors, centre)
    return points, strides, (span - 1) // 2


def _combine(shifts, cell):
    """``shifts @ cell``, computed such that opposite shifts give exactly opposite vectors."""
    out = shifts[:, :1] * cell[0]
    out += shifts[:, 1:2] * cell[1]
    out += shifts[:, 2:] * cell[2]
    return out


@kernel()
def _images(scaled, shifts, start, stop, atom, image):
    """List all atoms and the images with scaled positions between start and stop; if arrays are empty, count them."""
    n = 0
    for k in range(len(shifts)):
        a, b, c = shifts[k, 0], shifts[k, 1], shifts[k, 2]
        for i in range(len(scaled)):
            x, y, z = scaled[i, 0] + a, scaled[i, 1] + b, scaled[i, 2] + c
            if k == 0 or (start[0] <= x <= stop[0] and start[1] <= y <= stop[1] and start[2] <= z <= stop[2]):
                if len(atom) > 0:
                    atom[n], image[n] = i, k
                n += 1
    return n


def _bins(home, vectors, atom, image, size):
    """Order of the points by bins, bin numbers in that order, and strides; rows lie along the longest direction."""
    low, high = home.min(axis=0) + vectors.min(axis=0), home.max(axis=0) + vectors.max(axis=0)
    size = max(size, (high - low).max() / 1e6, 1e-3)  # bin numbers must fit into 64 bits
    n = ((high - low) / size).astype(np.int64) + 1 + 2 * _REACH
    axes = np.argsort(n, kind='stable')
    row, slab = n[axes[2]], n[axes[1]] * n[axes[2]]
    bins = np.zeros(len(atom), np.int64)
    for axis, stride in zip(axes, (slab, row, 1)):
        along = home[:, axis][atom]
        along += vectors[:, axis][image] - low[axis]
        along /= size
        bins += (along.astype(np.int64) + _REACH) * stride
    order = np.argsort(bins, kind='stable')
    return order, bins[order], int(row), int(slab)


def count_pairs(points, cutoff, threads):
    """Number of neighbors of each atom, the distinct numbers of cell shifts, and the smallest distance in Å."""
    counts = np.zeros(len(points.home), np.int32)
    nothing = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros((0, 1), np.uint8)
    found = list(_run(points, cutoff, threads, 0, counts, *nothing))
    numbers = np.unique(np.concatenate([numbers for numbers, _ in found]))
    return counts, numbers, float(np.sqrt(min(closest for _, closest in found)))


def fill_pairs(points, cutoff, threads, counts, first, numbers, j, image):
    """Write the sorted neighbors ``j`` of each atom and their images (rows of ``numbers``), from entry ``first`` on."""
    octets = image.view(np.uint8).reshape(len(image), image.itemsize)
    for _ in _run(points, cutoff, threads, int(counts.max()), counts, first, numbers, j, octets):
        pass


def _run(points, cutoff, threads, widest, *arrays):
    """Results of :func:`_search` for blocks of points."""
    n_blocks = max(1, min(len(points.atom) // 256, 8 * threads))
    edges = [len(points.atom) * k // n_blocks for k in range(n_blocks + 1)]
    return in_order(lambda begin, end: _search(points, cutoff, begin, end, widest, *arrays), edges, threads)


@njit
def _place(bins, value):
    """Number of points whose bins are below ``value``."""
    low, high = 0, len(bins)
    while low < high:
        middle = (low + high) // 2
        if bins[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@kernel()
def _search(points, cutoff, begin, end, widest, counts, first, numbers, j, octets):
    """Count the neighbors of the atoms among points begin..end - 1 or, if ``widest`` is positive, list them.

    Returns the distinct numbers of cell shifts (when counting) and the smallest squared distance.
    """
    position, atom, shift, bins = points.position, points.atom, points.shift, points.bin
    n_atoms, fill = len(points.home), widest > 0
    limit = cutoff * cutoff
    furthest = 0.0
    for p in range(begin, end):
        furthest = max(furthest, abs(position[p, 0]), abs(position[p, 1]), abs(position[p, 2]))
    loose = limit * (1.0 + 1e-12) + 1e-14 * cutoff * (furthest + cutoff)
    sides = 2 * _REACH + 1
    low, high = np.zeros(sides * sides, np.int64), np.zeros(sides * sides, np.int64)
    keys = np.zeros(widest, np.int64)
    seen, n_seen = np.zeros(64, np.int64), 0
    closest = np.inf
    last_row, last_bin = -1, -1
    last_number, last_image = np.int64(0), np.int64(-1)
    for p in range(begin, end):
        i = atom[p]
        if i >= n_atoms or not points.centre[i]:
            continue
        if bins[p] != last_bin:
            here = bins[p] // points.row
            for r in range(sides * sides):
                other = bins[p] + (r // sides - _REACH) * points.slab + (r % sides - _REACH) * points.row
                if here != last_row:
                    low[r] = _place(bins, other - _REACH)
                    high[r] = low[r]
                while low[r] < len(bins) and bins[low[r]] < other - _REACH:
                    low[r] += 1
                high[r] = max(high[r], low[r])
                while high[r] < len(bins) and bins[high[r]] <= other + _REACH:
                    high[r] += 1
            last_row, last_bin = here, bins[p]
        x, y, z = position[p, 0], position[p, 1], position[p, 2]
        n = 0
        for r in range(sides * sides):
            for q in range(low[r], high[r]):
                a, b, c = position[q, 0] - x, position[q, 1] - y, position[q, 2] - z
                square = a * a + b * b + c * c
                if square > loose or q == p:
                    continue
                k = atom[q]
                if k >= n_atoms:  # makes the lengths of both directions of a pair identical to the last bit
                    k -= n_atoms
                    v = points.vectors[points.images[q]]
                    a = points.home[k, 0] - x + v[0]
                    b = points.home[k, 1] - y + v[1]
                    c = points.home[k, 2] - z + v[2]
                    square = a * a + b * b + c * c
                if square >= limit:
                    continue
                closest = min(closest, square)
                number = shift[q] - shift[p]
                if number != last_number or last_image < 0:
                    last_number = number
                    if fill:
                        last_image = _place(numbers, number)
                    else:
                        last_image = 0
                        place = _place(seen[:n_seen], number)
                        if place == n_seen or seen[place] != number:
                            if n_seen == len(seen):
                                seen = np.concatenate((seen, seen))
                            seen[place + 1 : n_seen + 1] = seen[place:n_seen].copy()
                            seen[place] = number
                            n_seen += 1
                if fill:
                    keys[n] = np.int64(k) << 32 | last_image
                n += 1
        if fill:
            keys[:n].sort()
            for m in range(n):
                j[first[i] + m] = keys[m] >> 32
                row = keys[m] & 0xFFFFFFFF
                for k in range(octets.shape[1]):
                    octets[first[i] + m, k] = (row >> 8 * k) & 255
        else:
            counts[i] = n
    return seen[:n_seen], closest
