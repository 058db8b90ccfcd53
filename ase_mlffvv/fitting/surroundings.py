"""Known surroundings: data of the atoms of the training structures that are needed for the grade."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from ..errors import DatasetError
from ..model.uncertainty import Uncertainty, standard_deviation
from .projector import Projector
from .rows import Columns

log = logging.getLogger(__name__)

_RIDGE = 1e-8  # relative to the scaled diagonal; below it, functions cannot be distinguished
_KNOWN = 0.1  # structures and atoms with smaller weights affect the fit, but do not count as known surroundings
_KEPT = 1000  # number of atoms per element whose basis rows are kept


@dataclass(frozen=True, eq=False)
class KnownSurroundings:
    """Summary of the atoms to which a potential was fitted, for each element.

    Attributes
    ----------
    gram : tuple of ndarray, shape (n_functions, n_functions)
        ``X^T X`` with X the basis rows of all known atoms of the element.
    rows : tuple of ndarray, shape (n_kept, n_functions)
        Basis rows of the most extreme of these atoms.
    bound : tuple of float
        Largest standard deviation of the other atoms, in units of the scale of :class:`.Uncertainty`. It can only
        decrease with more data.
    """

    gram: tuple
    rows: tuple
    bound: tuple

    def __add__(self, other):
        return KnownSurroundings(
            tuple(a + b for a, b in zip(self.gram, other.gram)),
            tuple(np.concatenate(pair) for pair in zip(self.rows, other.rows)),
            tuple(map(max, self.bound, other.bound)),
        )


def survey(potential, data, known=None, *, n_draws=64, seed=0, tick=lambda: None):
    """Uncertainty of a potential with scale 1, and the known surroundings from which it was determined.

    Parameters
    ----------
    potential : VVPotential
        Its coefficients are not used.
    data : Dataset
    known : KnownSurroundings, optional
        Surroundings in other structures, which are included.
    n_draws, seed : int
    tick : callable
        Called after each frame of both passes.

    Returns
    -------
    list of Uncertainty, KnownSurroundings

    Raises
    ------
    DatasetError
        An element has no atoms.
    """
    projector, columns = Projector(potential), Columns(potential.blocks)
    masks = _known_atoms(data, len(potential.blocks), known)
    gram = [np.zeros((len(block.coefficients),) * 2) for block in potential.blocks]

    def known_rows():
        for frame, mask in zip(data, masks):
            for t, x, *_ in columns.atoms(frame, projector) if mask.any() else ():
                use = mask[frame.system.species == t]
                yield t, x if use.all() else x[use]
            tick()

    for t, x in known_rows():
        gram[t] += x.T @ x
    if known is not None:
        gram = [new + old for new, old in zip(gram, known.gram)]
    for element, matrix in zip(potential.elements, gram):
        if not matrix.any():
            raise DatasetError(f'no structure contains {element}, so nothing is known about its uncertainty')
    rng = np.random.default_rng(seed)
    found = [Uncertainty(_draws(matrix, n_draws, rng), 1.0) for matrix in gram]
    extremes = [_Extremes(u, 0.0) for u in found]
    if known is not None:
        extremes = [_Extremes(u, bound) for u, bound in zip(found, known.bound)]
        for extreme, rows in zip(extremes, known.rows):
            extreme.add(rows)
    for t, x in known_rows():
        extremes[t].add(x)
    for element, extreme in zip(potential.elements, extremes):
        if extreme.largest < extreme.bound:
            log.warning(
                'grades of %s may be up to %.2f times too large: the new structures resemble the most extreme of the '
                'old atoms, and of the others only a bound is known; add_uncertainty() with all structures mends that',
                element,
                extreme.bound / extreme.largest,
            )
    rows, bound = zip(*(extreme.kept() for extreme in extremes))
    found = [Uncertainty(u.draws, extreme.largest) for u, extreme in zip(found, extremes)]
    return found, KnownSurroundings(tuple(gram), rows, bound)


def is_known(frame):
    """Mask of the atoms whose surroundings count as known, shape (n_atoms,)."""
    each = np.ones(len(frame)) if frame.atom_weights is None else frame.atom_weights
    return frame.weight * each >= _KNOWN


def _known_atoms(data, n_types, known):
    """Mask of known atoms for each frame; if an element has no known atoms, all its atoms are included."""
    masks = [is_known(frame) for frame in data]
    for t in range(n_types):
        of_t = [frame.system.species == t for frame in data]
        if (known is None or not known.gram[t].any()) and not any((m & s).any() for m, s in zip(masks, of_t)):
            masks = [m | s for m, s in zip(masks, of_t)]
    return masks


class _Extremes:
    """Collects the rows with the largest standard deviations."""

    def __init__(self, uncertainty, bound):
        self.uncertainty = uncertainty
        self.bound = bound
        self.largest = 0.0
        self._rows = np.zeros((0, len(uncertainty.draws)))
        self._deviations = np.zeros(0)
        self._floor = 0.0  # smaller values are no longer among the largest

    def add(self, rows):
        deviations = standard_deviation(rows, self.uncertainty)
        self.largest = max(self.largest, deviations.max(initial=0.0))
        enough = deviations > self._floor
        self.bound = max(self.bound, deviations[~enough].max(initial=0.0))
        self._rows = np.concatenate([self._rows, rows[enough]])
        self._deviations = np.concatenate([self._deviations, deviations[enough]])
        if len(self._rows) > 2 * _KEPT:
            self._trim()

    def kept(self):
        """Rows, shape (n, n_functions), and the largest standard deviation of the omitted rows."""
        self._trim()
        return self._rows, float(self.bound)

    def _trim(self):
        if len(self._rows) > _KEPT:
            order = np.argsort(-self._deviations, kind='stable')
            self._floor = self._deviations[order[_KEPT]]
            self.bound = max(self.bound, self._floor)
            self._rows, self._deviations = self._rows[order[:_KEPT]], self._deviations[order[:_KEPT]]


def _draws(gram, n_draws, rng):
    """Random columns with covariance gram^-1, where a ridge is added after scaling the diagonal of gram to one."""
    scale = 1 / np.sqrt(np.where(np.diag(gram) > 0, np.diag(gram), np.inf))
    matrix = gram * scale * scale[:, None]
    matrix[np.diag_indices_from(matrix)] = np.where(scale > 0, 1.0 + _RIDGE, 1.0)
    factor = np.linalg.cholesky(matrix)
    z = rng.normal(size=(len(gram), n_draws))
    return scale[:, None] * scipy.linalg.solve_triangular(factor, z, lower=True, trans='T')
