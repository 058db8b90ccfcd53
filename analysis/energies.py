"""Energies of atoms by class, and excess energies of surfaces and grain boundaries.

The paper's "surface energy" is the mean *atomic* energy of atoms with few neighbors (eV per atom). The surface energy
γ of thermodynamics is an excess of the total energy per *area* (J/m^2). They rank facets differently: for lithium,
(100) is lower than (110) per area, but higher per surface atom. Function names end in ``per_atom`` or ``per_area``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase import units

from ase_mlffvv.checks import check_number, check_whole

from .grains import CLASSES

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike


J_PER_M2 = units.m**2 / units.J  # times eV/Å^2: 16.02


def atomic_energies(atoms: Atoms) -> np.ndarray | None:
    """Atomic energies of a frame, from its array ``local_energy`` or its calculator's ``energies``.

    Returns
    -------
    ndarray, shape (n_atoms,), eV, or None
        None if the frame has no atomic energies.

    Raises
    ------
    ValueError
        If some are NaN or infinite.
    """
    values = atoms.arrays.get('local_energy')
    if values is None and atoms.calc is not None:
        values = getattr(atoms.calc, 'results', {}).get('energies')
    if values is None:
        return None
    values = np.asarray(values, float)
    if not np.isfinite(values).all():
        raise ValueError(f'{int((~np.isfinite(values)).sum())} of {len(values)} atomic energies are NaN or infinite')
    return values


def mean_by_class(energies: ArrayLike, classes: ArrayLike) -> dict[str, float]:
    """Mean atomic energy of each class of atoms.

    Parameters
    ----------
    energies : ndarray, shape (n_atoms,), eV
    classes : ndarray, shape (n_atoms,), int
        From :func:`mlffvv_analysis.grains.classify`.

    Returns
    -------
    dict
        Energies of ``surface``, ``interior`` (of grains), ``boundary`` (between grains), ``subsurface``, and ``bulk``
        (the last three together) in eV per atom; NaN for a class without atoms.
    """
    energies, classes = np.asarray(energies, float), np.asarray(classes)
    if energies.shape != classes.shape:
        raise ValueError(f'energies and classes must have the same shape, got {energies.shape} and {classes.shape}')
    masks = {name: classes == number for number, name in CLASSES.items()}
    masks['bulk'] = masks['interior'] | masks['boundary'] | masks['subsurface']
    return {name: float(energies[mask].mean()) if mask.any() else np.nan for name, mask in masks.items()}


def count_by_class(classes: ArrayLike) -> dict[str, int]:
    """Number of atoms of each class, with the names of :func:`mean_by_class`."""
    counts = {name: int((np.asarray(classes) == number).sum()) for number, name in CLASSES.items()}
    return counts | {'bulk': counts['interior'] + counts['boundary'] + counts['subsurface']}


def excess_per_atom(energies: np.ndarray, surface: np.ndarray, interior: np.ndarray) -> float:
    """Mean atomic energy of surface atoms minus that of interior atoms, eV per surface atom. This is not γ."""
    energies = np.asarray(energies, float)
    if not np.any(surface) or not np.any(interior):
        return np.nan
    return float(energies[surface].mean() - energies[interior].mean())


def area(atoms: Atoms) -> float:
    """Area of the face of the cell that is spanned by its first two vectors, Å^2.

    Raises
    ------
    ValueError
        If the area is zero.
    """
    value = float(np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1])))
    if not value > 0:
        raise ValueError('the first two cell vectors span no area; a slab needs a cell')
    return value


def excess_per_area(energy: float, n_atoms: int, bulk_energy: float, face: float, count: int = 2) -> float:
    """Excess energy per area of equivalent surfaces or grain boundaries in a cell.

    Parameters
    ----------
    energy : float, eV
        Total energy of the cell.
    n_atoms : int
    bulk_energy : float, eV
        Energy per atom of the bulk crystal.
    face : float, Å^2
        Area of one surface or boundary.
    count : int
        Number of surfaces or boundaries: a slab has two surfaces, a periodic bicrystal two boundaries.

    Returns
    -------
    float, J/m^2
    """
    _check(energy=energy, bulk_energy=bulk_energy)
    _check_faces(face, count)
    return float((energy - n_atoms * bulk_energy) / (count * face) * J_PER_M2)


def work_of_separation_per_area(first: float, second: float, together: float, face: float, count: int = 2) -> float:
    """Energy per area to cleave a bicrystal along its grain boundaries.

    Parameters
    ----------
    first, second : float, eV
        Energies of the two grains as separate slabs with the same atoms.
    together : float, eV
        Energy of the bicrystal.
    face : float, Å^2
        Area of one boundary.
    count : int
        Number of boundaries in the cell that are cleaved.

    Returns
    -------
    float, J/m^2
        Positive if cleavage costs energy: γ of the two surfaces minus that of the boundary.
    """
    _check(first=first, second=second, together=together)
    _check_faces(face, count)
    return float((first + second - together) / (count * face) * J_PER_M2)


def _check(**energies):
    for name, energy in energies.items():
        check_number(energy, name, 'eV')


def _check_faces(face, count):
    check_number(face, 'face', 'Å^2', above=0)
    check_whole(count, 'count', low=1)
