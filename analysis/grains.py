"""Grains: connected atoms of equal crystal orientation, and what lies between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matscipy.neighbours import neighbour_list
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .orientation import GROUPS, mean_orientation, misorientation, orientations
from .phases import NAMES
from .structure import checked_cell

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike


ANGLE, CORE, REACH = 7.0, 5, 4.2  # degrees; neighbors; Å, between second and third shell of bcc lithium
SURFACE, INTERIOR, BOUNDARY, SUBSURFACE, UNCLASSIFIED = 0, 1, 2, 3, -1
CLASSES = {SURFACE: 'surface', INTERIOR: 'interior', BOUNDARY: 'boundary', SUBSURFACE: 'subsurface'}


@dataclass(frozen=True)
class Grain:
    """A grain.

    Attributes
    ----------
    size : int
        Atoms.
    phase : str
    orientation : ndarray, shape (4,)
        Mean, quaternion (x, y, z, w) from crystal to laboratory axes.
    mean_misorientation : float, degrees
        Mean misorientation of its atoms to that.
    centre : ndarray, shape (3,), Å
        Of its atoms as they are, not unwrapped.
    """

    size: int
    phase: str
    orientation: np.ndarray
    mean_misorientation: float
    centre: np.ndarray


def find_grains(
    atoms: Atoms,
    labels: ArrayLike | None = None,
    quaternions: ArrayLike | None = None,
    *,
    angle: float = ANGLE,
    min_size: int = 50,
    core: float = CORE,
    reach: float = REACH,
) -> tuple[np.ndarray, list[Grain]]:
    """Cluster atoms to grains by their orientations.

    Neighbors of one phase belong together if their misorientation is below ``angle`` and both have at least ``core``
    such neighbors; this density criterion (DBSCAN on the graph of neighbors) keeps single atoms of intermediate
    orientation from joining two grains. Other atoms join the grain of the core neighbor of closest orientation.

    Parameters
    ----------
    atoms : Atoms
    labels, quaternions : ndarray, optional
        From :func:`~mlffvv_analysis.orientation.orientations`, which is called without them.
    angle : float, degrees
    min_size : int
        Smaller clusters are no grains.
    core : int
    reach : float, Å
        Of neighbors.

    Returns
    -------
    ids : ndarray, shape (n_atoms,), int
        0 for the largest grain, 1 for the next, ..., -1 for atoms in none.
    grains : list of Grain
    """
    if labels is None or quaternions is None:
        labels, quaternions = orientations(atoms)
    n = len(atoms)
    if len(labels) != n or len(quaternions) != n:
        raise ValueError(f'labels and quaternions are of {len(labels)} and {len(quaternions)} atoms, not of {n}')
    if n == 0:
        return np.zeros(0, int), []
    i, j, angles = _similar(atoms, labels, quaternions, angle, reach)
    is_core = np.bincount(i, minlength=n) >= core
    both = is_core[i] & is_core[j]
    graph = coo_matrix((np.ones(both.sum()), (i[both], j[both])), shape=(n, n))
    _, cluster = connected_components(graph, directed=False)
    cluster[~is_core] = -1
    border = ~is_core[i] & is_core[j]
    order = np.argsort(-angles[border], kind='stable')  # the closest is written last
    cluster[i[border][order]] = cluster[j[border][order]]
    counts = np.bincount(cluster[cluster >= 0], minlength=n)
    chosen = np.flatnonzero(counts >= max(min_size, 1))
    chosen = chosen[np.argsort(-counts[chosen], kind='stable')]
    rank = np.full(n + 1, -1)
    rank[chosen] = np.arange(len(chosen))
    ids = rank[cluster]
    return ids, [_grain(atoms, labels, quaternions, ids == k) for k in range(len(chosen))]


def classify(
    phase: np.ndarray,
    ids: np.ndarray,
    surface: np.ndarray,
    bulk: np.ndarray,
    deep: np.ndarray,
    pairs: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Surface, interior of grains, boundary between them, or just below the surface, for each atom.

    The paper's bulk (coordination above 8) is divided: atoms beside two grains, and atoms in disordered surroundings,
    are BOUNDARY; atoms that are not in bcc surroundings only because of a free surface beside them are SUBSURFACE; the
    others are INTERIOR. An atom that heat makes look disordered, with two thirds of its neighbors in one grain, is.

    Parameters
    ----------
    phase : ndarray, shape (n_atoms,), int
        From :func:`~mlffvv_analysis.orientation.orientations`.
    ids : ndarray, shape (n_atoms,), int
        From :func:`find_grains`.
    surface, bulk : ndarray, shape (n_atoms,), bool
        From :func:`~mlffvv_analysis.coordination.surface_and_bulk`; an atom in neither is UNCLASSIFIED.
    deep : ndarray, shape (n_atoms,), bool
        Atoms that neither lie on a surface nor touch an atom that does.
    pairs : (ndarray, ndarray)
        Neighbors i, j of all atoms, each pair in both orders; see :func:`neighbor_pairs`.

    Returns
    -------
    ndarray, shape (n_atoms,), int
        SURFACE (0), INTERIOR (1), BOUNDARY (2), SUBSURFACE (3), UNCLASSIFIED (-1).
    """
    i, j = pairs
    n = len(ids)
    known = ids[j] >= 0
    low, high = np.where(ids >= 0, ids, n), ids.copy()
    np.minimum.at(low, i[known], ids[j[known]])
    np.maximum.at(high, i[known], ids[j[known]])
    mixed = low < high
    same = np.bincount(i[known], minlength=n) / np.maximum(np.bincount(i, minlength=n), 1)
    crystal = (np.asarray(phase) == NAMES.index('bcc')) | (same > 2 / 3)
    out = np.full(n, UNCLASSIFIED)
    out[surface] = SURFACE
    out[bulk] = BOUNDARY
    out[bulk & ~deep & ~mixed] = SUBSURFACE
    out[bulk & crystal & ~mixed] = INTERIOR
    return out


