"""A structure and a thermostat as LAMMPS sees them: box, types of atoms, and the commands of an input file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.calculators.lammps import Prism
from ase.geometry import complete_cell

from ...errors import StructureError, some
from ...md.dynamics import frozen_atoms
from .domain import reach

FIX, THERMOSTAT, TEMPERATURE = 'mlffvv', 'thermostat', 'mlffvv_temp'  # names in LAMMPS
_PADDING = 0.5  # Å around the atoms, along open directions


class Box:
    """LAMMPS' box of a structure, and the transformation between both systems of coordinates.

    LAMMPS takes a lower triangular cell, so that the structure is rotated (and reflected, if its cell is left-handed).
    Along directions that are not periodic, LAMMPS adapts the box to the atoms.

    Parameters
    ----------
    atoms : Atoms

    Attributes
    ----------
    vectors : ndarray, shape (3, 3), Å
    origin : ndarray, shape (3,), Å
    """

    def __init__(self, atoms):
        self.pbc = np.array(atoms.pbc)
        prism = Prism(complete_cell(np.where(self.pbc[:, None], atoms.cell[:], 0.0)), self.pbc)
        self.rotation, vectors = prism.rot_mat, prism.lammps_cell.copy()
        vectors[np.abs(vectors) < 1e-12] = 0.0
        self.skewed = bool(np.tril(vectors, -1).any())
        self.origin = np.zeros(3)
        x = atoms.positions @ self.rotation
        for k in np.flatnonzero(~self.pbc):  # perpendicular to the others, so that it is an axis of LAMMPS
            self.origin[k] = x[:, k].min() - _PADDING
            vectors[k, k] = np.ptp(x[:, k]) + 2 * _PADDING
        self.vectors = vectors

    @property
    def bounds(self):
        """Lower and upper bounds of LAMMPS' box without tilt, shape (3, 2), Å."""
        return np.stack([self.origin, self.origin + np.diag(self.vectors)], axis=1)

    @property
    def tilt(self):
        """xy, xz and yz, Å."""
        return self.vectors[1, 0], self.vectors[2, 0], self.vectors[2, 1]

    def into(self, positions):
        """Positions in LAMMPS' system, wrapped into the box, and their cell shifts (n_atoms, 3)."""
        inverse, x = np.linalg.inv(self.vectors), positions @ self.rotation
        shifts = np.floor(np.where(self.pbc, (x - self.origin) @ inverse, 0.0))
        x = x - shifts @ self.vectors
        scaled = (x - self.origin) @ inverse
        edge = self.pbc & ((scaled >= 1.0) | (scaled < 0.0))  # by rounding: a position just below zero
        if edge.any():
            shifts += edge & (scaled >= 1.0)
            rows = edge.any(axis=1)
            x[rows] = self.origin + np.where(edge, 0.0, scaled)[rows] @ self.vectors
        return x, shifts.astype(np.int64)

    def outof(self, x, shifts):
        """Positions in the system of the structure, not wrapped, from those of LAMMPS and cell shifts."""
        return (x + shifts @ self.vectors) @ self.rotation.T

    def vectors_into(self, values):
        """Vectors such as velocities in LAMMPS' system."""
        return values @ self.rotation

    def vectors_outof(self, values):
        """Vectors such as velocities in the system of the structure."""
        return values @ self.rotation.T

    def command(self):
        """LAMMPS' command for the region of the box."""
        numbers = ' '.join(repr(float(x)) for x in self.bounds.ravel())
        if not self.skewed:
            return f'region box block {numbers}'
        return f'region box prism {numbers} {" ".join(repr(float(x)) for x in self.tilt)}'


