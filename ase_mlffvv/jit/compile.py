"""Kernels that Python calls: cached on disk, and compiled by one process while others wait for its machine code.

Two compilations of one source may differ in the order of sums that fast-math leaves open, and so in the last bits of
results. A restarted run, or one beside it, repeats the numbers only where it loads the same machine code.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock
from numba import njit


def kernel(**options):
    """Decorator: ``numba.njit`` with the cache and without the GIL; the first compilation is under a file lock.

    The lock is taken where a process loads or compiles a signature, once each, and never for a call. Where the cache
    folder takes no lock (a file system without, a read-only one), compilation goes on without.
    """

    def decorate(function):
        dispatcher = njit(cache=True, nogil=True, **options)(function)
        compile_now = dispatcher.compile

        def compile_once(signature):
            with _alone(dispatcher):
                return compile_now(signature)  # loads what another process has compiled meanwhile

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
