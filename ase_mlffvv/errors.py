"""Exceptions of the package; each is a subclass of the ASE or built-in exception that callers usually catch."""

from __future__ import annotations

import numpy as np
from ase.calculators.calculator import CalculationFailed, CalculatorSetupError, ReadError


class SettingError(CalculatorSetupError, ValueError):
    """An argument or setting has the wrong type or lies outside of its range."""


class VVFileError(ReadError):
    """A model file or folder is damaged, incomplete or in a newer format."""


class CheckpointError(ReadError):
    """A checkpoint is damaged, truncated, or belongs to another kind of job."""


class DatasetError(ValueError):
    """Training or test structures lack labels or have invalid ones."""


class StructureFileError(ReadError):
    """A file of structures is damaged or empty, or its format or its elements are not known."""


class PWmatFileError(ReadError):
    """A PWmat file is damaged, incomplete or of the wrong type."""


class DataWarning(UserWarning):
    """Data can be used, but look as if they were of another kind, such as energies in other units."""


class TrajectoryError(ReadError):
    """A trajectory is damaged, or is not in the format that its name promises."""


class TrajectoryWarning(UserWarning):
    """Part of a trajectory was ignored, such as an incomplete last frame."""


class PWmatWarning(UserWarning):
    """Part of a PWmat file was ignored, such as an incomplete last frame."""


class ElementError(CalculatorSetupError):
    """A structure contains an element to which the model was not fitted."""


class StructureError(CalculationFailed):
    """A structure cannot be evaluated: NaN positions, zero volume, coincident atoms."""


class InsufficientMemoryError(CalculationFailed, MemoryError):
    """The machine has too little memory for a structure."""


class ExtrapolationError(CalculationFailed):
    """The environments of some atoms lie outside the training data, and the calculator was set to stop in this case.

    Attributes
    ----------
    grade : ndarray, shape (n_atoms,)
        Extrapolation grade of each atom.
    """

    def __init__(self, message, grade=None):
        super().__init__(message)
        self.grade = grade


class ExtrapolationWarning(UserWarning):
    """The environments of some atoms lie outside the training data."""


def some(indices, limit=5):
    """Format the first few of many indices: ``4, 17, ...``."""
    indices = [int(i) for i in indices]
    return ', '.join(map(str, indices[:limit])) + (', ...' if len(indices) > limit else '')


FARTHEST = 1e9  # Å; farther away, coordinates have less than seven decimal places


def check_structure(positions, cell, pbc):
    """Raise :class:`StructureError` unless positions are below 1e9 Å and the periodic cell vectors are independent.

    Parameters
    ----------
    positions : ndarray, shape (n_atoms, 3), Å
    cell : ndarray, shape (3, 3), Å
        Rows are the cell vectors.
    pbc : ndarray, shape (3,), bool
    """
    bad = np.flatnonzero(~(np.abs(positions) < FARTHEST).all(axis=1))  # true for NaN
    if len(bad):
        finite = np.isfinite(np.asarray(positions)[bad]).all()
        what = f'farther than {FARTHEST:g} Å from the origin' if finite else 'not finite numbers'
        raise StructureError(
            f'positions of {len(bad)} of {len(positions)} atoms are {what} (atoms {some(bad)}). '
            'If this happened during molecular dynamics, the integration became unstable: use a shorter time step or '
            'a better model.'
        )
    if not (np.abs(cell) < FARTHEST).all():
        what = f'larger than {FARTHEST:g} Å' if np.isfinite(cell).all() else 'not finite'
        raise StructureError(f'the cell contains values that are {what}: {np.asarray(cell).tolist()}')
    periodic = np.asarray(cell)[np.asarray(pbc)]
    lengths = np.linalg.norm(periodic, axis=1)
    if len(periodic) and (
        (lengths < 1e-6).any() or np.linalg.matrix_rank(periodic / lengths[:, None], tol=1e-6) < len(periodic)
    ):
        raise StructureError(
            f'the cell {np.asarray(cell).tolist()} with pbc = {np.asarray(pbc).tolist()} has periodic vectors that '
            'are zero or parallel, so it has no volume. Set atoms.cell, or atoms.pbc = False for a cluster.'
        )


def check_centres(centres, n_atoms):
    """Check indices of centre atoms; return them in ascending order, shape (n_centres,), int64.

    Parameters
    ----------
    centres : array_like of int
        Distinct indices of atoms, from 0 to ``n_atoms - 1``.
    n_atoms : int

    Raises
    ------
    ValueError
        If ``centres`` contains anything else.
    """
    found = np.asarray(centres)
    if found.ndim != 1 or (found.size and found.dtype.kind not in 'iu'):
        hint = '; numpy.flatnonzero(mask) converts a mask' if found.dtype == bool else ''
        raise ValueError(
            f'centres must be a list of numbers of atoms (integers), got {found.dtype} of shape {found.shape}{hint}'
        )
    found = np.sort(found.astype(np.int64))
    outside = found[(found < 0) | (found >= n_atoms)]
    if len(outside):
        raise ValueError(f'centres must be numbers of atoms from 0 to {n_atoms - 1}, got {some(outside)}')
    repeated = np.unique(found[1:][np.diff(found) == 0])
    if len(repeated):
        raise ValueError(f'centres must be different atoms, got {some(repeated)} more than once')
    return found
