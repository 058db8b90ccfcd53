"""Periodic boxes into which a piece of a large structure fits with the smallest misfit."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.spatial import cKDTree

from .local import Local, outward, soft_step

CLOSE = 0.88  # in units of the nearest-neighbor distance; closer pairs do not occur in hot metals
KEPT_CLOSE = 0.92  # the same for pairs of atoms that must not be moved
OFFSET = 0.13  # offset of the box from the centre, so that no face lies in a plane of a perfect crystal
SNAP = np.cos(np.radians(14))


@dataclass(frozen=True, eq=False)
class Box:
    """A piece of the parent structure and its new cell.

    Attributes
    ----------
    members : ndarray of int
        Atoms of the :class:`.Local`.
    kept : ndarray of bool, shape (n_members,)
        Atoms that must not be moved.
    core : ndarray of bool, shape (n_members,)
    rotation : ndarray, shape (3, 3)
        ``vectors @ rotation.T`` are the vectors in the axes of the box.
    lengths : ndarray, shape (3,), Å
        Edges of the box; infinite along directions that are not periodic.
    misfit : float
        Mean square change of the soft number of neighbors; smaller is better.
    """

    members: np.ndarray
    kept: np.ndarray
    core: np.ndarray
    rotation: np.ndarray
    lengths: np.ndarray
    misfit: float


def find_boxes(local: Local, core, size, reach):
    """Boxes for cores with given numbers of atoms, the best first.

    Parameters
    ----------
    local : Local
    core : sequence of int
        Numbers of core atoms to try. A larger core outweighs some misfit.
    size : int
        Approximate number of atoms in the box.
    reach : float, Å

    Returns
    -------
    list of Box
    """
    side = local.spacing * size ** (1 / 3)
    cores = sorted({min(int(n), len(local.vectors)) for n in core}, reverse=True)
    level = _levels(local, cores[0], reach)
    before: tuple = ()
    for share in (0.75, 0.9, 1.1):  # of the side; a box inside the solid may not fit below a surface
        normal = outward(local, max(reach + 0.4 * local.spacing, share * side))
        if before and (before[0] is None) == (normal is None):
            continue
        before, out = (normal,), []
        for rotation in _rotations(local, normal):
            vectors = local.vectors @ rotation.T
            for lengths in _lengths(local, vectors, size, reach, normal is None):
                box = _box(local, vectors, rotation, lengths, cores, level, size, reach)
                if box is not None:
                    out.append(box)
        if out:
            return sorted(out, key=rank)
    return []


def rank(box):
    """Cost by which boxes are sorted: the misfit minus a bonus for a large core."""
    return box.misfit - 0.03 * box.core.sum()


def _levels(local, largest, reach):
    """Smallest number of core atoms for which each atom belongs to the surroundings of the core."""
    distance = ((local.vectors[:largest, None] - local.vectors) ** 2).sum(-1)
    near = distance <= reach**2
    return np.where(near.any(axis=0), near.argmax(axis=0) + 1, len(local.vectors) + 1)


def _rotations(local, normal):
    """Axes to try: z along the outward normal, and x along a period of the crystal or at several angles to it.

    Inside the solid, these are the axes of the parent and axes along periods of the crystal.
    """
    periods = _periods(local)
    if normal is None:
        yield np.eye(3)
        for k, first in enumerate(periods[:3]):
            across = [t for t in periods if abs(t @ first) < 0.12 * np.linalg.norm(t) * np.linalg.norm(first)]
            yield frame_of(first, across[0] if across else periods[k - 1])
        return
    axis = int(np.abs(normal).argmax())
    if abs(normal[axis]) > SNAP:
        normal = np.sign(normal[axis]) * np.eye(3)[axis]
    flat = [t for t in periods if abs(t @ normal) < 0.2 * np.linalg.norm(t)]
    across = np.eye(3)[int(np.abs(normal).argmin())]
    frame = frame_of(normal, flat[0] if flat else across)[[1, 2, 0]]
    for angle in (0, 45, 22.5, 67.5):
        yield frame @ _about(normal, angle)
    if flat:
        yield frame_of(normal, across)[[1, 2, 0]]


def frame_of(first, second):
    """Right-handed orthonormal axes (rows): the first along ``first``, the second in the plane of both vectors."""
    x = first / np.linalg.norm(first)
    y = second - (second @ x) * x
    y /= np.linalg.norm(y)
    return np.array([x, y, np.cross(x, y)])


def _periods(local):
    """Vectors to atoms by which the surroundings of the centre can be translated with little change, best first."""
    tree = cKDTree(local.vectors)
    distance = np.linalg.norm(local.vectors, axis=1)
    inner = local.vectors[distance < 2.6 * local.spacing]
    candidates = local.vectors[(distance > 0.9 * local.spacing) & (distance < 3 * local.spacing)]
    cost = [translation_misfit(tree, inner, t, local.spacing) for t in candidates]
    return candidates[np.argsort(cost, kind='stable')]


def translation_misfit(tree, points, translation, spacing):
    """Mean square distance (capped) from translated points to the nearest atoms, in units of ``spacing``."""
    return float(np.minimum((tree.query(points + translation)[0] / spacing) ** 2, 0.25).mean())


def _good_lengths(vectors, axis, low, high, spacing, number=6):
    """Lengths (Å) between two limits by which the atoms can be translated along an axis with the smallest misfit."""
    tree = cKDTree(vectors)
    lengths = np.arange(low, high, 0.06 * spacing)
    side = np.abs(vectors[:, axis] + lengths.mean() / 2) < 1.2 * spacing
    others = np.delete(vectors, axis, axis=1)
    points = vectors[side & (np.linalg.norm(others, axis=1) < 0.6 * high)]
    if len(points) == 0:
        return lengths[:: max(1, len(lengths) // number)]
    step = np.eye(3)[axis]
    cost = np.array([translation_misfit(tree, points, x * step, spacing) for x in lengths])
    edge = np.concatenate([[np.inf], cost, [np.inf]])
    dips = np.flatnonzero((cost <= edge[:-2]) & (cost <= edge[2:]))
    best = dips[np.argsort(cost[dips], kind='stable')][:number]
    return lengths[best]


def _about(axis, degrees):
    """Rotation matrix about an axis."""
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k


def _lengths(local, vectors, size, reach, bulk):
    """Edge lengths of the box to try, Å; infinite along z at a surface."""
    volume = volume_per_atom(local) if bulk else 0.95 * local.spacing**3
    shortest = 2.02 * reach
    if bulk:
        side = (size * volume) ** (1 / 3)
        low, high = max(0.8 * side, shortest), 1.28 * side
        sides = [_good_lengths(vectors, axis, low, max(high, low + 1), local.spacing) for axis in range(3)]
        for lengths in product(*sides):
            if 0.84 * size < np.prod(lengths) / volume < 1.16 * size:
                yield np.array(lengths)
        return
    low, high = (np.sqrt(size * volume / (k * local.spacing)) for k in (5.0, 2.3))
    low = max(low, shortest)
    sides = [_good_lengths(vectors, axis, low, max(high, low + local.spacing), local.spacing) for axis in range(2)]
    for x, y in product(*sides):
        if max(x, y) < 1.5 * min(x, y):
            yield np.array([x, y, np.inf])


def volume_per_atom(local):
    """Volume per atom around a centre inside a solid, Å^3, from a sum over atoms with Gaussian weights."""
    width = 0.8 * local.spacing
    weight = np.exp(-0.5 * (local.vectors**2).sum(axis=1) / width**2).sum()
    return (2 * np.pi) ** 1.5 * width**3 / weight


def _box(local, vectors, rotation, lengths, cores, level, size, reach):
    """The box with the largest possible core, or None."""
    window = np.ones(len(vectors), bool)
    for axis in range(3):
        if np.isfinite(lengths[axis]):
            x = vectors[:, axis] - OFFSET * local.spacing
            window &= (x >= -lengths[axis] / 2) & (x < lengths[axis] / 2)
    flat = not np.isfinite(lengths[2])
    if flat:
        window &= vectors[:, 2] < 3.5 * local.spacing
        window &= vectors[:, 2] > _bottom(vectors[window, 2], size)
    possible = largest_core(vectors, level, cores[0], lengths, reach, local.spacing)
    for number in cores:
        kept = level <= number
        members = np.flatnonzero(window | kept)
        if number > possible or window[kept].mean() < 0.8 or not 0.85 * size < members.size < 1.25 * size:
            continue
        mine = vectors[members]
        count = soft_coordination(mine, lengths, local.spacing)
        weight = np.ones(len(members))
        if flat:  # the lower side is a new surface in any box
            weight = mine[:, 2] > mine[:, 2].min() + 1.4 * local.spacing
        misfit = (weight * (count - local.coordination[members]) ** 2).sum() / weight.sum()
        return Box(members, kept[members], members < number, rotation, lengths, float(misfit))
    return None


def _bottom(z, size):
    """Height, in the widest gap between layers, below which atoms are left out so that about ``size`` remain."""
    z = np.sort(z)[::-1]
    first, last = int(0.93 * size), min(int(1.07 * size), len(z) - 1)
    if first >= last:
        return -np.inf
    k = first + int(np.argmax(z[first:last] - z[first + 1 : last + 1]))
    return 0.5 * (z[k] + z[k + 1])


def neighbor_cells(lengths):
    """Vectors to the neighboring cells, excluding the cell itself, shape (n, 3), Å."""
    steps = [(-1, 0, 1) if np.isfinite(x) else (0,) for x in lengths]
    grid = np.stack(np.meshgrid(*steps, indexing='ij'), -1).reshape(-1, 3)
    grid = grid[(grid != 0).any(axis=1)]
    return grid * np.where(np.isfinite(lengths), lengths, 0.0)


def largest_core(vectors, level, largest, lengths, reach, spacing):
    """Largest number of core atoms whose surroundings fit into a box, at most ``largest``.

    No periodic image of an atom of the surroundings may be within ``reach`` of a core atom, or close to another atom
    of the surroundings. Edges are longer than twice the reach, so that only nearest images matter.
    """
    fixed = np.flatnonzero(level <= largest)
    D = vectors[fixed, None] - vectors[None, fixed]
    finite = np.isfinite(lengths)
    cells = np.round(D[..., finite] / lengths[finite])
    D[..., finite] -= cells * lengths[finite]
    square = np.where(cells.any(axis=-1), (D**2).sum(-1), np.inf)
    mine = level[fixed]
    needed = np.where(square < (KEPT_CLOSE * spacing) ** 2, np.maximum(mine[:, None], mine), np.inf)
    core = np.flatnonzero(fixed < largest)
    enters = np.where(square[core] <= reach**2, np.maximum(fixed[core, None] + 1, mine), np.inf)
    return min(largest, needed.min() - 1, enters.min() - 1)


def soft_coordination(positions, lengths, spacing):
    """Soft number of neighbors of each atom, including periodic images; a close pair counts several times."""
    D = positions[:, None] - positions[None]
    finite = np.isfinite(lengths)
    D[..., finite] -= np.round(D[..., finite] / lengths[finite]) * lengths[finite]
    x = np.sqrt((D**2).sum(-1)) / spacing
    np.fill_diagonal(x, np.inf)
    with np.errstate(over='ignore'):
        return (soft_step(x) + 3 * np.clip((CLOSE - x) / CLOSE, 0, None)).sum(axis=1)
