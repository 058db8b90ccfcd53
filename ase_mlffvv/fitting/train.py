"""fit(): labelled structures and a VVSpec in, a VVPotential and a FitReport out."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict, replace
from time import perf_counter

import numpy as np
from tqdm import tqdm

from ..errors import DatasetError
from ..io.datasets import check_frames
from ..model.pair import PairTerm
from ..model.potential import VVPotential
from ..model.spec import VVSpec
from ..model.terms import ElementBlock
from .centres import adaptive_gaussians, fixed_gaussians, plain_components, principal_components, scaling
from .checkpoint import FitCheckpoint, check_checkpoint
from .frames import Projector
from .normal import solve
from .prepare import energy_constants, prepare, shifted, split, with_constants
from .report import FitReport, accuracy
from .rows import Columns, as_weights
from .select import accumulate, n_passes, select_terms, with_coefficients
from .supervised import active_directions
from .uncertain import add_uncertainty

log = logging.getLogger(__name__)

_KNOWN = 0.1  # structures of less weight guide the fit, but do not count as known surroundings


def fit(frames, spec: VVSpec, *, weights=None, group_weights=None, validation=0.0, ridge=1e-7, loops=None, stride=1,
        seed=0, checkpoint=None, progress=True) -> tuple[VVPotential, FitReport]:  # fmt: skip
    """Fit a VV force field.

    Parameters
    ----------
    frames : sequence of Atoms
        Structures with labels: ``REF_energy``, ``REF_forces``, ``REF_energies``, ``REF_stress``, or results of a
        calculator (:mod:`ase_mlffvv.io.datasets`). Absent labels are left out, but every frame needs one.
    spec : VVSpec
    weights : dict or FitWeights, optional
        ``energy`` (per eV/atom), ``forces`` (per eV/Å), ``energies`` (per eV), ``stress`` (per eV/Å^3): residuals are
        multiplied by these. Default 100, 1, 1, 100.
    group_weights : dict, optional
        Extra factor by group (``config_type`` or ``group`` of a frame's info); a frame's info may also hold
        ``weight``.
    validation : float or sequence of Atoms
        Share of the frames kept out of the fit, chosen with ``seed``, or structures to validate on.
    ridge : float
        Relative to the unit diagonal of the scaled normal equations.
    loops : int, optional
        Rounds of term selection; default five, or more so that none adds over 250 terms.
    stride : int or sequence of int
        Select terms on every ``stride``-th frame, or on the frames with these numbers; coefficients are always fitted
        to all.
    seed : int
        Same seed, same result.
    checkpoint : path, optional
        File rewritten after each round of selection and removed at the end. Where it belongs to this very fit, the
        fit continues from there; any other file is refused.
    progress : bool
        Show a progress bar.

    Returns
    -------
    VVPotential, FitReport

    Raises
    ------
    DatasetError
        Frames without usable labels or with elements that are not in ``spec``.
    CheckpointError
        ``checkpoint`` is another file, or belongs to another fit, whose differing settings are named.
    """
    check_checkpoint(checkpoint)
    start = perf_counter()
    weights = as_weights(weights)
    frames, held_out = split(list(frames), validation, seed)
    labels = check_frames(frames)
    shell = _shell(spec)
    notes: list[str] = []
    data = prepare(frames, labels, shell, group_weights or {})
    directions = None
    if spec.projection == 'supervised':
        log.info('first fit, for the projections')
        first = replace(spec, projection='pca', components=None, terms=spec.terms // 3)
        first, _ = fit(frames, first, weights=weights, group_weights=group_weights, ridge=ridge, loops=loops,
                       stride=stride, seed=seed, progress=progress)  # fmt: skip
        directions = active_directions(first, data)
    constants = energy_constants(data, len(spec.elements))
    data = [replace(frame, labels=shifted(frame, constants)) for frame in data]
    seconds = {'lists': perf_counter() - start}
    n_terms = spec.terms * len(spec.elements)
    chosen = data[::stride] if isinstance(stride, int) else [data[k] for k in stride]
    steps = len(data) * 2 + len(chosen) * n_passes(n_terms, loops) + 3 * len(frames) + len(held_out)
    with tqdm(total=steps, desc='fit', unit='frame', disable=not progress, smoothing=0.05) as bar:
        mark = perf_counter()
        blocks = _start_blocks(spec, shell, data, bar.update, notes, directions)
        shell = replace(shell, blocks=blocks, pair=_repulsion(spec, data, notes))
        projector = Projector(shell)
        settings = {'spec': spec.to_dict(), 'weights': asdict(weights), 'seed': seed, 'loops': loops, 'ridge': ridge}
        fingerprint = _fingerprint(spec, weights, chosen, seed, loops, ridge)
        state = FitCheckpoint(checkpoint, settings, fingerprint)
        blocks = state.resume(blocks, notes)
        seconds['components'], mark = perf_counter() - mark, perf_counter()
        bar.set_description('select terms')
        blocks = select_terms(chosen, projector, blocks, weights, n_terms, loops=loops, cubic=spec.cubic, seed=seed,
                              ridge=ridge, tick=bar.update, on_loop=state.save)  # fmt: skip
        seconds['selection'], mark = perf_counter() - mark, perf_counter()
        bar.set_description('solve')
        normal = accumulate(data, projector, Columns(blocks), weights, bar.update)
        w, condition = solve(*normal.matrix(), ridge)
        blocks = with_constants(with_coefficients(blocks, w), constants)
        seconds['solution'], mark = perf_counter() - mark, perf_counter()
        bar.set_description('compare')
        known = [atoms for atoms, frame in zip(frames, data) if frame.weight >= _KNOWN]
        potential = replace(shell, blocks=blocks)
        potential = add_uncertainty(potential, known or frames, held_out=held_out, seed=seed, tick=bar.update)
        if not held_out:
            notes.append('standard deviations are scaled to the errors of the training set: those of others are larger')
        train = accuracy(potential, frames, bar.update)
        valid = accuracy(potential, held_out, bar.update) if held_out else None
        bar.update(bar.total - bar.n)
    seconds['comparison'] = perf_counter() - mark
    report = FitReport(train, valid, len(w), normal.n_rows, condition, ridge, seconds, notes)
    card = {
        'spec': spec.to_dict(),
        'weights': asdict(weights),
        'fit': report.to_dict(),
        'frames': len(frames),
        'seed': seed,
    }
    for note in notes:
        log.info(note)
    state.remove()
    return replace(potential, card=card), report


def _shell(spec):
    """A potential with the features of ``spec`` and empty blocks."""
    families, n_types = spec.features(), len(spec.elements)
    sizes = [sum(family.size(t, n_types) for family in families) for t in range(n_types)]
    none = np.zeros((1, 0, 2))
    rows = np.zeros((0, 5), np.int32)
    empty = [ElementBlock(np.zeros((f, 0)), np.zeros(0), np.zeros(0), none, none, rows, np.zeros(1)) for f in sizes]
    return VVPotential(spec.elements, families, tuple(empty))


def _start_blocks(spec, shell, data, tick, notes, directions):
    """Blocks with projection (``directions`` where given), scaling and Gaussians, without terms."""
    projector = Projector(shell)
    values = []
    for frame in data:
        values.append(projector.features(frame))
        tick()
    species = np.concatenate([frame.system.species for frame in data])
    values = np.concatenate(values)
    blocks = []
    for t, element in enumerate(spec.elements):
        f = values[species == t, : shell.n_features(t)]
        if len(f) == 0:
            raise DatasetError(f'no structure contains {element}, which the spec lists')
        if directions is not None:
            projection = directions[t][:, : spec.components]
        else:
            projection = principal_components(f, spec.components) if spec.projection == 'pca' else plain_components(f)
        shift, scale = scaling(f @ projection)
        g = (f @ projection - shift) * scale
        n = projection.shape[1]
        if spec.centres == 'fixed':
            single, pair = fixed_gaussians(n + 1, spec.single)
        else:
            single, pair = (
                np.concatenate([adaptive_gaussians(g, k, spec.width_factor), np.tile([1.0, 1.0], (1, k, 1))])
                for k in (spec.single, spec.pair)
            )
        blocks.append(ElementBlock(projection, shift, scale, single, pair, np.zeros((0, 5), np.int32), np.zeros(n + 1)))
        notes.append(f'{element}: {f.shape[1]} features, {n} components, {len(f)} environments')
    return tuple(blocks)


def _repulsion(spec, data, notes):
    """Pair term that starts at the shortest distance of each pair of elements in the data."""
    if spec.repulsion == 0:
        return None
    n_types = len(spec.elements)
    shortest = np.full(n_types, np.inf)
    for frame in data:
        d = np.linalg.norm(frame.pairs.vectors(frame.system.positions, frame.system.cell), axis=1)
        pair = frame.system.species[np.stack([frame.pairs.i, frame.pairs.j])]
        for t in range(n_types):
            shortest[t] = min(shortest[t], d[pair[0] == t].min(initial=np.inf))
    if not np.isfinite(shortest).all():
        return None
    ratio = 1 / 1.5  # r/d at three quarters of d = 2 r
    at_three_quarters = 4 * ratio**12 * np.cos(np.pi * 0.75 / 2) ** 2
    weights = np.zeros((2, n_types, n_types))
    weights[0] = spec.repulsion / at_three_quarters
    notes.append('repulsion below ' + ', '.join(f'{d:.3f} Å ({e})' for e, d in zip(spec.elements, shortest)))
    return PairTerm(shortest / 4, weights)


def _fingerprint(spec, weights, data, *settings):
    digest = hashlib.sha256(json.dumps([spec.to_dict(), asdict(weights), *settings]).encode())
    for frame in data:
        digest.update(frame.system.positions.tobytes())
        digest.update(frame.system.species.tobytes())
        for value in asdict(frame.labels).values():
            digest.update(np.asarray(-0.0 if value is None else value, float).tobytes())
        digest.update(np.float64(frame.weight).tobytes())
    return digest.hexdigest()
