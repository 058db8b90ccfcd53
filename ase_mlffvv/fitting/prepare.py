"""From labelled structures to what a fit works on, and energy constants of the elements."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import DatasetError
from ..io.datasets import Labels, group_of
from .frames import make_frame


def split(frames, validation, seed):
    """Frames to fit and frames held out; ``validation`` is a share of them or a list of others."""
    if not isinstance(validation, (int, float)):
        return frames, list(validation)
    if not 0 <= validation < 1:
        raise ValueError(f'validation must be a share between 0 and 1 or a list of structures, got {validation}')
    n = round(validation * len(frames))
    out = set(np.random.default_rng(seed).permutation(len(frames))[:n].tolist())
    return [a for k, a in enumerate(frames) if k not in out], [frames[k] for k in sorted(out)]


def prepare(frames, labels, shell, group_weights):
    """Frame of each structure, with pair list and weight; ``shell`` is a potential with the features."""
    unknown = sorted(set(group_weights) - {group_of(atoms) for atoms in frames})
    if unknown:
        raise DatasetError(
            f'group_weights names groups without structures: {", ".join(unknown)}; '
            f'there are: {", ".join(sorted({group_of(atoms) for atoms in frames}))}'
        )
    data = []
    for atoms, label in zip(frames, labels):
        group = group_of(atoms)
        weight = float(atoms.info.get('weight', 1.0)) * group_weights.get(group, 1.0)
        data.append(make_frame(atoms, shell.species(atoms.numbers), shell.cutoff, label, group, weight))
    return data


def energy_constants(data, n_types):
    """Energy of one atom of each element, eV: least squares of total energies, or means of atomic energies."""
    rows, values = [], []
    for frame in data:
        count = np.bincount(frame.system.species, minlength=n_types) / len(frame)
        energy = frame.labels.energies.sum() if frame.labels.energy is None and frame.labels.energies is not None \
            else frame.labels.energy  # fmt: skip
        if energy is not None:
            rows.append(count)
            values.append(energy / len(frame))
    if not rows:
        return np.zeros(n_types)
    return np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)[0]


def shifted(frame, constants):
    """Labels of a frame without the energy constants of its atoms."""
    labels, shift = frame.labels, constants[frame.system.species]
    return Labels(
        energy=None if labels.energy is None else labels.energy - shift.sum(),
        forces=labels.forces,
        energies=None if labels.energies is None else labels.energies - shift,
        stress=labels.stress,
    )


def with_constants(blocks, constants):
    """Blocks whose atomic energies are higher by the constants, eV per element."""
    out = []
    for block, constant in zip(blocks, constants):
        coefficients = block.coefficients.copy()
        coefficients[block.n] += constant
        out.append(replace(block, coefficients=coefficients))
    return tuple(out)
