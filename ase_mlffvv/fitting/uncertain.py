"""add_uncertainty(): what a fitted potential needs to tell where it extrapolates and how wrong it may be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.linalg

from ..io.datasets import check_frames
from ..kernels.cpu.engine import NumbaEngine
from ..model.uncertainty import Uncertainty, standard_deviation
from .frames import Projector
from .prepare import prepare
from .refit import residuals
from .rows import Columns

_RIDGE = 1e-8  # relative to the scaled diagonal: below it, functions cannot be told apart


def add_uncertainty(potential, frames, *, held_out=None, n_draws=64, seed=0, tick=lambda: None):
    """Potential with an extrapolation grade and a committee.

    Parameters
    ----------
    potential : VVPotential
    frames : sequence of Atoms
        What it was fitted to.
    held_out : sequence of Atoms, optional
        Structures with forces that it was not fitted to; they set the scale of the standard deviations, such that
        the root mean square of those predicted for forces is that of their errors. Without any, ``frames`` serve,
        whose errors are too small.
    n_draws : int
        Members of the committee; standard deviations scatter by 1/sqrt(2 n_draws).
    seed : int
    tick : callable
        Called after each frame of both passes.

    Returns
    -------
    VVPotential

    See Also
    --------
    ase_mlffvv.model.uncertainty.Uncertainty : what is stored, and the source.
    """
    data = prepare(frames, check_frames(frames), potential, {})
    projector, columns = Projector(potential), Columns(potential.blocks)
    gram = [np.zeros((len(block.coefficients),) * 2) for block in potential.blocks]
    for frame in data:
        for t, x, *_ in columns.atoms(frame, projector):
            gram[t] += x.T @ x
        tick()
    rng = np.random.default_rng(seed)
    found = [Uncertainty(_draws(matrix, n_draws, rng), 1.0) for matrix in gram]
    largest = np.zeros(len(found))
    for frame in data:
        for t, x, *_ in columns.atoms(frame, projector):
            largest[t] = max(largest[t], standard_deviation(x, found[t]).max(initial=0.0))
        tick()
    scale = _scale(potential, found, held_out or frames[:: max(1, len(frames) // 50)])
    found = [Uncertainty(scale * u.draws, scale * top) for u, top in zip(found, largest)]
    return replace(potential, uncertainty=tuple(found))


def _draws(gram, n_draws, rng):
    """Random columns with covariance gram^-1, after scaling its diagonal to one and a ridge."""
    scale = 1 / np.sqrt(np.where(np.diag(gram) > 0, np.diag(gram), np.inf))
    matrix = gram * scale * scale[:, None]
    matrix[np.diag_indices_from(matrix)] = np.where(scale > 0, 1.0 + _RIDGE, 1.0)
    factor = np.linalg.cholesky(matrix)
    z = rng.normal(size=(len(gram), n_draws))
    return scale[:, None] * scipy.linalg.solve_triangular(factor, z, lower=True, trans='T')


def _scale(potential, found, frames):
    """Factor that makes predicted standard deviations of forces as large as the errors of ``frames``."""
    engine, projector, columns = NumbaEngine(potential), Projector(potential), Columns(potential.blocks)
    draws = np.concatenate([u.draws for u in found])
    error = predicted = 0.0
    for frame in prepare(frames, check_frames(frames), potential, {}):
        rest = residuals(frame, engine).forces
        if rest is not None:
            V = columns.evaluate(frame, *projector(frame))[1]
            error += (rest**2).sum()
            predicted += ((V @ draws) ** 2).sum() / draws.shape[1]
    return np.sqrt(error / predicted) if predicted > 0 else 1.0
