"""Atomic energies and charges of a converged GPAW calculation. This module imports GPAW."""

from __future__ import annotations

import numpy as np
from ase.units import Ha
from gpaw.new.pw.poisson import PWPoissonSolver
from gpaw.new.xc import gradient_and_sigma
from gpaw.utilities import pack_density

from ..densities import AtomicDensities
from ..grid import FourierGrid, resample
from ..neutral_atoms import neutral_atom
from .coupling import kinds_of


def atomic_energies(dft, solvent=None):
    """Contributions of the atoms to the free energy, and Hirshfeld charges.

    Every term of the PAW energy is an integral over the cell or belongs to an atom. Integrands (kinetic energy
    |grad psi|^2 / 2, exchange and correlation, potential of the cores, electrostatic field energy
    (eps |grad phi|^2 + permittivity kappa^2 theta phi^2) / (8 pi), surface and volume of the cavity) are divided with
    Hirshfeld weights, as in Kang and Wang, Phys. Rev. B 96, 020302 (2017). Corrections inside an augmentation sphere
    belong to its atom. The electronic entropy is divided in proportion to the numbers of valence electrons.

    Parameters
    ----------
    dft : gpaw.new.calculation.DFT
    solvent : SolventExtension, optional

    Returns
    -------
    energies : ndarray, shape (n_atoms,), eV
        Atomic energies. They add up to the free energy within the error of the quadrature.
    charges : ndarray, shape (n_atoms,), units of the elementary charge

    Notes
    -----
    The field energy does not depend on the zero of the potential. Therefore atomic energies do not depend on the size
    of the vacuum. Integrands are first transferred to the grid of the wave functions. This conserves their sum, and
    the grid is fine enough because the weights are smooth.
    """
    setups, grid = dft.setups, dft.pot_calc.grid
    fields = np.stack([_energy_density(dft, solvent), _charge_density(dft)])
    kinds, each = kinds_of(setups)
    points = FourierGrid(grid.cell_cv, grid.size_c)
    shares, electrons = AtomicDensities([neutral_atom(s) for s in each], kinds, dft.relpos_ac, points).shares(fields)
    valence = np.array([setup.Nv for setup in setups], float)
    energies = shares + _one_centre(dft) + dft.energies._energies['entropy'] * valence / valence.sum()
    return energies * Ha, -electrons


def _energy_density(dft, solvent):
    """Sum of all integrands on the grid of the wave functions, Hartree/Bohr^3."""
    calc, density = dft.pot_calc, dft.density
    grid, fine = calc.grid, calc.fine_grid
    shape = tuple(grid.size_c)

    tau = density.nt_sR.new(zeroed=True)
    dft.ibzwfs.add_to_ked(tau)
    symmetries = dft.ibzwfs.ibz.symmetries
    tau.symmetrize(symmetries.rotation_scc, symmetries.translation_sc)
    total = tau.data.sum(axis=0)
    total += calc.vbar0_g.ifft(grid=grid).data * density.nt_sR.data.sum(axis=0)

    on_fine = _xc_density(calc, density)
    phi = _total_charge(dft)
    PWPoissonSolver(phi.desc).solve(phi, phi.copy())
    for v in range(3):
        field = phi.copy()
        field.data *= 1j * phi.desc.G_plus_k_Gv[:, v]
        on_fine += field.ifft(grid=fine).data ** 2 / (8 * np.pi)
    total += resample(on_fine, shape)
    if solvent is not None:
        total += resample(_solvent_density(solvent), shape)
    return total


def _xc_density(calc, density):
    functional = calc.xc
    n = calc.fine_grid.empty(density.nt_sR.dims)
    for coarse, fine in zip(density.nt_sR, n):
        calc.interpolate(coarse, fine)
    e = calc.fine_grid.zeros()
    arrays = [e, n, n.new(zeroed=True)]
    if functional.type == 'GGA':
        _, sigma = gradient_and_sigma(functional.grad_v, n)
        arrays += [sigma, sigma.new()]
    functional.xc.kernel.calculate(*(array.data for array in arrays))
    return e.data


def _solvent_density(solvent):
    """Contribution of the solvent to the field energy, on the solvent grid."""
    cavity, grid = solvent.cavity, solvent.grid
    field = cavity.root**2 * sum(g * g for g in grid.gradient(solvent.phi)) + cavity.screening * solvent.phi**2
    field -= sum(g * g for g in grid.gradient(solvent.phi_vacuum))
    return field / (8 * np.pi) + cavity.energy_density


def _total_charge(dft):
    """Electrons minus nuclei, with the multipoles of the true density, in plane waves; electrons/Bohr^3."""
    poisson, density = dft.pot_calc.poisson_solver, dft.density
    charge = poisson.pwh.zeros()
    poisson.ghat_aLh.add_to(charge, density.calculate_compensation_charge_coefficients())
    smooth = density.nt_sR.desc.from_data(density.nt_sR.data.sum(axis=0)).fft(pw=poisson.pwg)
    charge.data[poisson.h_g] += smooth.data
    return charge


def _charge_density(dft):
    charge = _total_charge(dft).ifft(grid=dft.pot_calc.fine_grid).data
    return resample(charge, tuple(dft.pot_calc.grid.size_c))


def _one_centre(dft):
    """Corrections inside the augmentation spheres, Hartree."""
    functional, energies = dft.pot_calc.xc, np.zeros(len(dft.setups))
    for a, D_sii in dft.density.D_asii.items():
        setup = dft.setups[a]
        D_sp = np.array([pack_density(D_ii.real) for D_ii in D_sii])
        D_p = D_sp.sum(axis=0)
        energies[a] = setup.Kc + setup.K_p @ D_p
        energies[a] += setup.MB + setup.MB_p @ D_p
        energies[a] += setup.M + D_p @ (setup.M_p + setup.M_pp @ D_p)
        energies[a] += functional.calculate_paw_correction(setup, D_sp, np.zeros_like(D_sp), a=a)
    return energies
