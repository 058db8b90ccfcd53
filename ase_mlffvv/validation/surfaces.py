"""Surface energies."""

from __future__ import annotations

import numpy as np
from ase import units
from ase.build import bulk, surface
from scipy.stats import spearmanr

from .reference import SURFACES
from .relaxing import PropertyError, relax

THICKNESS, VACUUM = 22.0, 10.0


def slab(hkl, a, element='Li', thickness=THICKNESS, vacuum=VACUUM):
    """Slab of bcc with two equal faces.

    Parameters
    ----------
    hkl : str
        Such as ``'310'``.
    a : float, Å
        Lattice constant of bcc.
    thickness : float, Å
        At least.
    vacuum : float, Å
        At each side.
    """
    indices = tuple(int(x) for x in hkl)
    layers = int(np.ceil(thickness / (a / np.linalg.norm(indices))))
    return surface(bulk(element, 'bcc', a=a, cubic=True), indices, layers, vacuum=vacuum, periodic=True)


def surface_energy(atoms, bulk_energy, fmax=0.005):
    """Energy per area of the two faces of a slab, which is relaxed in place.

    Parameters
    ----------
    atoms : Atoms
        Slab across the third cell vector, with a calculator.
    bulk_energy : float, eV
        Per atom, of the crystal with the same lattice constant.

    Returns
    -------
    float, J/m^2
    """
    relax(atoms, fmax)
    area = np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1]))
    return float((atoms.get_potential_energy() - len(atoms) * bulk_energy) / (2 * area) * units.m**2 / units.J)


def compare_order(energies, reference=SURFACES):
    """How well surface energies agree with reference values.

    Parameters
    ----------
    energies : dict
        ``{'100': J/m^2, ...}``; all of ``reference``.

    Returns
    -------
    dict
        ``surface_lowest`` (hkl), ``surface_mae`` (J/m^2), ``surface_spearman`` (rank correlation), and ``order``.
    """
    missing = [hkl for hkl in reference if hkl not in energies]
    if missing:
        raise PropertyError(f'surface energies are missing: {", ".join(missing)}')
    model, dft = (np.array([values[hkl] for hkl in reference]) for values in (energies, reference))
    order = sorted(reference, key=energies.get)
    return {'surface_lowest': order[0], 'surface_mae': float(abs(model - dft).mean()),
            'surface_spearman': float(spearmanr(model, dft).statistic), 'order': order}  # fmt: skip
