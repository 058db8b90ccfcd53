"""What a potential knows of its own errors: coefficients of a committee, and the most extreme training atom."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """Uncertainty of the atomic energies of one element, from the linear algebra of the fit.

    The columns of ``draws`` are random coefficients whose covariance is ``scale^2 (X^T X)^-1``, X the basis rows of
    the training atoms. So for an atom with basis row x, the root mean square of ``x . draws`` is the standard
    deviation of its energy, and ``scale`` times the root of its leverage in the training set; coefficients plus a
    draw are a member of a committee. The grade of an atom is that leverage, as a root, over the largest of all
    training atoms: above one, the potential extrapolates. Leverage instead of the volume of an active set (E.
    Podryabinkin and A. Shapeev, Comput. Mater. Sci. 140, 171 (2017)) needs no search and gives both.

    Attributes
    ----------
    draws : ndarray, shape (n_functions, n_draws), eV
    largest : float, eV
        Root mean square of ``x . draws`` of the training atom for which it is largest.
    """

    draws: np.ndarray
    largest: float

    def arrays(self):
        """Arrays for the model file."""
        return {'draws': self.draws.astype(np.float32), 'largest': np.array([self.largest])}

    @classmethod
    def from_arrays(cls, arrays):
        return cls(np.asarray(arrays['draws'], float), float(arrays['largest'].item()))


def standard_deviation(x, uncertainty):
    """Standard deviation of atomic energies with basis rows x: (n_atoms, n_functions) -> (n_atoms,), eV."""
    return np.sqrt(((x @ uncertainty.draws) ** 2).mean(axis=1))


def committee(potential, n):
    """The first ``n`` draws as potentials: their energies and forces are random errors of the potential's."""
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
