"""Frames of extended XYZ files: where they begin and end, and whether their numbers of atoms and columns are right.

ASE believes the number of atoms in front of a frame. If that number was changed, later frames are lost in silence.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from ase.io.formats import open_with_compression

from ..errors import StructureFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

DAMAGED = 'The file is damaged; copy it again'
_CONTROL = re.compile(rb'[\x00-\x08\x0b-\x1f\x7f]')
_PBC = re.compile(rb'(\S*)="?[TF] [TF] [TF]"')
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*"|\{[^}]*\}|\[[^]]*\]')
_KEY = re.compile(rb'(?:^|\s)([^\s="]+)=')
_COMMENT = re.compile(rb'(?:^|\s)(?:Properties|Lattice)=')
_KIND = re.compile(rb':[SRIL]:(\d+)')
_PROPERTIES = re.compile(rb'Properties="?([\w:.-]+)')


def xyz_frames(file: BinaryIO, name: str) -> Iterator[tuple[list[bytes], int, bool]]:
    """Frames of an extended XYZ file from its present position on, as lines.

    Parameters
    ----------
    file : binary file
    name : str
        Name of the file in messages.

    Yields
    ------
    lines : list of bytes
        Number of atoms, comment, and a line for each atom.
    end : int
        Number of bytes up to the end of the frame.
    complete : bool
        False for a last frame that is still being written, or was cut off.

    Raises
    ------
    StructureFileError
        A frame does not begin with its number of atoms, has another number of lines, or another number of columns than
        its comment says.
    """
    start = file.tell()
    while first := file.readline():
        if not first.strip():
            start = file.tell()
            continue
        where = f"'{name}', frame at byte {start}"
        try:
            count = int(first)
        except ValueError:
            count = -1
        if count < 0:
            raise StructureFileError(
                f'{where}: expected a number of atoms, got {first[:40]!r}. The file is damaged, or the number of atoms '
                'of the frame before is too small.'
            )
        lines = [first, *islice(file, count + 1)]
        complete = len(lines) == count + 2 and lines[-1].endswith(b'\n')
        _check(lines if complete else lines[:-1], count, where)
        start = file.tell()
        yield lines, start, complete


def check_xyz(path, name=None):
    """Raise :class:`.StructureFileError` if frames of an extended XYZ file are damaged or the last one is cut off."""
    name = str(name or path)
    with open_with_compression(str(path), 'rb') as file:
        for lines, end, complete in xyz_frames(file, name):
            if not complete:
                raise StructureFileError(
                    f"'{name}': the last frame has {max(len(lines) - 2, 0)} of {int(lines[0])} atoms at the end of the "
                    f'file (byte {end}), or no end of its last line. The file was cut off, or its number of atoms was '
                    'changed: copy it again, or end the line if the file is whole.'
                )


def _check(lines, count, where):
    """Check the lines of the atoms of a frame that begins at ``where``."""
    columns = _columns(lines[1], where) if len(lines) > 2 else None
    for k, line in enumerate(lines[2:]):
        last = k + 3 == len(lines) and line.strip().isdigit()  # the number of atoms of the next frame
        if last or (b'=' in line and _COMMENT.search(line)):
            found = k if last else k - 1
            raise StructureFileError(
                f'{where}: the first line says {count} atoms, but the next frame begins after {found}. The file is '
                'damaged: correct the number, or copy the file again.'
            )
        n = len(line.split())
        if _CONTROL.search(line.rstrip(b'\r\n')):
            raise StructureFileError(f'{where}: atom {k} has control characters: {line[:60]!r}. {DAMAGED}.')
        if columns is None or n == columns or (k + 3 < len(lines) and _COMMENT.search(lines[k + 3])):
            continue  # right, or the number of atoms of the next frame, of which the next line tells
        raise StructureFileError(
            f'{where}: atom {k} has {n} columns, its comment (Properties) says {columns}: {line[:60]!r}. {DAMAGED}.'
        )


def _columns(comment, where):
    """Number of columns that a comment states, or None."""
    keys = {name: _like(name, comment) for name in (b'Lattice', b'Properties')}
    for name, key in {**keys, b'pbc': _PBC.search(comment)}.items():
        if key and key[1] != name:
            raise StructureFileError(
                f"{where}: '{key[1].decode(errors='replace')}' stands for '{name.decode()}' in its comment. {DAMAGED}."
            )
    found = _PROPERTIES.search(comment)
    words = _QUOTED.sub(b'Q', comment).split() if found else []
    strange = [word for word in words if word.count(b'=') > 1 or (b'=' not in word and re.search(rb'\d', word))]
    if strange or _CONTROL.search(comment.rstrip(b'\r\n')):
        what = f'{strange[0]!r} is not KEY=VALUE' if strange else 'control characters'
        raise StructureFileError(f'{where}: its comment cannot be understood ({what}): {comment[:60]!r}. {DAMAGED}.')
    numbers = found[1].split(b':')[2::3] if found else _KIND.findall(comment)
    if found and all(n.isdigit() for n in numbers):
        return sum(map(int, numbers))
    if numbers:
        raise StructureFileError(
            f'{where}: the columns in its comment (Properties) cannot be understood: {comment[:60]!r}. {DAMAGED}.'
        )
    return None


def _like(name, comment):
    """Match of a key of a comment that is ``name`` but for one character, or None."""
    for key in _KEY.finditer(comment):
        if len(key[1]) == len(name) and sum(a != b for a, b in zip(key[1], name)) == 1:
            return key
    return None
