"""Coordination numbers and the split into surface and bulk atoms."""

from __future__ import annotations

import numpy as np
from ase.geometry import complete_cell
from matscipy.neighbours import neighbour_list

CUTOFF = 3.45  # Å, W. Zhang et al., Adv. Energy Mater. 13, 2202892 (2023)


def coordination_numbers(atoms, cutoff=CUTOFF):
    """Number of neighbours of each atom within ``cutoff``.

    For lithium the default lies on the second-neighbour shell (a = 3.44 Å): perfect bcc has 14 neighbours for a lattice
    constant below the cutoff and 8 above it, warm bcc 10 to 12.

    Parameters
    ----------
    atoms : Atoms
        Any cell; periodic images count.
    cutoff : float, Å

    Returns
    -------
    ndarray, shape (n_atoms,), int
    """
    if not cutoff > 0:
        raise ValueError(f'cutoff must be positive (Å), got {cutoff!r}')
    if len(atoms) == 0:
        return np.zeros(0, int)
    cell = complete_cell(np.where(atoms.pbc[:, None], atoms.cell[:], 0.0))
    i = neighbour_list('i', positions=atoms.positions, cell=cell, pbc=atoms.pbc, cutoff=float(cutoff))
    return np.bincount(i, minlength=len(atoms))


def surface_and_bulk(numbers, cn8='bulk'):
    """Masks of surface atoms (coordination below 8) and bulk atoms (above 8), after the paper.

    Parameters
    ----------
    numbers : ndarray, shape (n_atoms,), int
        Coordination numbers.
    cn8 : {'bulk', 'surface', 'exclude'}
        What an atom with exactly 8 neighbours is; the paper leaves it open. ``'exclude'`` counts it nowhere.

    Returns
    -------
    surface, bulk : ndarray, shape (n_atoms,), bool
    """
    if cn8 not in ('bulk', 'surface', 'exclude'):
        raise ValueError(f"cn8 must be 'bulk', 'surface' or 'exclude', got {cn8!r}")
    numbers = np.asarray(numbers)
    surface = numbers <= 8 if cn8 == 'surface' else numbers < 8
    bulk = numbers >= 8 if cn8 == 'bulk' else numbers > 8
    return surface, bulk
