"""Columns of the least-squares problem: derivatives of summed basis functions with respect to positions and strain."""

from __future__ import annotations

import numpy as np

from ...jit import available_threads, kernel, over_blocks
from ..cpu.cosine import FAST


def basis(g, table, factors):
    """Values and slopes of products of one-dimensional functions.

    Parameters
    ----------
    g : ndarray, shape (n_atoms, n + 1)
    table : ndarray, shape (n_functions, 3)
        One-dimensional functions of a component: a row (component, centre, 1/width) stands for
        ``exp(-((g - centre)/width)**2)``; with 1/width = 0, for 1; with 1/width < 0, for g itself.
    factors : ndarray, shape (n_columns, n_factors), int
        Indices of the functions whose product is each column.

    Returns
    -------
    X : ndarray, shape (n_atoms, n_columns)
    dX : ndarray, shape (n_atoms, n_columns, n_factors)
        Derivative with respect to the component of each factor.
    """
    component, centre, inverse = table[:, 0].astype(int), table[:, 1], table[:, 2]
    x = g[:, component]
    scaled = (x - centre) * inverse
    value = np.exp(-(scaled**2))
    slope = -2 * scaled * inverse * value
    linear = inverse < 0
    value[:, linear], slope[:, linear] = x[:, linear], 1.0
    v, s = value[:, factors], slope[:, factors]
    dX = s.copy()
    for k in range(factors.shape[1]):
        for other in range(factors.shape[1]):
            if other != k:
                dX[:, :, k] *= v[:, :, other]
    return v.prod(axis=2), dX


def derivative_rows(system, atoms, J, dX, component, D, threads=None):
    """Derivatives of the columns, summed over ``atoms``.

    Parameters
    ----------
    system : System
    atoms : ndarray of int
        Centre atoms (of one element) that have these columns.
    J : ndarray, shape (n_pairs, 3, n)
    dX : ndarray, shape (len(atoms), n_columns, n_factors)
    component : ndarray, shape (n_columns, n_factors), int
        Component of each factor; n (the constant) has no derivative.
    D : ndarray, shape (n_pairs, 3), Å

    Returns
    -------
    V : ndarray, shape (3 n_atoms, n_columns)
        Derivatives d(sum of column)/dR, in row 3 i + a for component a of atom i.
    S : ndarray, shape (6, n_columns)
        Derivatives d(sum of column)/d(strain), in Voigt order.
    """
    n_columns, n = dX.shape[1], J.shape[2]
    V, S = np.zeros((3 * len(system.positions), n_columns)), np.zeros((6, n_columns))
    dX = np.where(component < n, dX, 0.0)
    component = np.minimum(component, n - 1)

    def block(begin, end):
        for k in range(begin, end, 256):
            _rows(system.first, system.neighbor, atoms, J, dX, component, D, k, min(k + 256, end), V, S)

    over_blocks(block, n_columns, threads or available_threads())
    return V, S


@kernel(**FAST)
def _rows(first, neighbor, atoms, J, dX, component, D, begin, end, V, S):
    width = end - begin
    n_factors = dX.shape[2]
    own = np.zeros((3, width))
    value = np.zeros((3, width))
    for row in range(len(atoms)):
        i = atoms[row]
        own[:] = 0.0
        for p in range(first[i], first[i + 1]):
            j = neighbor[p]
            for a in range(3):
                for m in range(width):
                    x = dX[row, begin + m, 0] * J[p, a, component[begin + m, 0]]
                    for k in range(1, n_factors):
                        x += dX[row, begin + m, k] * J[p, a, component[begin + m, k]]
                    value[a, m] = x
                    own[a, m] += x
                    V[3 * j + a, begin + m] += x
            for m in range(width):
                S[0, begin + m] += D[p, 0] * value[0, m]
                S[1, begin + m] += D[p, 1] * value[1, m]
                S[2, begin + m] += D[p, 2] * value[2, m]
                S[3, begin + m] += D[p, 1] * value[2, m]
                S[4, begin + m] += D[p, 0] * value[2, m]
                S[5, begin + m] += D[p, 0] * value[1, m]
        for a in range(3):
            for m in range(width):
                V[3 * i + a, begin + m] -= own[a, m]
