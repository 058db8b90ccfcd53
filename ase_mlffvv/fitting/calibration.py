"""Comparison of predicted standard deviations with actual errors, as a table and a figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import spearmanr

from ..engines.evaluator import Evaluator
from ..errors import DatasetError
from ..io.files import complete
from .dataset import as_dataset
from .labels import residuals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms

    from ..model import VVPotential


_MEMBERS = 32


@dataclass(frozen=True, eq=False)
class Reliability:
    """Predicted and actual errors of the force on each atom.

    Attributes
    ----------
    predicted, actual : ndarray, shape (n_atoms,), eV/Å
        Predicted standard deviation, and norm of the error of the force.
    grade : ndarray, shape (n_atoms,)
    """

    predicted: np.ndarray
    actual: np.ndarray
    grade: np.ndarray

    @property
    def rank_correlation(self):
        """Spearman's rank correlation between predicted and actual errors."""
        return float(spearmanr(self.predicted, self.actual)[0])

    def bins(self, n=10):
        """Root mean squares of predicted and actual errors in ``n`` bins with equal numbers of atoms, shapes (n,)."""
        parts = np.array_split(np.argsort(self.predicted, kind='stable'), min(n, len(self.predicted)))
        both = self.predicted, self.actual
        return tuple(np.array([np.sqrt((values[part] ** 2).mean()) for part in parts]) for values in both)

    def __str__(self):
        ratio = np.sqrt((self.actual**2).mean() / (self.predicted**2).mean())
        return (
            f'uncertainty of forces: rank correlation with the errors {self.rank_correlation:.2f}, errors '
            f'{ratio:.2f} times as large as predicted (root mean squares); grade up to {self.grade.max():.2f}, above 1 '
            f'for {(self.grade > 1).sum()} of {len(self.grade)} atoms'
        )

    def plot(self, path=None):
        """Draw a reliability diagram, save it if a path is given, and return the figure."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(4.2, 4), layout='constrained')
        axes = figure.subplots()
        predicted, actual = self.predicted * 1e3, self.actual * 1e3
        axes.loglog(predicted, np.maximum(actual, 1e-2), '.', ms=1.5, alpha=0.3, color='0.6', label='atoms',
                    rasterized=True)  # fmt: skip
        x, y = (values * 1e3 for values in self.bins())
        axes.loglog(x, y, 'o-', ms=4, label='root mean square in tenths')
        ends = np.array([min(x.min(), y.min()), max(x.max(), y.max())])
        axes.loglog(ends, ends, 'k-', lw=0.8, label='as predicted')
        axes.set(xlabel='predicted standard deviation of the force (meV/Å)', ylabel='error of the force (meV/Å)',
                 ylim=(ends[0] / 10, ends[1] * 5), title=f'rank correlation {self.rank_correlation:.2f}')  # fmt: skip
        axes.legend(fontsize=8)
        if path is not None:
            with complete(path) as temporary:
                figure.savefig(temporary, dpi=150, format='png')
        return figure


def reliability(potential: VVPotential, frames: Sequence[Atoms]) -> Reliability:
    """Predicted and actual errors of forces.

    Parameters
    ----------
    potential : VVPotential
        Potential with an uncertainty.
    frames : sequence of Atoms, or Dataset
        Labelled structures to which the potential was not fitted. Atoms with weight 0 are left out.

    Returns
    -------
    Reliability

    Raises
    ------
    DatasetError
        No structure has forces, or the potential has no uncertainty.
    """
    if potential.uncertainty is None:
        raise DatasetError(f'{potential!r} has no uncertainty: fit it again, or use add_uncertainty()')
    evaluator = Evaluator(potential)
    predicted, actual, grade = [], [], []
    for frame in as_dataset(frames, potential, 'the structures'):
        if frame.labels.forces is None:
            continue
        system = frame.system.species, frame.system.positions, frame.system.cell, frame.pairs
        use = slice(None) if frame.atom_weights is None else frame.atom_weights > 0
        actual.append(np.linalg.norm(residuals(frame, evaluator).forces, axis=1)[use])
        found = evaluator.uncertainty(members=_MEMBERS, system=system)
        predicted.append(found['forces'][use])
        grade.append(found['grade'][use])
    if not actual:
        raise DatasetError('no structure has forces to compare with')
    return Reliability(*map(np.concatenate, (predicted, actual, grade)))
