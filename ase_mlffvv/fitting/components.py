"""First stage of a fit: projections, scaling, Gaussians and the repulsion, from the distribution of the data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import DatasetError
from ..model.pair import PairTerm
from ..model.potential import VVPotential
from ..model.terms import ElementBlock
from .centres import adaptive_gaussians, fixed_gaussians, plain_components, principal_components, scaling
from .projector import Projector


def empty_potential(spec) -> VVPotential:
    """A potential with the features of ``spec`` and empty blocks."""
    families, n_types = spec.features(), len(spec.elements)
    sizes = [sum(family.size(t, n_types) for family in families) for t in range(n_types)]
    none = np.zeros((1, 0, 2))
    rows = np.zeros((0, 5), np.int32)
    empty = [ElementBlock(np.zeros((f, 0)), np.zeros(0), np.zeros(0), none, none, rows, np.zeros(1)) for f in sizes]
    return VVPotential(spec.elements, families, tuple(empty))


def with_components(shell, spec, data, directions=None, notes=None, tick=lambda: None) -> VVPotential:
    """Potential with projections, scaling, Gaussians and repulsion, but without terms or coefficients.

    Parameters
    ----------
    shell : VVPotential
        Result of :func:`empty_potential`.
    spec : VVSpec
    data : Dataset
    directions : list of ndarray, optional
        Projections by element, best first, which replace those specified by ``spec``.
    notes : list of str, optional
        Descriptions of decisions are appended to this list.
    tick : callable
        Called after each frame.
    """
    notes = [] if notes is None else notes
    blocks = _blocks(spec, shell, data, tick, notes, directions)
    return replace(shell, blocks=blocks, pair_term=_repulsion(spec, data, notes))


def _blocks(spec, shell, data, tick, notes, directions):
    """Blocks with projection (``directions`` if given), scaling and Gaussians, but without terms."""
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
                for k in (spec.single, spec.product)
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
