"""Energies of symmetric tilt boundaries of bcc."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from mlffvv_analysis.energies import area, excess_per_area

from ..structures import tilt_bicrystal
from .relaxing import PropertyError, relax

SHIFTS = (6, 2)  # grid of rigid shifts along x and y
REFINED = 3  # number of the best shifts of the grid, which are fully relaxed
ALONG_Z = [False, False, True, False, False, False]


def boundary_energy(name, a, bulk_energy, attach, element='Li', shifts=SHIFTS):
    """Lowest energy per area over a grid of rigid shifts; atoms and the length along z are relaxed.

    Parameters
    ----------
    name : str
        A key of :data:`ase_mlffvv.structures.TILT_BOUNDARIES`.
    a : float, Å
        Lattice constant.
    bulk_energy : float, eV
        Energy per atom of the crystal.
    attach : function
        See :func:`ase_mlffvv.properties.relaxing.use`.
    shifts : (int, int)
        Numbers of grid points along x and y.

    Returns
    -------
    energy : float, J/m^2
    structure : Atoms
        The relaxed structure with the lowest energy.
    grid : list of list of float
        Energies for the whole grid after a coarse relaxation, J/m^2.
    """

    def excess(atoms):
        value = excess_per_area(atoms.get_potential_energy(), len(atoms), bulk_energy, area(atoms))
        return value if np.isfinite(value) else np.inf

    candidates, grid = [], np.full(shifts, np.nan)
    for i, j in np.ndindex(*shifts):
        atoms = attach(tilt_bicrystal(name, a, (i / shifts[0], j / shifts[1]), element))
        atoms.rattle(0.02, seed=0)  # leaves saddle points of high symmetry
        with suppress(PropertyError):  # the last energy is used; the best are relaxed further
            relax(atoms, fmax=0.05, steps=100, cell=ALONG_Z)
        grid[i, j] = excess(atoms)
        candidates.append((grid[i, j], len(candidates), atoms))
    candidates, reason, best = sorted(candidates)[:REFINED], None, (np.inf, None)
    for _, _, atoms in candidates:
        try:
            relax(atoms, cell=ALONG_Z)
        except PropertyError as error:
            reason = error
            continue
        best = min(best, (excess(atoms), atoms), key=lambda pair: pair[0])
    if best[1] is None:
        raise PropertyError(f'none of the best {REFINED} shifts could be relaxed; the last: {reason}')
    return *best, grid.tolist()
