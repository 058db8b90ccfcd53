"""Numba kernels: compilation, once on each machine, and execution on threads."""

from .compile import kernel
from .threads import available_threads, in_order, over_blocks

__all__ = ['available_threads', 'in_order', 'kernel', 'over_blocks']
