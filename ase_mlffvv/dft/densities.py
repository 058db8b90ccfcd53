"""Densities of neutral atoms: their sum on a grid, forces through that sum, and the shares of atoms in fields."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from .grid import FourierGrid

REACH = 15.0  # Bohr; densities are taken to zero over the last FADE
FADE = 3.0
FLOOR = 1e-10  # electrons/Bohr^3 of all atoms together, everywhere


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
        """Density sampled at ascending radii; beyond the last positive sample an exponential."""
        keep = n > 1e-12
        spline = CubicSpline(r[keep], np.log(n[keep]))
        first, last = r[keep][[0, -1]]
        # dense where the core is steep
        new = np.concatenate([np.linspace(0, 1, 101)[:-1] ** 2, np.linspace(1, REACH, 551)])
        tail = np.minimum(spline(last, 1), -0.5) * np.maximum(new - last, 0)
        return cls(CubicSpline(new, spline(np.clip(new, first, last)) + tail))

    def __call__(self, r):
        return np.exp(self.log_density(r)) * _fade(r)[0]

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
    Atoms are visited one by one, each with a box around it: memory does not grow with their number.
    """

    def __init__(self, profiles, kinds, scaled, grid: FourierGrid):
        self.profiles, self.kinds, self.scaled, self.grid = profiles, np.asarray(kinds), np.asarray(scaled), grid

    def _each(self):
        """Profile of each atom, grid indices of a box around it, vectors from the atom, distances."""
        cell, shape = self.grid.cell, self.grid.shape
        heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
        for kind, point in zip(self.kinds, self.scaled):
            reach = REACH / heights
            steps = [
                np.arange(int(np.ceil((x - d) * n)), int(np.floor((x + d) * n)) + 1)
                for x, d, n in zip(point, reach, shape)
            ]
            parts = [np.outer(row, i / n - x) for i, n, x, row in zip(steps, shape, point, cell)]
            vectors = parts[0][:, :, None, None] + parts[1][:, None, :, None] + parts[2][:, None, None, :]
            distance = np.minimum(np.sqrt(np.einsum('vijk,vijk->ijk', vectors, vectors)), REACH)
            yield self.profiles[kind], np.ix_(*(i % n for i, n in zip(steps, shape))), vectors, distance

    def total(self):
        """Sum over the atoms, shape of the grid, electrons/Bohr^3."""
        total = np.full(self.grid.shape, FLOOR)
        for profile, index, _, distance in self._each():
            np.add.at(total, index, profile(distance))
        return total

    def forces(self, derivative):
        """Minus the change of an energy when atoms carry their densities along.

        Parameters
        ----------
        derivative : ndarray, shape of the grid, Hartree
            Change of the energy by the total density, per volume.

        Returns
        -------
        ndarray, shape (n_atoms, 3), Hartree/Bohr
        """
        forces = np.zeros((len(self.kinds), 3))
        for force, (profile, index, vectors, distance) in zip(forces, self._each()):
            weight = derivative[index] * profile.derivative(distance) / np.maximum(distance, 1e-9)
            force[:] = np.einsum('vijk,ijk->v', vectors, weight) * self.grid.dv
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
        ratios = fields / self.total()
        result = np.empty((len(fields), len(self.kinds)))
        # beyond the reach of all, a point belongs to all alike
        result[:] = (FLOOR / len(self.kinds)) * ratios.sum(axis=(1, 2, 3))[:, None]
        for a, (profile, index, _, distance) in enumerate(self._each()):
            density = profile(distance)
            for f, ratio in enumerate(ratios):
                result[f, a] += np.vdot(density, ratio[index])
        return result * self.grid.dv
