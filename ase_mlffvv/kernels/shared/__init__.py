"""A potential as flat arrays, as all kernels need it."""
