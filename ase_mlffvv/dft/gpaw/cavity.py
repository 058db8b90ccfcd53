"""Cavity of the solute: switching functions of a density, its surface and volume, and their derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.units import Bohr, GPa, Ha

from ..solvent import Solvent
from .grid import FourierGrid

NO_ROOM = 1e-6  # mean solvent fraction below which ions are left out: they could not fix the mean potential
SMALLEST_SLOPE = 1e-6  # 1/Bohr; keeps |grad theta| differentiable where theta is flat


def switch(density, limits):
    """Smooth step t(n) from 0 at n >= limits[0] to 1 at n <= limits[1], and dt/dn.

    After Andreussi et al., J. Chem. Phys. 136, 064102 (2012): with x = 2 pi ln(n_max / n) / ln(n_max / n_min),
    t = (x - sin x) / (2 pi).
    """
    high, low = limits
    width = np.log(high / low)
    inside = (density > low) & (density < high)
    x = 2 * np.pi * (np.log(high) - np.log(np.clip(density, low, high))) / width
    slope = np.zeros_like(density)
    slope[inside] = (np.cos(x[inside]) - 1) / (width * density[inside])
    return (x - np.sin(x)) / (2 * np.pi), slope


def solvent_fraction(density, limits, permittivity):
    """theta = (eps - 1) / (permittivity - 1) with eps = permittivity^t, and dtheta/dn."""
    t, slope = switch(density, limits)
    log_eps = np.log(permittivity)
    if log_eps < 1e-9:
        return t, slope
    eps = np.exp(log_eps * t)
    return (eps - 1) / (permittivity - 1), log_eps * eps * slope / (permittivity - 1)


@dataclass
class Cavity:
    """Fields of a solvent around a density, on the grid's points.

    Attributes
    ----------
    root : sqrt(eps)
    droot : d sqrt(eps) / dn, Bohr^3
    curvature : Laplacian of sqrt(eps), Bohr^-2
    screening : permittivity kappa^2 theta_ions, Bohr^-2; the coefficient of phi
    dscreening : its derivative by n
    theta, dtheta : solvent fraction of the surface and volume terms, and its derivative by n
    slope : |grad theta|, Bohr^-1
    dsurface : d(surface) / d theta per volume
    energy_density : energy of surface and volume per Bohr^3, Hartree
    tension, pressure : Hartree/Bohr^2, Hartree/Bohr^3
    kappa_squared : that of the bulk solution, Bohr^-2; 0 where the solution finds no room, as in a crystal
    """

    root: np.ndarray
    droot: np.ndarray
    curvature: np.ndarray
    screening: np.ndarray | float
    dscreening: np.ndarray | float
    theta: np.ndarray
    dtheta: np.ndarray
    slope: np.ndarray
    dsurface: np.ndarray
    energy_density: np.ndarray
    tension: float
    pressure: float
    kappa_squared: float


def make_cavity(density, grid: FourierGrid, solvent: Solvent) -> Cavity:
    """Cavity that a solvent leaves around an electron density.

    Parameters
    ----------
    density : ndarray, shape of the grid, electrons/Bohr^3
    """
    log_eps = np.log(solvent.permittivity)
    t, dt = switch(density, solvent.dielectric_switch)
    root = np.exp(0.5 * log_eps * t)
    screening = dscreening = kappa_squared = 0.0
    if solvent.kappa_squared > 0:
        ions, dions = solvent_fraction(density, solvent.ion_switch, solvent.permittivity)
        if ions.mean() > NO_ROOM:
            kappa_squared = solvent.kappa_squared
            screening = ions * (solvent.permittivity * kappa_squared)
            dscreening = dions * (solvent.permittivity * kappa_squared)
    theta, dtheta = solvent_fraction(density, solvent.cavity_switch, solvent.permittivity)
    gradient = list(grid.gradient(theta))
    slope = np.sqrt(sum(g * g for g in gradient) + SMALLEST_SLOPE**2)
    tension = solvent.surface_tension_eV * Bohr**2 / Ha
    pressure = solvent.pressure * GPa * Bohr**3 / Ha
    return Cavity(
        root=root,
        droot=0.5 * log_eps * root * dt,
        curvature=grid.laplacian(root),
        screening=screening,
        dscreening=dscreening,
        theta=theta,
        dtheta=dtheta,
        slope=slope,
        dsurface=-grid.divergence([g / slope for g in gradient]),
        energy_density=tension * (slope - SMALLEST_SLOPE) + pressure * (1 - theta),
        tension=tension,
        pressure=pressure,
        kappa_squared=kappa_squared,
    )


def energy_derivative(cavity: Cavity, grid: FourierGrid, phi):
    """Functional derivative of the solvent's energy by the density that shapes the cavity, at fixed charge.

    The electrostatic energy is E = 1/(8 pi) <phi, L phi> with L phi = 4 pi rho, L = -sqrt(eps) lap sqrt(eps)
    + sqrt(eps) (lap sqrt(eps)) + screening; at fixed rho, dE = -1/(8 pi) <phi, dL phi>.

    Parameters
    ----------
    phi : ndarray, shape of the grid, Hartree
        Potential of a positive unit charge.

    Returns
    -------
    ndarray, shape of the grid
        dE/dn in Hartree; the change of energy is its integral times the change of n.
    """
    s, phi2 = cavity.root, phi * phi
    by_root = -2 * phi * grid.laplacian(s * phi) + phi2 * cavity.curvature + grid.laplacian(phi2 * s)
    derivative = (by_root * cavity.droot + phi2 * cavity.dscreening) / (-8 * np.pi)
    return derivative + (cavity.tension * cavity.dsurface - cavity.pressure) * cavity.dtheta
