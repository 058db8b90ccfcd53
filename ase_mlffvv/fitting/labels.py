"""Labels relative to the energy constants of the elements, or relative to the predictions of a potential."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from ase.stress import full_3x3_to_voigt_6_stress

from ..io.datasets import Labels


def energy_constants(data, n_types):
    """Energy of one atom of each element, eV, by least squares of total energies or as means of atomic energies.

    Labels of weight zero are left out.
    """
    rows, values = [], []
    for frame in data:
        labels, species, weights = frame.labels, frame.system.species, frame.atom_weights
        if labels.energy is not None and frame.energy_weight > 0:
            rows.append(np.bincount(species, minlength=n_types) / len(frame))
            values.append(labels.energy / len(frame))
        elif labels.energies is not None:
            weights = np.ones(len(frame)) if weights is None else weights
            rows.append(np.bincount(species, weights, minlength=n_types) / weights.sum())
            values.append((weights * labels.energies).sum() / weights.sum())
    if not rows:
        return np.zeros(n_types)
    return np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)[0]


def shifted(data, constants):
    """Data set without the energy constants of its atoms, eV per element."""
    return data.with_labels(_shifted(frame, constants) for frame in data)


def _shifted(frame, constants):
    labels, shift = frame.labels, constants[frame.system.species]
    return replace(
        labels,
        energy=None if labels.energy is None else labels.energy - shift.sum(),
        energies=None if labels.energies is None else labels.energies - shift,
    )


def with_constants(blocks, constants):
    """Blocks with atomic energies increased by constants, eV per element."""
    out = []
    for block, constant in zip(blocks, constants):
        coefficients = block.coefficients.copy()
        coefficients[block.n] += constant
        out.append(replace(block, coefficients=coefficients))
    return tuple(out)


def residuals(frame, evaluator) -> Labels:
    """Labels of a frame minus the predictions of an Evaluator."""
    system, labels, stress = frame.system, frame.labels, None
    result = evaluator.evaluate_listed(system.species, system.positions, system.cell, frame.pairs)
    if labels.stress is not None and frame.volume > 0:
        stress = labels.stress - full_3x3_to_voigt_6_stress(result.virials.sum(axis=0)) / frame.volume
    return Labels(
        energy=None if labels.energy is None else labels.energy - float(result.energies.sum()),
        forces=None if labels.forces is None else labels.forces - result.forces,
        energies=None if labels.energies is None else labels.energies - result.energies,
        stress=stress,
    )
