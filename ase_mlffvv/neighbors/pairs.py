"""Complete pair lists for any cell and any periodicity, on the CPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.geometry import complete_cell

from ..checks import check_array, check_number, check_threads
from ..errors import StructureError, check_structure, some
from ..jit import available_threads
from ..memory import check_memory, check_search
from .cells import count_pairs, fill_pairs, find_points

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


_COINCIDENT = 1e-4  # Å
_RESULTS = 450  # bytes per atom, measured: results, copies of positions, and temporary arrays


@dataclass(frozen=True)
class PairList:
    """All directed pairs (i, j, S) within a cutoff, sorted by i, then j, then image.

    Each pair appears twice, as (i, j, S) and (j, i, -S); pairs of an atom with its own periodic images are included.
    The order depends only on the pairs and not on the history of the list, so that sums over it are reproducible.

    Attributes
    ----------
    first : ndarray, shape (n_atoms + 1,), int64
        The pairs of atom i are ``first[i]:first[i + 1]``.
    j : ndarray, shape (n_pairs,), int32
        Neighbor of each pair.
    image : ndarray, shape (n_pairs,), uint8, uint16 or uint32
        Row of ``shifts`` for each pair, in the smallest sufficient integer type.
    shifts : ndarray, shape (n_images, 3), int32
        Distinct cell shifts S.
    cutoff : float, Å
        Distance up to which the list is complete.
    """

    first: np.ndarray
    j: np.ndarray
    image: np.ndarray
    shifts: np.ndarray
    cutoff: float

    @property
    def i(self) -> np.ndarray:
        """Centre atom of each pair, shape (n_pairs,)."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))

    def vectors(self, positions: np.ndarray, cell: np.ndarray) -> np.ndarray:
        """Vectors ``r_j + S cell - r_i`` in Å, shape (n_pairs, 3)."""
        shift_vectors = self.shifts @ np.asarray(cell)
        return positions[self.j] - positions[self.i] + shift_vectors[self.image]


def pair_list(
    positions: ArrayLike,
    cell: ArrayLike,
    pbc: ArrayLike,
    cutoff: float,
    threads: int | None = None,
    centre: np.ndarray | None = None,
) -> PairList:
    """Find all pairs closer than ``cutoff``.

    Parameters
    ----------
    positions : array_like, shape (n_atoms, 3), Å
        Positions, which may lie outside the cell.
    cell : array_like, shape (3, 3), Å
        Rows are the cell vectors; those of non-periodic directions are ignored.
    pbc : bool or array_like, shape (3,), bool
    cutoff : float, Å
    threads : int, optional
        Number of threads; by default, all processors that the process may use. The list does not depend on it.
    centre : ndarray, shape (n_atoms,), bool, optional
        Atoms whose pairs are listed; the others are only neighbors. The default is all atoms.

    Raises
    ------
    StructureError
        If positions are not finite, atoms coincide, or the periodic cell has no volume.
    InsufficientMemoryError
        If the machine has too little memory for the list and the results of an evaluation.
    """
    positions = np.ascontiguousarray(check_array(positions, 'positions', (None, 3), 'Å', finite=False))
    cell = check_array(cell, 'cell', (3, 3), 'Å', finite=False)
    pbc = np.broadcast_to(np.asarray(pbc, bool), 3)
    cutoff = check_number(cutoff, 'cutoff', 'Å', above=0)
    threads = check_threads(threads) or available_threads()
    check_structure(positions, cell, pbc)
    n_atoms = len(positions)
    first = np.zeros(n_atoms + 1, np.int64)
    if n_atoms == 0:
        return PairList(first, np.zeros(0, np.int32), np.zeros(0, np.uint8), np.zeros((1, 3), np.int32), cutoff)
    box = complete_cell(np.where(pbc[:, None], cell, 0.0))
    check_search(positions, box, pbc, cutoff)
    points, strides, origin = find_points(positions, box, pbc, cutoff, centre)

    def listed(cutoff, refuse=0.0):
        counts, numbers, closest = count_pairs(points, cutoff, threads)
        if closest < refuse:
            raise _coincident(listed(refuse), positions, box)
        np.cumsum(counts, out=first[1:])
        n_pairs, image_type = int(first[-1]), np.min_scalar_type(max(len(numbers) - 1, 0))
        check_memory(n_pairs * (4 + image_type.itemsize) + n_atoms * _RESULTS, n_atoms, n_pairs / n_atoms)
        j, image = np.empty(n_pairs, np.int32), np.empty(n_pairs, image_type)
        fill_pairs(points, cutoff, threads, counts, first, numbers, j, image)
        return PairList(first, j, image, _shifts(numbers, strides, origin), cutoff)

    return listed(cutoff, refuse=_COINCIDENT)


def _coincident(pairs, positions, cell):
    """Error that names the coincident atoms."""
    i, distance = pairs.i, np.linalg.norm(pairs.vectors(positions, cell), axis=1)
    p = int(distance.argmin())
    return StructureError(
        f'atoms {i[p]} and {pairs.j[p]} coincide (distance {distance[p]:.1e} Å); there are {len(i) // 2} such pairs '
        f'among atoms {some(np.unique(i))}. Remove duplicates, e.g. with ase.geometry.get_duplicate_atoms.'
    )


def _shifts(numbers, strides, origin):
    """Cell shifts, shape (n, 3), from their numbers in ascending order."""
    if len(numbers) == 0:
        return np.zeros((1, 3), np.int32)
    numbers = numbers + origin @ strides
    rows = np.stack([numbers // strides[0], numbers % strides[0] // strides[1], numbers % strides[1]], axis=1) - origin
    return rows.astype(np.int32)
