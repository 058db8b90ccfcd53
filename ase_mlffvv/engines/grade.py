"""Checks of the extrapolation grade during a run."""

from __future__ import annotations

import warnings

import numpy as np
from ase.calculators.calculator import CalculatorSetupError

from ..checks import check_whole
from ..errors import ExtrapolationError, ExtrapolationWarning, some
from ..kernels.fit.uncertainty import UncertaintyEngine
from ..model.potential import VVPotential

ACTIONS = ('warn', 'stop', 'ignore')


class GradeWatch:
    """Check the extrapolation grade of the atoms at regular intervals; warn once or stop if it exceeds one.

    Parameters
    ----------
    potential : VVPotential
        If it has no uncertainty, nothing is checked, and the action ``'stop'`` is refused.
    action : {'warn', 'stop', 'ignore'}
    interval : int
        Number of evaluations from one check to the next. The first evaluation is always checked.
    threads : int, optional
    model : str
        Name of the model in messages.
    """

    def __init__(self, potential: VVPotential, action='warn', interval=10, threads=None, model='the model'):
        check_action(action, interval)
        if action == 'stop':
            require_uncertainty(potential)
        self.potential, self.action, self.interval = potential, action, int(interval)
        self.threads, self.model = threads, model
        self.calls = 0
        self.warned = False
        self._engine = None

    def due(self):
        """Count an evaluation, and return whether to :meth:`check` it."""
        turn = self.calls % self.interval == 0
        self.calls += 1
        silent = self.action == 'ignore' or (self.action == 'warn' and self.warned)
        return turn and not silent and self.potential.uncertainty is not None

    def check(self, *system):
        """Check the grades for these species, positions, cell and pairs.

        Raises
        ------
        ExtrapolationError
            A grade exceeds one and the action is ``'stop'``.
        """
        self.judge(self.uncertainty(*system)[2])

    def judge(self, grade):
        """As :meth:`check`, for the grades of all atoms (ndarray)."""
        beyond = np.flatnonzero(grade > 1)
        if len(beyond) == 0:
            return
        worst = int(grade.argmax())
        message = (
            f'the surroundings of {len(beyond)} of {len(grade)} atoms (atoms {some(beyond)}) lie outside of the '
            f'training data of {self.model}: grade up to {grade.max():.1f} (atom {worst}), where 1 is the most extreme '
            'training atom. Their energies and forces may be wrong; see calc.uncertainty(atoms), and label such '
            'structures and fit again.'
        )
        if self.action == 'stop':
            raise ExtrapolationError(message, grade)
        self.warned = True
        warnings.warn(message, ExtrapolationWarning, stacklevel=6)

    def uncertainty(self, *system):
        """Standard deviations of the atomic energies and of their sum in eV, and the grade of each atom."""
        require_uncertainty(self.potential)
        if self._engine is None:
            self._engine = UncertaintyEngine(self.potential, self.threads)
        return self._engine(*system)

    def __getstate__(self):
        return {**self.__dict__, '_engine': None}


def check_action(action, interval):
    """Raise CalculatorSetupError for invalid settings of a watch."""
    if action not in ACTIONS:
        raise CalculatorSetupError(f"on_extrapolation must be 'warn', 'stop' or 'ignore', got {action!r}")
    check_whole(interval, 'check_interval', 'calculations', low=1)


def require_uncertainty(potential):
    """Raise CalculatorSetupError for a potential without an uncertainty."""
    if potential.uncertainty is None:
        raise CalculatorSetupError(
            f'{potential!r} has no uncertainty. Fit it again, or use ase_mlffvv.fitting.add_uncertainty with its '
            'training structures.'
        )
