"""Shape of a dendrite on its substrate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull, QhullError

from .grains import neighbor_pairs
from .structure import to_ovito

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike


def height(atoms: Atoms, substrate: ArrayLike | None = None, quantile: float = 0.99) -> float:
    """Height of a dendrite over its substrate.

    Parameters
    ----------
    atoms : Atoms
        With z the growth direction, not wrapped across the cell along z.
    substrate : array_like of bool or int, optional
        Substrate atoms; default those with tag 0 where other tags exist. Without any, the height of the whole
        structure is measured from its lowest atom.
    quantile : float
        Height below which this share of the other atoms lies; below 1 it ignores single atoms that left.

    Returns
    -------
    float, Å
        Above the 99 % quantile of the substrate atoms.
    """
    z = atoms.positions[:, 2]
    if len(z) == 0:
        return 0.0
    mask = np.zeros(len(z), bool)
    if substrate is None:
        tags = atoms.get_tags()
        mask = tags == 0 if (tags != 0).any() else mask
    else:
        mask[np.asarray(substrate)] = True
    if mask.all() or not mask.any():
        return float(np.quantile(z, quantile) - z.min())
    return float(np.quantile(z[~mask], quantile) - np.quantile(z[mask], 0.99))


def largest_cluster(atoms: Atoms, reach: float = 5.0) -> np.ndarray:
    """Mask of the atoms that hang together with most others; those that left are out."""
    n = len(atoms)
    if n == 0:
        return np.zeros(0, bool)
    i, j = neighbor_pairs(atoms, reach)
    _, label = connected_components(coo_matrix((np.ones(len(i)), (i, j)), shape=(n, n)), directed=False)
    return label == np.bincount(label).argmax()


def radius_profile(
    positions: ArrayLike, spacing: float = 3.44, floor: float | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Radius and centre of a column at each height.

    Parameters
    ----------
    positions : ndarray, shape (n, 3), Å
        Of the atoms of the column.
    spacing : float, Å
        Thickness of the slices.
    floor : float, Å, optional
        Height at which the first begins; default the lowest atom's.

    Returns
    -------
    heights : ndarray, shape (n_slices,), Å
        Of the middle of each slice.
    radii : ndarray, shape (n_slices,), Å
        Of the disc with the same mean square distance from its centre; NaN for slices with fewer than three atoms.
    centres : ndarray, shape (n_slices, 2), Å
        x and y of the centre.
    """
    positions = np.asarray(positions, float)
    if not spacing > 0:
        raise ValueError(f'spacing must be positive (Å), got {spacing!r}')
    if len(positions) == 0:
        return np.zeros(0), np.zeros(0), np.zeros((0, 2))
    z = positions[:, 2] - (positions[:, 2].min() if floor is None else floor)
    slices = np.floor(z / spacing + 1e-9).astype(int)
    count = max(int(slices.max()) + 1, 0)
    inside = slices >= 0
    slices, xy = slices[inside], positions[inside, :2]
    n = np.bincount(slices, minlength=count).astype(float)
    n[n < 3] = np.nan
    centres = np.column_stack([np.bincount(slices, xy[:, k], minlength=count) / n for k in (0, 1)])
    square = np.bincount(slices, ((xy - centres[slices]) ** 2).sum(axis=1), minlength=count) / n
    base = positions[:, 2].min() if floor is None else floor
    return base + (np.arange(count) + 0.5) * spacing, np.sqrt(2 * square), centres


def kink_angle(positions: ArrayLike, spacing: float = 3.44, ends: int = 1) -> tuple[float, float]:
    """Angle between the lower and the upper part of a column's skeleton, the line of the centres of its slices.

    Two straight lines are fitted, below and above the height at which they fit best.

    Parameters
    ----------
    positions : ndarray, shape (n, 3), Å
        Of the atoms of the column.
    spacing : float, Å
        Thickness of the slices.
    ends : int
        Slices at top and bottom that are left out: they are ragged.

    Returns
    -------
    angle : float, degrees
        0 for a straight column; NaN for one of fewer than six slices.
    height : float, Å
        Of the kink.
    """
    z, _, centres = radius_profile(positions, spacing)
    good = np.isfinite(centres[:, 0])
    z, centres = z[good][ends : -ends or None], centres[good][ends : -ends or None]
    if len(z) < 6:
        return np.nan, np.nan
    best = (np.inf, np.nan, np.nan)
    for k in range(3, len(z) - 2):
        lines = [np.polyfit(z[part], centres[part], 1) for part in (slice(None, k), slice(k, None))]
        misfit = sum(((centres[part] - np.outer(z[part], line[0]) - line[1]) ** 2).sum()
                     for part, line in zip((slice(None, k), slice(k, None)), lines))  # fmt: skip
        if misfit < best[0]:
            low, high = (np.array([*line[0], 1.0]) / np.sqrt(1 + line[0] @ line[0]) for line in lines)
            angle = np.degrees(np.arccos(np.clip(low @ high, -1, 1)))
            best = (misfit, angle, (z[k - 1] + z[k]) / 2)
    return float(best[1]), float(best[2])


