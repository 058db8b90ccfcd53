"""Labelled structures: the labels used by a fit, and the names under which they are stored.

Labels are stored as ``REF_energy`` (eV), ``REF_forces`` (eV/Å, (n, 3)), ``REF_energies`` (eV, (n,), atomic energies)
and ``REF_stress`` (eV/Å^3, tensile positive, six Voigt components xx, yy, zz, yz, xz, xy, or a 3x3 matrix). ASE reads
plain names such as ``forces`` into a calculator; these values are used if the ``REF_`` name is absent. NaN, or False in
the optional ``REF_stress_mask`` (six entries), excludes a component of the stress.

Weights multiply the residuals of a fit before they are squared. They are optional and 1 by default:

- ``info['weight']`` for all labels of a structure;
- ``info['energy_weight']`` as an additional factor for its total energy;
- ``arrays['weight']`` (n,) as an additional factor for the force and the atomic energy of each atom.

A label with weight zero has no influence, as if it were absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from ase.stress import full_3x3_to_voigt_6_stress

from ..errors import DatasetError, some
from .reading import read_structures

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Labels:
    """Reference values of one structure; missing labels are None, unknown stress components NaN.

    Attributes
    ----------
    energy : float or None, eV
    forces : ndarray or None, shape (n_atoms, 3), eV/Å
    energies : ndarray or None, shape (n_atoms,), eV
    stress : ndarray or None, shape (6,), eV/Å^3
        Voigt order xx, yy, zz, yz, xz, xy; tensile positive.
    """

    energy: float | None
    forces: np.ndarray | None
    energies: np.ndarray | None
    stress: np.ndarray | None


@dataclass(frozen=True)
class StructureWeights:
    """Factors of the residuals of one structure.

    Attributes
    ----------
    structure : float
        Factor for all labels.
    energy : float
        Additional factor for the total energy.
    atoms : ndarray or None, shape (n_atoms,)
        Additional factors for the force and the atomic energy of each atom; None means 1.
    """

    structure: float = 1.0
    energy: float = 1.0
    atoms: np.ndarray | None = None


def read_frames(path: str | Path, index: str | int | slice = ':') -> list[Atoms]:
    """Read labelled structures and check each label and weight.

    Parameters
    ----------
    path : path
        File in any format that ASE reads. Labels are ``REF_energy``, ``REF_forces``, ``REF_energies`` and
        ``REF_stress``, or the plain names; weights are ``weight`` and ``energy_weight`` of the info, and an array
        ``weight`` with one number per atom (see :mod:`ase_mlffvv.io.datasets`).
    index : int, slice or str
        Frames to read, as for :func:`ase.io.read`.

    Raises
    ------
    DatasetError
        If a frame has no label or an invalid one, or a weight is not finite, negative, or zero for all atoms; the
        message names the file, the frame and the problem.
    """
    frames = read_structures(path, index)
    check_frames(frames, str(path))
    return frames


def check_frames(frames, source='the training set'):
    """Labels of all frames; raises :class:`DatasetError` unless every frame has valid labels and weights."""
    if len(frames) == 0:
        raise DatasetError(f'{source} contains no structures')
    found = []
    for k, atoms in enumerate(frames):
        if not isinstance(atoms, Atoms):
            raise DatasetError(f'{source} frame {k} must be an ase.Atoms, got {atoms!r}')
        try:
            labels = labels_of(atoms)
        except (TypeError, ValueError) as error:
            raise DatasetError(f'{source} frame {k}: a label does not consist of numbers ({error})') from None
        found.append(_checked(labels, atoms, f'{source} frame {k}'))
        weights_of(atoms, f'{source} frame {k}')
    return found


def labels_of(atoms: Atoms) -> Labels:
    """Labels of one structure, from its ``REF_`` names or, if these are absent, from the results of its calculator."""
    results = atoms.calc.results if atoms.calc is not None else {}

    def find(name, per_atom):
        store = atoms.arrays if per_atom else atoms.info
        value = store.get(f'REF_{name}', results.get(name))
        return None if value is None else np.array(value, float)

    energy, stress = find('energy', False), find('stress', False)
    return Labels(
        energy=None if energy is None else float(energy),
        forces=find('forces', True),
        energies=find('energies', True),
        stress=None if stress is None else _voigt(stress, atoms),
    )


def weights_of(atoms: Atoms, where: str = 'the structure') -> StructureWeights:
    """Weights of one structure.

    Raises
    ------
    DatasetError
        If a weight is not a number, not finite or negative, or the weights of all atoms are zero.
    """
    structure, energy = (_weight(atoms.info.get(name, 1.0), (), f'{where}: {name}') for name in
                         ('weight', 'energy_weight'))  # fmt: skip
    if 'weight' not in atoms.arrays:
        return StructureWeights(float(structure), float(energy))
    each = _weight(atoms.arrays['weight'], (len(atoms),), f'{where}: the array weight')
    if not each.any():
        raise DatasetError(
            f'{where}: the array weight is zero for all atoms. Leave out the forces and atomic energies instead, or '
            "set info['weight'] = 0 for a structure without influence."
        )
    return StructureWeights(float(structure), float(energy), each)


def _weight(value, shape, where):
    try:
        value = np.array(value, float)
    except (TypeError, ValueError) as error:
        raise DatasetError(f'{where} must be a number, got {value!r}') from error
    if value.shape != shape:
        raise DatasetError(f'{where} must have shape {shape}, got {value.shape}')
    bad = np.flatnonzero(~(np.isfinite(value) & (value >= 0)))
    if len(bad):
        entries = f' (entries {some(bad)})' if shape else ''
        raise DatasetError(f'{where} must be finite and not negative, got {value.flat[bad[0]]:g}{entries}')
    return value


def group_of(atoms: Atoms) -> str:
    """Name of the group to which a structure belongs: ``config_type`` or ``group`` in its info, otherwise ''."""
    return str(atoms.info.get('config_type', atoms.info.get('group', '')))


def _voigt(stress, atoms):
    if stress.size == 9:
        stress = full_3x3_to_voigt_6_stress(stress.reshape(3, 3))
    mask = atoms.info.get('REF_stress_mask')
    if mask is not None and stress.shape == (6,):
        stress = np.where(np.asarray(mask, bool), stress, np.nan)
    return stress


def _checked(labels, atoms, where):
    if len(atoms) == 0:
        raise DatasetError(f'{where} has no atoms')
    bad = np.flatnonzero(~np.isfinite(atoms.positions).all(axis=1))
    if len(bad) or not np.isfinite(atoms.cell[:]).all():
        what = f'positions of atoms {some(bad)}' if len(bad) else 'the cell'
        raise DatasetError(f'{where}: {what} contain values that are not finite')
    group = group_of(atoms)
    where = f"{where} ('{group}')" if group else where
    if labels.energy is None and labels.forces is None and labels.energies is None:
        found = sorted({*atoms.info, *atoms.arrays} - {'numbers', 'positions'})
        raise DatasetError(
            f'{where}: no energy, forces or atomic energies to fit. Labels are read from REF_energy, REF_forces, '
            f'REF_energies, REF_stress, or from energy, forces, ... in the calculator; found: {", ".join(found)}. '
            'Rename the keys in the file.'
        )
    shapes = {'forces': (len(atoms), 3), 'energies': (len(atoms),), 'stress': (6,)}
    for name, shape in shapes.items():
        value = getattr(labels, name)
        if value is not None and value.shape != shape:
            raise DatasetError(f'{where}: {name} must have shape {shape}, got {value.shape}')
    for name in ('energy', 'forces', 'energies'):
        value = getattr(labels, name)
        if value is not None and not np.isfinite(value).all():
            bad = some(np.unique(np.argwhere(~np.isfinite(np.atleast_1d(value)))[:, 0]))
            raise DatasetError(f'{where}: {name} is not finite (entries {bad})')
    return labels
