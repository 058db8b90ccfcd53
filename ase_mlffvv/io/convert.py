"""Conversion of trajectories and structures between file formats, one frame at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ase.io import write
from ase.io.formats import UnknownFileTypeError, filetype, ioformats
from tqdm import tqdm

from . import lammps_dump
from .counting import estimated_frames
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
        total = estimated_frames(source) if frames == ':' else None
        found = tqdm(found, desc='convert', unit='frame', total=total, disable=not progress)
        return _write(temporary, found, goal, list(types))


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
    """Write frames one by one where the format allows it, and return their number."""
    count, rest = 0, []
    with open(path, 'w') as file:
        for count, atoms in enumerate(found, 1):
            if goal == DUMP:
                step = atoms.info.get('step', atoms.info.get('timestep', count - 1))
                lammps_dump.write_frame(file, atoms, int(step), types or sorted(set(atoms.symbols)))
            elif goal == 'extxyz':
                write(file, atoms, format=goal)
            elif goal == 'mlffvv-packed':
                append_frame(path, atoms)
            else:
                rest.append(atoms)
            if goal in ioformats and ioformats[goal].single and count > 1:
                raise ValueError(f"a file of the format '{goal}' holds one structure; choose a frame, such as: "
                                 '--frames -1')  # fmt: skip
    if goal == DATA:
        order = types or sorted(set(rest[0].symbols))
        write(path, rest[0], format=DATA, specorder=order, masses=True, atom_type_labels=True,
              velocities=rest[0].has('momenta'))  # fmt: skip
    elif rest:
        write(path, rest, format=goal)
    return count
