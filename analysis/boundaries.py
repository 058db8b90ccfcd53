"""Grain boundaries: plane, misorientation, and whether the boundary is the coherent Σ3{112} twin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matscipy.neighbours import neighbour_list
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components
from scipy.spatial.transform import Rotation

from ase_mlffvv.checks import check_number, check_whole
from ase_mlffvv.memory import check_search

from .grains import neighbor_pairs
from .orientation import group, in_crystal, inverse, misorientation, nearest_direction, product
from .structure import checked_cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms
    from numpy.typing import ArrayLike

    from .grains import Grain


TWIN_ANGLE = float(np.degrees(np.arccos(1 / 3)))  # 70.53 degrees about <110>, equivalent to 60 about <111>
PLANE_TOLERANCE, ANGLE_TOLERANCE = 5.0, 3.0  # degrees
CUBIC_PLANES = ((1, 0, 0), (1, 1, 0), (1, 1, 1), (1, 1, 2), (1, 2, 3), (1, 1, 3), (0, 1, 2), (0, 1, 3))


@dataclass(frozen=True)
class Boundary:
    """A flat piece of the boundary between two grains.

    Attributes
    ----------
    grains : (int, int)
        Indices of the two grains, from 0; in printed text and legends they are numbered from 1.
    phase : str
        Crystal structure of both grains.
    point : ndarray, shape (3,), Å
        A point on the plane.
    normal : ndarray, shape (3,)
        Unit vector from the first to the second grain.
    roughness : float, Å
        Root mean square distance between the plane and the points to which it was fitted.
    extent : float, Å
        Square root of the area that these points cover (4 standard deviations along each direction of the plane).
    misorientation : float, degrees
        Smallest angle over all equivalent orientations.
    twin_angle : float, degrees
        Angle of the equivalent rotation that is nearest to 70.53 degrees about ⟨110⟩.
    twin_axis : tuple of int
        The ⟨110⟩ direction nearest to the axis of that rotation, in the axes of the first grain.
    twin_deviation : float, degrees
        Deviation from the ideal Σ3 misorientation.
    planes : tuple of (tuple of int, float)
        Nearest low-index plane in the axes of each grain, and the angle to it in degrees.
    """

    grains: tuple
    phase: str
    point: np.ndarray
    normal: np.ndarray
    roughness: float
    extent: float
    misorientation: float
    twin_angle: float
    twin_axis: tuple
    twin_deviation: float
    planes: tuple

    @property
    def twin(self) -> bool:
        """Whether this is the coherent Σ3{112} twin of bcc.

        The plane must be within 5° of {112} in both grains, the rotation 70.5±3° about ⟨110⟩, and the misorientation
        within 5° of Σ3.
        """
        planes = all(sorted(map(abs, hkl)) == [1, 1, 2] and off <= PLANE_TOLERANCE for hkl, off in self.planes)
        angle = abs(self.twin_angle - TWIN_ANGLE) <= ANGLE_TOLERANCE and self.twin_deviation <= PLANE_TOLERANCE
        return bool(planes and angle and self.phase == 'bcc')

    def axis_in(self, grains: Sequence[Grain]) -> np.ndarray:
        """Direction of the ⟨110⟩ axis of the twin in laboratory axes, a unit vector."""
        axis = Rotation.from_quat(grains[self.grains[0]].orientation).apply(self.twin_axis)
        return axis / np.linalg.norm(axis)

    def trace_angle(self, view: Sequence[float]) -> float:
        """Angle between the trace of the plane and the horizontal (the xy plane), seen along ``view``, in degrees."""
        trace = np.cross(self.normal, view)
        sideways = np.hypot(trace[0], trace[1])
        return float(np.degrees(np.arctan2(abs(trace[2]), sideways)))

    def __str__(self):
        (first, off1), (second, off2) = self.planes
        what = 'coherent twin Σ3{112}' if self.twin else 'boundary'
        return (
            f'{what} between {self.phase} grains {self.grains[0] + 1} and {self.grains[1] + 1}: '
            f'misorientation {self.misorientation:.1f}°, planes {_miller(first)} ({off1:.1f}° off) and '
            f'{_miller(second)} ({off2:.1f}° off), roughness {self.roughness:.1f} Å'
        )


def find_boundaries(
    atoms: Atoms, ids: np.ndarray, grains: Sequence[Grain], *, gap: float = 8.0, min_points: int = 30
) -> list[Boundary]:
    """Find the boundaries between cubic grains of the same phase, and fit planes to them.

    First, the grains grow by two layers into disordered atoms that touch only one of them. The plane is fitted to the
    midpoints between each atom of one grain and the nearest atom of the other within ``gap``. Patches that are farther
    apart than ``gap``, such as the two boundaries of a periodic bicrystal, are fitted separately.

    Parameters
    ----------
    atoms : Atoms
    ids, grains
        From :func:`~mlffvv_analysis.grains.find_grains`.
    gap : float, Å
        Widest distance across a boundary.
    min_points : int
        Contacts with fewer midpoints are left out.

    Returns
    -------
    list of Boundary
        In order of decreasing extent.
    """
    check_number(gap, 'gap', 'Å', above=0)
    min_points = check_whole(min_points, 'min_points', low=1)
    if len(grains) < 2:
        return []
    cell = checked_cell(atoms)
    check_search(atoms.positions, cell, atoms.pbc, gap, bytes_per_pair=60)
    i, j = neighbor_pairs(atoms)
    ids = _grow(ids, i, j, len(grains))
    rim = np.zeros(len(atoms), bool)
    rim[i[ids[i] != ids[j]]] = True
    inside = np.flatnonzero(rim & (ids >= 0))
    i, j, d, vectors = neighbour_list('ijdD', positions=atoms.positions[inside], cell=cell, pbc=atoms.pbc, cutoff=gap)
    across = ids[inside][i] != ids[inside][j]
    i, j, d, vectors = inside[i[across]], inside[j[across]], d[across], vectors[across]
    order = np.lexsort([d, ids[j], i])  # for each atom, its nearest neighbor in each other grain comes first
    i, j, vectors = i[order], j[order], vectors[order]
    first = np.ones(len(i), bool)
    first[1:] = (i[1:] != i[:-1]) | (ids[j[1:]] != ids[j[:-1]])
    i, j, vectors = i[first], j[first], vectors[first]
    found = []
    low, high = np.minimum(ids[i], ids[j]), np.maximum(ids[i], ids[j])
    for a, b in sorted(set(zip(low.tolist(), high.tolist()))):
        if grains[a].phase != grains[b].phase or grains[a].phase == 'hcp':
            continue
        chosen = (low == a) & (high == b)
        towards = vectors[chosen] * np.where(ids[i[chosen]] == a, 1, -1)[:, None]
        middles = atoms.positions[i[chosen]] + vectors[chosen] / 2
        for patch, points in _patches(middles, cell, atoms.pbc, gap):
            if len(points) >= min_points:
                found.append(_boundary(points, towards[patch], (a, b), grains))
    return sorted(found, key=lambda boundary: -boundary.extent)


def twin_description(p: ArrayLike, q: ArrayLike, normal: ArrayLike | None = None) -> tuple[float, tuple, float]:
    """Describe the rotation between two cubic crystals by its closest match to 70.53 degrees about ⟨110⟩.

    Parameters
    ----------
    p, q : ndarray, shape (4,)
        Orientations as quaternions (x, y, z, w).
    normal : ndarray, shape (3,), optional
        Normal of the boundary in laboratory axes. A Σ3 rotation can be written about three equivalent ⟨110⟩ axes; with
        ``normal``, the axis that lies in the boundary is chosen.

    Returns
    -------
    angle : float, degrees
    axis : tuple of int
        Direction of the ⟨110⟩ family in the axes of the first crystal.
    deviation : float, degrees
        Smallest angle to the ideal Σ3 rotation.
    """
    symmetry = group('O')
    between = product(inverse(p), q)
    every = product(product(inverse(symmetry)[:, None], between), symmetry[None]).reshape(-1, 4)
    every = every * np.where(every[:, 3:] < 0, -1, 1)
    ideal = Rotation.from_rotvec(np.radians(TWIN_ANGLE) * np.array([1, 1, 0]) / np.sqrt(2)).as_quat()
    overlap = abs(every @ ideal)
    deviations = np.degrees(2 * np.arccos(np.minimum(overlap, 1.0)))
    close = np.flatnonzero(deviations < deviations.min() + 2.0)
    # every = inverse(s) between s'; rotating its axis by s gives the axis in the axes of the first crystal
    s = symmetry[close // len(symmetry)]
    vectors = Rotation.from_quat(s).apply(Rotation.from_quat(every[close]).as_rotvec(degrees=True))
    best = deviations[close].argmin()
    if normal is not None:
        lengths = np.linalg.norm(vectors, axis=1)
        best = abs(vectors @ in_crystal(normal, p) / lengths).argmin()
    axis, _ = nearest_direction(vectors[best], ((1, 1, 0),))
    return float(np.linalg.norm(vectors[best])), axis, float(deviations[close[best]])


def _grow(ids, i, j, count, sweeps=2):
    """Add atoms in no grain to the grain that holds at least three quarters of their neighbors that are in grains."""
    for _ in range(sweeps):
        beside = (ids[i] < 0) & (ids[j] >= 0)
        votes = coo_matrix((np.ones(beside.sum()), (i[beside], ids[j[beside]])), shape=(len(ids), count)).tocsr()
        best, most = np.asarray(votes.argmax(axis=1)).ravel(), votes.max(axis=1).toarray().ravel()
        clear = (most > 0) & (most >= 0.75 * np.asarray(votes.sum(axis=1)).ravel())
        ids = np.where((ids < 0) & clear, best, ids)
    return ids


def _boundary(points, towards, pair, grains):
    centre = points.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov((points - centre).T))
    normal = axes[:, 0] * (1 if axes[:, 0] @ towards.sum(axis=0) >= 0 else -1)
    p, q = (grains[k].orientation for k in pair)
    angle, axis, deviation = twin_description(p, q, normal)
    planes = tuple(nearest_direction(in_crystal(normal, r), CUBIC_PLANES) for r in (p, q))
    extent = 4 * np.sqrt(np.sqrt(max(variances[1], 0) * max(variances[2], 0)))
    phase = grains[pair[0]].phase
    roughness = float(np.sqrt(max(variances[0], 0)))
    return Boundary(tuple(int(k) for k in pair), phase, centre, normal, roughness, float(extent),
                    float(misorientation(p, q)), angle, axis, deviation, planes)  # fmt: skip


def _patches(points, cell, pbc, reach):
    """Connected sets of points: their indices, and their positions unwrapped across periodic boundaries."""
    i, j, vectors = neighbour_list('ijD', positions=points, cell=cell, pbc=pbc, cutoff=reach)
    keep = i != j
    i, j, vectors = i[keep], j[keep], vectors[keep]
    n = len(points)
    graph = coo_matrix((np.ones(len(i)), (i, j)), shape=(n, n)).tocsr()
    count, label = connected_components(graph, directed=False)
    step = {}
    for a, b, v in zip(i.tolist(), j.tolist(), vectors):
        if (a, b) not in step or v @ v < step[a, b] @ step[a, b]:
            step[a, b] = v
    out = []
    for k in range(count):
        members = np.flatnonzero(label == k)
        order, parent = breadth_first_order(graph, members[0], directed=False)
        placed = {int(order[0]): points[order[0]]}
        for a in order[1:].tolist():
            placed[a] = placed[int(parent[a])] + step[int(parent[a]), a]
        out.append((members, np.array([placed[int(a)] for a in members])))
    return out


def _miller(indices):
    return '(' + ' '.join(str(k) for k in indices) + ')'
