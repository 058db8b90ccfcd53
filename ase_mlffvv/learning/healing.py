"""Repair a cut-out at its new periodic boundaries: remove, add and relax atoms of the buffer."""

from __future__ import annotations

import warnings

import numpy as np
from ase import units
from ase.constraints import FixAtoms
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import thermalize_momenta
from ase.optimize import FIRE
from scipy.spatial import cKDTree

from ..errors import ExtrapolationWarning
from .boxes import CLOSE, neighbor_cells

ROOM = 0.88  # smallest distance of an added atom to all others, in units of the nearest-neighbor distance
NEIGHBORS, WITHIN = 9, 1.4  # an added atom needs 9 neighbors within 1.4 of these units, so that it fills a hole
WALL = 1e-3  # Å; buffer atoms stay at least this much farther from core atoms than the reach


def vectors_between(a, b, lengths):
    """Shortest vectors from each point of b to each point of a with periodic images, shape (n_a, n_b, 3), Å."""
    D = a[:, None] - b[None]
    finite = np.isfinite(lengths)
    D[..., finite] -= np.round(D[..., finite] / lengths[finite]) * lengths[finite]
    return D


def remove_close(positions, kept, core, lengths, spacing, reach):
    """Mask of atoms that remain, so that no atom is too close to an image and no image is near the core.

    Buffer atoms with the largest overlap are removed first; kept atoms always remain.
    """
    distance = np.sqrt((vectors_between(positions, positions, lengths) ** 2).sum(-1))
    np.fill_diagonal(distance, np.inf)
    left = kept | (distance[:, core].min(axis=1) > reach + WALL)
    overlap = np.clip(CLOSE * spacing - distance, 0, None)
    overlap[np.ix_(kept, kept)] = 0.0
    while True:
        total = (overlap * np.outer(left, left)).sum(axis=1)
        total[kept] = 0.0
        worst = int(total.argmax())
        if total[worst] <= 0:
            return left
        left[worst] = False


def find_holes(positions, core, lengths, spacing, reach):
    """Positions of atoms that fill holes inside the solid, shape (n, 3), Å."""
    low = np.where(np.isfinite(lengths), -lengths / 2, positions.min(axis=0))
    high = np.where(np.isfinite(lengths), lengths / 2, positions.max(axis=0))
    steps = [np.linspace(a, b, max(2, round((b - a) / (0.14 * spacing))), endpoint=False) for a, b in zip(low, high)]
    points = np.stack(np.meshgrid(*steps, indexing='ij'), -1).reshape(-1, 3)
    points = points[np.sqrt((vectors_between(points, positions[core], lengths) ** 2).sum(-1)).min(axis=1)
                    > reach + 2 * WALL]  # fmt: skip
    added = np.zeros((0, 3))
    while len(points):
        tree = cKDTree(with_images(np.vstack([positions, added]), lengths, 2 * spacing))
        nearest = tree.query(points)[0]
        points, nearest = points[nearest > ROOM * spacing], nearest[nearest > ROOM * spacing]
        if len(points) == 0:
            break
        dense = tree.query_ball_point(points, WITHIN * spacing, return_length=True) >= NEIGHBORS
        points, nearest = points[dense], nearest[dense]
        if len(points):
            added = np.vstack([added, points[nearest.argmax()]])
    return added


def with_images(positions, lengths, margin):
    """Positions, followed by those of periodic images within ``margin`` of the box around them, Å."""
    out = np.concatenate([positions, *(positions + shift for shift in neighbor_cells(lengths))])
    low, high = positions.min(axis=0) - margin, positions.max(axis=0) + margin
    return out[((out >= low) & (out <= high)).all(axis=1) | (np.arange(len(out)) < len(positions))]


def connected(positions, kept, lengths, spacing):
    """Mask of the atoms connected to a kept atom by a chain of neighbors."""
    near = (vectors_between(positions, positions, lengths) ** 2).sum(-1) < (1.4 * spacing) ** 2
    reached = kept.copy()
    while True:
        more = near[reached].any(axis=0)
        if (more == reached).all():
            return reached
        reached = more


class _Outside:
    """Constraint that keeps buffer atoms out of the surroundings of the core."""

    def __init__(self, mobile, core, lengths, reach):
        self.mobile, self.core, self.lengths, self.reach = mobile, core, lengths, reach + WALL

    def adjust_positions(self, atoms, new):
        """Move atoms that entered the sphere around a core atom back to its surface."""
        for _ in range(20):
            D = vectors_between(new[self.mobile], atoms.positions[self.core], self.lengths)
            distance = np.sqrt((D**2).sum(-1))
            nearest = distance.argmin(axis=1)
            rows = np.arange(len(D))
            depth = self.reach - distance[rows, nearest]
            inside = depth > 0
            if not inside.any():
                return
            direction = D[rows, nearest] / distance[rows, nearest][:, None]
            new[self.mobile[inside]] += (depth + 1e-6)[inside, None] * direction[inside]

    def adjust_forces(self, atoms, forces):
        """Leave the forces unchanged."""

    def get_removed_dof(self, atoms):
        """None."""
        return 0

    def todict(self):
        """For copies in memory."""
        return {'name': 'Outside', 'kwargs': {}}


def relax(atoms, kept, core, reach, calc, steps=30, temperature=0.0, seed=0):
    """Relax the buffer in place; the core and its surroundings do not move.

    Parameters
    ----------
    atoms : Atoms
    kept, core : ndarray of bool
    reach : float, Å
    calc : ASE calculator
    steps : int
        Maximum number of steps of FIRE, which stops at 0.03 eV/Å.
    temperature : float, K
        If above zero, 0.3 ps of Langevin dynamics at this temperature precede the relaxation.
    seed : int
    """
    lengths = np.where(atoms.pbc, atoms.cell.lengths(), np.inf)
    mobile = np.flatnonzero(~kept)
    if len(mobile) == 0:
        return
    atoms.set_constraint([FixAtoms(np.flatnonzero(kept)), _Outside(mobile, np.flatnonzero(core), lengths, reach)])
    atoms.calc = calc
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', ExtrapolationWarning)
        if temperature > 0:
            FIRE(atoms, logfile=None).run(fmax=0.5, steps=20)
            rng = np.random.default_rng(seed)
            thermalize_momenta(atoms, temperature, rng=rng)
            Langevin(atoms, 2 * units.fs, temperature_K=temperature, friction=0.02 / units.fs, fixcm=False,
                     rng=rng).run(150)  # fmt: skip
        FIRE(atoms, logfile=None).run(fmax=0.03, steps=steps)
    atoms.set_constraint()
    atoms.set_momenta(None)
    atoms.calc = None
