"""Shape of a dendrite on its substrate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull, QhullError

from ase_mlffvv.checks import check_number, check_whole

from .grains import neighbor_pairs
from .structure import to_ovito

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike


MOST_SLICES = 10_000  # of a column


def largest_cluster(atoms: Atoms, reach: float = 5.0) -> np.ndarray:
    """Mask of the atoms in the largest cluster connected by distances up to ``reach`` (Å), without detached atoms."""
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
        Positions of the atoms of the column.
    spacing : float, Å
        Thickness of the slices.
    floor : float, Å, optional
        Height at which the first slice begins; by default, that of the lowest atom.

    Returns
    -------
    heights : ndarray, shape (n_slices,), Å
        Height of the middle of each slice.
    radii : ndarray, shape (n_slices,), Å
        Radius of the disc with the same mean squared distance from its centre; NaN for slices with fewer than three
        atoms.
    centres : ndarray, shape (n_slices, 2), Å
        Coordinates x and y of the centre of each slice.
    """
    positions = np.asarray(positions, float)
    check_number(spacing, 'spacing', 'Å', above=0)
    if floor is not None:
        check_number(floor, 'floor', 'Å')
    if len(positions) == 0:
        return np.zeros(0), np.zeros(0), np.zeros((0, 2))
    z = positions[:, 2] - (positions[:, 2].min() if floor is None else floor)
    if z.max() / spacing > MOST_SLICES:
        raise ValueError(
            f'a spacing of {spacing:g} Å would need {z.max() / spacing:.3g} slices, and {MOST_SLICES} are allowed; use '
            'a larger spacing, or leave out atoms that are far away'
        )
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
    """Angle between the lower and the upper part of the axis of a column, the line through the centres of its slices.

    One straight line is fitted below the kink and one above it; the height of the kink is where they fit best.

    Parameters
    ----------
    positions : ndarray, shape (n, 3), Å
        Positions of the atoms of the column.
    spacing : float, Å
        Thickness of the slices.
    ends : int
        Number of slices to leave out at the top and at the bottom, because they are irregular.

    Returns
    -------
    angle : float, degrees
        0 for a straight column; NaN for a column with fewer than six slices.
    height : float, Å
        Height of the kink.
    """
    ends = check_whole(ends, 'ends', 'slices', low=0)
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
    """Ratio of the volumes of a body and its convex hull: 1 for a dome, less for a kinked, necked or branched column.

    Parameters
    ----------
    atoms : Atoms
    mask : ndarray, bool, optional
        Atoms of the body; by default, all atoms. Periodic images do not count.
    radius : float, Å
        Radius of the probe sphere (alpha shape, OVITO); cavities narrower than its diameter are filled.

    Returns
    -------
    float
        NaN for fewer than four atoms, or if all atoms lie in a plane.
    """
    check_number(radius, 'radius', 'Å', above=0)
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
    """Ratio of the height to the radius at the base; 1 for a hemisphere.

    Parameters
    ----------
    positions : ndarray, shape (n, 3), Å
        Positions of the atoms of the column, without detached atoms (see :func:`largest_cluster`).
    floor : float, Å
        Height of the top layer of the substrate.
    spacing : float, Å
        Thickness of the slice at the base.
    """
    check_number(floor, 'floor', 'Å')
    check_number(spacing, 'spacing', 'Å', above=0)
    positions = np.asarray(positions, float)
    z = positions[:, 2] - floor if len(positions) else np.zeros(0)
    base = positions[(z > 0) & (z <= spacing + 1e-9)] if len(z) else positions
    if len(base) < 3:
        return np.nan
    xy = base[:, :2] - base[:, :2].mean(axis=0)
    return float(z.max() / np.sqrt(2 * (xy**2).sum(axis=1).mean()))


def collapse_rate(time: ArrayLike, heights: ArrayLike, start: float | None = None, stop: float | None = None) -> float:
    """Mean rate at which a height decreases between two times, from a straight line fitted to it.

    Returns
    -------
    float
        Change of height per time, positive if the height decreases.
    """
    t, h = np.asarray(time, float), np.asarray(heights, float)
    inside = (t >= (t.min() if start is None else start)) & (t <= (t.max() if stop is None else stop))
    if inside.sum() < 2:
        raise ValueError(f'expected at least two points between the times {start} and {stop}, got {inside.sum()}')
    return float(-np.polyfit(t[inside] - t[inside][0], h[inside], 1)[0])


@dataclass(frozen=True)
class Outline:
    """Outline of a column seen from above.

    Attributes
    ----------
    centre : ndarray, shape (2,), Å
        Centroid of its area.
    corners : ndarray, shape (n, 2), Å
        Corners of the convex outline, counter-clockwise.
    radii : ndarray, shape (720,), Å
        Distance from the centre to the outline every half degree, starting in the direction of x.
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
        If there are fewer than three atoms, or all atoms lie on a line.
    """
    xy = np.asarray(positions, float)[:, :2]
    try:
        hull = ConvexHull(xy) if len(xy) > 2 else None
    except QhullError:
        hull = None
    if hull is None:
        raise ValueError(
            f'an outline needs at least three atoms that do not lie on a line seen from above, got {len(xy)} atoms'
        )
    corners = xy[hull.vertices]
    x, y = corners.T
    nx, ny = np.roll(x, -1), np.roll(y, -1)
    cross = x * ny - nx * y
    centre = np.array([((x + nx) * cross).sum(), ((y + ny) * cross).sum()]) / (3 * cross.sum())
    angles = np.radians(np.arange(720) / 2)
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    # each edge lies on normal @ x = reach; in each direction, the outline ends at the nearest edge ahead
    reach = -(hull.equations[:, 2] + hull.equations[:, :2] @ centre)
    ahead = directions @ hull.equations[:, :2].T
    with np.errstate(divide='ignore'):
        radii = np.where(ahead > 1e-12, reach / ahead, np.inf).min(axis=1)
    return Outline(centre, corners, radii)


def torsion_angle(before: Outline, after: Outline, fold: int = 4, least: float = 0.02) -> float:
    """Rotation about z that maps one outline onto another.

    Parameters
    ----------
    before, after : Outline
    fold : int
        Order of the rotational symmetry, 4 for square columns: rotations by 360/fold degrees cannot be distinguished.
    least : float
        An outline whose radius has a smaller relative modulation is round, so that its rotation is unknown.

    Returns
    -------
    float, degrees
        Angle in (-180/fold, 180/fold], positive counter-clockwise; NaN if one of the outlines is round.
    """
    fold = check_whole(fold, 'fold', low=1, high=180)
    check_number(least, 'least', low=0)
    phases = []
    for shape in (before, after):
        harmonic = (shape.radii * np.exp(-1j * fold * np.radians(np.arange(720) / 2))).mean()
        if 2 * abs(harmonic) < least * shape.radii.mean():
            return np.nan
        phases.append(np.angle(harmonic))
    turn = np.degrees(phases[0] - phases[1]) / fold
    period = 360 / fold
    return float(-((period / 2 - turn) % period - period / 2))
