"""Compilation of the kernels that Python calls: one process compiles and caches them on disk while others wait.

With fast-math, two compilations of the same source may differ in the order of sums, and therefore in the last bits of
results. A restarted or concurrent run reproduces the numbers only if it loads the same machine code.

Kernels call functions of other files, whose code becomes part of theirs. Numba compares only the file of the kernel
itself with its cache, so it could load machine code of an earlier version; here all sources of kernels count.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock

from filelock import FileLock
from numba import njit
from tqdm import tqdm

log = logging.getLogger(__name__)
USUAL = 6  # kernels that the first calculation with the default potential compiles
SOURCES = ('jit', 'kernels', 'neighbors')  # rooms with code that kernels consist of


@lru_cache
def source_digest():
    """SHA-256 of all sources that compiled kernels can consist of."""
    package, found = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(path for room in SOURCES for path in (package / room).rglob('*.py')):
        found.update(f'{path.relative_to(package)}\n'.encode() + path.read_bytes())
    return found.hexdigest()


def kernel(**options):
    """Decorator: ``numba.njit`` with a cache on disk, without the GIL, and with a file lock for compilation.

    A process takes the lock once for each signature that it loads or compiles, and never for a call. If the cache
    folder cannot be locked (for example on a read-only file system), the kernel is compiled without a lock.
    """

    def decorate(function):
        dispatcher = njit(cache=True, nogil=True, **options)(function)
        if dispatcher is function:  # NUMBA_DISABLE_JIT
            return function
        index = getattr(dispatcher._cache, '_cache_file', None)  # without a folder for the cache there is none
        if index is not None:
            index._source_stamp = (index._source_stamp, source_digest())
        compile_now = dispatcher.compile

        def compile_once(signature):
            with _alone(dispatcher), _told(dispatcher, signature):
                return compile_now(signature)  # loads the machine code if another process has compiled it meanwhile

        dispatcher.compile = compile_once
        return dispatcher

    return decorate


class _Notice:
    """Bar over the kernels that are compiled now, because their machine code is not on disk yet."""

    def __init__(self):
        self.bar, self.lock = None, Lock()

    def begin(self, name):
        with self.lock:
            if self.bar is None:
                log.info('compiling kernels once for this machine, about 30 s')
                self.bar = tqdm(total=USUAL, desc='compiling kernels once, about 30 s', leave=False, disable=None,
                                bar_format='{desc}: {percentage:3.0f}%|{bar}| [{elapsed}<{remaining}]')  # fmt: skip
            log.debug('compiling %s', name)

    def end(self):
        with self.lock:
            if self.bar is None:
                return
            self.bar.total = max(self.bar.total or 0, self.bar.n + 1)
            self.bar.update()
            if self.bar.n >= USUAL:
                self.bar.close()
                self.bar = None


_notice = _Notice()


@contextmanager
def _told(dispatcher, signature):
    """Tell the user of a compilation; loading from the disk is quick, and goes without a word."""
    if _on_disk(dispatcher, signature):
        yield
        return
    _notice.begin(dispatcher.__name__)
    try:
        yield
    finally:
        _notice.end()


def _on_disk(dispatcher, signature):
    """Whether the cache holds the machine code; True where Numba does not say."""
    try:
        key = dispatcher._cache._index_key(signature, dispatcher.targetctx.codegen())
        return key in dispatcher._cache._cache_file._load_index()
    except (AttributeError, TypeError, OSError):
        return True


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
