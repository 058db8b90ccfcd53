"""Fused Numba kernels for NVIDIA GPUs."""
