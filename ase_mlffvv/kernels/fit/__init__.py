"""Numba kernels of the least-squares problem and of the uncertainty."""