def convexity(atoms: Atoms, mask: np.ndarray | None = None, radius: float = 5.0) -> float:
    """Volume of a body over that of its convex hull: 1 for a dome, less for a kinked, necked or branched column.

    Parameters
    ----------
    atoms : Atoms
    mask : ndarray, bool, optional
        Atoms of the body; default all. Periodic images do not count.
    radius : float, Å
        Of the sphere that probes the surface (alpha shape, OVITO); hollows narrower than its diameter are filled.

    Returns
    -------
    float
        NaN for fewer than four atoms, or atoms in a plane.
    """
    points = atoms.positions if mask is None else atoms.positions[mask]
    try:
        hull = ConvexHull(points).volume if len(points) > 3 else 0.0
    except QhullError:
        hull = 0.0
    if not hull > 0:
        return np.nan
    body = type(atoms)(f'H{len(points)}', points)
    data = to_ovito(body, margin=4 * radius)
    from ovito.modifiers import ConstructSurfaceModifier

    method = ConstructSurfaceModifier.Method.AlphaShape
    data.apply(ConstructSurfaceModifier(method=method, radius=radius, smoothing_level=0, identify_regions=True))
    return float(data.attributes['ConstructSurfaceMesh.filled_volume'] / hull)


def aspect_ratio(positions: ArrayLike, floor: float, spacing: float = 3.44) -> float:
    """Height over radius at the base, h/R; 1 for a hemisphere.

    Parameters
    ----------
    positions : ndarray, shape (n, 3), Å
        Of the atoms of the column, without atoms that left it (:func:`largest_cluster`).
    floor : float, Å
        Height of the highest layer of the substrate.
    spacing : float, Å
        Thickness of the slice at the base.
    """
    positions = np.asarray(positions, float)
    z = positions[:, 2] - floor if len(positions) else np.zeros(0)
    base = positions[(z > 0) & (z <= spacing + 1e-9)] if len(z) else positions
    if len(base) < 3:
        return np.nan
    xy = base[:, :2] - base[:, :2].mean(axis=0)
    return float(z.max() / np.sqrt(2 * (xy**2).sum(axis=1).mean()))


def collapse_rate(time: ArrayLike, heights: ArrayLike, start: float | None = None, stop: float | None = None) -> float:
    """Mean rate at which a height falls, by a straight line between two times.

    Returns
    -------
    float
        Height per time, positive where the height falls.
    """
    t, h = np.asarray(time, float), np.asarray(heights, float)
    inside = (t >= (t.min() if start is None else start)) & (t <= (t.max() if stop is None else stop))
    if inside.sum() < 2:
        raise ValueError(f'{inside.sum()} points between the times {start} and {stop}; two or more are needed')
    return float(-np.polyfit(t[inside] - t[inside][0], h[inside], 1)[0])


@dataclass(frozen=True)
class Outline:
    """Outline of a column seen from above.

    Attributes
    ----------
    centre : ndarray, shape (2,), Å
        Of its area.
    corners : ndarray, shape (n, 2), Å
        Of the convex outline, counter-clockwise.
    radii : ndarray, shape (720,), Å
        Distance of the outline from its centre every half degree, from the direction of x.
    """

    centre: np.ndarray
    corners: np.ndarray
    radii: np.ndarray


def outline(positions: ArrayLike) -> Outline:
    """Convex outline of atoms seen from above.

    Parameters
    ----------
    positions : ndarray, shape (n, 2 or 3), Å

    Raises
    ------
    ValueError
        Fewer than three atoms, or atoms in a line.
    """
    xy = np.asarray(positions, float)[:, :2]
    try:
        hull = ConvexHull(xy) if len(xy) > 2 else None
    except QhullError:
        hull = None
    if hull is None:
        raise ValueError(f'{len(xy)} atoms, in a line seen from above, have no outline')
    corners = xy[hull.vertices]
    x, y = corners.T
    nx, ny = np.roll(x, -1), np.roll(y, -1)
    cross = x * ny - nx * y
    centre = np.array([((x + nx) * cross).sum(), ((y + ny) * cross).sum()]) / (3 * cross.sum())
    angles = np.radians(np.arange(720) / 2)
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    # each edge lies on normal @ x = reach; along a direction the nearest edge ahead bounds the outline
    reach = -(hull.equations[:, 2] + hull.equations[:, :2] @ centre)
    ahead = directions @ hull.equations[:, :2].T
    with np.errstate(divide='ignore'):
        radii = np.where(ahead > 1e-12, reach / ahead, np.inf).min(axis=1)
    return Outline(centre, corners, radii)


def torsion_angle(before: Outline, after: Outline, fold: int = 4, least: float = 0.02) -> float:
    """Rotation about z that brings one outline onto another.

    Parameters
    ----------
    before, after : Outline
    fold : int
        Rotations by 360/fold degrees are taken as none; 4 for square columns.
    least : float
        Relative modulation of both radii below which an outline is round, and its rotation unknown.

    Returns
    -------
    float, degrees
        In (-180/fold, 180/fold], counter-clockwise positive; NaN where an outline is round.
    """
    phases = []
    for shape in (before, after):
        harmonic = (shape.radii * np.exp(-1j * fold * np.radians(np.arange(720) / 2))).mean()
        if 2 * abs(harmonic) < least * shape.radii.mean():
            return np.nan
        phases.append(np.angle(harmonic))
    turn = np.degrees(phases[0] - phases[1]) / fold
    period = 360 / fold
    return float(-((period / 2 - turn) % period - period / 2))
