"""Phonons of a cubic crystal, computed with phonopy."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.build import find_optimal_cell_shape

from .relaxing import PropertyError

DISPLACEMENT = 0.02  # Å
SUPERCELL = 20.0  # Å, smallest width, because force constants of a many-body model reach twice its cutoff
PATH, POINTS = 'GHPGN', ('H', 'P', 'N')
IMAGINARY = -0.05  # THz; lower frequencies are not noise


def force_constants(atoms, attach, width=SUPERCELL):
    """Phonopy object with force constants, from positive and negative displacements.

    Parameters
    ----------
    atoms : Atoms
        Primitive cell of bcc or fcc at equilibrium.
    attach : function
        See :func:`ase_mlffvv.properties.relaxing.use`.
    width : float, Å
        Smallest width of the cubic supercell.

    Raises
    ------
    PropertyError
        If phonopy is not installed, or forces are not finite.
    """
    try:
        from phonopy import Phonopy
        from phonopy.structure.atoms import PhonopyAtoms
    except ImportError:
        raise PropertyError('phonopy is not installed: pip install "ase-mlffvv[validate]"') from None
    per_cubic = {'BCC': 2, 'FCC': 4}[atoms.cell.get_bravais_lattice().name]
    cubic = find_optimal_cell_shape(atoms.cell, per_cubic, 'sc')
    repeat = int(np.ceil(width / (atoms.get_volume() * per_cubic) ** (1 / 3)))
    cell = PhonopyAtoms(symbols=atoms.get_chemical_symbols(), cell=atoms.cell[:],
                        scaled_positions=atoms.get_scaled_positions())  # fmt: skip
    phonopy = Phonopy(cell, supercell_matrix=(repeat * cubic).T, primitive_matrix=np.eye(3))
    phonopy.generate_displacements(distance=DISPLACEMENT, is_plusminus=True)
    forces = []
    for moved in phonopy.supercells_with_displacements:
        supercell = Atoms(moved.symbols, moved.positions, cell=moved.cell, pbc=True)
        forces.append(attach(supercell).get_forces())
    if not np.isfinite(forces).all():
        raise PropertyError('forces of displaced atoms are not finite numbers')
    phonopy.forces = forces
    phonopy.produce_force_constants()
    return phonopy


def frequencies(phonopy, points):
    """Sorted frequencies in THz at reduced wave vectors; imaginary frequencies are given as negative numbers."""
    phonopy.run_qpoints(points)
    return np.sort(phonopy.qpoints.frequencies, axis=1)


def dispersion(atoms, phonopy, npoints=120):
    """Frequencies along Γ-H-P-Γ-N and at H, P and N of bcc.

    Parameters
    ----------
    atoms : Atoms
        Primitive cell of bcc.
    phonopy : Phonopy
        Result of :func:`force_constants`.
    npoints : int
        Number of wave vectors along the path.

    Returns
    -------
    dict
        ``path`` (distances x along the path, 1/Å), ``frequencies`` (THz, one list for each x), ``ticks`` (x) and
        ``names`` of the high-symmetry points, and ``points`` (three frequencies for each name).

    Raises
    ------
    PropertyError
        If a mode is imaginary.
    """
    band = atoms.cell.bandpath(PATH, npoints=npoints)
    x, ticks, names = band.get_linear_kpoint_axis()
    values = frequencies(phonopy, band.kpts)
    points = {name: frequencies(phonopy, [band.special_points[name]])[0].tolist() for name in POINTS}
    lowest = min(values.min(), *(v[0] for v in points.values()))
    if not lowest > IMAGINARY:
        k = band.kpts[values.min(axis=1).argmin()]
        raise PropertyError(f'imaginary phonons: bcc is not stable, {lowest:.2f} THz near q = {np.round(k, 2)}')
    return {'path': x.tolist(), 'frequencies': values.tolist(), 'ticks': ticks.tolist(),
            'names': ['Γ' if name == 'G' else name for name in names], 'points': points}  # fmt: skip
