"""Files that appear only when they are complete."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def complete(path):
    """A temporary path beside ``path`` to write to.

    At the end of the block it is brought to the disk and takes the place of ``path``; after an error it is removed,
    and what was at ``path`` stays.

    Parameters
    ----------
    path : path
        A link is followed.
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f'.{path.name}.part')
    try:
        yield temporary
        with open(temporary, 'rb+') as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
