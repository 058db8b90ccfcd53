"""Structures: atom.config and final.config, the ASE format ``pwmat-config``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from .blocks import TENSORS, lattice_text, parse, per_atom_text
from .frame import ARRAYS, check, labels, movable, scaled, to_atoms, velocities
from .text import CutOff, Place, reading, replacing, whole_lines

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO


def read_pwmat_config(file: str | Path | TextIO) -> Atoms:
    """Read a structure of PWmat.

    Parameters
    ----------
    file : path or text file

    Returns
    -------
    Atoms
        Periodic in all directions. Flags of fixed axes become FixAtoms and FixCartesian, VELOCITY momenta, MAGNETIC or
        MAGNETIC_XYZ initial magnetic moments; FORCE and the stress of final.config go to a SinglePointCalculator.
        CONSTRAINT_MAG, LANGEVIN_ATOMFACT_TG and DIMER_DIR_N become arrays, STRESS_MASK, STRESS_EXTERNAL and
        PTENSOR_EXTERNAL entries of ``info``, under their names in lower case and as the file has them.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    PWmatFileError
        The file is damaged or of another kind; names the line, what was expected and what was found.
    """
    with reading(file) as (text, name):
        lines = whole_lines(text, name)
    first = next((k for k, line in enumerate(lines) if line.strip()), 0)
    place = Place(name, first + 1)
    end = next((k for k, line in enumerate(lines) if line.lstrip().startswith('-----')), len(lines))
    try:
        return to_atoms(parse(lines[first:end], place))
    except CutOff as error:
        raise CutOff(f'{error}. The file is cut off, or the number of atoms in its first line is wrong.') from None


def write_pwmat_config(file: str | Path | TextIO, atoms: Atoms) -> None:
    """Write a structure for PWmat.

    Parameters
    ----------
    file : path or text file
        A file of this name is replaced only when the new one is complete.
    atoms : Atoms
        Written are the cell, positions, fixed axes, and if present momenta, initial magnetic moments, the forces of
        its calculator, and what :func:`read_pwmat_config` puts into arrays and ``info``. Numbers have all their digits.

    Raises
    ------
    ValueError
        The structure has no atoms, no volume, or positions that are not finite.
    """
    check(atoms, str(file))
    numbers, forces, v = atoms.numbers, labels(atoms).forces, velocities(atoms)
    parts = [
        f'{len(atoms)}\nLATTICE\n{lattice_text(atoms.cell)}',
        f'POSITION\n{per_atom_text(numbers, scaled(atoms), movable(atoms))}',
    ]
    if forces is not None:
        parts.append(f'FORCE\n{per_atom_text(numbers, -forces)}')
    if v is not None:
        parts.append(f'VELOCITY\n{per_atom_text(numbers, v)}')
    if atoms.has('initial_magmoms'):
        moments = atoms.get_initial_magnetic_moments()
        title = 'MAGNETIC' if moments.ndim == 1 else 'MAGNETIC_XYZ'
        parts.append(f'{title}\n{per_atom_text(numbers, moments)}')
    for name in ARRAYS:
        if name in atoms.arrays:
            parts.append(f'{name.upper()}\n{per_atom_text(numbers, atoms.arrays[name])}')
    for name in TENSORS:
        if name in atoms.info:
            parts.append(f'{name.upper()}\n{lattice_text(np.reshape(atoms.info[name], (3, 3)))}')
    with replacing(file) as out:
        out.writelines(parts)
