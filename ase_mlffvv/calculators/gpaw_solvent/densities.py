"""Densities of neutral atoms: their sum on a grid, and forces on the atoms through that sum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.calculators.calculator import CalculatorSetupError
from scipy.interpolate import CubicSpline

from .grid import FourierGrid

REACH = 14.0  # Bohr; a neutral lithium atom has 1e-7 electrons/Bohr^3 there


@dataclass(frozen=True)
class RadialDensity:
    """Spherical density of a neutral atom.

    Attributes
    ----------
    r : ndarray, Bohr
        Ascending radii up to :data:`REACH`.
    n : ndarray, electrons/Bohr^3
        Positive.
    """

    r: np.ndarray
    n: np.ndarray

    @classmethod
    def from_samples(cls, r, n):
        """Density sampled on any ascending radii that reach far enough."""
        keep = n > 1e-12
        log_density = CubicSpline(r[keep], np.log(n[keep]))
        last = r[keep][-1]
        new = np.concatenate([np.linspace(0, 1, 101)[:-1] ** 2, np.linspace(1, REACH, 651)])
        inside = np.clip(new, r[keep][0], last)
        # an exponential tail where the samples end
        tail = np.minimum(log_density(last, 1), -0.5) * np.maximum(new - last, 0)
        return cls(new, np.exp(log_density(inside) + tail))

    def log_spline(self):
        """Spline of ln n(r)."""
        return CubicSpline(self.r, np.log(self.n))

    def capped(self, level):
        """The same outside; where n > level, ln n = a + b r^2 + c r^4, continuous up to the second derivative.

        A cavity depends on low densities only, and a flat centre needs few plane waves.
        """
        above = self.n > level
        if not above.any():
            return self
        edge = self.r[np.flatnonzero(above)[-1]]
        spline = self.log_spline()
        value, slope, curvature = spline(edge), spline(edge, 1), spline(edge, 2)
        c = (curvature - slope / edge) / (8 * edge**2)
        b = slope / (2 * edge) - 2 * c * edge**2
        a = value - b * edge**2 - c * edge**4
        inside = self.r <= edge
        log_n = np.where(inside, a + b * self.r**2 + c * self.r**4, np.log(self.n))
        if log_n[inside].min() < value - 1e-9:
            raise CalculatorSetupError(f'the density of an atom cannot be flattened above {level:g} electrons/Bohr^3')
        return RadialDensity(self.r, np.exp(log_n))

    def form_factor(self, G):
        """Fourier transform 4 pi integral of r^2 n(r) sin(Gr)/(Gr), at wave numbers G in 1/Bohr."""
        r = np.linspace(0, REACH, 1401)
        n = np.exp(self.log_spline()(r))
        weights = np.full(len(r), 4 * np.pi * r[1])
        weights[0] = weights[-1] = 2 * np.pi * r[1]
        table = np.linspace(0, G.max() + 1e-9, max(int(G.max() * REACH * 4), 16))
        values = np.sinc(np.outer(table, r) / np.pi) @ (weights * r**2 * n)
        return CubicSpline(table, values)(G)


class AtomicDensitySum:
    """Sum of neutral-atom densities on a periodic grid, with derivatives by the positions.

    Parameters
    ----------
    profiles : list of RadialDensity
        One per kind of atom; smooth enough for the grid.
    kinds : ndarray, shape (n_atoms,), int
        Index of each atom in ``profiles``.
    grid : FourierGrid
    """

    def __init__(self, profiles, kinds, grid: FourierGrid):
        self.grid = grid
        self.kinds = np.asarray(kinds)
        G = np.sqrt(grid.G2)
        inner = np.ones(G.shape)
        for axis, (f, n) in enumerate(zip(grid.indices, grid.shape)):
            shape = [1, 1, 1]
            shape[axis] = -1
            inner = inner * (2 * abs(f) != n).reshape(shape)
        self.factors = [profile.form_factor(G) * inner for profile in profiles]

    def _phases(self, scaled, kind):
        """exp(-i G.R) of the atoms of one kind, one array (n_atoms, n_points) per axis."""
        scaled = scaled[self.kinds == kind]
        return [np.exp(-2j * np.pi * np.outer(scaled[:, c], f)) for c, f in enumerate(self.grid.indices)]

    def density(self, scaled):
        """Density at atoms with scaled positions of shape (n_atoms, 3); electrons/Bohr^3."""
        spectrum = np.zeros(self.grid.G2.shape, complex)
        for kind, factor in enumerate(self.factors):
            e1, e2, e3 = self._phases(scaled, kind)
            for i in range(len(spectrum)):
                spectrum[i] += factor[i] * ((e1[:, i, None] * e2).T @ e3)
        return self.grid.ifft(spectrum) / self.grid.dv

    def forces(self, scaled, derivative):
        """Minus the change of an energy when atoms carry their densities along.

        Parameters
        ----------
        derivative : ndarray, shape of the grid, Hartree
            dE/dn per volume.

        Returns
        -------
        ndarray, shape (n_atoms, 3), Hartree/Bohr
        """
        spectrum = self.grid.fft(derivative).conj()
        spectrum[:, :, 1:] *= 2  # the half of the spectrum that is not stored
        result = np.zeros((len(self.kinds), 3))
        i1, i2, i3 = self.grid.indices
        for kind, factor in enumerate(self.factors):
            e1, e2, e3 = self._phases(scaled, kind)
            by_index = np.zeros((len(e1), 3))
            for i in range(len(spectrum)):
                rows = factor[i] * spectrum[i]
                plain = np.einsum('aj,ja->a', e2, rows @ e3.T)
                second = np.einsum('aj,ja->a', e2 * i2, rows @ e3.T)
                third = np.einsum('aj,ja->a', e2, rows @ (e3 * i3).T)
                # d exp(-iGR) = -i G exp(-iGR) dR
                by_index += (-1j * e1[:, i, None] * np.stack([i1[i] * plain, second, third], axis=1)).real
            result[self.kinds == kind] = -by_index @ self.grid.reciprocal / derivative.size
        return result
