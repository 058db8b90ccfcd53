"""Cells for plane waves and grids, which are periodic in three directions."""

from __future__ import annotations

import numpy as np
from ase.calculators.calculator import CalculatorSetupError

from ..errors import check_structure

GAP = 5.0  # Å; least empty space between a structure and its periodic images


def empty_gaps(atoms):
    """Largest distance between neighboring planes of atoms along each cell vector, Å."""
    scaled = np.sort(atoms.cell.scaled_positions(atoms.positions) % 1.0, axis=0)
    gaps = np.diff(np.vstack([scaled, scaled[:1] + 1]), axis=0).max(axis=0)
    return gaps / np.linalg.norm(np.linalg.inv(atoms.cell[:]), axis=0)


def checked_cell(atoms):
    """Copy of a structure that is periodic along all three vectors, if there is enough empty space."""
    if len(atoms) == 0:
        raise CalculatorSetupError('a structure without atoms has no energy and no cavity')
    if atoms.cell.rank < 3:
        raise CalculatorSetupError(
            f'plane waves need three cell vectors, got {atoms.cell[:].tolist()}. Add empty space with '
            'atoms.center(vacuum=6, axis=...).'
        )
    check_structure(atoms.positions, atoms.cell[:], np.ones(3, bool))
    gaps = empty_gaps(atoms)
    for axis in np.flatnonzero(~atoms.pbc & (gaps < GAP)):
        raise CalculatorSetupError(
            f'the structure is not periodic along vector {axis}, but leaves only {gaps[axis]:.1f} Å empty there; '
            f'plane waves repeat it. Add empty space (at least {GAP:g} Å) with atoms.center(vacuum=6, axis={axis}).'
        )
    atoms = atoms.copy()
    atoms.pbc = True
    return atoms
