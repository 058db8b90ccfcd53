"""Uncertainty of a potential: coefficients of a committee, and the uncertainty of the most extreme training atom."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """Uncertainty of the atomic energies of one element, from the linear algebra of the fit.

    The columns of ``draws`` are random coefficients with covariance ``scale^2 (X^T X)^-1``, where the rows of X are the
    basis rows of the training atoms. For an atom with basis row x, the root mean square of ``x . draws`` is the
    standard deviation of its energy, which equals ``scale`` times the square root of its leverage in the training set.
    The coefficients plus one draw are a member of a committee. The grade of an atom is the square root of its leverage
    divided by the largest value of all training atoms; above one, the potential extrapolates. In contrast to the
    volume of an active set (E. Podryabinkin and A. Shapeev, Comput. Mater. Sci. 140, 171 (2017)), the leverage requires
    no search and provides both the grade and the standard deviation.

    Attributes
    ----------
    draws : ndarray, shape (n_functions, n_draws), eV
    largest : float, eV
        Largest root mean square of ``x . draws`` of all training atoms.
    """

    draws: np.ndarray
    largest: float

    def arrays(self):
        """Arrays to be stored in the model file."""
        with np.errstate(over='ignore'):
            draws = self.draws.astype(np.float32)
        if not np.isfinite(draws).all():  # the training set hardly knows a function: its coefficient may be anything
            draws = self.draws
        return {'draws': draws, 'largest': np.array([self.largest])}

    @classmethod
    def from_arrays(cls, arrays):
        return cls(np.asarray(arrays['draws'], float), float(arrays['largest'].item()))


def standard_deviation(x, uncertainty):
    """Standard deviations of the energies of atoms with basis rows x: (n_atoms, n_functions) -> (n_atoms,), eV."""
    return np.sqrt(((x @ uncertainty.draws) ** 2).mean(axis=1))


def committee(potential, n):
    """The first ``n`` draws as potentials, whose energies and forces are random errors of those of ``potential``."""
    return [
        replace(
            potential,
            blocks=tuple(
                replace(block, coefficients=u.draws[:, k].copy())
                for block, u in zip(potential.blocks, potential.uncertainty)
            ),
            pair_term=None,
            uncertainty=None,
        )
        for k in range(n)
    ]
