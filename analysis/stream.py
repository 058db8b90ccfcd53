"""Frames of a trajectory one at a time, even from a file to which a running simulation is still writing."""

from __future__ import annotations

import logging
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ase import Atoms
from ase.io import read

from ase_mlffvv.errors import StructureFileError
from ase_mlffvv.io.reading import FileType, format_of, iread_structures
from ase_mlffvv.io.xyz import xyz_frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

log = logging.getLogger('mlffvv_analysis')

NAMES = ('trajectory.vvtraj', 'trajectory.extxyz', 'trajectory.traj')


def trajectory_of(path: Any) -> Any:
    """Path of a trajectory: that in a folder, if the path is one, and otherwise the path itself.

    Raises
    ------
    FileNotFoundError
        The folder holds no trajectory, or there is no such file; the message names one that is there.
    ValueError
        The folder holds more than one trajectory.
    """
    if not isinstance(path, (str, Path)):
        return path
    folder = Path(path) if Path(path).is_dir() else Path(path).parent
    found = [folder / name for name in NAMES if (folder / name).is_file()]
    if Path(path).is_dir():
        if len(found) > 1:
            raise ValueError(f"'{path}' holds more than one trajectory: give one of {', '.join(map(str, found))}")
        if not found:
            raise FileNotFoundError(f"the folder '{path}' holds no trajectory ({', '.join(NAMES)})")
        return found[0]
    if not Path(path).exists() and found and Path(path).name in NAMES:
        raise FileNotFoundError(f"there is no trajectory '{path}', but '{found[0]}'")
    return path


def frames(
    trajectory: str | Path | Iterable[Atoms], offset: int = 0, skip: int = 0, kind: FileType | None = None
) -> Iterator[tuple[Atoms, int]]:
    """Iterate over the frames of a trajectory with only one frame in memory.

    Parameters
    ----------
    trajectory : path or iterable of Atoms
        File in any format that ASE reads, or structures. An extended XYZ file may grow while it is read; an incomplete
        last frame is left out.
    offset : int
        Number of bytes to skip in an extended XYZ file.
    skip : int
        Number of frames to skip in other sources.
    kind : FileType, optional
        Format of the file and elements of its atom types, if the file does not tell them.

    Yields
    ------
    atoms : Atoms
    offset : int
        Number of bytes up to the end of this frame; 0 for sources other than extended XYZ files.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If the file is empty or not a trajectory.
    StructureFileError
        A frame is damaged.
    """
    if isinstance(trajectory, Atoms):
        trajectory = [trajectory]
    if not isinstance(trajectory, (str, Path)):
        yield from ((atoms, 0) for atoms in islice(trajectory, skip, None))
    elif is_xyz(trajectory, kind):
        yield from _xyz(Path(trajectory), offset)
    else:
        before = max(skip - 1, 0)  # a frame that exists: without one there is an error
        source = iread_structures(trajectory, f'{before}:', kind)
        yield from ((atoms, 0) for atoms in islice(source, skip - before, None))


def is_xyz(trajectory: Any, kind: FileType | None = None) -> bool:
    """Whether the file is in the extended XYZ format, in which frames are found by their offset in bytes."""
    path = Path(trajectory)
    if not path.exists():
        raise FileNotFoundError(f"there is no trajectory '{path}'")
    if path.stat().st_size == 0:
        raise StructureFileError(f"'{path}' is empty")
    return format_of(path, kind) == 'extxyz' and not (kind and kind.types)


def _xyz(path, offset):
    with open(path, 'rb') as file:
        file.seek(offset)
        start = offset
        for lines, end, complete in xyz_frames(file, str(path)):
            if not complete:
                log.warning("'%s': the last frame (at byte %d) is left out: it is still being written, or the file was "
                            'cut off', path, start)  # fmt: skip
                return
            yield _parsed(lines, path, start), end
            start = end


def _parsed(lines, path, start):
    if len(lines) == 2:
        return Atoms()
    try:
        return read(StringIO(b''.join(lines).decode()), format='extxyz')
    except Exception as error:  # of ASE, which raises all kinds of errors for damaged frames
        raise StructureFileError(
            f"'{path}', frame at byte {start}: it cannot be read ({type(error).__name__}: {error}). The file is "
            'damaged; copy it again.'
        ) from error
