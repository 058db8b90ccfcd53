"""The solvent as an extension of GPAW's plane-wave mode, in atomic units. This module imports GPAW."""

from __future__ import annotations

import numpy as np
from ase.calculators.calculator import CalculatorSetupError
from gpaw.core import PWDesc, UGDesc
from gpaw.dft import ExtensionInput
from gpaw.extensions import Extension
from gpaw.new.pw.poisson import PWPoissonSolver

from ..densities import AtomicDensities
from ..grid import FourierGrid, grid_shape
from ..neutral_atoms import neutral_atom
from .fields import cavity_fields, energy_derivative
from .polarisation import solve_potential
from .potentiostat import diffuse_capacitance, next_charge

NAME = 'solvent'
SOFTNESS = 7.0  # core charges are damped to exp(-7) of their value at the shortest waves of the solvent grid


def kinds_of(setups):
    """Index of the kind of each atom, and the data set of each kind."""
    names = [setup.symbol for setup in setups]
    kinds = sorted(set(names), key=names.index)
    return np.array([kinds.index(name) for name in names]), [setups[names.index(kind)] for kind in kinds]


class SolventInput(ExtensionInput):
    """Entry for the parameters of GPAW, which calls ``build``."""

    name = NAME

    def __init__(self, solvent, spacing, tolerance, excess=0.0, fermi_level=None, fermi_tolerance=None):
        self.settings = (solvent, spacing, tolerance, excess, fermi_level, fermi_tolerance)

    def todict(self):
        solvent, *rest = self.settings
        names = ('spacing', 'tolerance', 'excess', 'fermi_level', 'fermi_tolerance')
        return {'name': self.name, **solvent.to_dict(), **dict(zip(names, rest))}

    def build(self, builder):
        return SolventExtension(builder, *self.settings)


class SolventExtension(Extension):
    """Cavity, polarisation and, at a fixed potential, number of electrons.

    Attributes
    ----------
    charge : float
        Electrons in excess of the neutral cell.
    cavity : CavityFields
    phi, phi_vacuum : ndarray
        Potential energy of an electron with and without the solvent, with smoothed nuclei, on ``grid``.
    present : bool
        Whether there is a solvent. If false, the calculation continues in vacuum.
    """

    name = NAME

    def __init__(self, builder, solvent, spacing, tolerance, excess, fermi_level, fermi_tolerance):
        self.solvent, self.tolerance = solvent, tolerance
        self.charge = excess
        self.fermi_level, self.fermi_tolerance = fermi_level, fermi_tolerance
        self.history = []
        cell = builder.fine_grid.cell_cv
        shape = grid_shape(cell, spacing)
        self.grid = FourierGrid(cell, shape)
        self.points = UGDesc(cell=cell, size=shape)
        self.kinds, setups = kinds_of(builder.setups)
        self.profiles = [neutral_atom(setup) for setup in setups]
        self.phi = self.phi_vacuum = self.pseudo_density = None
        self.iterations = 0
        self.present = True
        self.move_atoms(builder.relpos_ac)

    def move_atoms(self, relpos_ac):
        self.atoms = AtomicDensities(self.profiles, self.kinds, relpos_ac, self.grid)
        self.history = []
        self.cavity = cavity_fields(self.atoms.total(), self.grid, self.solvent)
        if self.cavity.kappa_squared == 0 and (self.charge != 0 or self.fermi_level is not None):
            raise CalculatorSetupError(
                'the solution finds no room around the atoms, so that its ions cannot screen a charge or hold a '
                'potential; use an uncharged cell, or one with a surface'
            )
        self.energy = self.grid.integrate(self.cavity.energy_density)

    def create_poisson_solver(self, grid, pw, *, charge, xp):
        return SolventPoissonSolver(pw, self)

    def get_energy_contributions(self):
        return {NAME: self.energy if self.present else 0.0}

    def force_contribution(self, nt_g, vHt_g):
        if not self.present:
            return np.zeros((len(self.kinds), 3))
        return self.atoms.forces(energy_derivative(self.cavity, self.grid, self.phi))

    def update1pw(self, nt_g):
        self.pseudo_density = nt_g

    def solve(self, charge):
        self.phi, self.iterations = solve_potential(charge, self.cavity, self.grid, self.phi, self.tolerance)
        return self.phi

    def post_scf_convergence(self, ibzwfs, nelectrons, occ_calc, mixer, log):
        if self.fermi_level is None:
            return True
        self.history.append((self.charge, ibzwfs.fermi_level))
        if abs(ibzwfs.fermi_level - self.fermi_level) <= self.fermi_tolerance:
            return True
        capacitance = diffuse_capacitance(self.grid.integrate(self.cavity.interface.area_density), self.solvent)
        new = next_charge(self.history, self.fermi_level, capacitance)
        ibzwfs.calculate_occs(occ_calc, nelectrons + new - self.charge)
        self.charge = new
        mixer.reset()
        return False


class SolventPoissonSolver(PWPoissonSolver):
    """Potential of the total charge: that in vacuum plus the contribution of the solvent, found on a separate grid.

    On that grid the compensation charges around the nuclei are smoothed by a Gaussian. Spherical smoothing does not
    change the potential outside of the charges, and does not change the contribution of the solvent anywhere, as long
    as the smoothed charges stay where the permittivity is one.
    """

    def __init__(self, pw, extension):
        super().__init__(pw)
        self.extension = extension
        points = extension.points
        self.long_waves = PWDesc(ecut=min(0.999 * points.ekin_max(), pw.ecut), cell=pw.cell_cv)
        self.indices, _ = pw.map_indices(self.long_waves)
        self.pseudo_indices = None
        self.soften = np.exp(-SOFTNESS * self.long_waves.ekin_G / points.ekin_max())
        self.green = 2 * np.pi / np.maximum(self.long_waves.ekin_G, 1e-9)
        self.green[0] = 0.0

    def __str__(self):
        return f'potential in a solvent, grid of {self.extension.grid.shape} points\n'

    def _solve(self, vHt_g, rhot_g):
        energy = super()._solve(vHt_g, rhot_g)
        extension = self.extension
        if not extension.present:
            return energy
        if self.pseudo_indices is None:
            self.pseudo_indices, _ = self.pw.map_indices(extension.pseudo_density.desc)
        smooth = self.pw.zeros()
        smooth.data[self.pseudo_indices] = extension.pseudo_density.data
        smooth = smooth.data[self.indices]
        charge = self.long_waves.from_data(smooth + self.soften * (rhot_g.data[self.indices] - smooth))
        vacuum = self.long_waves.from_data(self.green * charge.data)
        extension.phi_vacuum = vacuum.ifft(grid=extension.points).data
        phi = extension.solve(charge.ifft(grid=extension.points).data)
        added = extension.points.from_data(phi).fft(pw=self.long_waves)
        added.data -= vacuum.data
        vHt_g.data[self.indices] += added.data
        return energy + 0.5 * added.integrate(charge)
