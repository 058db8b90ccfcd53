"""Complete pair lists for any cell and any periodicity on an NVIDIA GPU, by binning; imports numba.cuda.

Atoms are wrapped into the cell and sorted by bins about half a cutoff wide. One thread per atom searches the bins
around that of the atom, first to count the pairs and then, after the list is allocated, to write them, so that no list
is truncated. Bins beyond a periodic face are those on the opposite side in the next image of the cell, even for thin
cells, so that each pair is found once with its image. The order of the list depends only on positions, and not on the
scheduling of threads.
"""

from __future__ import annotations

import math
from itertools import product
from typing import NamedTuple

import numpy as np
from ase.geometry import complete_cell
from numba import cuda, float64, int32, int64

from ...errors import StructureError, check_structure
from ...neighbors import PairList
from .kernels import SLICE
from .scan import exclusive_scan, fill, grid

FARTHEST = 1e9  # Å: images of atoms are counted in 32 bits


class Bins(NamedTuple):
    """Bins along the three cell vectors, on the device; each array has shape (3,) or (3, 3)."""

    cell: np.ndarray
    inverse: np.ndarray
    low: np.ndarray  # smallest scaled coordinate; zero in periodic directions
    density: np.ndarray  # bins per unit of scaled coordinate
    n: np.ndarray
    reach: np.ndarray  # number of bins to search on either side
    images: np.ndarray  # number of images of the cell on either side
    periodic: np.ndarray


