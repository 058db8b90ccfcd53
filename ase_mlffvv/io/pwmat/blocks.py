"""The blocks that atom.config and MOVEMENT are made of, as numbers in the units and signs of the file.

A block begins with a line whose first word is its name, in upper or lower case; only that word is looked at, because
the free text of a MOVEMENT frame also holds words such as LATTICE_VELOCITY and nonperiodic_Position.
"""

from __future__ import annotations

import re
import warnings

import numpy as np

from ...errors import PWmatWarning
from .text import CutOff, is_number, quoted

# numbers after the atomic number in a row of each block with a row per atom
PER_ATOM = {
    'position': 3,
    'nonperiodic_position': 3,
    'force': 3,
    'velocity': 3,
    'magnetic': 1,
    'magnetic_xyz': 3,
    'constraint_mag': 2,
    'langevin_atomfact_tg': 2,
    'dimer_dir_n': 3,
    'atomic-energy': 1,
}
TENSORS = ('stress_mask', 'stress_external', 'ptensor_external')
_WORD = re.compile(r'\s*([A-Za-z][\w-]*)')
_LATTICE = re.compile(r'\s*lattice\s*(vector.*|[#(,:].*)?$', re.IGNORECASE)
_COUNT = re.compile(r'\s*(\d+)(?!\S)')
_ENERGIES = re.compile(r'Etot\s*,\s*Ep\s*,\s*Ek[^=]*=\s*(\S+)\s+(\S+)\s+([^\s,]+)\s*(?=,|$|[A-Za-z])', re.IGNORECASE)
_ITERATION = re.compile(r'Iteration\s*(\(fs\))?\s*=\s*([^\s,]+)', re.IGNORECASE)
_SCF = re.compile(r'\bSCF\s*=\s*(\d+)', re.IGNORECASE)


def parse(lines, place):
    """Blocks of one structure.

    Parameters
    ----------
    lines : list of str
        From the line with the number of atoms to the end of the structure.
    place : Place
        Where the first of them stands.

    Returns
    -------
    dict
        ``n``; ``time_fs`` or ``iteration``, ``energies`` (E_tot, E_p, E_k), ``scf_iterations`` of the first line;
        ``lattice`` (3, 3); ``lattice_stress`` (3, 3), eV per cell; ``numbers`` (n,); ``move`` (n, 3) bool; per-atom
        blocks by lower-case name, (n, columns) without the atomic number; ``dE``; tensors by lower-case name.
        What the file lacks is absent.

    Raises
    ------
    PWmatFileError
        Names the line, what was expected there and what was found.
    CutOff
        The lines end within a block, or before lattice and positions.
    """
    if not lines:
        raise CutOff(f'{place}: expected the number of atoms, found the end')
    found = _first_line(lines[0], place)
    n, k = found['n'], 1
    ended = None  # name of the block that ended on the line before, so that further rows of numbers are too many
    while k < len(lines):
        line, here = lines[k], place.at(place.line + k)
        word = _WORD.match(line)
        name = word[1].lower() if word else None
        if (name == 'lattice' and _LATTICE.match(line)) or name in PER_ATOM or name in TENSORS:
            if name in found:
                raise here.error(f'one {name} block', f'a second one, {quoted(line)}')
            k += 1
            rows = lines[k:], place.at(place.line + k)
            if name == 'lattice':
                _lattice(found, line, *rows)
                k += 3
            elif name in TENSORS:
                found[name] = rows[1].rows(rows[0], 3, 3, name.upper())[:, :3]
                k += 3
            elif name != 'position' and 'numbers' not in found:
                ended = None  # words of the free text before the positions
                continue
            else:
                _per_atom(found, name, line, *rows)
                k += n
            ended = name
            continue
        if name:
            ended = None
            if 'numbers' in found and _is_block(lines[k + 1 : k + 1 + n], found['numbers']):
                warnings.warn(f'{here}: the block {quoted(line)} is not known and left out', PWmatWarning, stacklevel=2)
                k += n
        elif ended and line.split() and is_number(line.split()[0]):
            rows = 3 if ended == 'lattice' or ended in TENSORS else n
            raise here.error(f'{rows} rows of {ended}', f'one more, {quoted(line)}', f'The first line says {n} atoms.')
        k += 1
    for name in ('lattice', 'position'):
        if name not in found:
            raise CutOff(f'{place}: expected a {name.upper()} block in the structure that begins here, found none')
    return found


