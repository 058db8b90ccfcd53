"""Conversion of trajectories and structures between file formats, one frame at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ase.io import write
from ase.io.formats import UnknownFileTypeError, filetype, ioformats
from tqdm import tqdm

from . import lammps_dump
from .files import complete, refuse_existing
from .packed.frames import append_frame
from .reading import DATA, DUMP, FileType, format_of, iread_structures

if TYPE_CHECKING:
    from collections.abc import Sequence


ENDINGS = {'.dump': DUMP, '.lammpstrj': DUMP, '.data': DATA, '.lmp': DATA, '.vvtraj': 'mlffvv-packed',
           '.extxyz': 'extxyz', '.xyz': 'extxyz'}  # fmt: skip


def convert(
    source: str | Path,
    target: str | Path,
    *,
    frames: str = ':',
    types: Sequence[str] = (),
    kind: str | None = None,
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
    types : sequence of str
        Element map of LAMMPS: chemical symbols of the atom types 1, 2, ..., of a source that does not name the
        elements, and of a target. By default, a target has the elements in the order of the alphabet.
    kind : str, optional
        Format of the source, by its name in ASE, if it cannot be recognized.
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
        A format is unknown or takes only one structure, or the element map does not fit.
    StructureFileError
        The source is damaged, has no such frames, or does not name its elements; see
        :func:`ase_mlffvv.io.reading.read_structures`.
    FileExistsError
        The target exists, or is the source.
    """
    refuse_existing(target, overwrite, [source])
    goal = format or _format_of(target)
    if goal not in ioformats or not (ioformats[goal].can_write or goal == DUMP):
        raise ValueError(f"files of the format '{goal}' cannot be written")
    lammps = format_of(source, FileType(kind)) in (DUMP, DATA)
    found = iread_structures(source, frames, FileType(kind, tuple(types) if lammps else ()))
    with complete(target) as temporary:
        return _write(temporary, tqdm(found, desc='convert', unit='frame', disable=not progress), goal, list(types))


def _format_of(path):
    ending = Path(path).suffix.lower()
    if ending in ENDINGS:
        return ENDINGS[ending]
    try:
        found = filetype(str(path), read=False)
    except UnknownFileTypeError:
        found = ''
    if found not in ioformats:
        raise ValueError(f"the ending of '{path}' tells no format; use {', '.join(ENDINGS)}, one of ASE's, or --to")
    return found


def _write(path, found, goal, types):
    count, only = 0, None
    if goal == DUMP:
        with open(path, 'w') as file:
            for count, atoms in enumerate(found, 1):
                step = atoms.info.get('step', atoms.info.get('timestep', count - 1))
                lammps_dump.write_frame(file, atoms, int(step), types or sorted(set(atoms.symbols)))
        return count
    for count, atoms in enumerate(found, 1):
        if goal == 'mlffvv-packed':
            append_frame(path, atoms)
        elif goal == DATA or ioformats[goal].single:
            only = atoms
            if count > 1:
                raise ValueError(f"a file of the format '{goal}' holds one structure; choose a frame, such as: "
                                 '--frames -1')  # fmt: skip
        else:
            write(path, atoms, format=goal, append=count > 1)
    if goal == DATA and only is not None:
        order = types or sorted(set(only.symbols))
        write(path, only, format=DATA, specorder=order, masses=True, atom_type_labels=True,
              velocities=only.has('momenta'))  # fmt: skip
    elif only is not None:
        write(path, only, format=goal)
    return count
