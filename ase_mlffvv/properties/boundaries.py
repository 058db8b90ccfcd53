"""Symmetric tilt boundaries of bcc."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from ase.lattice.cubic import BodyCenteredCubic
from mlffvv_analysis.energies import area, excess_per_area

from .relaxing import PropertyError, relax

# name -> directions along x (in the boundary), y (tilt axis), z (normal), and periods of a grain along z
BOUNDARIES = {
    'twin_112': ([[1, 1, -1], [-1, 1, 0], [1, 1, 2]], 2),
    'gb_310': ([[1, -3, 0], [0, 0, 1], [-3, -1, 0]], 2),
    'gb_210': ([[1, -2, 0], [0, 0, 1], [-2, -1, 0]], 2),
}
SHIFTS = (6, 2)  # grid of rigid shifts along x and y
REFINED = 3  # the best of the grid, which are relaxed to the end
ALONG_Z = [False, False, True, False, False, False]


def bicrystal(name, a, shift=(0.0, 0.0), element='Li'):
    """Two grains, mirror images of each other in a plane of atoms, with two equal boundaries across z.

    Parameters
    ----------
    name : str
        A key of ``BOUNDARIES``.
    a : float, Å
        Lattice constant.
    shift : (float, float)
        Shift of the second grain along x and y, in parts of the cell.
    """
    directions, periods = BOUNDARIES[name]
    grain = BodyCenteredCubic(directions=directions, size=(1, 1, periods), symbol=element, latticeconstant=a)
    grain.wrap(eps=1e-6)
    z = grain.positions[:, 2] - grain.positions[:, 2].min()
    grain.positions[:, 2] = z
    height = grain.cell[2, 2]
    upper = grain[z > 1e-3]  # the plane at z = 0 belongs to both
    upper.positions[:, 2] = 2 * height - upper.positions[:, 2]
    upper.positions[:, :2] += np.asarray(shift) * grain.cell.lengths()[:2]
    top = grain[z < 1e-3]
    top.positions[:, 2] += height  # the second shared plane
    out = grain + top + upper
    out.cell[2, 2] = 2 * height
    out.set_pbc(True)
    return out


def boundary_energy(name, a, bulk_energy, attach, element='Li', shifts=SHIFTS):
    """Lowest energy per area over a grid of rigid shifts; atoms and the length along z are relaxed.

    Parameters
    ----------
    name : str
        A key of ``BOUNDARIES``.
    a : float, Å
        Lattice constant.
    bulk_energy : float, eV
        Per atom.
    attach : function
        See :func:`ase_mlffvv.properties.relaxing.use`.
    shifts : (int, int)
        Points of the grid along x and y.

    Returns
    -------
    energy : float, J/m^2
    structure : Atoms
        Relaxed, the best.
    grid : list of list of float
        Energies of the whole grid after a rough relaxation, J/m^2.
    """

    def excess(atoms):
        value = excess_per_area(atoms.get_potential_energy(), len(atoms), bulk_energy, area(atoms))
        return value if np.isfinite(value) else np.inf

    candidates, grid = [], np.full(shifts, np.nan)
    for i, j in np.ndindex(*shifts):
        atoms = attach(bicrystal(name, a, (i / shifts[0], j / shifts[1]), element))
        atoms.rattle(0.02, seed=0)  # off saddle points of high symmetry
        with suppress(PropertyError):  # what it has become counts; it is relaxed further if it is among the best
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
