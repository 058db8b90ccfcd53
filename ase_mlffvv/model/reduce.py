"""Sums over pairs, by torch-scatter if it is installed and by ``index_add`` otherwise, with identical derivatives."""

from __future__ import annotations

try:
    from torch_scatter import scatter_add
except ImportError:
    scatter_add = None

SCATTER = 'index_add' if scatter_add is None else 'torch_scatter.scatter_add'


def sum_by_index(values, index, n, use_scatter=scatter_add is not None):
    """Sum rows of ``values`` (n_rows, ...) that share an ``index`` (n_rows,) into a tensor (n, ...).

    torch-scatter's ``segment_csr`` and ``segment_coo`` are not used: their second derivatives are silently wrong.
    """
    if use_scatter:
        return scatter_add(values, index, dim=0, dim_size=n)
    return values.new_zeros((n, *values.shape[1:])).index_add(0, index, values)
