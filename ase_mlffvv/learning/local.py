"""The atoms around an atom of a large structure, relative to that atom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.geometry import complete_cell
from scipy.spatial import cKDTree

from ..errors import check_structure

VOID = 1.3  # in units of the nearest-neighbor distance; larger than the distance of atoms from a vacancy
SOFT = (1.28, 0.06)  # centre and width of the smooth step that counts neighbors, in the same units


@dataclass(frozen=True)
class Local:
    """Atoms around a centre, which is the origin, sorted by distance.

    Attributes
    ----------
    vectors : ndarray, shape (n, 3), Å
    index : ndarray of int, shape (n,)
        Index in the parent. An atom may appear several times, as periodic images.
    spacing : float, Å
        Typical nearest-neighbor distance.
    coordination : ndarray, shape (n,)
        Soft number of neighbors in the parent.
    """

    vectors: np.ndarray
    index: np.ndarray
    spacing: float
    coordination: np.ndarray

    def core(self, number):
        """Mask of the first ``number`` atoms."""
        return np.arange(len(self.vectors)) < number

    def around(self, core, reach):
        """Mask of the atoms within ``reach`` of an atom of the core."""
        near = cKDTree(self.vectors).query_ball_point(self.vectors[core], reach)
        mask = np.zeros(len(self.vectors), bool)
        mask[np.unique(np.concatenate(near).astype(int))] = True
        return mask


def local_atoms(atoms, centre, radius) -> Local:
    """All atoms and periodic images within ``radius`` (Å) of an atom.

    Raises
    ------
    ValueError
        There is no such atom.
    StructureError
        Positions are not finite, or the cell is periodic but has no volume.
    """
    if not (isinstance(centre, (int, np.integer)) and 0 <= centre < len(atoms)):
        raise ValueError(f'centre must be the number of one of {len(atoms)} atoms (0 to {len(atoms) - 1}), '
                         f'got {centre!r}')  # fmt: skip
    check_structure(atoms.positions, atoms.cell[:], atoms.pbc)
    margin = radius + 6.0
    vectors, index = _images(atoms, atoms.positions[centre], margin)
    tree = cKDTree(vectors)
    spacing = _spacing(tree, vectors, radius)
    inside = np.linalg.norm(vectors, axis=1) <= radius
    distance = tree.sparse_distance_matrix(cKDTree(vectors[inside]), 1.6 * spacing, output_type='coo_matrix')
    counts = np.bincount(distance.col, soft_step(distance.data / spacing) * (distance.data > 0), inside.sum())
    return Local(vectors[inside], index[inside], spacing, counts)


def soft_step(x):
    """Smooth step: one for neighbors, zero beyond. x is the distance in units of the nearest-neighbor distance."""
    return 1 / (1 + np.exp((x - SOFT[0]) / SOFT[1]))


def _images(atoms, origin, radius):
    """Vectors from ``origin`` to all atoms and images within ``radius``, sorted by distance, and their indices."""
    cell = complete_cell(np.where(atoms.pbc[:, None], atoms.cell[:], 0.0))
    fractions = np.linalg.solve(cell.T, (atoms.positions - origin).T).T
    fractions -= np.where(atoms.pbc, np.round(fractions), 0.0)
    heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    counts = [int(np.ceil(radius / h + 0.5)) if p else 0 for h, p in zip(heights, atoms.pbc)]
    base = fractions @ cell
    found, index = [], []
    for shift in np.stack(np.meshgrid(*[np.arange(-c, c + 1) for c in counts], indexing='ij'), -1).reshape(-1, 3):
        moved = base + shift @ cell
        near = np.flatnonzero((moved**2).sum(axis=1) <= radius**2)
        found.append(moved[near])
        index.append(near)
    vectors, index = np.concatenate(found), np.concatenate(index)
    order = np.argsort(np.round((vectors**2).sum(axis=1), 9), kind='stable')
    return vectors[order], index[order]


def _spacing(tree, vectors, radius):
    """Median nearest-neighbor distance; a single atom has none."""
    if len(vectors) < 2:
        raise ValueError(f'the centre has no neighbor within {radius:.0f} Å, so there is nothing to cut out')
    return float(np.median(tree.query(vectors[: min(len(vectors), 400)], 2)[0][:, 1]))


def outward(local: Local, reach):
    """Unit vector from the solid to the empty space near the centre, or None where there is no empty space.

    A point within ``reach`` of the centre is empty if no atom is within 1.3 nearest-neighbor distances of it.
    """
    points = np.stack(np.meshgrid(*[np.arange(-reach, reach + 0.1, 0.7)] * 3, indexing='ij'), -1).reshape(-1, 3)
    points = points[(points**2).sum(axis=1) <= reach**2]
    empty = points[cKDTree(local.vectors).query(points)[0] > VOID * local.spacing]
    if len(empty) == 0:
        return None
    distance = np.linalg.norm(local.vectors, axis=1)
    widest = 3 * local.spacing
    weight = np.clip(1 - (distance / widest) ** 2, 0, None)
    normal = -(weight[:, None] * local.vectors).sum(axis=0) / weight.sum()
    if np.linalg.norm(normal) < 0.05 * widest:  # a slit with solid on all sides
        normal = empty.mean(axis=0)
    length = np.linalg.norm(normal)
    return normal / length if length > 1e-6 else np.array([0.0, 0.0, 1.0])
