"""Run compiled kernels, which release the GIL, over blocks of atoms on threads."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

_pools: dict[tuple[int, int], ThreadPoolExecutor] = {}


def available_threads():
    """Number of processors that this process may use, limited by ``NUMBA_NUM_THREADS`` or ``OMP_NUM_THREADS``."""
    n = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    for name in ('NUMBA_NUM_THREADS', 'OMP_NUM_THREADS'):
        if os.environ.get(name, '').isdigit() and int(os.environ[name]) > 0:
            return min(n, int(os.environ[name]))
    return n


def over_blocks(function, n_items, n_threads):
    """Call ``function(begin, end)`` in parallel for ``n_threads`` blocks of ``n_items``; results are in order."""
    n_threads = max(1, min(n_threads, n_items))
    edges = [n_items * k // n_threads for k in range(n_threads + 1)]
    return list(in_order(function, edges, n_threads))


def in_order(function, edges, n_threads):
    """Yield ``function(begin, end)`` of the blocks between ``edges`` in order, computed by the next free thread.

    Sums over the results in this order depend neither on timing nor on the number of threads.
    """
    n_threads = min(n_threads, len(edges) - 1)
    if n_threads <= 1:
        yield from map(function, edges[:-1], edges[1:])
        return
    key = os.getpid(), n_threads  # a pool does not survive a fork
    if key not in _pools:  # if two threads create a pool, one is kept; an unused pool has no threads
        _pools.setdefault(key, ThreadPoolExecutor(n_threads, thread_name_prefix='mlffvv'))
    yield from _pools[key].map(function, edges[:-1], edges[1:])
