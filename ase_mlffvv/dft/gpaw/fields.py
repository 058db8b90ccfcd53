"""Fields of the solvent around the cavity, and the derivative of its energy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.units import Bohr, GPa, Ha

from ..cavity import Interface, make_interface, solvent_fraction, switch
from ..grid import FourierGrid
from ..solvent import Solvent

NO_ROOM = 1e-6  # mean solvent fraction below which ions are neglected, because they could not fix the mean potential


@dataclass
class CavityFields:
    """Fields of a solvent around an electron density, on the points of a grid.

    Attributes
    ----------
    root : sqrt(eps)
    droot : d sqrt(eps) / dn, Bohr^3
    curvature : Laplacian of sqrt(eps), Bohr^-2
    screening : permittivity kappa^2 theta_ions, Bohr^-2; the coefficient of phi
    dscreening : derivative of ``screening`` with respect to n
    interface : fields of the surface and the volume
    energy_density : energy of surface and volume per Bohr^3, Hartree
    tension, pressure : Hartree/Bohr^2, Hartree/Bohr^3
    kappa_squared : value of the bulk solution, Bohr^-2; 0 if there is no room for the solution, as in a crystal
    """

    root: np.ndarray
    droot: np.ndarray
    curvature: np.ndarray
    screening: np.ndarray | float
    dscreening: np.ndarray | float
    interface: Interface
    energy_density: np.ndarray
    tension: float
    pressure: float
    kappa_squared: float


def cavity_fields(density, grid: FourierGrid, solvent: Solvent) -> CavityFields:
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
    interface = make_interface(density, grid, solvent)
    tension = solvent.surface_tension_eV * Bohr**2 / Ha
    pressure = solvent.pressure * GPa * Bohr**3 / Ha
    return CavityFields(
        root=root,
        droot=0.5 * log_eps * root * dt,
        curvature=grid.laplacian(root),
        screening=screening,
        dscreening=dscreening,
        interface=interface,
        energy_density=tension * interface.area_density + pressure * (1 - interface.theta),
        tension=tension,
        pressure=pressure,
        kappa_squared=kappa_squared,
    )


def energy_derivative(cavity: CavityFields, grid: FourierGrid, phi):
    """Functional derivative of the solvent energy with respect to the density of the cavity, at fixed charge.

    The electrostatic energy is E = 1/(8 pi) <phi, L phi> with L phi = 4 pi rho, L = -sqrt(eps) lap sqrt(eps)
    + sqrt(eps) (lap sqrt(eps)) + screening; at fixed rho, dE = -1/(8 pi) <phi, dL phi>.

    Parameters
    ----------
    phi : ndarray, shape of the grid, Hartree
        Potential of a positive unit charge.

    Returns
    -------
    ndarray, shape of the grid
        dE/dn in Hartree; the change of the energy is the integral of dE/dn times the change of n.
    """
    s, phi2 = cavity.root, phi * phi
    by_root = -2 * phi * grid.laplacian(s * phi) + phi2 * cavity.curvature + grid.laplacian(phi2 * s)
    derivative = (by_root * cavity.droot + phi2 * cavity.dscreening) / (-8 * np.pi)
    return derivative + cavity.tension * cavity.interface.dsurface + cavity.pressure * cavity.interface.dvolume
