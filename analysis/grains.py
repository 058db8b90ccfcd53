"""Grains, which are connected regions of the same crystal orientation, and the atoms between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ase_mlffvv.checks import check_number, check_whole

from .orientation import GROUPS, mean_orientation, misorientation, orientations
from .phases import NAMES
from .structure import neighbors

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike


ANGLE, CORE, REACH = 7.0, 5, 4.2  # degrees; neighbors; Å, between the second and third shells of bcc lithium
SURFACE, INTERIOR, BOUNDARY, SUBSURFACE, UNCLASSIFIED = 0, 1, 2, 3, -1
CLASSES = {SURFACE: 'surface', INTERIOR: 'interior', BOUNDARY: 'boundary', SUBSURFACE: 'subsurface'}


@dataclass(frozen=True)
class Grain:
    """A grain.

    Attributes
    ----------
    size : int
        Number of atoms.
    phase : str
    orientation : ndarray, shape (4,)
        Mean orientation, a quaternion (x, y, z, w) from crystal to laboratory axes.
    mean_misorientation : float, degrees
        Mean misorientation between its atoms and the mean orientation.
    centre : ndarray, shape (3,), Å
        Mean of the positions as they are, without unwrapping.
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
    """Cluster atoms into grains by their orientations.

    Neighbors of the same phase belong to the same grain if their misorientation is below ``angle`` and both have at
    least ``core`` such neighbors. This density criterion (DBSCAN on the graph of neighbors) prevents single atoms of
    intermediate orientation from connecting two grains. Each other atom is assigned to the grain of the core neighbor
    with the closest orientation.

    Parameters
    ----------
    atoms : Atoms
    labels, quaternions : ndarray, optional
        Results of :func:`~mlffvv_analysis.orientation.orientations`, computed if omitted.
    angle : float, degrees
    min_size : int
        Smallest number of atoms in a grain; smaller clusters are ignored.
    core : int
    reach : float, Å
        Largest distance between neighbors.

    Returns
    -------
    ids : ndarray, shape (n_atoms,), int
        Index of the grain of each atom: 0 for the largest grain, 1 for the next, ..., -1 for atoms in no grain.
    grains : list of Grain
    """
    check_number(angle, 'angle', 'degrees', above=0, high=180)
    min_size = check_whole(min_size, 'min_size', 'atoms', low=0)
    check_number(core, 'core', 'neighbors', low=0)
    check_number(reach, 'reach', 'Å', above=0)
    if labels is None or quaternions is None:
        labels, quaternions = orientations(atoms)
    n = len(atoms)
    if len(labels) != n or len(quaternions) != n:
        raise ValueError(
            f'expected labels and quaternions of {n} atoms, got those of {len(labels)} and {len(quaternions)} atoms'
        )
    if n == 0:
        return np.zeros(0, int), []
    i, j, angles = _similar(atoms, labels, quaternions, angle, reach)
    is_core = np.bincount(i, minlength=n) >= core
    both = is_core[i] & is_core[j]
    graph = coo_matrix((np.ones(both.sum()), (i[both], j[both])), shape=(n, n))
    _, cluster = connected_components(graph, directed=False)
    cluster[~is_core] = -1
    border = ~is_core[i] & is_core[j]
    order = np.argsort(-angles[border], kind='stable')  # the closest orientation is written last
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
    """Classify each atom as surface, subsurface, interior of a grain, or grain boundary.

    The paper's bulk (coordination number above 8) is divided into three classes: BOUNDARY atoms have neighbors in two
    grains or a disordered environment; SUBSURFACE atoms have no bcc environment only because a free surface is near;
    all others are INTERIOR. Atoms of the bulk with more than two thirds of their neighbors in one grain are INTERIOR
    even if thermal motion makes their environment look disordered.

    Parameters
    ----------
    phase : ndarray, shape (n_atoms,), int
        Labels from :func:`~mlffvv_analysis.orientation.orientations`.
    ids : ndarray, shape (n_atoms,), int
        Indices of grains from :func:`find_grains`.
    surface, bulk : ndarray, shape (n_atoms,), bool
        Masks from :func:`~mlffvv_analysis.coordination.surface_and_bulk`; an atom in neither is UNCLASSIFIED.
    deep : ndarray, shape (n_atoms,), bool
        Mask of the atoms that neither lie on a surface nor have a neighbor on it.
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
    """Neighbors i, j within ``reach`` (Å), with each pair in both orders."""
    check_number(reach, 'reach', 'Å', above=0)
    if len(atoms) == 0:
        return np.zeros(0, int), np.zeros(0, int)
    return neighbors('ij', atoms, reach, 'reach')


def _similar(atoms, labels, quaternions, angle, reach):
    """Pairs of neighbors (in both orders) of the same phase with a misorientation below ``angle``, and that angle."""
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
    # without the distorted rim of the grain
    mean = mean_orientation(members[angles <= 2 * np.median(angles) + 0.01], symmetry)
    mean_misorientation = misorientation(members, mean, symmetry).mean()
    return Grain(int(mask.sum()), NAMES[phase], mean, float(mean_misorientation), atoms.positions[mask].mean(axis=0))
