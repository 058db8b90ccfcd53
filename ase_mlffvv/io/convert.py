"""Conversion of trajectories and structures between file formats, one frame at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ase.io import iread, read, write
from ase.io.formats import UnknownFileTypeError, filetype, ioformats, string2index
from tqdm import tqdm

from . import lammps_dump
from .files import complete, refuse_existing
from .packed.frames import append_frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ase import Atoms


DUMP, DATA = 'lammps-dump-text', 'lammps-data'
ENDINGS = {'.dump': DUMP, '.lammpstrj': DUMP, '.data': DATA, '.lmp': DATA, '.vvtraj': 'mlffvv-packed',
           '.extxyz': 'extxyz', '.xyz': 'extxyz'}  # fmt: skip


def convert(
    source: str | Path,
    target: str | Path,
    *,
    frames: str = ':',
    elements: Sequence[str] = (),
    format: str | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> int:
    """Convert a file.

    Parameters
    ----------
    source, target : path
        Any formats of ASE, packed trajectories, and LAMMPS data files and text dumps in metal units. The format of the
        source is found by its content or ending, that of the target by its ending: ``.dump`` or ``.lammpstrj``,
        ``.data`` or ``.lmp``, ``.vvtraj``, ``.extxyz``, ...
    frames : str
        Frames as in :func:`ase.io.read`: ``':'``, ``'-1'``, ``'::10'``.
    elements : sequence of str
        Element map of LAMMPS: symbols of the types 1, 2, ... By default, a file is written with the elements in the
        order of the alphabet.
    format : str, optional
        Format of the target, by its name in ASE.
    overwrite : bool
        Replace the target.
    progress : bool
        Show a progress bar.

    Returns
    -------
    int
        Number of frames written.

    Raises
    ------
    ValueError
        The source has no such frames, a format is unknown or takes only one structure, or the element map is missing or
        does not fit.
    FileExistsError
        The target exists, or is the source.
    """
    refuse_existing(target, overwrite, [source])
    kind = format or _format_of(target)
    if kind not in ioformats or not (ioformats[kind].can_write or kind == DUMP):
        raise ValueError(f"files of the format '{kind}' cannot be written")
    found = tqdm(_read(source, frames, elements), desc='convert', unit='frame', disable=not progress)
    with complete(target) as temporary:
        count = _write(temporary, found, kind, list(elements))
    if count == 0:
        raise ValueError(f"'{source}' has no frames '{frames}'")
    return count


def _format_of(path):
    ending = Path(path).suffix.lower()
    if ending in ENDINGS:
        return ENDINGS[ending]
    try:
        found = filetype(str(path), read=False)
    except UnknownFileTypeError:
        found = ''
    if found not in ioformats:
        raise ValueError(f"the ending of '{path}' tells no format; use {', '.join(ENDINGS)}, one of ASE's, or --format")
    return found


def _read(source, frames, elements) -> Iterator[Atoms]:
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"there is no file '{source}'")
    kind = DATA if path.suffix.lower() in ('.data', '.lmp') else filetype(str(path))
    if kind == DUMP:
        yield from lammps_dump.read_frames(path, frames, elements)
        return
    if kind == DATA:
        yield _read_data(path, elements)
        return
    try:
        yield from iread(str(path), string2index(frames))
    except IndexError:
        return


def _read_data(path, elements):
    """Structure of a LAMMPS data file, whose elements come from the map, its type labels or its masses."""
    from ase.data import atomic_numbers

    text = path.read_text()
    if not elements and 'Masses' not in text and 'Atom Type Labels' not in text:
        raise ValueError(
            f"'{path}' numbers the types of its atoms, and has no masses or labels that name their elements; give "
            'these in order, for example: --elements Li'
        )
    unknown = [symbol for symbol in elements if symbol not in atomic_numbers]
    if unknown:
        raise ValueError(f'{", ".join(unknown)} in the element map are no chemical elements')
    numbers = {k: atomic_numbers[symbol] for k, symbol in enumerate(elements, 1)}
    try:
        atoms = read(path, format=DATA, Z_of_type=numbers or None)
    except KeyError as error:
        raise ValueError(f"'{path}' has the type {error}, beyond the element map {' '.join(elements)}") from None
    for name in ('id', 'type', 'mmcharges'):
        atoms.arrays.pop(name, None)
    return atoms


def _write(path, found, kind, elements):
    count, only = 0, None
    if kind == DUMP:
        with open(path, 'w') as file:
            for count, atoms in enumerate(found, 1):
                step = atoms.info.get('step', count - 1)
                lammps_dump.write_frame(file, atoms, int(step), elements or sorted(set(atoms.symbols)))
        return count
    for count, atoms in enumerate(found, 1):
        if kind == 'mlffvv-packed':
            append_frame(path, atoms)
        elif kind == DATA or ioformats[kind].single:
            only = atoms
            if count > 1:
                raise ValueError(f"a file of the format '{kind}' holds one structure; choose a frame, such as: "
                                 '--frames -1')  # fmt: skip
        else:
            write(path, atoms, format=kind, append=count > 1)
    if kind == DATA and only is not None:
        order = elements or sorted(set(only.symbols))
        write(path, only, format=DATA, specorder=order, masses=True, atom_type_labels=True,
              velocities=only.has('momenta'))  # fmt: skip
    elif only is not None:
        write(path, only, format=kind)
    return count
