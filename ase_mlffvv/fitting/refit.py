"""refit(): adapt the coefficients of an existing potential to a few structures of another kind or with other labels."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np

from ..checks import check_flag, check_number, check_seed
from ..engines.evaluator import Evaluator
from ..errors import DatasetError
from ..io.datasets import check_frames
from ..model.potential import VVPotential
from .dataset import Dataset, datasets
from .information import NormalMatrix, functions_of
from .labels import energy_constants, residuals, shifted, with_constants
from .normal import solve
from .plausible import tell_doubts
from .projector import Projector
from .report import FitReport, accuracy
from .rows import Columns, as_weights
from .select import accumulate, with_coefficients
from .stages import Stages
from .uncertain import with_uncertainty

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ase import Atoms

    from .rows import FitWeights


def refit(
    potential: VVPotential,
    frames: Sequence[Atoms],
    *,
    weights: FitWeights | Mapping[str, float] | None = None,
    group_weights: Mapping[str, float] | None = None,
    validation: float | Sequence[Atoms] = 0.0,
    ridge: float = 1e-4,
    normal: NormalMatrix | None = None,
    uncertainty: bool | None = None,
    new_zero: bool = True,
    seed: int = 0,
    progress: bool = True,
) -> tuple[VVPotential, FitReport]:
    """Adapt the coefficients of a potential to labelled structures; features, projections and terms do not change.

    The function minimises the squared residuals, weighted as in :func:`fit`, plus ``ridge`` times the squared change of
    the coefficients (each scaled by the norm of its column). Far fewer structures are needed than for a new potential,
    because coefficients that they do not determine remain unchanged.

    Parameters
    ----------
    potential : VVPotential
    frames : sequence of Atoms, or Dataset
        Structures with labels and weights, as for :func:`fit`. To fit a correction instead of new values, use the
        predictions of the potential plus the differences as labels; see :func:`differences`.
    weights, group_weights, validation, seed, progress
        As for :func:`fit`.
    ridge : float
        Strength of the penalty on changes of the coefficients, relative to the unit diagonal of the scaled normal
        equations. Choose it with the help of ``validation``: 1e-2 is cautious, 1e-6 is nearly unrestricted.
    normal : NormalMatrix, optional
        Normal matrix of the structures to which the potential was fitted: ``report.normal`` of that fit, or the result
        of :func:`normal_matrix`. The penalty of a change d then includes d . normal.matrix d. Because the potential is
        the least-squares solution for the old data, this is equivalent to a joint fit to old and new data.
    uncertainty : bool, optional
        Whether to give the potential an uncertainty, for the structures of ``normal`` and ``frames`` together, as
        :func:`add_uncertainty` would determine it from all of them. The structures of ``validation`` or, without these,
        ``frames`` determine the scale of the standard deviations; the grade does not depend on it. Without ``normal``,
        only the surroundings in ``frames`` count as known. The default is True if ``normal`` is given.
    new_zero : bool
        Whether to adopt the zero of energy per element of the labels, which may differ from that of the potential
        (because of another code or pseudopotential). False keeps the zero of the potential.

    Returns
    -------
    VVPotential, FitReport
        With an uncertainty, ``report.normal`` is the normal matrix of old and new structures, which can be passed as
        ``normal`` to the next refit.

    Raises
    ------
    DatasetError
        Frames have no usable labels or invalid weights, or ``normal`` belongs to other functions.
    ElementError
        The potential does not contain an element.
    """
    ridge = check_number(ridge, 'ridge', low=0)
    seed, new_zero = check_seed(seed), check_flag(new_zero, 'new_zero')
    weights, stages = as_weights(weights), Stages(progress)
    uncertainty = normal is not None if uncertainty is None else uncertainty
    if normal is not None:
        normal.check(potential)
    frames = frames if isinstance(frames, Dataset) else list(frames)
    with stages('lists', len(frames)) as tick:
        data, held_out = datasets(frames, potential, validation, group_weights, seed, tick)
    tell_doubts(data, held_out, stages.notes)
    with stages('residuals', len(data)) as tick:
        rest, constants = _rest(data, potential, new_zero, tick)
    if np.abs(constants).max() > 0.02:
        shifts = ', '.join(f'{constant:+.4f} eV per {e}' for e, constant in zip(potential.elements, constants))
        stages.notes.append(f'the labels have another zero of energy, which the new potential adopts: {shifts}')
    with stages('solution', len(data)) as tick:
        equations = accumulate(rest, Projector(potential), Columns(potential.blocks), weights, tick)
        A, b = equations.matrix()
        A = A if normal is None else A + normal.matrix
        change, condition = solve(A, b, ridge)
    old = np.concatenate([block.coefficients for block in potential.blocks])
    blocks = with_constants(with_coefficients(potential.blocks, old + change), constants)
    fitted = replace(potential, blocks=blocks, uncertainty=None)
    stages.notes.append(f'coefficients of {potential.digest()[:12]} adapted')
    joint = None
    if uncertainty:
        with stages('uncertainty', 2 * len(data)) as tick:
            known = None if normal is None else normal.known
            fitted, known = with_uncertainty(fitted, data, held_out, known, seed=seed, tick=tick)
            joint = NormalMatrix(functions_of(potential), A, known)
            if held_out is None:
                stages.notes.append('standard deviations are scaled to the errors of the structures of this refit: '
                                    'those of others are larger')  # fmt: skip
    with stages('comparison', len(data) + len(held_out or ())) as tick:
        train = accuracy(fitted, data, tick)
        valid = None if held_out is None else accuracy(fitted, held_out, tick)
    report = FitReport(
        train, valid, len(old), equations.n_rows, condition, ridge, stages.seconds, stages.notes, joint
    )  # fmt: skip
    card = {
        'refit_of': potential.card.get('title', potential.digest()[:12]),
        'spec': potential.card.get('spec'),
        'weights': asdict(weights),
        'fit': report.to_dict(),
        'frames': len(data),
        'seed': seed,
    }
    return replace(fitted, card=card), report


def _rest(data, potential, new_zero, tick):
    """Data minus the predictions of a potential and minus the change of the zero of energy, and this change."""
    evaluator, labels = Evaluator(potential), []
    for frame in data:
        labels.append(residuals(frame, evaluator))
        tick()
    rest = data.with_labels(labels)
    n_types = len(potential.elements)
    constants = energy_constants(rest, n_types) if new_zero else np.zeros(n_types)
    return shifted(rest, constants), constants


def differences(potential: VVPotential, frames: Sequence[Atoms], references: Sequence[Any]) -> list[Atoms]:
    """Labels for :func:`refit` that add the difference of two labels of the same structures to a potential.

    Parameters
    ----------
    potential : VVPotential
        Potential that describes the references.
    frames, references : sequence of Atoms
        The same structures in the same order, labelled in two ways, for example in a solvent and in vacuum.

    Returns
    -------
    list of Atoms
        Copies of ``frames`` with ``REF_`` labels: prediction + label - reference. Labels that only one of the two has
        are left out.

    Raises
    ------
    DatasetError
        The structures of ``frames`` and ``references`` differ.
    """
    if len(frames) != len(references):
        raise DatasetError(f'{len(frames)} structures need as many references, got {len(references)}')
    for k, (a, b) in enumerate(zip(frames, references)):
        if len(a) != len(b) or (a.numbers != b.numbers).any() or np.abs(a.positions - b.positions).max() > 1e-5:
            raise DatasetError(f'structure {k} and its reference differ; pass them in the same order')
    evaluator = Evaluator(potential)
    data = Dataset(frames, potential.elements, potential.cutoff)
    old = data.with_labels(check_frames(references, 'the references'))
    out = []
    for atoms, frame, reference in zip(frames, data, old):
        rest = residuals(reference, evaluator)  # reference - prediction
        atoms = atoms.copy()
        for name in ('energy', 'forces', 'energies', 'stress'):
            value, base, error = (getattr(x, name) for x in (frame.labels, reference.labels, rest))
            store = atoms.info if name in ('energy', 'stress') else atoms.arrays
            store.pop(f'REF_{name}', None)
            if value is not None and base is not None:
                store[f'REF_{name}'] = value - error
        out.append(atoms)
    return out
