"""Launch sizes, prefix sums and the maximum over threads for CUDA kernels; imports numba.cuda."""

from __future__ import annotations

import warnings
from contextlib import contextmanager

import numpy as np
from numba import cuda, float64

CHUNK = 32
BLOCK = 64  # threads


def grid(n):
    """Numbers of blocks and threads for n items."""
    threads = min(BLOCK, max(n, 1))
    return max(1, -(-n // threads)), threads


@contextmanager
def on_gpu(device):
    """Context in which the GPU with this number is used, without warnings that small structures underuse it."""
    with cuda.gpus[device], warnings.catch_warnings():
        warnings.filterwarnings('ignore', 'Grid size')  # the class of the warning differs between versions
        yield


@cuda.jit
def fill(array, n, value):
    """Set the first n items of an array."""
    i = cuda.grid(1)
    if i < n:
        array[i] = value


@cuda.jit
def _chunk_sums(values, n, sums):
    t = cuda.grid(1)
    if t * CHUNK < n:
        total = 0
        for i in range(t * CHUNK, min((t + 1) * CHUNK, n)):
            total += values[i]
        sums[t] = total


@cuda.jit
def _chunk_scan(values, n, starts, out):
    t = cuda.grid(1)
    if t * CHUNK < n:
        total = starts[t]
        for i in range(t * CHUNK, min((t + 1) * CHUNK, n)):
            out[i] = total
            total += values[i]
        if (t + 1) * CHUNK >= n:
            out[n] = total


def exclusive_scan(values, n, out=None):
    """Exclusive prefix sums of the first n items, followed by their total, on the device: shape (n + 1,), int64.

    Each thread sums a chunk sequentially; the sums of chunks are scanned in the same way.
    """
    out = cuda.device_array(n + 1, np.int64) if out is None else out
    chunks = max(1, -(-n // CHUNK))
    if chunks == 1:
        starts = cuda.to_device(np.zeros(1, np.int64))
    else:
        sums = cuda.device_array(chunks, np.int64)
        _chunk_sums[grid(chunks)](values, n, sums)
        starts = exclusive_scan(sums, chunks)
    _chunk_scan[grid(chunks)](values, n, starts, out)
    return out


@cuda.jit(device=True)
def keep_largest(value, largest):
    """Set ``largest[0]`` to the maximum over threads; all threads of blocks of size BLOCK must call this."""
    shared = cuda.shared.array(BLOCK, float64)
    t, half = cuda.threadIdx.x, BLOCK // 2
    shared[t] = value
    cuda.syncthreads()
    while half > 0:
        if t < half:
            shared[t] = max(shared[t], shared[t + half])
        cuda.syncthreads()
        half //= 2
    if t == 0:
        cuda.atomic.max(largest, 0, shared[0])
