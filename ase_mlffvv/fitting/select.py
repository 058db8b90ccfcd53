"""Forward selection of VV terms with energies and forces: score all terms, preselect, and choose exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .candidates import CandidateScores
from .normal import NormalEquations, forward_selection, solve
from .rows import Columns, FitWeights, energy_weight, group_average, weighted_rows


def accumulate(frames, projector, columns: Columns, weights: FitWeights, tick=lambda: None) -> NormalEquations:
    """Normal equations of all frames; ``tick`` is called after each."""
    normal = NormalEquations(columns.total)
    for frame in frames:
        X, V, S = columns.evaluate(frame, *projector(frame))
        normal.add(*weighted_rows(frame, X, V, S, weights))
        tick()
    return normal


def select_terms(frames, projector, blocks, weights: FitWeights, n_terms, *, loops=None, preselect=10, cubic=False,
                 seed=0, n_probes=2, ridge=1e-9, tick=lambda: None, on_loop=lambda blocks: None):  # fmt: skip
    """Blocks with ``n_terms`` selected terms, and coefficients that solve the normal equations of these frames.

    Each loop scores every candidate against the residual of the current fit (:mod:`.candidates`), keeps the best
    ``preselect`` times as many as it will choose, builds the normal equations over current columns and those
    candidates, and chooses with exact orthogonalisation. This follows the original procedure with the corrections
    that the total energy enters b and its own norm, and that deflation is exact.

    Parameters
    ----------
    frames : Dataset
    projector : Projector
    blocks : tuple of ElementBlock
        Blocks with Gaussians. Existing terms are kept, so that an interrupted selection can continue.
    weights : FitWeights
    n_terms : int
        Total number of terms of all elements, including existing terms.
    loops : int, optional
        Number of rounds of selection; see :func:`n_loops`.
    seed : int
        Seed of the random directions from which norms of forces are estimated.
    tick, on_loop : callable
        Called after each frame of each pass, and with the blocks after each loop.
    """
    loops = n_loops(n_terms, loops)
    for loop in range(loops):
        present = sum(len(block.terms) for block in blocks)
        wanted = n_terms * (loop + 1) // loops - present
        if wanted <= 0:
            continue
        if present == 0:
            normal = accumulate(frames, projector, Columns(blocks), weights, tick)
            blocks = with_coefficients(blocks, solve(*normal.matrix(), ridge)[0])
        rng = np.random.default_rng([seed, loop])
        n_best = -(-preselect * wanted // len(blocks))
        extra = _preselect(frames, projector, blocks, weights, n_best, cubic, rng, n_probes, tick)
        columns = Columns(blocks, extra)
        A, b = accumulate(frames, projector, columns, weights, tick).matrix()
        blocks, order = _extended(blocks, extra, columns, forward_selection(A, b, columns.n, wanted))
        blocks = with_coefficients(blocks, solve(A[np.ix_(order, order)], b[order], ridge)[0])
        on_loop(blocks)
    return blocks


def n_loops(n_terms, loops=None):
    """Number of rounds of selection: as given, or at least five so that no round adds more than 250 terms."""
    return min(n_terms, max(5, -(-n_terms // 250)) if loops is None else loops)


def n_passes(n_terms, loops=None):
    """Number of passes over the frames that :func:`select_terms` makes without a checkpoint."""
    return 1 + 2 * n_loops(n_terms, loops) if n_terms else 0


def with_coefficients(blocks, w):
    """Blocks with the coefficients of one solution vector, in the order of :class:`Columns`."""
    ends = np.cumsum([block.n + 1 + len(block.terms) for block in blocks])
    return tuple(replace(block, coefficients=part) for block, part in zip(blocks, np.split(w, ends[:-1])))


def residual_fields(frame, columns, w, g, J, weights: FitWeights):
    """Weighted residuals of a fit on one frame, as fields for :meth:`CandidateScores.add_residual`.

    Returns
    -------
    r : ndarray, shape (n_atoms,)
    u : ndarray, shape (n_atoms, 3)
    strain : ndarray, shape (3, 3)
        The projection of a column is ``sum_i r_i t_i`` plus its derivative along displacements u and ``strain``.
    """
    X, V, S = columns.evaluate(frame, g, J)
    labels, n_atoms = frame.labels, len(frame)
    scale = frame.weight**2
    square = 1.0 if frame.atom_weights is None else frame.atom_weights**2
    r, u, strain = np.zeros(n_atoms), np.zeros((n_atoms, 3)), np.zeros((3, 3))
    if labels.energy is not None:
        r += scale * energy_weight(frame, weights) ** 2 * (labels.energy - X.sum(axis=0) @ w)
    if labels.energies is not None:
        wrong = labels.energies - X @ w
        if weights.group_width > 0:
            average = group_average(frame, weights.group_width)
            wrong = average.T @ (square * (average @ wrong))
        else:
            wrong = square * wrong
        r += scale * weights.energies**2 * wrong
    if labels.forces is not None:
        u -= scale * weights.forces**2 * np.reshape(square, (-1, 1)) * (labels.forces + (V @ w).reshape(-1, 3))
    if labels.stress is not None and frame.volume > 0:
        wrong = np.nan_to_num(labels.stress - S @ w / frame.volume)
        wrong *= scale * weights.stress**2 / frame.volume
        xx, yy, zz, yz, xz, xy = wrong
        strain = np.array([[xx, xy / 2, xz / 2], [xy / 2, yy, yz / 2], [xz / 2, yz / 2, zz]])
    return r, u, strain


def change_along(frame, J, u, strain=None):
    """Change of g of every atom along displacements u (n_atoms, 3) and a strain (3, 3): (n_atoms, n)."""
    dD = u[frame.pairs.j] - u[frame.pairs.i]
    if strain is not None:
        dD = dD + frame.pairs.vectors(frame.system.positions, frame.system.cell) @ strain
    per_pair = (J * dD[:, :, None]).sum(axis=1)
    starts = frame.pairs.first[:-1]
    sums = np.add.reduceat(np.concatenate([per_pair, np.zeros((1, J.shape[2]))]), starts)
    return np.where(np.diff(frame.pairs.first)[:, None] > 0, sums, 0.0)  # reduceat repeats a row for an empty sum


def _preselect(frames, projector, blocks, weights, n_best, cubic, rng, n_probes, tick):
    scores = [CandidateScores(block, cubic) for block in blocks]
    columns = Columns(blocks)
    w = np.concatenate([block.coefficients for block in blocks])
    for frame in frames:
        g, J = projector(frame)
        r, u, strain = residual_fields(frame, columns, w, g, J, weights)
        along = change_along(frame, J, u, strain)
        labels, n_atoms = frame.labels, len(frame)
        weight_e = (frame.weight * _energy_norm(frame, weights)) ** 2
        weight_f = (labels.forces is not None) * (frame.weight * weights.forces) ** 2
        each = np.ones(n_atoms) if frame.atom_weights is None else frame.atom_weights
        probes = [
            change_along(frame, J, rng.choice([-1.0, 1.0], (n_atoms, 3)) * each[:, None]) for _ in range(n_probes)
        ]
        for t, score in enumerate(scores):
            atoms = frame.system.species == t
            n = blocks[t].n
            if atoms.any():
                score.add_residual(g[atoms, :n], r[atoms], along[atoms, :n])
                score.add_norm(g[atoms, :n], [probe[atoms, :n] for probe in probes], weight_e, weight_f)
        tick()
    return [score.best(n_best, block.terms) for score, block in zip(scores, blocks)]


def _energy_norm(frame, weights):
    """Factor of energies in the norms of candidates, 1/eV; the factor of total energies also applies to atomic ones."""
    if frame.labels.energies is not None:
        return energy_weight(replace(frame, energy_weight=1.0), weights)
    return energy_weight(frame, weights) if frame.labels.energy is not None else 0.0


def _extended(blocks, extra, columns, chosen):
    """Blocks with the chosen candidates appended, and the columns of the old system in the new order."""
    new, order = [], []
    for t, block in enumerate(blocks):
        begin, end = columns.candidates[t], columns.candidates[t + 1]
        mine = [c for c in chosen if begin <= c < end]
        terms = np.concatenate([block.terms, extra[t][[c - begin for c in mine]].reshape(-1, 5)]).astype(np.int32)
        coefficients = np.zeros(block.n + 1 + len(terms))
        new.append(replace(block, terms=terms, coefficients=coefficients))
        order += [*range(columns.own[t], columns.own[t + 1]), *mine]
    return tuple(new), np.array(order)
