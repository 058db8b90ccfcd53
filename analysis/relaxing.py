"""Relaxation of structures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE, LBFGS

if TYPE_CHECKING:
    from ase import Atoms


class PropertyError(RuntimeError):
    """A property could not be computed, for the reason the message tells."""


def relax(atoms: Atoms, fmax: float = 0.005, steps: int = 600, cell: str | None = None) -> Atoms:
    """Relax a structure in place.

    Parameters
    ----------
    atoms : Atoms
        With a calculator.
    fmax : float, eV/Å
    steps : int
        The limit.
    cell : sequence of 6 bool, optional
        Strains (xx, yy, zz, yz, xz, xy) of the cell that are free; default none.

    Returns
    -------
    Atoms
        The same.

    Raises
    ------
    PropertyError
        Not converged, or energies or forces that are not numbers.
    """
    target = atoms if cell is None else FrechetCellFilter(atoms, mask=cell)

    def check():
        if not np.isfinite(atoms.get_forces()).all():
            raise PropertyError('forces became NaN or infinite during a relaxation')

    check()
    for optimizer in (LBFGS, FIRE):  # the second for landscapes that are too flat or rough for the first
        with optimizer(target, logfile=None) as run:
            run.attach(check)
            if run.run(fmax=fmax, steps=steps):
                break
    else:
        force = np.linalg.norm(atoms.get_forces(), axis=1).max()
        raise PropertyError(f'not relaxed after {2 * steps} steps: largest force {force:.3g} eV/Å, wanted {fmax:g}')
    if not np.isfinite(atoms.get_potential_energy()):
        raise PropertyError('the energy of a relaxed structure is not a finite number')
    return atoms
