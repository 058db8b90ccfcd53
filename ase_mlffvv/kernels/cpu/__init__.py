"""Fused Numba kernels for the CPU."""
