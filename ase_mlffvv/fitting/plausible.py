"""Signs that labels are of another kind than a fit expects: other units, other zeros, test structures in the fit."""

from __future__ import annotations

import hashlib
import warnings

import numpy as np

from ..errors import DataWarning, some
from .labels import energy_constants

LARGE_SPREAD, LARGE_RATIO = 1.0, 10.0  # eV/atom; Å: spread of energies divided by that of forces
LARGEST_FORCE, LARGEST_STRESS = 300.0, 2.0  # eV/Å, eV/Å^3 (320 GPa)
SUM_TOLERANCE = 1e-3  # eV/atom
OFFSET, OFFSET_RATIO = 0.02, 5.0  # eV/atom; in units of the standard deviation


def tell_doubts(data, held_out, notes):
    """Add all doubts about data for a fit to ``notes``, and issue a :class:`DataWarning` for each.

    Parameters
    ----------
    data : Dataset
    held_out : Dataset or None
    notes : list of str
    """
    found = [*_units(data), *_sums(data), *_repeated(data, held_out)]
    notes.extend(found)
    for text in found:
        warnings.warn(text, DataWarning, stacklevel=3)


def _units(data):
    """Doubts about the units of labels."""
    constants = energy_constants(data, len(data.elements))
    energies = [
        (f.labels.energy - constants[f.system.species].sum()) / len(f)
        for f in data
        if f.labels.energy is not None and f.weight * f.energy_weight > 0
    ]
    forces = [f.labels.forces.ravel() for f in data if f.labels.forces is not None]
    force = float(np.sqrt((np.concatenate(forces) ** 2).mean())) if forces else None
    spread = float(np.std(energies)) if energies else 0.0
    if spread > LARGE_SPREAD and (spread > 20 * LARGE_SPREAD if force is None else spread > LARGE_RATIO * force):
        against = '' if force is None else f', but forces are only {force:.3g} eV/Å (root mean square)'
        yield (
            f'energies differ by {spread:.3g} eV/atom (standard deviation, without the constants of the elements)'
            f'{against}: are energies in eV, and all relative to the same zero?'
        )
    largest = max((float(np.abs(x).max()) for x in forces), default=0.0)
    if largest > LARGEST_FORCE:
        yield f'the largest force is {largest:.3g} eV/Å: are forces in eV/Å, and is each structure reasonable?'
    stress = [np.nanmax(np.abs(f.labels.stress), initial=0.0) for f in data if f.labels.stress is not None]
    if max(stress, default=0.0) > LARGEST_STRESS:
        yield (
            f'the largest stress is {max(stress):.3g} eV/Å^3 ({max(stress) * 160.2:.3g} GPa): are stresses in eV/Å^3 '
            '(tensile positive)? ase.units.GPa converts'
        )


def _sums(data):
    """Doubts about atomic energies that do not add up to the energy."""
    wrong = {
        k: abs(f.labels.energies.sum() - f.labels.energy) / len(f)
        for k, f in enumerate(data)
        if f.labels.energy is not None
        and f.labels.energies is not None
        and f.weight * f.energy_weight > 0
        # atoms of weight zero may have any atomic energy
        and (f.atom_weights is None or (f.atom_weights > 0).all())
    }
    wrong = {k: x for k, x in wrong.items() if x > SUM_TOLERANCE}
    if wrong:
        worst = max(wrong, key=lambda k: wrong[k])
        yield (
            f'atomic energies do not add up to the energy in {len(wrong)} of {len(data)} structures ({some(wrong)}; '
            f'structure {worst}: by {wrong[worst]:.3g} eV/atom): both are fitted, which is contradictory. Shift the '
            'atomic energies, or leave out one of the labels'
        )


def _repeated(data, held_out):
    """Doubts about a validation set that contains structures of the fit."""
    if held_out is None:
        return
    known = {_digest(frame) for frame in data}
    same = [k for k, frame in enumerate(held_out) if _digest(frame) in known]
    if same:
        yield (
            f'{len(same)} of {len(held_out)} structures for validation ({some(same)}) are also fitted: their errors do '
            'not show how well the potential predicts others'
        )


def _digest(frame):
    parts = frame.system.species, frame.system.positions, frame.system.cell
    return hashlib.sha256(b''.join(np.ascontiguousarray(part).tobytes() for part in parts)).digest()


def offsets(errors):
    """Constant part of the errors of energies in each group: ``{group: (mean, standard deviation)}``, eV/atom.

    Only groups in which the constant part is much larger than the rest are returned, as for labels with another zero.

    Parameters
    ----------
    errors : dict of ndarray
        Predicted minus reference energies per atom of each group.
    """
    found = {}
    for group, values in errors.items():
        if len(values) > 1:
            mean, rest = float(values.mean()), float(values.std())
            if abs(mean) > max(OFFSET, OFFSET_RATIO * rest):
                found[group] = mean, rest
    return found
