"""Densities of neutral atoms: their sum on a grid, forces due to that sum, and atomic contributions to fields."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from .grid import FourierGrid

REACH = 15.0  # Bohr; densities decrease smoothly to zero over the last FADE
FADE = 3.0
FLOOR = 1e-10  # electrons/Bohr^3; added to the total density everywhere


@dataclass(frozen=True)
class RadialDensity:
    """Spherical density of a neutral atom.

    Attributes
    ----------
    log_density : CubicSpline
        ln n as a function of r in Bohr, n in electrons/Bohr^3, from 0 to :data:`REACH`.
    """

    log_density: CubicSpline

    @classmethod
    def from_samples(cls, r, n):
        """Make a density from samples at ascending radii; it is exponential beyond the last positive sample."""
        keep = n > 1e-12
        spline = CubicSpline(r[keep], np.log(n[keep]))
        first, last = r[keep][[0, -1]]
        # dense where the core is steep
        new = np.concatenate([np.linspace(0, 1, 101)[:-1] ** 2, np.linspace(1, REACH, 551)])
        tail = np.minimum(spline(last, 1), -0.5) * np.maximum(new - last, 0)
        return cls(CubicSpline(new, spline(np.clip(new, first, last)) + tail))

    def __call__(self, r):
        n = np.exp(self.log_density(r))
        far = np.asarray(r) > REACH - FADE
        return np.where(far, n * _fade(r)[0], n) if far.any() else n

    def derivative(self, r):
        """dn/dr."""
        window, slope = _fade(r)
        return np.exp(self.log_density(r)) * (self.log_density(r, 1) * window + slope)


def _fade(r):
    x = np.clip((r - REACH) / FADE + 1, 0.0, 1.0)
    return (1 - x) ** 2 * (1 + 2 * x), -6 * x * (1 - x) / FADE


class AtomicDensities:
    """Neutral atoms on the points of a periodic grid.

    Parameters
    ----------
    profiles : list of RadialDensity
    kinds : sequence of int, shape (n_atoms,)
        Index of each atom in ``profiles``.
    scaled : ndarray, shape (n_atoms, 3)
        Scaled positions; all directions are periodic.
    grid : FourierGrid

    Notes
    -----
    Atoms are treated one by one, each with a box around it, so that memory does not grow with their number.
    """

    def __init__(self, profiles, kinds, scaled, grid: FourierGrid):
        self.profiles, self.kinds, self.scaled, self.grid = profiles, np.asarray(kinds), np.asarray(scaled), grid
        self._total = None

    def _each(self):
        """Profile of each atom, points within its reach, their distances, and a function that returns vectors to them.

        Points are indices into the flattened grid. If the cell is smaller than the reach, some occur twice.
        """
        cell, shape = self.grid.cell, self.grid.shape
        heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
        for kind, point in zip(self.kinds, self.scaled):
            reach = REACH / heights
            steps = [
                np.arange(int(np.ceil((x - d) * n)), int(np.floor((x + d) * n)) + 1)
                for x, d, n in zip(point, reach, shape)
            ]
            a, b, c = (np.outer(i / n - x, row) for i, n, x, row in zip(steps, shape, point, cell))
            # |a + b + c|^2 by sums of matrices
            ab = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) + 2 * a @ b.T
            bc = (c**2).sum(axis=1) + 2 * b @ c.T
            squared = ab[:, :, None] + bc + (2 * a @ c.T)[:, None, :]
            inside = np.flatnonzero(squared < REACH**2)
            i, j, k = (n % size for n, size in zip(steps, shape))
            places = ((i[:, None, None] * shape[1] + j[:, None]) * shape[2] + k).ravel()[inside]
            distance = np.sqrt(np.maximum(squared.ravel()[inside], 0))

            def vectors(chosen, a=a, b=b, c=c, inside=inside, box=squared.shape):
                i, j, k = np.unravel_index(inside[chosen], box)
                return a[i] + b[j] + c[k]

            yield self.profiles[kind], places, distance, vectors

    def _repeats(self):
        """Whether an atom meets a point of the grid more than once, as its own periodic image."""
        heights = 1 / np.linalg.norm(np.linalg.inv(self.grid.cell), axis=0)
        return bool((heights * (1 - 1 / np.array(self.grid.shape)) < 2 * REACH).any())

    def total(self):
        """Sum over the atoms, with the shape of the grid, electrons/Bohr^3. It is stored; do not change it."""
        if self._total is None:
            self._total = self._sum()
        return self._total

    def _sum(self):
        total, repeats = np.full(int(np.prod(self.grid.shape)), FLOOR), self._repeats()
        for profile, places, distance, _ in self._each():
            if repeats:
                total += np.bincount(places, profile(distance), total.size)
            else:
                total[places] += profile(distance)
        return total.reshape(self.grid.shape)

    def forces(self, derivative):
        """Negative derivative of an energy with respect to the positions, if densities move with their atoms.

        Parameters
        ----------
        derivative : ndarray, shape of the grid, Hartree
            Functional derivative of the energy with respect to the total density.

        Returns
        -------
        ndarray, shape (n_atoms, 3), Hartree/Bohr
        """
        forces, derivative = np.zeros((len(self.kinds), 3)), derivative.ravel()
        for force, (profile, places, distance, vectors) in zip(forces, self._each()):
            weight = derivative[places]
            chosen = np.flatnonzero(weight)  # nonzero only near the interface
            r = distance[chosen]
            force[:] = (weight[chosen] * profile.derivative(r) / np.maximum(r, 1e-9)) @ vectors(chosen) * self.grid.dv
        return forces

    def shares(self, fields):
        """Split fields with Hirshfeld weights w_a = n_a / sum_b n_b, which sum to one everywhere.

        Parameters
        ----------
        fields : ndarray, shape (n_fields, *grid)

        Returns
        -------
        ndarray, shape (n_fields, n_atoms)
            Integrals of w_a times the field.
        """
        ratios = (fields / self.total()).reshape(len(fields), -1)
        result = np.empty((len(fields), len(self.kinds)))
        # points beyond the reach of all atoms are divided equally among them
        result[:] = (FLOOR / len(self.kinds)) * ratios.sum(axis=1)[:, None]
        for a, (profile, places, distance, _) in enumerate(self._each()):
            density = profile(distance)
            for f, ratio in enumerate(ratios):
                result[f, a] += density @ ratio[places]
        return result * self.grid.dv
