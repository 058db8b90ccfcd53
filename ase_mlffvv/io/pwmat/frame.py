"""Blocks of a PWmat structure to Atoms and back; units and signs change here (:mod:`.units`)."""

from __future__ import annotations

import warnings

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms, FixCartesian
from ase.stress import full_3x3_to_voigt_6_stress, voigt_6_to_full_3x3_stress

from ...errors import PWmatWarning, some
from ..datasets import Labels, labels_of
from .blocks import TENSORS
from .units import VELOCITY

ARRAYS = ('constraint_mag', 'langevin_atomfact_tg', 'dimer_dir_n')
ATOMIC_ENERGY = ('E_atom', 'E_nonloc', 'Q_atom')


def to_atoms(blocks, unwrapped=False) -> Atoms:
    """Atoms of one structure, with what was calculated in a SinglePointCalculator.

    Parameters
    ----------
    blocks : dict
        See :func:`.blocks.parse`.
    unwrapped : bool
        Take the positions of ``nonperiodic_Position``, which do not jump by cell vectors along a trajectory.
    """
    place = blocks.get('nonperiodic_position') if unwrapped else None
    place = blocks['position'] if place is None else place
    atoms = Atoms(blocks['numbers'], cell=blocks['lattice'], scaled_positions=place, pbc=True)
    if 'velocity' in blocks:
        momenta = blocks['velocity'] * VELOCITY * atoms.get_masses()[:, None]
        atoms.set_momenta(momenta, apply_constraint=False)
    if 'magnetic_xyz' in blocks:
        atoms.set_initial_magnetic_moments(blocks['magnetic_xyz'])
    elif 'magnetic' in blocks:
        atoms.set_initial_magnetic_moments(blocks['magnetic'][:, 0])
    for name in ARRAYS:
        if name in blocks:
            atoms.set_array(name, blocks[name])
    for name in (*TENSORS, 'time_fs', 'iteration', 'scf_iterations', 'dE'):
        if name in blocks:
            atoms.info[name] = blocks[name]
    for name, column in zip(ATOMIC_ENERGY, blocks.get('atomic-energy', np.zeros((0, 0))).T):
        atoms.set_array(name, column)
    atoms.set_constraint(_constraints(blocks.get('move')))
    results = _results(blocks, atoms)
    if results:
        atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


def _results(blocks, atoms):
    results = {}
    if 'energies' in blocks:
        _, energy, atoms.info['kinetic_energy'] = blocks['energies']
        results['energy'] = results['free_energy'] = energy
        if 'E_atom' in atoms.arrays:
            results['energies'] = summing_to(energy, atoms.arrays['E_atom'])
    if 'force' in blocks:
        results['forces'] = -blocks['force']
    if 'lattice_stress' in blocks:
        results['stress'] = full_3x3_to_voigt_6_stress(blocks['lattice_stress']) / atoms.get_volume()
    return results


def summing_to(energy, E_i):
    """Atomic energies shifted by one number so that they sum to the energy, eV.

    The atomic energies of PWmat miss a constant per element (for lithium with SG15 -210.05 eV); the file knows only its
    sum over the atoms, dE. Where all atoms are of one element, adding an equal share to each is exact. Otherwise only
    changes of an atom's energy have a meaning, and those do not depend on the share. The shift is taken from the energy
    and not from dE, because files exist whose atomic energies were shifted later and whose dE was not.
    """
    return E_i + (energy - E_i.sum()) / len(E_i)


def _constraints(move):
    """Flags of movable Cartesian axes as constraints."""
    if move is None or move.all():
        return None
    constraints = []
    for flags in np.unique(move[~move.all(axis=1)], axis=0):
        indices = np.flatnonzero((move == flags).all(axis=1))
        constraints.append(FixCartesian(indices, ~flags) if flags.any() else FixAtoms(indices))
    return constraints


def movable(atoms):
    """Flags (n, 3): whether an atom may move along each Cartesian axis. Warns of constraints they cannot express."""
    move = np.ones((len(atoms), 3), bool)
    for constraint in atoms.constraints:
        if isinstance(constraint, FixAtoms):
            move[constraint.index] = False
        elif isinstance(constraint, FixCartesian):
            move[constraint.index] &= ~constraint.mask
        else:
            warnings.warn(
                f'PWmat files can fix atoms along x, y and z only: {type(constraint).__name__} is left out',
                PWmatWarning, stacklevel=4,
            )  # fmt: skip
    return move


def check(atoms, where):
    """Raise ValueError unless a PWmat file can hold the structure."""
    if len(atoms) == 0:
        raise ValueError(f'{where}: the structure has no atoms')
    if atoms.cell.rank < 3:
        raise ValueError(
            f'{where}: PWmat needs three cell vectors, got the cell {atoms.cell[:].tolist()}. Use for example '
            'atoms.center(vacuum=8.0).'
        )
    for name in ('positions', 'momenta'):
        values = atoms.arrays.get(name, np.zeros((1, 3)))
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if len(bad) or not np.isfinite(atoms.cell[:]).all():
            raise ValueError(f'{where}: {name} or the cell are not finite numbers (atoms {some(bad)})')
    bad = np.flatnonzero((atoms.numbers < 1) | (atoms.numbers > 118))
    if len(bad):
        raise ValueError(f'{where}: atoms {some(bad)} have no element (atomic numbers {some(atoms.numbers[bad])})')


def scaled(atoms):
    """Fractions of the cell vectors, not wrapped."""
    return atoms.cell.scaled_positions(atoms.positions)


def velocities(atoms):
    """Velocities in Bohr/fs, or None where the structure has none."""
    return atoms.get_velocities() / VELOCITY if atoms.has('momenta') else None


def labels(atoms) -> Labels:
    """REF_ labels, or the results of a calculator that belong to the structure as it is now."""
    if atoms.calc is not None and atoms.calc.check_state(atoms):
        atoms = atoms.copy()
    return labels_of(atoms)


def stress_of_cell(stress, atoms):
    """Stress of ASE, Voigt order in eV/Å^3, as PWmat's tensor in eV per cell."""
    return voigt_6_to_full_3x3_stress(stress) * atoms.get_volume()
