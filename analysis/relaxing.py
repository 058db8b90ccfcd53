"""Relaxation of atomic positions and cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE, LBFGS

from ase_mlffvv.checks import check_number, check_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms


class PropertyError(RuntimeError):
    """A property could not be computed; the message gives the reason."""


def relax(atoms: Atoms, fmax: float = 0.005, steps: int = 600, cell: Sequence[bool] | None = None) -> Atoms:
    """Relax a structure in place.

    Parameters
    ----------
    atoms : Atoms
        Structure with a calculator.
    fmax : float, eV/Å
        Largest force on an atom at convergence.
    steps : int
        Largest number of steps of each of the two optimizers, LBFGS and then FIRE.
    cell : sequence of 6 bool, optional
        Components of the strain of the cell (xx, yy, zz, yz, xz, xy) that are free; by default, the cell is fixed.

    Returns
    -------
    Atoms
        The same object.

    Raises
    ------
    PropertyError
        If the relaxation does not converge, or energies or forces are not finite.
    """
    check_number(fmax, 'fmax', 'eV/Å', above=0)
    steps = check_whole(steps, 'steps', low=1)
    target = atoms if cell is None else FrechetCellFilter(atoms, mask=cell)

    def check():
        if not np.isfinite(atoms.get_forces()).all():
            raise PropertyError('forces became NaN or infinite during a relaxation')

    check()
    for optimizer in (LBFGS, FIRE):  # FIRE copes with energy landscapes that are too flat or rough for LBFGS
        with optimizer(target, logfile=None) as run:
            run.attach(check)
            if run.run(fmax=fmax, steps=steps):
                break
    else:
        force = np.linalg.norm(atoms.get_forces(), axis=1).max()
        raise PropertyError(
            f'the relaxation did not converge in {2 * steps} steps: the largest force is {force:.3g} eV/Å, expected '
            f'at most {fmax:g} eV/Å'
        )
    if not np.isfinite(atoms.get_potential_energy()):
        raise PropertyError('the energy of a relaxed structure is not a finite number')
    return atoms
