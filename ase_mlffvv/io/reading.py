"""Structures from files of all formats that ASE reads. Errors name the file, what is wrong with it, and the remedy."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ase import Atoms
from ase.data import atomic_numbers
from ase.io import iread
from ase.io.formats import UnknownFileTypeError, filetype, ioformats, open_with_compression

from ..errors import ReadError, StructureFileError
from .xyz import check_xyz

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

DUMP, DATA = 'lammps-dump-text', 'lammps-data'
REFUSED = {'bundletrajectory': 'may contain pickled objects, which can run programs'}


@dataclass(frozen=True)
class FileType:
    """What a file of structures does not tell by itself.

    Parameters
    ----------
    format : str, optional
        Name of the format in ASE, if it cannot be recognized from the name or the content of the file.
    types : sequence of str, optional
        Chemical symbols of the atom types 1, 2, ... in files of LAMMPS that do not name the elements.
    """

    format: str | None = None
    types: tuple[str, ...] = ()

    def __post_init__(self):
        object.__setattr__(self, 'types', tuple(self.types))
        unknown = [symbol for symbol in self.types if symbol not in atomic_numbers or symbol == 'X']
        if unknown:
            raise ValueError(f'types must be chemical symbols such as Li, got {", ".join(map(repr, unknown))}')
        if self.format is not None and (self.format not in ioformats or not ioformats[self.format].can_read):
            raise ValueError(f"ASE reads no format '{self.format}'; 'ase info --formats' lists those that it knows")


def read_structures(path: str | Path, index: str | int | slice = ':', kind: FileType | None = None) -> list[Atoms]:
    """Read structures from a file.

    Parameters
    ----------
    path : path
        File in any format that ASE reads, or ``name@index`` as in :func:`ase.io.read`.
    index : int, slice or str
        Structures to read.
    kind : FileType, optional

    Raises
    ------
    FileNotFoundError, IsADirectoryError
    StructureFileError
        The file is empty or damaged, its format is unknown, it has no such structures, or it does not name elements.
    ValueError
        ``types`` are given for a file that is not one of LAMMPS.
    """
    return list(iread_structures(path, index, kind))


def read_structure(path: str | Path, index: int = -1, kind: FileType | None = None) -> Atoms:
    """Read one structure, by default the last; see :func:`read_structures`."""
    return read_structures(path, index, kind)[0]


def iread_structures(path: str | Path, index: str | int | slice = ':', kind: FileType | None = None) -> Iterator[Atoms]:
    """Iterate over the structures of a file with only some of them in memory; see :func:`read_structures`."""
    kind = kind or FileType()
    name = format_of(path, kind)
    settings = _elements(path, name, kind)
    if name == 'extxyz' and str(path) != '-':
        check_xyz(path if os.path.exists(path) else str(path).rpartition('@')[0])
    count, found = 0, iread(str(path), index, format=name, **settings)
    while True:
        try:
            atoms = next(found, None)
        except (ReadError, MemoryError):
            raise
        except Exception as error:  # readers of ASE raise all kinds of errors for damaged files
            if isinstance(error, OSError) and error.errno is not None:
                raise
            if isinstance(error, IndexError) and count == 0 and not isinstance(index, slice) and index != ':':
                raise StructureFileError(f"'{path}' has no structure with the index {index}") from error
            text = str(error).strip().splitlines()
            raise StructureFileError(
                f"'{path}' cannot be read as {name}, structure {count}: {type(error).__name__}"
                f'{": " + text[0] if text else ""}. The file is damaged, or of another format, which --format '
                '(FileType.format in Python) names.'
            ) from error
        if atoms is None:
            break
        count += 1
        yield atoms
    if count == 0:
        raise StructureFileError(f"'{path}' contains no structures{'' if index == ':' else f' in the range {index}'}")


def format_of(path: str | Path, kind: FileType | None = None) -> str:
    """Name of the format of a file in ASE.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, StructureFileError
    """
    path, given = str(path), kind.format if kind else None
    if path == '-':
        return given or 'json'
    file = path if os.path.exists(path) else path.rpartition('@')[0]
    if not os.path.exists(file):
        raise FileNotFoundError(f"there is no file '{path}'")
    if given is None:
        if os.path.isdir(file) and filetype(file) != 'bundletrajectory':
            given = filetype(file)
        elif os.path.isdir(file):
            raise IsADirectoryError(f"'{file}' is a folder; give the name of a file of structures")
        elif os.path.getsize(file) == 0:
            raise StructureFileError(f"'{file}' is empty")
        else:
            given = _recognized(file)
    if given in REFUSED:
        raise StructureFileError(f"'{path}': files of the format {given} are not read, since they {REFUSED[given]}")
    return given


def _recognized(file):
    try:
        name = filetype(file)  # which may be no more than the end of the name
        if name == 'runnerdata' and _is_data(file):  # so ASE takes all files that end in .data
            return DATA
        if name in ioformats and ioformats[name].can_read:
            return name
        raise UnknownFileTypeError(name)
    except UnknownFileTypeError:
        if _is_data(file):
            return DATA
        raise StructureFileError(
            f"'{file}' is not of a format that can be recognized; --format (FileType.format in Python) names it, see "
            "'ase info --formats'"
        ) from None
    except (ReadError, MemoryError, OSError):
        raise
    except Exception as error:
        raise StructureFileError(f"'{file}' is damaged: its format cannot be recognized ({error})") from error


def _is_data(file):
    """Whether a file begins like a data file of LAMMPS."""
    with open_with_compression(file, 'rb') as opened:
        head = opened.read(2000)
    lines = (rb'^\s*\d+\s+atoms\s*$', rb'^\s*\d+\s+atom types\s*$')
    return all(re.search(line, head, re.M) for line in lines)


def _elements(path, name, kind) -> dict[str, Any]:
    """Arguments of the reader with the elements of LAMMPS's atom types."""
    if name not in (DUMP, DATA):
        if kind.types:
            raise ValueError(f"types are elements of atom types of LAMMPS, but '{path}' has the format {name}")
        return {}
    if kind.types:
        return {'specorder': list(kind.types)} if name == DUMP else {
            'Z_of_type': {k: atomic_numbers[symbol] for k, symbol in enumerate(kind.types, 1)}}  # fmt: skip
    file = str(path) if os.path.exists(path) else str(path).rpartition('@')[0]
    names = (b'element', b'mass') if name == DUMP else (b'Masses', b'Atom Type Labels')
    with open_with_compression(file, 'rb') as opened:
        for line in opened:
            if name == DUMP and line.startswith(b'ITEM: ATOMS'):
                if set(names) & set(line.split()):
                    return {}
                break
            if name == DATA and line.strip().startswith(names):
                return {}
    raise StructureFileError(
        f"'{path}' has atom types of LAMMPS, but does not name their elements; --types Li ... (FileType.types in "
        'Python) gives the element of each type'
    )
