"""refit(): new coefficients for a potential that exists, from few structures of another kind or another reference."""

from __future__ import annotations

from dataclasses import asdict, replace
from time import perf_counter

import numpy as np
from ase.stress import full_3x3_to_voigt_6_stress
from tqdm import tqdm

from ..errors import DatasetError
from ..io.datasets import Labels, check_frames
from ..kernels.cpu.engine import NumbaEngine
from ..model.potential import VVPotential
from .frames import Projector
from .normal import solve
from .prepare import energy_constants, prepare, shifted, split, with_constants
from .report import FitReport, accuracy
from .rows import Columns, as_weights
from .select import accumulate, with_coefficients


def refit(potential, frames, *, weights=None, group_weights=None, validation=0.0, ridge=1e-4, prior=None, new_zero=True,
          seed=0, progress=True) -> tuple[VVPotential, FitReport]:  # fmt: skip
    """Adapt the coefficients of a potential to labelled structures; features, projections and terms stay.

    The squared residuals, weighted as in :func:`fit`, plus ``ridge`` times the squared change of the coefficients
    (each scaled by the norm of its column) are minimised. Many fewer structures suffice than for a new potential:
    where they say nothing, the potential remains what it was.

    Parameters
    ----------
    potential : VVPotential
    frames : sequence of Atoms
        Structures with labels, as for :func:`fit`. For a correction rather than new values, let the labels be the
        potential's own predictions plus the differences, as :func:`differences` makes them.
    weights, group_weights, validation, seed, progress
        As for :func:`fit`.
    ridge : float
        How strongly the coefficients stay where they are, relative to the unit diagonal of the scaled normal
        equations. Choose it by ``validation``: 1e-2 is cautious, 1e-6 nearly free.
    prior : ndarray, shape (n_functions, n_functions), optional
        Matrix of the normal equations the potential was fitted with (:func:`normal_matrix`); the change d then also
        costs d . prior d. As those data were at their least squares, this is the joint fit to old and new data
        without the old ones.
    new_zero : bool
        The labels may have another zero of energy per element than the potential (another code or pseudopotential);
        the result has theirs. False keeps the potential's.

    Returns
    -------
    VVPotential, FitReport
        The potential has no uncertainty, since that of the old data does not hold any more; see
        :func:`.uncertain.add_uncertainty`.

    Raises
    ------
    DatasetError
        Frames without usable labels.
    ElementError
        Elements the potential does not have.
    """
    start = perf_counter()
    weights = as_weights(weights)
    frames, held_out = split(list(frames), validation, seed)
    data = prepare(frames, check_frames(frames), potential, group_weights or {})
    engine = NumbaEngine(potential)
    with tqdm(total=3 * len(data) + len(held_out), desc='refit', unit='frame', disable=not progress) as bar:
        for k, frame in enumerate(data):
            data[k] = replace(frame, labels=residuals(frame, engine))
            bar.update()
        constants = energy_constants(data, len(potential.elements)) if new_zero else np.zeros(len(potential.elements))
        data = [replace(frame, labels=shifted(frame, constants)) for frame in data]
        normal = accumulate(data, Projector(potential), Columns(potential.blocks), weights, bar.update)
        A, b = normal.matrix()
        change, condition = solve(A if prior is None else A + prior, b, ridge)
        seconds = {'solution': perf_counter() - start}
        old = np.concatenate([block.coefficients for block in potential.blocks])
        blocks = with_constants(with_coefficients(potential.blocks, old + change), constants)
        fitted = replace(potential, blocks=blocks, uncertainty=None)
        mark = perf_counter()
        train = accuracy(fitted, frames, bar.update)
        valid = accuracy(fitted, held_out, bar.update) if held_out else None
    seconds['comparison'] = perf_counter() - mark
    notes = [f'coefficients of {potential.digest()[:12]} adapted']
    report = FitReport(train, valid, len(old), normal.n_rows, condition, ridge, seconds, notes)
    card = {
        'refit_of': potential.card.get('title', potential.digest()[:12]),
        'spec': potential.card.get('spec'),
        'weights': asdict(weights),
        'fit': report.to_dict(),
        'frames': len(frames),
        'seed': seed,
    }
    return replace(fitted, card=card), report


def normal_matrix(potential, frames, *, weights=None, group_weights=None, progress=True):
    """Matrix of the normal equations of a potential's functions, to be the ``prior`` of :func:`refit`.

    Parameters
    ----------
    potential : VVPotential
    frames : sequence of Atoms
        What it was fitted to, with ``weights`` and ``group_weights`` as then.

    Returns
    -------
    ndarray, shape (n_functions, n_functions)
    """
    weights = as_weights(weights)
    frames = list(frames)
    data = prepare(frames, check_frames(frames), potential, group_weights or {})
    with tqdm(total=len(data), desc='normal equations', unit='frame', disable=not progress) as bar:
        return accumulate(data, Projector(potential), Columns(potential.blocks), weights, bar.update).matrix()[0]


def differences(potential, frames, references):
    """Labels for :func:`refit` that add to a potential what distinguishes two labels of the same structures.

    Parameters
    ----------
    potential : VVPotential
        What the references look like to the force field.
    frames, references : sequence of Atoms
        The same structures in the same order, labelled in two ways, for example in a solvent and in vacuum.

    Returns
    -------
    list of Atoms
        Copies of ``frames`` with REF_ labels: prediction + label - reference; labels that only one has are left out.

    Raises
    ------
    DatasetError
        The structures are not the same.
    """
    if len(frames) != len(references):
        raise DatasetError(f'{len(frames)} structures need as many references, got {len(references)}')
    for k, (a, b) in enumerate(zip(frames, references)):
        if len(a) != len(b) or (a.numbers != b.numbers).any() or np.abs(a.positions - b.positions).max() > 1e-5:
            raise DatasetError(f'structure {k} and its reference differ; pass them in the same order')
    engine = NumbaEngine(potential)
    new, old = check_frames(frames), check_frames(references, 'the references')
    out = []
    for atoms, frame, label, reference in zip(frames, prepare(frames, old, potential, {}), new, old):
        rest = residuals(frame, engine)  # reference - prediction
        atoms = atoms.copy()
        for name in ('energy', 'forces', 'energies', 'stress'):
            value, base, error = (getattr(x, name) for x in (label, reference, rest))
            store = atoms.info if name in ('energy', 'stress') else atoms.arrays
            store.pop(f'REF_{name}', None)
            if value is not None and base is not None:
                store[f'REF_{name}'] = value - error
        out.append(atoms)
    return out


def residuals(frame, engine) -> Labels:
    """Labels of a frame minus an engine's predictions."""
    system, labels, stress = frame.system, frame.labels, None
    result = engine.evaluate(system.species, system.positions, system.cell, frame.pairs)
    if labels.stress is not None and frame.volume > 0:
        stress = labels.stress - full_3x3_to_voigt_6_stress(result.virials.sum(axis=0)) / frame.volume
    return Labels(
        energy=None if labels.energy is None else labels.energy - float(result.energies.sum()),
        forces=None if labels.forces is None else labels.forces - result.forces,
        energies=None if labels.energies is None else labels.energies - result.energies,
        stress=stress,
    )
