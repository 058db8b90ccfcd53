"""Boxes that a piece of a large structure fits into periodically with the least misfit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .local import Local, outward, soft_step

CLOSE = 0.88  # in units of the distance of neighbors; closer pairs do not occur in hot metals
KEPT_CLOSE = 0.92  # the same between atoms that may not be moved
SNAP = np.cos(np.radians(14))


@dataclass(frozen=True, eq=False)
class Box:
    """A piece of the parent and its new cell.

    Attributes
    ----------
    members : ndarray of int
        Atoms of the :class:`.Local`.
    kept : ndarray of bool, shape (n_members,)
        Those that have to stay where they are.
    core : ndarray of bool, shape (n_members,)
    rotation : ndarray, shape (3, 3)
        ``vectors @ rotation.T`` are along the edges of the box.
    lengths : ndarray, shape (3,), Å
        Infinite where the box is not periodic.
    misfit : float
        Mean square change of the soft number of neighbors, larger the worse.
    """

    members: np.ndarray
    kept: np.ndarray
    core: np.ndarray
    rotation: np.ndarray
    lengths: np.ndarray
    misfit: float


def find_boxes(local: Local, core, size, reach):
    """Boxes for a core of given numbers of atoms, the best first.

    Parameters
    ----------
    local : Local
    core : sequence of int
        Numbers of core atoms to try; a larger core weighs some misfit.
    size : int
        Atoms in the box, about.
    reach : float, Å

    Returns
    -------
    list of Box
    """
    normal = outward(local, reach + 0.4 * local.spacing)
    cores = sorted({min(int(n), len(local.vectors)) for n in core}, reverse=True)
    level = _levels(local, cores[0], reach)
    out = []
    for rotation in _rotations(normal):
        vectors = local.vectors @ rotation.T
        for lengths in _lengths(local, size, reach, normal is None):
            box = _box(local, vectors, rotation, lengths, cores, level, size, reach)
            if box is not None:
                out.append(box)
    return sorted(out, key=lambda box: box.misfit - 0.03 * box.core.sum())


def _levels(local, largest, reach):
    """Number of core atoms from which on each atom belongs to the surroundings of the core."""
    distance = ((local.vectors[:largest, None] - local.vectors) ** 2).sum(-1)
    near = distance <= reach**2
    return np.where(near.any(axis=0), near.argmax(axis=0) + 1, len(local.vectors) + 1)


def _rotations(normal):
    """Frames with z along the outward normal, at several angles about it; several frames inside of the solid."""
    if normal is None:
        yield np.eye(3)
        rng = np.random.default_rng(0)
        for angle in (30, 45, 60):
            yield _about(np.array([0, 0, 1.0]), angle)
        for _ in range(3):
            yield np.linalg.qr(rng.normal(size=(3, 3)))[0].T
        return
    axis = int(np.abs(normal).argmax())
    if abs(normal[axis]) > SNAP:
        normal = np.sign(normal[axis]) * np.eye(3)[axis]
        x = np.eye(3)[(axis + 1) % 3]
    else:
        x = np.cross(normal, np.eye(3)[int(np.abs(normal).argmin())])
        x /= np.linalg.norm(x)
    frame = np.array([x, np.cross(normal, x), normal])
    for angle in (0, 45, 15, 30, 60, 75):
        yield frame @ _about(normal, angle)


def _about(axis, degrees):
    """Rotation matrix about an axis."""
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k


def _lengths(local, size, reach, bulk):
    """Lengths of the box to try, Å; infinite along z outside of the solid."""
    distance = np.linalg.norm(local.vectors, axis=1)
    volume = 0.95 * local.spacing**3  # per atom
    if bulk:
        shell = min(distance.max(), 3.5 * local.spacing)
        volume = 4.19 * shell**3 / max((distance <= shell).sum(), 1)
        side = (size * volume) ** (1 / 3)
        sides = np.linspace(max(0.86 * side, 2.02 * reach), 1.16 * side, 7)
        for x in sides:
            for y in sides:
                for n in size * np.linspace(0.94, 1.06, 4):
                    z = n * volume / (x * y)
                    if max(0.8 * side, 2.02 * reach) < z < 1.25 * side:
                        yield np.array([x, y, z])
        return
    low, high = (np.sqrt(size * volume / (k * local.spacing)) for k in (5.0, 2.3))
    low = max(low, 2.02 * reach)
    sides = np.arange(low, max(high, low + local.spacing), 0.18 * local.spacing)
    for x in sides:
        for y in sides:
            if max(x, y) < 1.4 * min(x, y):
                yield np.array([x, y, np.inf])


def _box(local, vectors, rotation, lengths, cores, level, size, reach):
    """The box with the largest possible core, or None."""
    window = np.ones(len(vectors), bool)
    for axis in range(3):
        if np.isfinite(lengths[axis]):
            window &= (vectors[:, axis] >= -lengths[axis] / 2) & (vectors[:, axis] < lengths[axis] / 2)
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
        if flat:  # the lower side is a new surface whatever the box
            weight = mine[:, 2] > mine[:, 2].min() + 1.4 * local.spacing
        misfit = (weight * (count - local.coordination[members]) ** 2).sum() / weight.sum()
        return Box(members, kept[members], members < number, rotation, lengths, float(misfit))
    return None


def _bottom(z, size):
    """Height below which atoms are left out so that about ``size`` remain, in the widest gap between layers."""
    z = np.sort(z)[::-1]
    first, last = int(0.93 * size), min(int(1.07 * size), len(z) - 1)
    if first >= last:
        return -np.inf
    k = first + int(np.argmax(z[first:last] - z[first + 1 : last + 1]))
    return 0.5 * (z[k] + z[k + 1])


def neighbor_cells(lengths):
    """Vectors to the neighboring cells, without the cell itself, shape (n, 3), Å."""
    steps = [(-1, 0, 1) if np.isfinite(x) else (0,) for x in lengths]
    grid = np.stack(np.meshgrid(*steps, indexing='ij'), -1).reshape(-1, 3)
    grid = grid[(grid != 0).any(axis=1)]
    return grid * np.where(np.isfinite(lengths), lengths, 0.0)


def largest_core(vectors, level, largest, lengths, reach, spacing):
    """Largest number of core atoms whose surroundings fit into a box, at most ``largest``.

    No image of an atom of the surroundings may come within ``reach`` of a core atom, or close to another atom of the
    surroundings. Edges are longer than twice the reach, so that only nearest images matter.
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
    """Soft number of neighbors of each atom with periodic images; close pairs count as many."""
    D = positions[:, None] - positions[None]
    finite = np.isfinite(lengths)
    D[..., finite] -= np.round(D[..., finite] / lengths[finite]) * lengths[finite]
    x = np.sqrt((D**2).sum(-1)) / spacing
    np.fill_diagonal(x, np.inf)
    with np.errstate(over='ignore'):
        return (soft_step(x) + 3 * np.clip((CLOSE - x) / CLOSE, 0, None)).sum(axis=1)
