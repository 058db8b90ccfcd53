"""Grids: intervals of the piecewise-cosine basis functions (Huang et al., Phys. Rev. B 99, 064103 (2019)).

A grid is an array of shape (n_functions, 2), Å. The basis function of the interval [a, b) is
``phi(d) = (1 + cos(2 pi ((d - a)/(b - a) - 1/2))) / 2``; it is 1 in the middle and continuously differentiable at both
ends.
"""

from __future__ import annotations

import numpy as np

from ..checks import check_array, check_number, check_whole
from ..errors import SettingError


def stretched_grid(radius, n, stretch=9.0):
    """The default grid of the original programs: geometrically spaced centres and basis functions of equal width.

    The centres are ``c_m = radius (stretch**(m/(n+1)) - 1)/(stretch - 1)``, m = 1..n, and half of the width is
    ``radius - c_n``, so that the last basis function ends at ``radius``. Many basis functions end below the shortest
    distance in a metal; their features are constant, and the fit drops them.

    Parameters
    ----------
    radius : float, Å
    n : int

    Returns
    -------
    ndarray, shape (n, 2), Å
    """
    _check(radius, n)
    centres = radius * (stretch ** (np.arange(1, n + 1) / (n + 1)) - 1) / (stretch - 1)
    half_width = radius - centres[-1]
    return np.stack([centres - half_width, centres + half_width], axis=1)


def geometric_nodes(radius, n, r_min):
    """Nodes ``g_i = r_min (q**i - 1)``, i = 0..n+1, from 0 to ``radius``, in Å (``iflag_grid`` = 1 originally)."""
    _check(radius, n)
    check_number(r_min, 'grid_start (r_min)', 'Å', above=0)
    q = ((radius + r_min) / r_min) ** (1 / (n + 1))
    nodes = r_min * (q ** np.arange(n + 2) - 1)
    nodes[-1] = radius
    return nodes


def uniform_nodes(radius, n, start=0.0):
    """``n + 2`` equally spaced nodes from ``start`` to ``radius``, in Å."""
    _check(radius, n)
    if not check_number(start, 'grid_start', 'Å') < radius:
        raise SettingError(f'start must lie below the radius {radius} Å, got {start!r}')
    return np.linspace(start, radius, n + 2)


def grid_from_nodes(nodes, overlap=2):
    """Intervals that begin and end at the nodes g_0..g_{n+1}.

    Parameters
    ----------
    nodes : array_like, shape (n + 2,), Å
        Increasing distances.
    overlap : {2, 3}
        Number of basis functions that overlap at each distance. With 2 (``iflag_ftype`` = 1 in the original programs),
        the intervals are [g_{m-1}, g_{m+1}], and the basis functions of uniform nodes sum to one. With 3
        (``iflag_ftype`` = 2), they are [g_{m-2}, g_{m+1}] with g_{-1} = -g_1.

    Returns
    -------
    ndarray, shape (n, 2), Å
    """
    nodes = np.asarray(nodes, float)
    if nodes.ndim != 1 or len(nodes) < 3 or not (np.diff(nodes) > 0).all():
        raise ValueError(f'nodes must be at least three increasing distances in Å, got {nodes}')
    if overlap == 2:
        left = nodes[:-2]
    elif overlap == 3:
        left = np.concatenate([[-nodes[1]], nodes[:-3]])
    else:
        raise ValueError(f'overlap must be 2 or 3 basis functions, got {overlap!r}')
    return np.stack([left, nodes[2:]], axis=1)


def make_grid(grid, radius, n, r_min=None):
    """Grid from a name, ``'stretched'``, ``'geometric'`` or ``'uniform'``, or from an explicit list of intervals.

    Parameters
    ----------
    grid : str or array_like, shape (n, 2)
    radius : float, Å
        Distance at which the last basis function ends.
    n : int
        Number of basis functions.
    r_min : float, Å, optional
        Parameter ``Rm`` of the geometric grid (by default ``radius - 0.2``, as in the original package), or start of
        the uniform grid (by default 0).
    """
    if not isinstance(grid, str):
        intervals = check_array(grid, 'an explicit grid', (None, 2), 'Å')
        if intervals.shape != (n, 2) or not (intervals[:, 1] > intervals[:, 0]).all():
            raise ValueError(
                f'an explicit grid must have shape ({n}, 2) with a < b in each row, got {intervals.tolist()}'
            )
        if intervals[:, 1].max() > radius + 1e-9:
            raise ValueError(
                f'the functions of an explicit grid must end at or below the cutoff {radius} Å, because forces would '
                f'be discontinuous there; the last one ends at {intervals[:, 1].max()} Å'
            )
        return intervals
    if grid == 'stretched':
        return stretched_grid(radius, n)
    if grid == 'geometric':
        return grid_from_nodes(geometric_nodes(radius, n, radius - 0.2 if r_min is None else r_min))
    if grid == 'uniform':
        return grid_from_nodes(uniform_nodes(radius, n, 0.0 if r_min is None else r_min))
    raise ValueError(f"grid must be 'stretched', 'geometric', 'uniform' or a list of intervals, got {grid!r}")


def _check(radius, n):
    check_number(radius, 'the radius of a grid', 'Å', above=0)
    check_whole(n, 'the number of basis functions of a grid', low=1)
