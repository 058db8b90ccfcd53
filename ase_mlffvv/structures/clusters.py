"""Clusters in vacuum: spheres, needles, and the surroundings of an atom."""

from __future__ import annotations

from math import ceil, pi
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from ase.build import bulk

from ..checks import check_array, check_element, check_number, check_whole
from ..memory import check_n_atoms
from .dendrites import A_LITHIUM, COLUMN, column

if TYPE_CHECKING:
    from collections.abc import Sequence


VACUUM = 5.0  # Å


def cluster(positions: np.ndarray, element: str = 'Li', vacuum: float = VACUUM) -> Atoms:
    """Cluster in the middle of a periodic box.

    Parameters
    ----------
    positions : array, shape (n, 3), Å
    element : str
    vacuum : float, Å
        Empty space on each side.
    """
    positions = check_array(positions, 'positions', (None, 3), 'Å')
    check_number(vacuum, 'vacuum', 'Å', low=0, high=1e6)
    check_element(element)
    atoms = Atoms([element] * len(positions), positions)
    atoms.center(vacuum=vacuum)
    atoms.pbc = True
    return atoms


def ball(
    number: int,
    centre: Sequence[float] = (0.0, 0.0, 0.0),
    a: float = A_LITHIUM,
    element: str = 'Li',
    vacuum: float = VACUUM,
) -> Atoms:
    """Cluster of the atoms of a bcc crystal nearest to a point.

    Parameters
    ----------
    number : int
        Number of atoms.
    centre : (float, float, float), in lattice constants
        Centre of the cluster relative to an atom of the crystal.
    a : float, Å
    element : str
    vacuum : float, Å
        Empty space on each side.
    """
    number = check_whole(number, 'number', 'atoms', low=1)
    check_array(centre, 'centre', (3,), 'lattice constants')
    check_number(a, 'a', 'Å', low=0.1, high=100)
    check_element(element)
    check_n_atoms(16 * number, 'Use fewer atoms.')
    radius = (3 * number / (8 * pi)) ** (1 / 3)  # in lattice constants
    half = max(3, ceil(radius) + 1)
    grid = (bulk(element, 'bcc', a=a, cubic=True) * (2 * half, 2 * half, 2 * half)).positions
    distance = np.linalg.norm(grid - a * (half + np.array(centre)), axis=1)
    return cluster(grid[np.argsort(distance, kind='stable')[:number]], element, vacuum)


def free_needle(
    diameter: float, height: float, a: float = A_LITHIUM, element: str = 'Li', vacuum: float = VACUUM
) -> Atoms:
    """Circular bcc column without a substrate.

    Parameters
    ----------
    diameter, height : float, in lattice constants
    a : float, Å
    element : str
    vacuum : float, Å
        Empty space on each side.
    """
    check_number(diameter, 'diameter', 'lattice constants', above=0)
    atoms = column(diameter, height, box=ceil(diameter) + 2, substrate_layers=1, a=a, element=element)
    return cluster(atoms.positions[atoms.get_tags() == COLUMN], element, vacuum)


def surroundings(atoms: Atoms, index: int, number: int, vacuum: float = VACUUM) -> Atoms:
    """Free cluster of an atom and its nearest neighbors.

    Parameters
    ----------
    atoms : Atoms
        Structure of one element. Distances are those to the nearest periodic image.
    index : int
        Index of the central atom.
    number : int
        Number of atoms, including the central atom, which becomes the first.
    vacuum : float, Å
        Empty space on each side.
    """
    index = check_whole(index, 'index', low=0, high=len(atoms) - 1)
    number = check_whole(number, 'number', 'atoms', low=1, high=len(atoms))
    vectors = atoms.get_distances(index, range(len(atoms)), mic=True, vector=True)
    near = np.argsort(np.linalg.norm(vectors, axis=1), kind='stable')[:number]
    return cluster(vectors[near], atoms[index].symbol, vacuum)
