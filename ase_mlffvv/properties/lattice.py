"""Crystal structures: relaxed phases, their energies, and the equation of state."""

from __future__ import annotations

import numpy as np
from ase import units
from ase.eos import EquationOfState

from ..structures import phase
from .relaxing import PropertyError, relax


def relaxed_phase(name, attach, element='Li', a=3.44):
    """Crystal with relaxed cell and atomic positions, with its calculator.

    Arguments are those of :func:`ase_mlffvv.structures.phase`.

    Raises
    ------
    PropertyError
        If the relaxation does not converge, or leads to a different lattice.
    """
    atoms = relax(attach(phase(name, element, a)), fmax=1e-4, cell=[True] * 6)
    cubic = {'bcc': 109.4712, 'fcc': 60.0}.get(name)
    if cubic and abs(atoms.cell.angles() - cubic).max() > 0.5:
        raise PropertyError(f'{name} is not stable: its cell relaxed to angles {np.round(atoms.cell.angles(), 1)}')
    return atoms


def lattice_constants(name, atoms):
    """Lattice constant a in Å and ratio c/a (None for cubic crystals) of a relaxed phase."""
    if name in ('bcc', 'fcc'):
        per_cell = {'bcc': 2, 'fcc': 4}[name]
        return float((per_cell * atoms.get_volume() / len(atoms)) ** (1 / 3)), None
    a, _, c = atoms.cell.lengths()
    return float(a), float(c / a)


def equation_of_state(atoms, span=0.06, points=9):
    """Energies of scaled cells (without relaxation) and a Birch-Murnaghan fit.

    Parameters
    ----------
    atoms : Atoms
        Relaxed crystal with a calculator.
    span : float
        Largest relative change of the volume.
    points : int
        Number of volumes.

    Returns
    -------
    dict
        Lists ``volumes`` (Å^3/atom) and ``energies`` (eV/atom), ``bulk_modulus`` (GPa), and ``volume`` (Å^3/atom).
    """
    n, volumes, energies = len(atoms), [], []
    for x in np.linspace(1 - span, 1 + span, points):
        scaled = atoms.copy()
        scaled.set_cell(atoms.cell * x ** (1 / 3), scale_atoms=True)
        scaled.calc = atoms.calc
        volumes.append(scaled.get_volume() / n)
        energies.append(scaled.get_potential_energy() / n)
    if not np.isfinite(energies).all():
        raise PropertyError('the equation of state has energies that are not finite numbers')
    v0, _, modulus = EquationOfState(volumes, energies, eos='birchmurnaghan').fit(warn=False)
    if not volumes[0] < v0 < volumes[-1]:
        raise PropertyError(f'the equation of state has no minimum within {span:.0%} of the relaxed volume')
    return {'volumes': volumes, 'energies': energies, 'bulk_modulus': float(modulus / units.GPa), 'volume': float(v0)}
