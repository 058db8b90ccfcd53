"""add_uncertainty(): add an extrapolation grade and standard deviations to a fitted potential."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..checks import check_seed, check_whole
from ..engines.evaluator import Evaluator
from ..model.uncertainty import Uncertainty
from .dataset import as_dataset
from .labels import residuals
from .projector import Projector
from .rows import Columns
from .surroundings import is_known, survey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ase import Atoms

    from ..model import VVPotential


def add_uncertainty(
    potential: VVPotential,
    frames: Sequence[Atoms],
    *,
    held_out: Sequence[Atoms] | None = None,
    n_draws: int = 64,
    seed: int = 0,
    tick: Callable[[], Any] = lambda: None,
) -> VVPotential:
    """Add an extrapolation grade and a committee to a potential.

    Parameters
    ----------
    potential : VVPotential
    frames : sequence of Atoms, or Dataset
        Structures to which the potential was fitted. Structures and atoms with a weight below 0.1 do not count as known
        surroundings, unless an element has no others.
    held_out : sequence of Atoms, or Dataset, optional
        Structures with forces to which the potential was not fitted. They determine the scale of the standard
        deviations: the root mean square of the predicted standard deviations of forces equals that of the errors. The
        default is ``frames``, whose errors are too small.
    n_draws : int
        Size of the committee. The relative error of the standard deviations is 1/sqrt(2 n_draws).
    seed : int
    tick : callable
        Called after each frame of both passes.

    Returns
    -------
    VVPotential

    Raises
    ------
    DatasetError
        Structures have no usable labels, or contain no atom of an element of the potential.

    See Also
    --------
    ase_mlffvv.model.uncertainty.Uncertainty : Stored data and reference.
    """
    n_draws, seed = check_whole(n_draws, 'n_draws', low=1, high=10_000), check_seed(seed)
    if held_out is not None:
        held_out = as_dataset(held_out, potential, 'the validation set') if len(held_out) else None
    data = as_dataset(frames, potential)
    return with_uncertainty(potential, data, held_out, n_draws=n_draws, seed=seed, tick=tick)[0]


def with_uncertainty(potential, data, held_out=None, known=None, *, n_draws=64, seed=0, tick=lambda: None):
    """:func:`add_uncertainty` for a potential fitted to ``data`` and to structures summarised in ``known``.

    Parameters
    ----------
    potential : VVPotential
    data : Dataset
    held_out : Dataset, optional
    known : KnownSurroundings, optional

    Returns
    -------
    VVPotential, KnownSurroundings
        The known surroundings include those of ``data``.
    """
    found, known = survey(potential, data, known, n_draws=n_draws, seed=seed, tick=tick)
    if held_out is None:
        numbers = [k for k, frame in enumerate(data) if is_known(frame).any()] or range(len(data))
        held_out = data.subset(numbers[:: max(1, len(numbers) // 50)])
    scale = _scale(potential, found, held_out)
    found = tuple(Uncertainty(scale * u.draws, scale * u.largest) for u in found)
    return replace(potential, uncertainty=found), known


def _scale(potential, found, data):
    """Factor that makes predicted standard deviations of forces as large as the errors in ``data``."""
    evaluator, projector, columns = Evaluator(potential), Projector(potential), Columns(potential.blocks)
    draws = np.concatenate([u.draws for u in found])
    error = predicted = 0.0
    for frame in data:
        rest = residuals(frame, evaluator).forces
        if rest is not None:
            V = columns.evaluate(frame, *projector(frame))[1]
            errors = V @ draws
            if frame.atom_weights is not None:
                rest = rest * frame.atom_weights[:, None]
                errors *= np.repeat(frame.atom_weights, 3)[:, None]
            error += (rest**2).sum()
            predicted += (errors**2).sum() / draws.shape[1]
    return np.sqrt(error / predicted) if predicted > 0 else 1.0
