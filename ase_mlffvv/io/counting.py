"""How many frames a file has, without reading all of it, for progress bars."""

from __future__ import annotations

import os
import warnings
from itertools import islice
from pathlib import Path

from ..errors import TrajectoryWarning
from .packed.records import MAGIC, Records


def estimated_frames(path: str | Path) -> int | None:
    """Number of frames of a trajectory; None if it cannot be told quickly.

    Text files (extended XYZ, dumps of LAMMPS) are judged by the length of their first frame, so that the number may be
    off by some percent.
    """
    path = Path(path)
    try:
        with open(path, 'rb') as file:
            start = file.read(len(MAGIC))
            if start == MAGIC:
                return _records(file, path)
            if start.startswith(b'- of Ulm'):
                return _items(path)
            file.seek(0)
            length = _first_frame(file)
        return max(1, round(os.path.getsize(path) / length)) if length else None
    except (OSError, ValueError, UnicodeDecodeError):
        return None


def _records(file, path):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', TrajectoryWarning)  # the reader warns of a frame that is cut off
        return len(Records(file, path))


def _items(path):
    from ase.io import ulm

    with ulm.open(str(path)) as file:
        return len(file)


def _first_frame(file):
    """Bytes of the first frame of a text file."""
    line = file.readline()
    if line.strip().isdigit():
        return len(line) + sum(map(len, islice(file, int(line) + 1)))
    length, begun = len(line), line.startswith((b'ITEM: TIMESTEP', b'ITEM: TIME'))
    if not begun:
        return None
    inside = False
    for line in file:
        if inside and line.startswith(b'ITEM:'):
            return length
        inside = inside or line.startswith(b'ITEM: ATOMS')
        length += len(line)
    return length
