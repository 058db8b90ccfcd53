"""Compilation of the kernels that Python calls: one process compiles and caches them on disk while others wait.

With fast-math, two compilations of the same source may differ in the order of sums, and therefore in the last bits of
results. A restarted or concurrent run reproduces the numbers only if it loads the same machine code.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock
from numba import njit


def kernel(**options):
    """Decorator: ``numba.njit`` with a cache on disk, without the GIL, and with a file lock for compilation.

    A process takes the lock once for each signature that it loads or compiles, and never for a call. If the cache
    folder cannot be locked (for example on a read-only file system), the kernel is compiled without a lock.
    """

    def decorate(function):
        dispatcher = njit(cache=True, nogil=True, **options)(function)
        compile_now = dispatcher.compile

        def compile_once(signature):
            with _alone(dispatcher):
                return compile_now(signature)  # loads the machine code if another process has compiled it meanwhile

        dispatcher.compile = compile_once
        return dispatcher

    return decorate


@contextmanager
def _alone(dispatcher):
    lock = None
    folder = dispatcher.stats.cache_path
    if folder is not None:
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            lock = FileLock(Path(folder) / f'{dispatcher.__module__}.{dispatcher.__name__}.lock', thread_local=False)
            lock.acquire()
        except (OSError, NotImplementedError):
            lock = None
    try:
        yield
    finally:
        if lock is not None:
            lock.release()
