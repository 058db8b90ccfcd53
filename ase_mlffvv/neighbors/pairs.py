"""Complete pair lists on the CPU for any cell and any periodicity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.geometry import complete_cell
from matscipy.neighbours import neighbour_list

from ..errors import StructureError, check_structure, some


@dataclass(frozen=True)
class PairList:
    """All directed pairs (i, j, S) within a cutoff, sorted by i, then j, then image.

    Each pair appears twice, as (i, j, S) and (j, i, -S); periodic self-images are included. The order depends
    on the pairs alone, never on the history of the list, so sums over it are reproducible.

    Attributes
    ----------
    first : ndarray, shape (n_atoms + 1,), int64
        Pairs of atom i are ``first[i]:first[i + 1]``.
    j : ndarray, shape (n_pairs,), int32
        Neighbour of each pair.
    image : ndarray, shape (n_pairs,), int32
        Row of ``shifts`` that belongs to each pair.
    shifts : ndarray, shape (n_images, 3), int32
        Distinct cell shifts S.
    cutoff : float
        Å. The list is complete up to here.
    """

    first: np.ndarray
    j: np.ndarray
    image: np.ndarray
    shifts: np.ndarray
    cutoff: float

    @property
    def i(self):
        """Centre atom of each pair, shape (n_pairs,)."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))

    def vectors(self, positions, cell):
        """Vectors ``r_j + S cell - r_i`` in Å, shape (n_pairs, 3)."""
        shift_vectors = self.shifts @ np.asarray(cell)
        return positions[self.j] - positions[self.i] + shift_vectors[self.image]


def pair_list(positions, cell, pbc, cutoff) -> PairList:
    """Find all pairs closer than ``cutoff``.

    Parameters
    ----------
    positions : array_like, shape (n_atoms, 3), Å
        They may lie outside the cell.
    cell : array_like, shape (3, 3), Å
        Rows are the cell vectors; vectors of directions that are not periodic are ignored.
    pbc : array_like, shape (3,), bool
    cutoff : float, Å

    Raises
    ------
    StructureError
        Positions that are not finite, coincident atoms, or a periodic cell without volume.
    """
    positions = np.asarray(positions, float)
    pbc = np.asarray(pbc, bool)
    cell = np.asarray(cell, float)
    check_structure(positions, cell, pbc)
    n_atoms = len(positions)
    if n_atoms == 0:
        empty = np.zeros(0, np.int32)
        return PairList(np.zeros(1, np.int64), empty, empty, np.zeros((1, 3), np.int32), cutoff)
    box, origin = _bounding_cell(positions, cell, pbc)
    found = neighbour_list('ijSd', positions=positions - origin, cell=box, pbc=pbc, cutoff=float(cutoff))
    i, j, shift, distance = found
    if len(distance) and distance.min() < 1e-4:
        p = int(distance.argmin())
        close = i[distance < 1e-4]
        raise StructureError(
            f'atoms {i[p]} and {j[p]} coincide (distance {distance[p]:.1e} Å); {len(close) // 2} such pairs among '
            f'atoms {some(np.unique(close))}. Remove duplicates, e.g. with ase.geometry.get_duplicate_atoms.'
        )
    shifts, image = _distinct_shifts(shift)
    order = np.lexsort((image, j, i))
    first = np.zeros(n_atoms + 1, np.int64)
    np.cumsum(np.bincount(i, minlength=n_atoms), out=first[1:])
    return PairList(first, j[order].astype(np.int32), image[order], shifts, float(cutoff))


def _bounding_cell(positions, cell, pbc):
    """Cell for the search: periodic vectors as given, the others spanning the atoms. Also its origin."""
    box = complete_cell(np.where(pbc[:, None], cell, 0.0))
    if pbc.all():
        return box, np.zeros(3)
    scaled = positions @ np.linalg.inv(box)
    low, high = scaled.min(axis=0), scaled.max(axis=0)
    low[pbc] = 0.0
    stretch = np.where(pbc, 1.0, np.maximum(high - low, 1.0))
    return box * stretch[:, None], low @ box


def _distinct_shifts(shift):
    """Distinct rows of an (n, 3) integer array in lexicographic order, and the row number of each entry."""
    if len(shift) == 0:
        return np.zeros((1, 3), np.int32), np.zeros(0, np.int32)
    low, high = shift.min(axis=0), shift.max(axis=0)
    span = (high - low + 1).astype(np.int64)
    code = ((shift[:, 0] - low[0]) * span[1] + (shift[:, 1] - low[1])) * span[2] + (shift[:, 2] - low[2])
    codes, image = np.unique(code, return_inverse=True)
    rows = np.stack([codes // (span[1] * span[2]), codes // span[2] % span[1], codes % span[2]], axis=1) + low
    return rows.astype(np.int32), image.astype(np.int32)
