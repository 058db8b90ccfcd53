"""Calculators whose properties are known in closed form, and factories for them."""

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.lj import LennardJones
from matscipy.neighbours import neighbour_list

from ase_mlffvv import VVCalculator

BOND = 0.1  # eV


class Bonds(Calculator):
    """-BOND for each pair closer than a cutoff; no forces."""

    implemented_properties = ['energy', 'forces', 'stress']

    def __init__(self, cutoff):
        super().__init__()
        self.cutoff = cutoff

    def calculate(self, atoms=None, properties=('energy',), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        pairs = len(neighbour_list('i', atoms, self.cutoff))
        self.results = {'energy': -BOND * pairs / 2, 'forces': np.zeros((len(atoms), 3)), 'stress': np.zeros(6)}


class Wave(Calculator):
    """Each atom feels height * sin^2(pi x / period)."""

    implemented_properties = ['energy', 'forces', 'stress']
    height, period = 0.3, 3.0

    def calculate(self, atoms=None, properties=('energy',), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        x = np.pi * atoms.positions[:, 0] / self.period
        forces = np.zeros((len(atoms), 3))
        forces[:, 0] = -self.height * np.pi / self.period * np.sin(2 * x)
        self.results = {'energy': self.height * (np.sin(x) ** 2).sum(), 'forces': forces, 'stress': np.zeros(6)}


def neighbors_only(spacing):
    """Lennard-Jones of 0.1 eV, its minimum at ``spacing``, that ends before the second neighbors of fcc."""
    return LennardJones(epsilon=0.1, sigma=spacing / 2 ** (1 / 6), rc=1.2 * spacing)


def lj(atoms, safe, directory, epsilon=0.2):
    """For --calculator: fcc is stable, bcc is not."""
    return LennardJones(epsilon=epsilon, sigma=2.7, rc=8.0, smooth=True)


class WithoutStress(VVCalculator):
    """The shipped potential, less its stress."""

    implemented_properties = ['energy', 'forces']

    def _results(self, atoms, predictions):
        results = super()._results(atoms, predictions)
        return {name: results[name] for name in self.implemented_properties}


class Poor(VVCalculator):
    """NaN for structures with more than 20 atoms."""

    def _results(self, atoms, predictions):
        results = super()._results(atoms, predictions)
        if len(atoms) > 20:
            results = {name: np.full_like(value, np.nan) for name, value in results.items()}
        return results
