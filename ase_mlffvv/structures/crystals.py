"""Crystals of several phases and densities, and crystals with a vacancy."""

from __future__ import annotations

import numpy as np
from ase import Atoms, units
from ase.build import bulk

from ..checks import check_element, check_number, check_whole
from ..errors import StructureError
from ..memory import check_n_atoms
from .dendrites import A_LITHIUM

STACKING_9R = 'ABCBCACAB'


def phase(name: str, element: str = 'Li', a: float = A_LITHIUM) -> Atoms:
    """Unrelaxed crystal with the density of bcc.

    Parameters
    ----------
    name : {'bcc', 'fcc', 'hcp', '9R'}
    element : str
    a : float, Å
        Lattice constant of bcc.

    Returns
    -------
    Atoms
        Primitive cell; for 9R a hexagonal cell with nine layers.
    """
    volume = check_number(a, 'a', 'Å', low=0.1, high=100) ** 3 / 2
    check_element(element)
    if name == 'bcc':
        return bulk(element, 'bcc', a=a)
    if name == 'fcc':
        return bulk(element, 'fcc', a=(4 * volume) ** (1 / 3))
    d = (np.sqrt(2) * volume) ** (1 / 3)  # nearest-neighbor distance in a close packing
    if name == 'hcp':
        return bulk(element, 'hcp', a=d, c=np.sqrt(8 / 3) * d)
    if name == '9R':
        sites = {'A': (0, 0), 'B': (1 / 3, 2 / 3), 'C': (2 / 3, 1 / 3)}
        scaled = [(*sites[s], k / 9) for k, s in enumerate(STACKING_9R)]
        cell = [[d, 0, 0], [-d / 2, d * np.sqrt(3) / 2, 0], [0, 0, 9 * d * np.sqrt(2 / 3)]]
        return Atoms(element * 9, cell=cell, scaled_positions=scaled, pbc=True)
    raise ValueError(f"phase must be 'bcc', 'fcc', 'hcp' or '9R', got {name!r}")


def crystal_of_density(density: float, element: str = 'Li', cells: int = 5) -> Atoms:
    """Bcc crystal with a given mass density, which can be melted to make a liquid.

    Parameters
    ----------
    density : float, g/cm^3
    element : str
    cells : int
        Number of cubic cells along each axis.
    """
    check_number(density, 'density', 'g/cm^3', above=0)
    cells = check_whole(cells, 'cells', 'cubic cells', low=1)
    check_element(element)
    check_n_atoms(2 * cells**3, 'Use fewer cells.')
    atoms = bulk(element, 'bcc', a=A_LITHIUM, cubic=True) * (cells, cells, cells)
    volume = atoms.get_masses().sum() * units._amu * 1e3 / density * 1e24
    atoms.set_cell(np.eye(3) * volume ** (1 / 3), scale_atoms=True)
    return atoms


def with_vacancy(atoms: Atoms, index: int = 0) -> Atoms:
    """Copy of a structure without one atom, and without its calculator."""
    index = check_whole(index, 'index', low=-len(atoms), high=len(atoms) - 1)
    atoms = atoms.copy()
    del atoms[index]
    return atoms


def vacancy_hop(crystal: Atoms) -> tuple[Atoms, Atoms]:
    """Structures before and after a nearest neighbor has moved into the vacancy at atom 0.

    Parameters
    ----------
    crystal : Atoms
        Perfect supercell.

    Returns
    -------
    initial, final : Atoms
        Unrelaxed structures with atoms in the same order.
    """
    if len(crystal) < 2:
        raise StructureError(f'a hop into a vacancy needs a supercell of two or more atoms, got {len(crystal)}')
    vectors = crystal.get_distances(0, np.arange(len(crystal)), mic=True, vector=True)
    jumper = np.linalg.norm(vectors, axis=1)[1:].argmin() + 1
    moved = crystal.copy()
    moved.positions[jumper] -= vectors[jumper]
    return with_vacancy(crystal), with_vacancy(moved)
