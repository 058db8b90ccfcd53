"""Potentials as flat arrays, the form that all kernels use."""
