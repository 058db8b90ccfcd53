"""Tables with a line per step: RELAXSTEPS and MDSTEPS."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

import numpy as np

from ...errors import PWmatFileError, PWmatWarning
from .text import CutOff, Place, quoted, reading

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO


RELAX_NAMES = {'E': 'energy', 'Av_F': 'average_force', 'M_F': 'max_force'}
MD_NAMES = {
    'Iter(fs)': ('time',),
    'Etot,Ep,Ek(eV)': ('total_energy', 'energy', 'kinetic_energy'),
    'Temp(K)': ('temperature',),
    'aveTemp(K)': ('average_temperature',),
}


def read_relaxsteps(file: str | Path | TextIO) -> dict:
    """Steps of a relaxation, RELAXSTEPS.

    Parameters
    ----------
    file : path or text file

    Returns
    -------
    dict of ndarray, shape (n_steps,)
        ``step`` (int), ``kind`` (str: NEW, CORR, TRIAL, END), ``energy`` (eV), ``average_force`` and ``max_force``
        (eV/Å); the other columns under the names of the file (dE, dRho, SCF, dL, p*F, p*F0, Fch, ...). NaN where a line
        lacks a column.

    Raises
    ------
    PWmatFileError
        A line is not of this kind. A last line that is cut off is left out, with a PWmatWarning.
    """
    rows = []
    for place, pairs in _pairs(file, 'E'):
        before, head = pairs.pop(''), pairs.pop('It', None)
        head = before[1:] if head is None else head  # with hybrid functionals 'HSE number kind E= ...'
        if len(head) != 2 or not re.fullmatch(r'-?\d+', head[0]):
            raise place.error("'It= number kind E= ...'", quoted(' '.join(head)))
        row = {'step': int(head[0]), 'kind': head[1].strip('*')}
        row.update((RELAX_NAMES.get(key, key), values[0]) for key, values in pairs.items())
        rows.append(row)
    return _columns(rows, file, tuple(RELAX_NAMES.values()))


def read_mdsteps(file: str | Path | TextIO) -> dict:
    """Steps of a molecular dynamics run, MDSTEPS.

    Parameters
    ----------
    file : path or text file

    Returns
    -------
    dict of ndarray, shape (n_steps,)
        ``time`` (fs), ``total_energy``, ``energy`` (E_p) and ``kinetic_energy`` (eV), ``temperature`` and
        ``average_temperature`` (K); the other columns under the names of the file (dE, dRho, SCF, dL, Fcheck, ...), the
        first number of each. NaN where a line lacks a column.

    Raises
    ------
    PWmatFileError
        A line is not of this kind. A last line that is cut off is left out, with a PWmatWarning.
    """
    rows = []
    for place, pairs in _pairs(file, 'Iter(fs)'):
        row: dict = {}
        del pairs['']
        for key, values in pairs.items():
            names = MD_NAMES.get(key, (key,))
            if len(values) < len(names) or (key in MD_NAMES and len(values) > len(names)):
                raise place.error(f'{len(names)} numbers after {key}=', values)
            row.update(zip(names, values))
        rows.append(row)
    return _columns(rows, file, tuple(name for names in MD_NAMES.values() for name in names))


def _pairs(file, needed):
    """(place, values by key) of each line of ``key= values key= values``; what stands before the first key is at ''."""
    with reading(file) as (text, name):
        lines = [(k, line) for k, line in enumerate(text, 1) if line.strip()]
    if not lines:
        raise PWmatFileError(f'{name}: expected lines with {needed}=, found an empty file')
    for k, line in lines:
        place = Place(name, k)
        if '\ufffd' in line or not line.strip().replace('\t', ' ').isprintable():
            raise place.error('text', quoted(line), 'The file is damaged; copy it again.')
        if line.endswith('\n'):
            yield place, _split(place, line, needed)
        elif len(lines) == 1:
            raise CutOff(f'{place}: expected the end of the line, found the end of the file. The file is cut off.')
        else:
            warnings.warn(f'{place}: the last line is cut off and left out', PWmatWarning, stacklevel=3)


def _split(place, line, needed):
    pieces = [piece.split() for piece in line.split('=')]
    keys, values = [piece[-1:] for piece in pieces[:-1]], [piece[:-1] for piece in pieces[1:-1]] + pieces[-1:]
    if not all(keys) or not all(values) or [needed] not in keys:
        raise place.error(f'{needed}= and other keys, each with a value', quoted(line))
    pairs = {'': pieces[0][:-1]}
    for (key,), words in zip(keys, values):
        pairs[key] = words if key == 'It' else place.numbers(words, f'numbers after {key}=')
        if len(words) > 1 and key in ('E', 'Av_F', 'M_F', 'SCF'):
            raise place.error(f'1 number after {key}=', quoted(line))
    return pairs


def _columns(rows, file, needed):
    """Columns of a table; those of ``needed`` are in all of its lines or in none."""
    for name in needed:
        having = [k for k, row in enumerate(rows) if name in row]
        if 0 < len(having) < len(rows):
            k = next(k for k in range(len(rows)) if k not in having)
            raise PWmatFileError(
                f'{file}: expected {name} in step {k} as in others, found none. The file is damaged; copy it again.'
            )
    columns = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row.get(name, np.nan) for row in rows]
        whole = name in ('step', 'SCF') and all(name in row and row[name] == int(row[name]) for row in rows)
        columns[name] = np.array(values, int if whole else None)
    return columns