def neighbor_pairs(atoms: Atoms, reach: float = REACH) -> tuple[np.ndarray, np.ndarray]:
    """Neighbors i, j within ``reach`` (Å), each pair in both orders."""
    if len(atoms) == 0:
        return np.zeros(0, int), np.zeros(0, int)
    return neighbour_list('ij', positions=atoms.positions, cell=checked_cell(atoms), pbc=atoms.pbc, cutoff=float(reach))


def _similar(atoms, labels, quaternions, angle, reach):
    """Pairs of neighbors of one phase with a misorientation below ``angle``, in both orders, and that."""
    i, j = neighbor_pairs(atoms, reach)
    keep = (i < j) & (labels[i] == labels[j]) & (labels[i] > 0)
    i, j = i[keep], j[keep]
    angles = np.full(len(i), 180.0)
    for phase, symmetry in GROUPS.items():
        chosen = labels[i] == phase
        angles[chosen] = misorientation(quaternions[i[chosen]], quaternions[j[chosen]], symmetry)
    keep = angles < angle
    i, j, angles = i[keep], j[keep], angles[keep]
    return np.concatenate([i, j]), np.concatenate([j, i]), np.concatenate([angles, angles])


def _grain(atoms, labels, quaternions, mask):
    phase = int(labels[mask][0])
    symmetry = GROUPS[phase]
    members = quaternions[mask]
    mean = mean_orientation(members, symmetry)
    angles = misorientation(members, mean, symmetry)
    mean = mean_orientation(members[angles <= 2 * np.median(angles) + 0.01], symmetry)  # without its distorted rim
    mean_misorientation = misorientation(members, mean, symmetry).mean()
    return Grain(int(mask.sum()), NAMES[phase], mean, float(mean_misorientation), atoms.positions[mask].mean(axis=0))
