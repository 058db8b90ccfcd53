"""Surface and volume of the cavity that a solvent leaves around neutral atoms, with exact derivatives, without GPAW.

The sum of the densities of frozen neutral atoms defines the cavity. Its surface S and volume V therefore depend on the
geometry only and require no self-consistent calculation. The free energy of a structure in the solvent is
F = F_el + surface_tension * S + pressure * V.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.units import Bohr, GPa

from ..checks import check_number
from ..memory import check_grid
from .cells import checked_cell
from .densities import AtomicDensities, RadialDensity
from .grid import FourierGrid, grid_shape
from .neutral_atoms import neutral_density
from .solvent import Solvent

SPACING = 0.2  # Å; grid of the solvent
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


@dataclass(frozen=True)
class Interface:
    """The smooth boundary between cavity and solvent on the points of a grid, in atomic units.

    Attributes
    ----------
    theta : fraction of solvent, from 0 in the cavity to 1 outside
    area_density : ``|grad theta|``, whose integral is the surface, 1/Bohr
    dsurface, dvolume : functional derivatives of surface and volume with respect to the density, Bohr^2 and Bohr^3
        per electron
    """

    theta: np.ndarray
    area_density: np.ndarray
    dsurface: np.ndarray
    dvolume: np.ndarray


def make_interface(density, grid: FourierGrid, solvent: Solvent) -> Interface:
    """Interface of the surface and volume terms of a solvent around an electron density (electrons/Bohr^3)."""
    theta, dtheta = solvent_fraction(density, solvent.cavity_switch, solvent.permittivity)
    gradient = list(grid.gradient(theta))
    slope = np.sqrt(sum(g * g for g in gradient) + SMALLEST_SLOPE**2)
    dsurface = -grid.divergence([g / slope for g in gradient])
    return Interface(theta, slope - SMALLEST_SLOPE, dsurface * dtheta, -dtheta)


@dataclass(frozen=True)
class Cavity:
    """Surface and volume of a cavity.

    Attributes
    ----------
    surface : float, Å^2
    surface_gradient : ndarray, shape (n_atoms, 3), Å
        Derivative of the surface with respect to the positions.
    surfaces : ndarray, shape (n_atoms,), Å^2
        Contributions of the atoms by Hirshfeld weights; they add up to the surface.
    volume : float, Å^3
    volume_gradient : ndarray, shape (n_atoms, 3), Å^2
    volumes : ndarray, shape (n_atoms,), Å^3
    """

    surface: float
    surface_gradient: np.ndarray
    surfaces: np.ndarray
    volume: float
    volume_gradient: np.ndarray
    volumes: np.ndarray

    def energies(self, solvent: Solvent):
        """Energy of surface and volume (eV), its gradient (eV/Å, (n_atoms, 3)) and atomic contributions (eV)."""
        tension, pressure = solvent.surface_tension_eV, solvent.pressure * GPa
        energy = tension * self.surface + pressure * self.volume
        gradient = tension * self.surface_gradient + pressure * self.volume_gradient
        return energy, gradient, tension * self.surfaces + pressure * self.volumes


def measure(interface: Interface, densities: AtomicDensities) -> Cavity:
    """Surface, volume, and their derivatives and atomic contributions, for an interface defined by neutral atoms."""
    grid = densities.grid
    surfaces, volumes = densities.shares(np.stack([interface.area_density, 1 - interface.theta]))
    return Cavity(
        grid.integrate(interface.area_density) * Bohr**2,
        -densities.forces(interface.dsurface) * Bohr,
        surfaces * Bohr**2,
        grid.integrate(1 - interface.theta) * Bohr**3,
        -densities.forces(interface.dvolume) * Bohr**2,
        volumes * Bohr**3,
    )


def find_cavity(
    atoms: Atoms, solvent: Solvent, *, spacing: float = SPACING, densities: dict[str, RadialDensity] | None = None
) -> Cavity:
    """Surface and volume of the cavity around a structure.

    Parameters
    ----------
    atoms : Atoms
        Structure, repeated in three directions as in :class:`~ase_mlffvv.dft.gpaw.GPAWSolvent`. Along directions that
        are not periodic, at least 5 Å of empty space are required.
    solvent : Solvent
        Its ``cavity_switch`` and ``permittivity`` define the cavity.
    spacing : float, Å
        Largest distance between planes of the grid. With the default, which is that of the DFT engine, surfaces are
        too large by 0.6 %. The error decreases with the third power of the spacing.
    densities : dict of RadialDensity, optional
        Densities of the elements. The default is :func:`~ase_mlffvv.dft.neutral_atoms.neutral_density`.

    Examples
    --------
    >>> from ase_mlffvv.dft.cavity import find_cavity
    >>> from ase_mlffvv.dft.solvent import Solvent
    >>> from ase_mlffvv.structures import slab
    >>> cavity = find_cavity(slab('100', layers=5, vacuum=6.0), Solvent.pc_dme(), spacing=0.3)
    >>> print(f'{cavity.surface:.1f}')  # Å^2; two faces of 11.8 Å^2 each
    24.5
    """
    check_number(spacing, 'spacing', 'Å', above=0)
    atoms = checked_cell(atoms)
    symbols = atoms.get_chemical_symbols()
    kinds = sorted(set(symbols))
    known = densities or {}
    profiles = [known[kind] if kind in known else neutral_density(kind) for kind in kinds]
    cell = atoms.cell[:] / Bohr
    shape = grid_shape(cell, spacing / Bohr)
    check_grid(shape, spacing)
    grid = FourierGrid(cell, shape)
    frozen = AtomicDensities(profiles, [kinds.index(s) for s in symbols], atoms.get_scaled_positions(), grid)
    return measure(make_interface(frozen.total(), grid, solvent), frozen)


def cavity_surface(atoms, solvent, **settings):
    """Surface of the cavity, its gradient and the contributions of the atoms.

    Parameters are those of :func:`find_cavity`, which returns surface and volume together.

    Returns
    -------
    surface : float, Å^2
    gradient : ndarray, shape (n_atoms, 3), Å
    shares : ndarray, shape (n_atoms,), Å^2
    """
    cavity = find_cavity(atoms, solvent, **settings)
    return cavity.surface, cavity.surface_gradient, cavity.surfaces


def cavity_volume(atoms, solvent, **settings):
    """Volume of the cavity (Å^3), its gradient (Å^2) and atomic contributions (Å^3); see :func:`cavity_surface`."""
    cavity = find_cavity(atoms, solvent, **settings)
    return cavity.volume, cavity.volume_gradient, cavity.volumes


def cavity_targets(cavity: Cavity, solvent: Solvent, energy=None, forces=None, energies=None) -> dict:
    """Surface and volume, and the electronic parts of the given energy (eV), forces (eV/Å) and atomic energies (eV).

    Returns
    -------
    dict
        ``surface``, ``surface_gradient``, ``surfaces`` and the same for the volume; ``el_energy``, ``el_forces`` and
        ``el_energies`` if the respective total is given.
    """
    work, gradient, shares = cavity.energies(solvent)
    out = dict(vars(cavity))
    for name, total, part in (('energy', energy, work), ('forces', forces, -gradient), ('energies', energies, shares)):
        if total is not None:
            out[f'el_{name}'] = total - part
    return out


def add_cavity_targets(frames, solvent, *, spacing=SPACING, densities=None):
    """Add surface and volume of the cavity, and the electronic parts of existing labels, to structures as labels.

    This requires only the geometry and no new calculation.

    Parameters
    ----------
    frames : sequence of Atoms
        Structures without labels, or with labels in this solvent under ``REF_energy``, ``REF_forces`` and
        ``REF_energies``. Labels in vacuum do not contain energies of surface and volume; structures must not have them
        under these names.
    solvent : Solvent
        Solvent of the labels.
    spacing, densities
        As for :func:`find_cavity`.

    Returns
    -------
    list of Atoms
        Copies, with ``REF_surface`` (Å^2), ``REF_surface_gradient`` (Å), ``REF_surfaces`` (Å^2), ``REF_volume`` (Å^3),
        ``REF_volume_gradient`` (Å^2), ``REF_volumes`` (Å^3), and ``REF_el_energy``, ``REF_el_forces`` and
        ``REF_el_energies`` if the frame has the respective total.
    """
    out = []
    for atoms in frames:
        atoms = atoms.copy()
        cavity = find_cavity(atoms, solvent, spacing=spacing, densities=densities)
        totals = {'energy': atoms.info.get('REF_energy')}
        totals.update({name: atoms.arrays.get(f'REF_{name}') for name in ('forces', 'energies')})
        for name, value in cavity_targets(cavity, solvent, **totals).items():
            store = atoms.info if np.ndim(value) == 0 else atoms.arrays
            store[f'REF_{name}'] = value
        out.append(atoms)
    return out
