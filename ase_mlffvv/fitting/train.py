"""fit(): fit a VVPotential to labelled structures as specified by a VVSpec."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..checks import check_number, check_seed, check_whole
from ..errors import SettingError
from ..model.potential import VVPotential
from ..model.spec import VVSpec
from .candidates import n_candidates
from .checkpoint import FitCheckpoint, check_checkpoint
from .components import empty_potential, with_components
from .dataset import Dataset, datasets
from .information import NormalMatrix, functions_of
from .labels import energy_constants, shifted, with_constants
from .normal import solve
from .plausible import tell_doubts
from .projector import Projector
from .report import FitReport, accuracy
from .rows import Columns, FitWeights, as_weights
from .select import accumulate, n_passes, select_terms, with_coefficients
from .stages import Stages
from .supervised import active_directions
from .uncertain import with_uncertainty

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ase import Atoms


log = logging.getLogger(__name__)


def fit(
    frames: Sequence[Atoms],
    spec: VVSpec,
    *,
    weights: FitWeights | Mapping[str, float] | None = None,
    group_weights: Mapping[str, float] | None = None,
    validation: float | Sequence[Atoms] = 0.0,
    ridge: float = 1e-7,
    loops: int | None = None,
    stride: int = 1,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    progress: bool = True,
) -> tuple[VVPotential, FitReport]:
    """Fit a VV force field.

    Parameters
    ----------
    frames : sequence of Atoms, or Dataset
        Structures with labels: ``REF_energy``, ``REF_forces``, ``REF_energies``, ``REF_stress``, or results of a
        calculator (:mod:`ase_mlffvv.io.datasets`). Every frame needs at least one label. A frame may have weights:
        ``weight`` (for all its labels) and ``energy_weight`` (for its total energy) in its info, and an array
        ``weight`` with one number per atom (for the force and the atomic energy of each atom; the stress and the total
        energy do not depend on it). Labels with weight zero are left out. For example, the core atoms of a cut-out may
        have weight 1 and the others less. Structures and atoms with a weight below 0.1 do not count as known
        surroundings in the grade.
    spec : VVSpec
    weights : dict or FitWeights, optional
        Factors of residuals: ``energy`` (per eV/atom), ``forces`` (per eV/Å), ``energies`` (per eV), ``stress`` (per
        eV/Å^3). The defaults are 100, 1, 1, 100.
    group_weights : dict, optional
        Additional factors by group (``config_type`` or ``group`` in the info of a frame).
    validation : float or sequence of Atoms or Dataset
        Fraction of the frames that is held out for validation, chosen with ``seed``, or structures for validation.
    ridge : float
        Ridge parameter relative to the unit diagonal of the scaled normal equations.
    loops : int, optional
        Number of rounds of term selection. The default is at least five, so that no round adds more than 250 terms.
    stride : int or sequence of int
        Select terms with every ``stride``-th frame, or with the frames of these indices. Coefficients are always fitted
        to all frames.
    seed : int
        Seed of random choices. The same seed yields the same result.
    checkpoint : path, optional
        File that is rewritten after each round of selection and removed at the end. If it belongs to this same fit, the
        fit continues from it; any other file is refused.
    progress : bool
        Show progress bars.

    Returns
    -------
    VVPotential, FitReport
        The potential has an uncertainty. With ``report.normal``, :func:`refit` can take these structures into account
        later.

    Raises
    ------
    DatasetError
        Frames have no usable labels or invalid weights, or an element of ``spec`` is in no frame.
    ElementError
        Frames contain elements that are not in ``spec``.
    CheckpointError
        ``checkpoint`` is another file or belongs to another fit. The message lists the settings that differ.
    """
    check_checkpoint(checkpoint)
    if not isinstance(spec, VVSpec):
        raise SettingError(f"spec must be a VVSpec, such as VVSpec.recipe('fast', ['Li']), got {spec!r}")
    ridge = check_number(ridge, 'ridge', low=0)
    seed = check_seed(seed)
    loops = None if loops is None else check_whole(loops, 'loops', low=1)
    weights, stages = as_weights(weights), Stages(progress)
    shell = empty_potential(spec)
    frames = frames if isinstance(frames, Dataset) else list(frames)
    with stages('lists', len(frames)) as tick:
        data, held_out = datasets(frames, shell, validation, group_weights, seed, tick)
    if not any(len(frame.pairs.j) for frame in data):
        raise SettingError(
            f'cutoff must exceed the distances between atoms, but none is below {spec.cutoff:g} Å in the data'
        )
    tell_doubts(data, held_out, stages.notes)
    chosen = _chosen(stride, len(data))
    selection = _Selection(spec, weights, chosen, loops, seed, ridge)
    directions = _first_directions(stages, data, shell, selection) if spec.projection == 'supervised' else None
    constants = energy_constants(data, len(spec.elements))
    rest = shifted(data, constants)
    start = _components(stages, rest, shell, spec, directions)
    settings = {'spec': spec.to_dict(), 'weights': asdict(weights), 'seed': seed, 'loops': loops, 'ridge': ridge}
    state = FitCheckpoint(checkpoint, settings, _fingerprint(spec, weights, rest, chosen, seed, loops, ridge))
    blocks = _select(stages, rest, start, selection, state)
    blocks, equations, condition = _solve(stages, rest, start, blocks, weights, ridge)
    fitted = replace(start, blocks=with_constants(blocks, constants))
    potential, known = _uncertainty(stages, data, held_out, fitted, seed)
    train, valid = _compare(stages, data, held_out, potential)
    normal = NormalMatrix(functions_of(potential), equations.matrix()[0], known)
    n_functions = sum(len(block.coefficients) for block in blocks)
    report = FitReport(
        train, valid, n_functions, equations.n_rows, condition, ridge, stages.seconds, stages.notes, normal
    )  # fmt: skip
    card = {
        'spec': spec.to_dict(),
        'weights': asdict(weights),
        'fit': report.to_dict(),
        'frames': len(data),
        'seed': seed,
    }
    state.remove()
    return replace(potential, card=card), report


def _chosen(stride, n_frames):
    """Indices of the frames with which terms are selected."""
    if np.ndim(stride) == 0:
        return list(range(n_frames)[:: check_whole(stride, 'stride', low=1)])
    if len(stride) == 0:
        raise SettingError('stride must be a whole number or a list of indices of frames, got an empty list')
    return [check_whole(k, 'each index of stride', low=0, high=n_frames - 1) for k in stride]


@dataclass(frozen=True)
class _Selection:
    """Settings of the selection of terms; ``chosen`` are the indices of the frames used for it."""

    spec: VVSpec
    weights: FitWeights
    chosen: Sequence
    loops: int | None
    seed: int
    ridge: float

    @property
    def n_terms(self):
        return self.spec.terms * len(self.spec.elements)


def _first_directions(stages, data, shell, selection):
    """Projections by element from a first fit with principal components and a third of the terms."""
    log.info('first fit, for the projections')
    spec = replace(selection.spec, projection='pca', components=None, terms=selection.spec.terms // 3)
    first = Stages(stages.progress)
    constants = energy_constants(data, len(spec.elements))
    rest = shifted(data, constants)
    start = _components(first, rest, shell, spec)
    blocks = _select(first, rest, start, replace(selection, spec=spec), FitCheckpoint())
    blocks, *_ = _solve(first, rest, start, blocks, selection.weights, selection.ridge)
    with stages('directions', 1):
        return active_directions(replace(start, blocks=with_constants(blocks, constants)), data)


def _components(stages, data, shell, spec, directions=None):
    """Potential with projections, scaling, Gaussians and repulsion, without terms."""
    with stages('components', len(data)) as tick:
        return with_components(shell, spec, data, directions, stages.notes, tick)


def _select(stages, data, start, selection, state):
    """Blocks with the chosen terms; ``state`` is the checkpoint."""
    data = data.subset(selection.chosen)
    with stages('selection', len(data) * n_passes(selection.n_terms, selection.loops)) as tick:
        _check_terms(start.blocks, selection)
        blocks = state.resume(start.blocks, stages.notes)
        blocks = select_terms(data, Projector(start), blocks, selection.weights, selection.n_terms,
                              loops=selection.loops, cubic=selection.spec.cubic, seed=selection.seed,
                              ridge=selection.ridge, tick=tick, on_loop=state.save)  # fmt: skip
        found = sum(len(block.terms) for block in blocks)
        if found < selection.n_terms:
            stages.notes.append(f'only {found} of {selection.n_terms} terms are independent in these structures')
        return blocks


def _check_terms(blocks, selection):
    """Raise SettingError if fewer terms exist than are to be selected."""
    exist = sum(n_candidates(block, selection.spec.cubic) for block in blocks)
    if selection.n_terms > exist:
        components = ', '.join(f'{block.n} of {e}' for e, block in zip(selection.spec.elements, blocks))
        raise SettingError(
            f'terms must be at most {exist // len(blocks)} with these components ({components}), single and product, '
            f'got {selection.spec.terms}'
        )


def _solve(stages, data, start, blocks, weights, ridge):
    """Blocks with the least-squares coefficients, the normal equations and their condition number."""
    with stages('solution', len(data)) as tick:
        equations = accumulate(data, Projector(start), Columns(blocks), weights, tick)
        w, condition = solve(*equations.matrix(), ridge)
        return with_coefficients(blocks, w), equations, condition


def _uncertainty(stages, data, held_out, potential, seed):
    """Potential with its uncertainty, and the known surroundings."""
    with stages('uncertainty', 2 * len(data)) as tick:
        if held_out is None:
            stages.notes.append(
                'standard deviations are scaled to the errors of the training set: those of others are larger'
            )
        return with_uncertainty(potential, data, held_out, seed=seed, tick=tick)


def _compare(stages, data, held_out, potential):
    """Accuracy of the potential for the data, and for the held-out data or None."""
    with stages('comparison', len(data) + len(held_out or ())) as tick:
        return accuracy(potential, data, tick), None if held_out is None else accuracy(potential, held_out, tick)


def _fingerprint(spec, weights, data, *settings):
    digest = hashlib.sha256(json.dumps([spec.to_dict(), asdict(weights), *settings]).encode())
    for frame in data:
        digest.update(frame.system.positions.tobytes())
        digest.update(frame.system.species.tobytes())
        for value in asdict(frame.labels).values():
            digest.update(np.asarray(-0.0 if value is None else value, float).tobytes())
        digest.update(np.float64(frame.weight).tobytes())
        if frame.energy_weight != 1.0 or frame.atom_weights is not None:
            digest.update(np.append(frame.energy_weight, frame.atom_weights).astype(float).tobytes())
    return digest.hexdigest()