def _is_block(lines, numbers):
    """Whether lines are a block with a row for each atom."""
    words = [line.split() for line in lines]
    return len(lines) == len(numbers) and all(
        len(row) > 1 and row[0] == str(number) and is_number(row[1]) for row, number in zip(words, numbers)
    )


def _first_line(line, place):
    count = _COUNT.match(line)
    if not count or int(count[1]) == 0:
        todo = 'This is not a structure of PWmat, or its beginning is lost.'
        raise place.error('the number of atoms', quoted(line), todo)
    found = {'n': int(count[1])}
    iteration, energies, scf = _ITERATION.search(line), _ENERGIES.search(line), _SCF.search(line)
    if iteration:
        key = 'time_fs' if iteration[1] else 'iteration'
        value = place.numbers([iteration[2]], 'the time or iteration')[0]
        found[key] = value if iteration[1] else int(value)
    if energies:
        found['energies'] = place.numbers(energies.groups(), 'E_tot, E_p and E_k')
    if scf:
        found['scf_iterations'] = int(scf[1])
    return found


def _lattice(found, title, lines, place):
    """Three cell vectors, maybe each with a row of the stress, which is per atom where the title says so."""
    plain = [re.sub(r'stress\s*\([^)]*\)\s*:?', ' ', line, flags=re.IGNORECASE) for line in lines[:3]]
    rows = place.rows(plain, 3, 3, 'cell vectors in Å')
    found['lattice'] = rows[:, :3]
    if abs(np.linalg.det(rows[:, :3])) < 1e-6:
        raise place.error('cell vectors that span a volume', rows[:, :3].tolist())
    if rows.shape[1] >= 6:
        per_atom = 'natom' in title.lower() and not any('stress' in line.lower() for line in lines[:3])
        found['lattice_stress'] = rows[:, 3:6] * (found['n'] if per_atom else 1)


def _per_atom(found, name, title, lines, place):
    n, least = found['n'], PER_ATOM[name] + 1
    rows = place.rows(lines, n, least, title.strip().split(',')[0])
    if name == 'position':
        found['numbers'] = rows[:, 0].astype(int)
        wrong = np.flatnonzero((rows[:, 0] != found['numbers']) | (rows[:, 0] < 1) | (rows[:, 0] > 118))
        if rows.shape[1] >= 7:
            found['move'] = rows[:, 4:7] != 0
    else:
        wrong = np.flatnonzero(rows[:, 0] != found['numbers'])
    if len(wrong):
        k = wrong[0]
        known = 'an atomic number' if name == 'position' else f'atomic number {found["numbers"][k]} as in the positions'
        raise place.at(place.line + k).error(f'{known} for atom {k} of {name}', quoted(lines[k]))
    if name == 'atomic-energy':
        found[name] = rows[:, 1:4]
        constant = re.search(r'dE\s*\([^)]*\)\s*=\s*(\S+)', title)
        if constant and title[constant.end() :].strip():
            raise place.at(place.line - 1).error('the constant dE at the end of the line', quoted(title))
        if constant:
            found['dE'] = place.at(place.line - 1).numbers([constant[1]], 'the constant dE')[0]
    else:
        found[name] = rows[:, 1:least]


def lattice_text(lattice, stress=None):
    """Rows of the lattice block; ``stress`` in eV per cell is added to each."""
    rows = [_reals(row) for row in lattice]
    if stress is not None:
        rows = [f'{row}     stress (eV): {_reals(s)}' for row, s in zip(rows, stress)]
    return ''.join(row + '\n' for row in rows)


def per_atom_text(numbers, rows, move=None):
    """Rows of a block with a row per atom, with enough digits to give the same float64 numbers when read."""
    text = [f'{z:4d} {_reals(np.atleast_1d(row))}' for z, row in zip(numbers, rows)]
    if move is not None:
        text = [f'{row}  {a:d} {b:d} {c:d}' for row, (a, b, c) in zip(text, move)]
    return ''.join(row + '\n' for row in text)


def _reals(row):
    return ' '.join(f'{x:24.16E}' for x in row)
