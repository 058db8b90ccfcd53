"""Normal equations, accumulated in float64 block by block, and their ridge solution, for arrays."""

from __future__ import annotations

import logging

import numpy as np
import scipy.linalg
from scipy.linalg.blas import dsyrk
from scipy.linalg.lapack import dpocon

from ..memory import check_matrix

log = logging.getLogger(__name__)


class NormalEquations:
    """``A = sum B^T B`` and ``b = sum B^T y`` of row blocks B, in float64.

    Parameters
    ----------
    n : int
        Number of columns.
    rows : int
        Number of rows that are collected for one matrix product.
    """

    def __init__(self, n, rows=3000):
        check_matrix(n)
        self.A = np.zeros((n, n), order='F')
        self.b = np.zeros(n)
        self.square = 0.0
        self.n_rows = 0
        self._limit = rows
        self._waiting = []

    def add(self, B, y):
        """Add rows B (n_rows, n) with values y (n_rows,)."""
        self._waiting.append((B, y))
        if sum(len(v) for _, v in self._waiting) >= self._limit:
            self._flush()

    def _flush(self):
        if not self._waiting:
            return
        B = np.concatenate([rows for rows, _ in self._waiting])
        y = np.concatenate([values for _, values in self._waiting])
        self._waiting = []
        self.A = dsyrk(1.0, B.T, beta=1.0, c=self.A, overwrite_c=1)
        self.b += B.T @ y
        self.square += y @ y
        self.n_rows += len(y)

    def matrix(self):
        """A (symmetric, with both triangles) and b."""
        self._flush()
        return np.triu(self.A) + np.triu(self.A, 1).T, self.b


def solve(A, b, ridge=1e-9, ridge_absolute=0.0):
    """Ridge solution of A w = b after scaling columns to unit norm.

    Parameters
    ----------
    A : ndarray, shape (n, n)
    b : ndarray, shape (n,)
    ridge : float
        Number added to the diagonal of the scaled matrix, whose diagonal is 1.
    ridge_absolute : float
        Number added to the diagonal of A itself, as in the original programs.

    Returns
    -------
    w : ndarray, shape (n,)
    condition : float
        Condition number (1-norm, LAPACK's estimate) of the scaled, regularised matrix.

    Raises
    ------
    ValueError
        The matrix is not positive definite: use a larger ridge.
    """
    A = A + ridge_absolute * np.eye(len(A))
    scale = 1 / np.sqrt(np.where(np.diag(A) > 0, np.diag(A), 1.0))
    M = A * scale * scale[:, None]
    M[np.diag_indices_from(M)] = np.where(np.diag(A) > 0, 1.0 + ridge, 1.0)
    try:
        factor = scipy.linalg.cho_factor(M)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            f'the normal equations of {len(b)} functions are not positive definite with ridge {ridge:g} ({error}); '
            'use a larger ridge (1e-10 to 1e-6), fewer terms or more data'
        ) from error
    x = scipy.linalg.cho_solve(factor, scale * b)
    x += scipy.linalg.cho_solve(factor, scale * b - M @ x)  # one step of refinement
    reciprocal, _ = dpocon(factor[0], np.abs(M).sum(axis=0).max())
    condition = 1 / max(reciprocal, np.finfo(float).tiny)
    if condition > 1e14:
        log.warning('condition number %.1e: coefficients not determined; use a larger ridge or fewer terms', condition)
    return scale * x, float(condition)


def forward_selection(A, b, kept, n_select):
    """Choose columns greedily: in each step the one that reduces the residual most, given those chosen before.

    The columns ``0..kept - 1`` are always included. Candidates are orthogonalised exactly against all included columns
    (Schur complements), so that nearly dependent columns are not chosen twice.

    Parameters
    ----------
    A, b : ndarray, shapes (n, n) and (n,)
        Normal equations over kept columns and candidates.
    kept : int
    n_select : int

    Returns
    -------
    list of int
        Chosen columns, best first; fewer than ``n_select`` if no candidate is independent any more.
    """
    norms = np.diag(A)[kept:].copy()
    scale = 1 / np.sqrt(np.where(np.diag(A)[:kept] > 0, np.diag(A)[:kept], 1.0))
    M = A[:kept, :kept] * scale * scale[:, None]
    M[np.diag_indices_from(M)] = 1.0 + 1e-10
    factor = scipy.linalg.cho_factor(M)
    cross = scale[:, None] * A[:kept, kept:]
    S = A[kept:, kept:] - cross.T @ scipy.linalg.cho_solve(factor, cross)
    r = b[kept:] - cross.T @ scipy.linalg.cho_solve(factor, scale * b[:kept])
    chosen = []
    free = norms > 0
    for _ in range(n_select):
        left = np.diag(S)
        free &= left > 1e-8 * norms  # only rounding errors remain of a dependent column
        score = np.where(free, r**2 / np.where(free, left, 1.0), -1.0)
        k = int(score.argmax())
        if score[k] < 0:
            break
        chosen.append(kept + k)
        free[k] = False
        column = S[:, k] / S[k, k]
        r = r - column * r[k]
        S -= np.outer(column, S[k])
    return chosen
