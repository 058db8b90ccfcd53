"""Results of one self-consistent calculation: OUT.FORCE, OUT.STRESS and OUT.ENDIV."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.stress import full_3x3_to_voigt_6_stress

from .text import CutOff, Place, is_number, quoted, reading, whole_lines

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from ase import Atoms
    from numpy.typing import ArrayLike


def read_out_force(file: str | Path | TextIO, numbers: ArrayLike | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Forces of OUT.FORCE.

    Parameters
    ----------
    file : path or text file
    numbers : sequence of int, optional
        Atomic numbers the file must be for.

    Returns
    -------
    numbers : ndarray, shape (n_atoms,), int
    forces : ndarray, shape (n_atoms, 3), eV/Å
        Minus the numbers of the file, which are dE/dR.

    Raises
    ------
    PWmatFileError
        The file is damaged, or for other atoms.
    """
    with reading(file) as (text, name):
        lines = whole_lines(text, name)
    first = _first_row(lines, 4)
    found, rows = _table(lines, first, name, 4, 'atomic number and dE/dR of an atom', numbers)
    head = lines[0].split() if first else []
    if head and head[0].isdigit() and int(head[0]) != len(found):
        raise CutOff(
            f'{Place(name, 1)}: expected rows of {head[0]} atoms, found {len(found)}. The file is cut off or damaged.'
        )
    return found, -rows[:, :3]


def read_out_endiv(file: str | Path | TextIO, numbers: ArrayLike | None = None) -> dict:
    """Atomic energies of OUT.ENDIV.

    Parameters
    ----------
    file : path or text file
    numbers : sequence of int, optional
        Atomic numbers the file must be for.

    Returns
    -------
    dict
        ``numbers`` (n_atoms,); ``E_atom`` (n_atoms,), eV, as the file has them; ``dE``, eV, the constant that completes
        their sum to the energy; and where the file has these columns ``E_nonloc`` (n_atoms,), eV, and ``Q_atom``
        (n_atoms,), electrons or weights. :func:`.frame.summing_to` shifts atomic energies so that they sum to the
        energy.

    Raises
    ------
    PWmatFileError
        The file is damaged, or for other atoms.
    """
    with reading(file) as (text, name):
        lines = whole_lines(text, name)
    place, title = Place(name, 2), lines[1] if len(lines) > 1 else ''
    words = title.split()
    if len(words) < 3 or not is_number(words[2]) or (len(words) > 3 and is_number(words[3])):
        raise place.error('the constant dE as third word of the second title line', quoted(title))
    dE = place.numbers([title.split()[2]], 'the constant dE')[0]
    found, rows = _table(lines, 2, name, 2, 'atomic number and energy of an atom', numbers)
    result = {'numbers': found, 'dE': dE}
    result.update(zip(('E_atom', 'E_nonloc', 'Q_atom'), rows.T))
    return result


def read_out_stress(file: str | Path | TextIO, atoms: Atoms) -> np.ndarray:
    """Stress of OUT.STRESS.

    Parameters
    ----------
    file : path or text file
    atoms : Atoms
        The structure it belongs to: the file has the strain derivative of the energy of the cell, or per atom where its
        title says ``eV/natom``.

    Returns
    -------
    ndarray, shape (6,), eV/Å^3
        Voigt order xx, yy, zz, yz, xz, xy; tensile positive.

    Raises
    ------
    PWmatFileError
        The file is damaged.
    """
    with reading(file) as (text, name):
        lines = whole_lines(text, name)
    first = _first_row(lines, 3)
    rows = Place(name, first + 1).rows(lines[first:], 3, 3, 'the stress tensor in eV')
    per_atom = any('natom' in line.lower() for line in lines[:first])
    tensor = rows[:, :3] * (len(atoms) if per_atom else 1)
    return full_3x3_to_voigt_6_stress(tensor) / atoms.get_volume()


def _first_row(lines, least):
    """Index of the first line that begins with as many numbers as a row has."""
    for k, line in enumerate(lines):
        tokens = line.split()
        if len(tokens) >= least and all(map(is_number, tokens[:least])):
            return k
    return len(lines)


def _table(lines, first, name, least, expected, numbers):
    """(atomic numbers, other columns) of the rows that begin at line ``first`` and go on to the first other line."""
    n = next((k for k in range(first, len(lines)) if not is_number((lines[k].split() or [''])[0])), len(lines)) - first
    place = Place(name, first + 1)
    if n == 0:
        raise CutOff(f'{place}: expected rows with {expected}, found none. The calculation did not come to its end.')
    rows = place.rows(lines[first:], n, least, expected)
    found = rows[:, 0].astype(int)
    wrong = np.flatnonzero((found != rows[:, 0]) | (found < 1) | (found > 118))
    if len(wrong):
        raise place.at(place.line + wrong[0]).error('an atomic number', quoted(lines[first + wrong[0]]))
    if numbers is not None and found.tolist() != list(numbers):
        other = next((k for k, (a, b) in enumerate(zip(found, numbers)) if a != b), min(n, len(numbers)))
        raise place.error(
            f'rows of the {len(numbers)} atoms of the structure',
            f'{n} rows, different from atom {other} on',
            'The file is cut off or belongs to another structure.',
        )
    return found, rows[:, 1:]
