"""Input of a calculation, etot.input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .keywords import key_lines, read_keys, upper_keys
from .text import Place, quoted, reading, replacing, whole_lines

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO


REQUIRED = ('JOB', 'IN.ATOM', 'IN.PSP1')


def read_etot_input(file: str | Path | TextIO) -> dict:
    """Settings of etot.input.

    Parameters
    ----------
    file : path or text file

    Returns
    -------
    dict
        ``NODE1`` and ``NODE2`` of the first line, then the keys in upper case in the order of the file. Values are
        bool (T, F), int, float, str, or a tuple of these where there are several. Units as in the file: Ry for ECUT,
        eV for energies.

    Raises
    ------
    PWmatFileError
        A line is not ``KEY = value``, or a key stands twice.
    """
    with reading(file) as (text, name):
        lines = whole_lines(text, name)
    first = next((k for k, line in enumerate(lines) if line.split('#')[0].strip()), 0)
    head = lines[first].split('#')[0].split() if lines else []
    if len(head) < 2 or not all(token.isdigit() for token in head[:2]):
        raise Place(name, first + 1).error('two whole numbers, NODE1 and NODE2', quoted(' '.join(head)))
    nodes = {'NODE1': int(head[0]), 'NODE2': int(head[1])}
    return {**nodes, **read_keys(lines, first + 1, name)}


def write_etot_input(file: str | Path | TextIO, settings: dict) -> None:
    """Write etot.input.

    Parameters
    ----------
    file : path or text file
        A file of this name is replaced only when the new one is complete.
    settings : dict
        As :func:`read_etot_input` returns it; keys in any case, None is left out. NODE1 and NODE2 are 1 by default.

    Raises
    ------
    ValueError
        JOB, IN.ATOM or IN.PSP1 is missing, or a value cannot be written.
    """
    settings = upper_keys(settings)
    missing = [key for key in REQUIRED if key not in settings]
    if missing:
        raise ValueError(f'etot.input needs {", ".join(REQUIRED)}; {", ".join(missing)} is missing')
    nodes = [settings.pop(name, 1) for name in ('NODE1', 'NODE2')]
    with replacing(file) as out:
        out.writelines([f'{nodes[0]} {nodes[1]}\n', *key_lines(settings)])
