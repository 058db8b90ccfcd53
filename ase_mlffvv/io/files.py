"""Writing of files that appear only when they are complete."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def complete(path):
    """Context manager that yields a temporary path in the folder of ``path`` to which to write.

    At the end of the block, the temporary file is flushed to disk and replaces ``path``. After an error, it is removed
    and ``path`` remains unchanged.

    Parameters
    ----------
    path : path
        File to write; symbolic links are followed.
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
