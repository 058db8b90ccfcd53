"""Exceptions of the package; each is a subclass of the ASE class a caller would catch."""

from __future__ import annotations

import numpy as np
from ase.calculators.calculator import CalculationFailed, CalculatorSetupError, ReadError


class VVFileError(ReadError):
    """A model file or folder is damaged, incomplete or of a newer format."""


class CheckpointError(ReadError):
    """A checkpoint is damaged, cut off, or of another kind of job."""


class DatasetError(ValueError):
    """Training or test structures lack labels or carry impossible ones."""


class PWmatFileError(ReadError):
    """A file of PWmat is damaged, incomplete or of another kind."""


class PWmatWarning(UserWarning):
    """Something in a file of PWmat was left out, such as a last frame that is cut off."""


class ElementError(CalculatorSetupError):
    """A structure contains an element the model was not fitted for."""


class StructureError(CalculationFailed):
    """A structure cannot be evaluated: NaN positions, zero volume, coincident atoms."""


class InsufficientMemoryError(CalculationFailed, MemoryError):
    """The machine has too little memory for a structure."""


class ExtrapolationError(CalculationFailed):
    """Atoms whose surroundings lie outside of the training data, where the calculator was told to stop.

    Attributes
    ----------
    grade : ndarray, shape (n_atoms,)
    """

    def __init__(self, message, grade=None):
        super().__init__(message)
        self.grade = grade


class ExtrapolationWarning(UserWarning):
    """Atoms whose surroundings lie outside of the training data."""


def some(indices, limit=5):
    """Write the first few of many indices: ``4, 17, ...``."""
    indices = [int(i) for i in indices]
    return ', '.join(map(str, indices[:limit])) + (', ...' if len(indices) > limit else '')


def check_structure(positions, cell, pbc):
    """Raise :class:`StructureError` unless positions are finite and periodic directions span a volume.

    Parameters
    ----------
    positions : ndarray, shape (n_atoms, 3), Å
    cell : ndarray, shape (3, 3), Å
        Rows are the cell vectors.
    pbc : ndarray, shape (3,), bool
    """
    bad = np.flatnonzero(~np.isfinite(positions).all(axis=1))
    if len(bad):
        raise StructureError(
            f'positions of {len(bad)} of {len(positions)} atoms are not finite numbers (atoms {some(bad)}). '
            'If this happened during MD, the step before it blew up: use a shorter time step or a better model.'
        )
    if not np.isfinite(cell).all():
        raise StructureError(f'the cell holds values that are not finite: {np.asarray(cell).tolist()}')
    periodic = np.asarray(cell)[np.asarray(pbc)]
    lengths = np.linalg.norm(periodic, axis=1)
    if len(periodic) and (
        (lengths < 1e-6).any() or np.linalg.matrix_rank(periodic / lengths[:, None], tol=1e-6) < len(periodic)
    ):
        raise StructureError(
            f'the cell {np.asarray(cell).tolist()} is periodic along {np.asarray(pbc).tolist()}, but its periodic '
            'vectors are zero or parallel, so it has no volume. Set atoms.cell, or atoms.pbc = False for a cluster.'
        )


def check_centres(centres, n_atoms):
    """Centre atoms in ascending order, shape (n_centres,), int64.

    Parameters
    ----------
    centres : array_like of int
        Different numbers of atoms from 0 to ``n_atoms - 1``.
    n_atoms : int

    Raises
    ------
    ValueError
        Anything else.
    """
    found = np.asarray(centres)
    if found.ndim != 1 or (found.size and found.dtype.kind not in 'iu'):
        hint = '; numpy.flatnonzero(mask) gives those of a mask' if found.dtype == bool else ''
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