class DevicePairs(NamedTuple):
    """All directed pairs within a cutoff, on the device; atoms are numbered in the order of their bins.

    ``count``, ``start``, ``code`` and ``bits`` are those of :class:`.kernels.DeviceSystem`. The vector from atom i to
    atom j in this order is ``at[j] - at[i] + shifts[image] @ cell``, with the wrapped positions ``at[k] =
    positions[order[k]] - wrap[order[k]] @ cell``.
    """

    order: object  # (n_atoms,) int32: index of each atom in the order of the caller
    wrap: object  # (n_atoms, 3) int32, in the order of the caller
    count: object
    start: object
    code: object
    bits: int
    shifts: np.ndarray  # (n_images, 3), on the host
    widest: int  # largest number of pairs of an atom
    cutoff: float

    def to_host(self) -> PairList:
        """The same pairs as a PairList on the host, with the atom indices of the caller."""
        order, wrap, count, start, code = (
            x.copy_to_host() for x in (self.order, self.wrap, self.count, self.start, self.code)
        )
        i = np.repeat(np.arange(len(order)), count)
        q = np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)
        code = code[start[i // SLICE] + q * SLICE + i % SLICE].astype(np.int64)
        i, j, shift = order[i], order[code & ((1 << self.bits) - 1)], self.shifts[code >> self.bits]
        shifts, image = np.unique(shift + wrap[i] - wrap[j], axis=0, return_inverse=True)
        rank = np.lexsort((image.ravel(), j, i))
        first = np.append(0, np.cumsum(np.bincount(i, minlength=len(order))))
        shifts = shifts if len(shifts) else np.zeros((1, 3), int)
        return PairList(first, j[rank], image.ravel()[rank], shifts, self.cutoff)


@cuda.jit
def _extent(positions, inverse, low, high, bad):
    """Range of scaled coordinates, and the number of atoms with invalid positions."""
    least, most = cuda.local.array(3, float64), cuda.local.array(3, float64)
    for c in range(3):
        least[c], most[c] = math.inf, -math.inf
    for i in range(cuda.grid(1), positions.shape[0], cuda.gridsize(1)):
        x, y, z = positions[i, 0], positions[i, 1], positions[i, 2]
        if not (abs(x) < FARTHEST and abs(y) < FARTHEST and abs(z) < FARTHEST):  # also true for NaN
            cuda.atomic.add(bad, 0, 1)
            continue
        for c in range(3):
            s = x * inverse[0, c] + y * inverse[1, c] + z * inverse[2, c]
            least[c], most[c] = min(least[c], s), max(most[c], s)
    for c in range(3):
        cuda.atomic.min(low, c, least[c])
        cuda.atomic.max(high, c, most[c])


@cuda.jit
def _assign(positions, bins, wrap, bin_of, in_bin):
    """Bin of each atom, the cell shift that wraps it, and the number of atoms in each bin."""
    i = cuda.grid(1)
    if i >= positions.shape[0]:
        return
    x, y, z = positions[i, 0], positions[i, 1], positions[i, 2]
    number = 0
    for c in range(3):
        s = x * bins.inverse[0, c] + y * bins.inverse[1, c] + z * bins.inverse[2, c] - bins.low[c]
        whole = 0.0
        if bins.periodic[c]:
            whole = math.floor(s)
        wrap[i, c] = int32(whole)
        b = int64((s - whole) * bins.density[c])
        number = number * bins.n[c] + min(max(b, 0), bins.n[c] - 1)
    bin_of[i] = number
    cuda.atomic.add(in_bin, number, 1)


@cuda.jit
def _order(bin_of, first, in_bin, order):
    """Write atoms into their bins; leaves ``in_bin`` zero."""
    i = cuda.grid(1)
    if i < len(bin_of):
        b = bin_of[i]
        order[first[b] + cuda.atomic.add(in_bin, b, -1) - 1] = i


@cuda.jit
def _sort(n_bins, first, order):
    """Sort the atoms of each bin, whose order so far depends on the scheduling of threads."""
    b = cuda.grid(1)
    if b >= n_bins:
        return
    for p in range(first[b] + 1, first[b + 1]):
        atom, q = order[p], p - 1
        while q >= first[b] and order[q] > atom:
            order[q + 1] = order[q]
            q -= 1
        order[q + 1] = atom


@cuda.jit(device=True)
def wrapped(positions, i, wrap, cell, c):
    """Coordinate c of atom i, wrapped into the cell."""
    return positions[i, c] - (wrap[i, 0] * cell[0, c] + wrap[i, 1] * cell[1, c] + wrap[i, 2] * cell[2, c])


@cuda.jit
def place(positions, order, wrap, cell, at):
    """Wrapped positions in the order of bins."""
    k = cuda.grid(1)
    if k < len(order):
        for c in range(3):
            at[k, c] = wrapped(positions, order[k], wrap, cell, c)


def _search_kernel(writes):
    @cuda.jit
    def search(at, order, bin_of, first, bins, vectors, limit, bits, count, start, code):
        """Count the pairs of each atom, or write them."""
        k = cuda.grid(1)
        if k >= len(order):
            return
        n0, n1, n2 = bins.n[0], bins.n[1], bins.n[2]
        m0, m1, m2 = bins.images[0], bins.images[1], bins.images[2]
        number = bin_of[order[k]]
        b0, b1, b2 = number // (n1 * n2), number // n2 % n1, number % n2
        x, y, z = at[k, 0], at[k, 1], at[k, 2]
        home = (m0 * (2 * m1 + 1) + m1) * (2 * m2 + 1) + m2
        found = 0
        for c0 in range(b0 - bins.reach[0], b0 + bins.reach[0] + 1):
            s0 = c0 // n0
            if s0 != 0 and not bins.periodic[0]:
                continue
            for c1 in range(b1 - bins.reach[1], b1 + bins.reach[1] + 1):
                s1 = c1 // n1
                if s1 != 0 and not bins.periodic[1]:
                    continue
                for c2 in range(b2 - bins.reach[2], b2 + bins.reach[2] + 1):
                    s2 = c2 // n2
                    if s2 != 0 and not bins.periodic[2]:
                        continue
                    image = ((s0 + m0) * (2 * m1 + 1) + s1 + m1) * (2 * m2 + 1) + s2 + m2
                    b = ((c0 - s0 * n0) * n1 + c1 - s1 * n1) * n2 + c2 - s2 * n2
                    dx, dy, dz = vectors[image, 0] - x, vectors[image, 1] - y, vectors[image, 2] - z
                    for j in range(first[b], first[b + 1]):
                        u, v, w = at[j, 0] + dx, at[j, 1] + dy, at[j, 2] + dz
                        if u * u + v * v + w * w < limit and not (j == k and image == home):
                            if writes:
                                entry = start[k // SLICE] + found * SLICE + k % SLICE
                                code[entry] = j + (int64(image) << bits)
                            found += 1
        if not writes:
            count[k] = found

    return search


_count, _write = _search_kernel(False), _search_kernel(True)


@cuda.jit
def _widths(count, width, widest):
    """Number of entries of each slice of the list, and the largest number of pairs of an atom."""
    t = cuda.grid(1)
    if t * SLICE >= len(count):
        return
    largest = 0
    for k in range(t * SLICE, min((t + 1) * SLICE, len(count))):
        largest = max(largest, count[k])
    width[t] = largest * SLICE
    cuda.atomic.max(widest, 0, largest)


class CellSearch:
    """Builder of pair lists on the device; its buffers are kept and grow as needed."""

    def __init__(self):
        self._kept = {}

    def _space(self, name, shape, dtype):
        """Buffer of this shape or, if it is an integer, of at least this length, with a reserve for later lists."""
        kept = self._kept.get(name)
        fits = kept is not None and kept.dtype == dtype
        if isinstance(shape, tuple):
            fits = fits and kept.shape == shape
        else:
            fits = fits and len(kept) >= shape
            shape += shape // 16 + 1
        if not fits:
            kept = self._kept[name] = None  # frees the old buffer first
            kept = self._kept[name] = cuda.device_array(shape, dtype)
        return kept

    def build(self, positions, cell, pbc, cutoff) -> DevicePairs:
        """Find all pairs closer than ``cutoff``; they are valid until the next call.

        Parameters
        ----------
        positions : device array, shape (n_atoms, 3), float64, Å
            Positions of at least one atom, which may lie outside the cell.
        cell : array_like, shape (3, 3), Å
            Rows are the cell vectors; those of non-periodic directions are ignored.
        pbc : array_like, shape (3,), bool
        cutoff : float, Å

        Raises
        ------
        StructureError
            If positions are not finite, or the periodic cell has no volume. Coincident atoms form pairs like others.
        """
        n_atoms = positions.shape[0]
        cell, pbc = np.asarray(cell, float), np.asarray(pbc, bool)
        bins, shifts, n_bins = self._bins(positions, cell, pbc, float(cutoff))
        wrap, bin_of = self._space('wrap', (n_atoms, 3), np.int32), self._space('bin_of', (n_atoms,), np.int32)
        order, count = self._space('order', (n_atoms,), np.int32), self._space('count', (n_atoms,), np.int32)
        at = self._space('at', (n_atoms, 4), np.float64)
        in_bin = self._space('in_bin', n_bins, np.int32)
        fill[grid(n_bins)](in_bin, n_bins, 0)
        _assign[grid(n_atoms)](positions, bins, wrap, bin_of, in_bin)
        first = exclusive_scan(in_bin, n_bins, self._space('first', n_bins + 1, np.int64))
        _order[grid(n_atoms)](bin_of, first, in_bin, order)
        _sort[grid(n_bins)](n_bins, first, order)
        place[grid(n_atoms)](positions, order, wrap, bins.cell, at)
        n_slices = -(-n_atoms // SLICE)
        width = self._space('width', (n_slices,), np.int32)
        start = self._space('start', (n_slices + 1,), np.int64)
        widest = cuda.to_device(np.zeros(1, np.int32))
        bits, dtype = code_bits(n_atoms), code_dtype(n_atoms, len(shifts))
        vectors = cuda.to_device(shifts @ np.where(pbc[:, None], cell, 0.0))
        search = at, order, bin_of, first, bins, vectors, float(cutoff) ** 2, bits, count, start
        _count[grid(n_atoms)](*search, self._space('code', 1, dtype))
        _widths[grid(n_slices)](count, width, widest)
        exclusive_scan(width, n_slices, start)
        code = self._space('code', int(start[n_slices]), dtype)
        _write[grid(n_atoms)](*search, code)
        return DevicePairs(order, wrap, count, start, code, bits, shifts, int(widest[0]), float(cutoff))

    def _bins(self, positions, cell, pbc, cutoff):
        """Bins, the shifts (n_images, 3) of the images within reach, and the number of bins."""
        check_structure(np.zeros((0, 3)), cell, pbc)
        box = complete_cell(np.where(pbc[:, None], cell, 0.0))
        inverse = np.linalg.inv(box)
        low, high = cuda.to_device(np.full(3, np.inf)), cuda.to_device(np.full(3, -np.inf))
        bad = cuda.to_device(np.zeros(1, np.int32))
        n_atoms = positions.shape[0]
        device_inverse = cuda.to_device(inverse)
        _extent[grid(min(n_atoms, 2**14))](positions, device_inverse, low, high, bad)
        if bad[0]:
            raise StructureError(
                f'positions of {bad[0]} of {n_atoms} atoms are not finite numbers below {FARTHEST:.0e} Å. '
                'If this happened during MD, the step before it blew up: use a shorter time step or a better model.'
            )
        low, high = low.copy_to_host(), high.copy_to_host()
        stretch = np.where(pbc, 1.0, np.maximum(high - low, 1e-3))
        height = stretch / np.linalg.norm(inverse, axis=0)  # distance between opposite faces of the box
        n = np.maximum(1, np.floor(height / (0.50001 * cutoff)))
        while np.prod(n) > 4 * n_atoms + 64:  # a few atoms in a large box
            n[n.argmax()] = max(1, n.max() // 2)
        reach = np.ceil(cutoff * n / height + 1e-6).astype(int)  # atoms may lie outside their bins by round-off
        reach = np.where(pbc, reach, np.minimum(reach, n - 1)).astype(int)
        images = np.where(pbc, -(-reach // n.astype(int)), 0)
        shifts = np.array(list(product(*(range(-m, m + 1) for m in images))))
        arrays = np.ascontiguousarray(np.where(pbc[:, None], cell, 0.0)), inverse, np.where(pbc, 0.0, low), n / stretch
        whole = (np.asarray(x, np.int32) for x in (n, reach, images, pbc))
        return Bins(*(cuda.to_device(x) for x in (*arrays, *whole))), shifts, int(np.prod(n))


def code_bits(n_atoms):
    """Number of bits for the index of an atom."""
    return max(1, (n_atoms - 1).bit_length())


def code_dtype(n_atoms, n_images):
    """Integer type for the atom and the image of a pair, with four bytes if they suffice."""
    return np.dtype(np.int32 if code_bits(n_atoms) + (n_images - 1).bit_length() <= 31 else np.int64)