@dataclass(frozen=True)
class Types:
    """LAMMPS' types of atoms: element, mass and whether they are frozen. Type ``k`` is entry ``k - 1``.

    Attributes
    ----------
    species : ndarray, shape (n_types,), int
        Element indices of the potential.
    masses : ndarray, shape (n_types,), amu
    frozen : ndarray, shape (n_types,), bool
    symbols : list of str
    """

    species: np.ndarray
    masses: np.ndarray
    frozen: np.ndarray
    symbols: list

    @classmethod
    def of(cls, atoms, potential):
        """Types of a structure, and the type of each atom (from 1).

        Raises
        ------
        ElementError
            The potential does not contain an element.
        StructureError
            All atoms are frozen, or there are none, or they have too many different masses.
        NotImplementedError
            There are constraints other than FixAtoms.
        """
        if len(atoms) == 0:
            raise StructureError('the structure has no atoms')
        frozen = np.zeros(len(atoms), bool)
        frozen[frozen_atoms(atoms)] = True
        if frozen.all():
            raise StructureError('all atoms are frozen')
        rows = np.stack([potential.species(atoms.numbers), atoms.get_masses(), frozen], axis=1)
        table, number = np.unique(rows, axis=0, return_inverse=True)
        if len(table) > 1000:
            raise StructureError(
                f'the atoms have {len(table)} different masses, and each is a type of LAMMPS (at most 1000). Set equal '
                'masses with atoms.set_masses().'
            )
        species = table[:, 0].astype(int)
        symbols = [potential.elements[s] for s in species]
        return cls(species, table[:, 1], table[:, 2].astype(bool), symbols), number.ravel().astype(np.int32) + 1


def head(box, n_types=None):
    """Commands before atoms exist; without ``n_types``, those before a data file is read."""
    boundary = ' '.join('p' if periodic else 's' for periodic in box.pbc)
    create = '' if n_types is None else f'{box.command()}\ncreate_box {n_types} box\n'
    return (
        'units metal\natom_style atomic\n'
        'atom_modify sort 0 0.0          # the potential sorts the atoms itself\n'
        f'boundary {boundary}                  # s: the box follows the atoms\n'
        f'box tilt large\n{create}'
    )


def body(types, cutoff, skin, timestep, constants, masses=True):
    """Commands after the atoms exist, up to the thermostat."""
    lines = [f'mass {k} {float(m * constants.mass)!r}' for k, m in enumerate(types.masses, 1)] if masses else []
    mobile = ' '.join(str(k) for k in np.flatnonzero(~types.frozen) + 1)
    lines += [
        'pair_style none',
        '# Ghosts reach to two cutoffs and three skins. Do not change the next three lines independently.',
        f'comm_modify cutoff {reach(cutoff, skin)!r}',
        f'neighbor {float(skin)!r} bin',
        'neigh_modify every 1 delay 0 check yes',
        f'group mobile type {mobile}',
        f'timestep {timestep / 1000!r}                  # ps',
        f'compute {TEMPERATURE} mobile temp',
        f'compute_modify {TEMPERATURE} extra/dof 0',
        f'fix {FIX} all external pf/callback 1 1   # calls the potential',
        f'fix_modify {FIX} energy yes virial yes',
        'fix integrate mobile nve        # atoms that are not mobile stay where they are',
    ]
    return '\n'.join(lines) + '\n'


def thermostat(name, temperature, taut, seed, constants, drift=False):
    """Commands for a thermostat of :class:`.RunSettings` (K, fs); ``drift``: keep the centre of mass at rest."""
    kelvin, tau = repr(float(temperature * constants.temperature)), repr(float(taut / 1000))
    seed = seed % 899_999_999 + 1
    start = f'fix {THERMOSTAT} mobile'
    temp = f'fix_modify {THERMOSTAT} temp {TEMPERATURE}'
    stop = 'fix drift mobile momentum 10 linear 1 1 1\n' if drift else ''
    return {
        'none': '',
        'berendsen': f'{start} temp/berendsen {kelvin} {kelvin} {tau}\n{temp}\n{stop}',
        'csvr': f'{start} temp/csvr {kelvin} {kelvin} {tau} {seed}\n{temp}\n',
        'langevin': f'{start} langevin {kelvin} {kelvin} {tau} {seed}\n',
    }[name]


def check_images(shifts, bits):
    """Raise StructureError if atoms are so many cells away that LAMMPS cannot count them."""
    far = np.flatnonzero((np.abs(shifts) >= (1 << bits - 1) - 1).any(axis=1))
    if len(far):
        raise StructureError(
            f'atoms {some(far)} are {1 << bits - 1} cells or more outside the cell, too far for LAMMPS. Wrap them with '
            'atoms.wrap().'
        )
