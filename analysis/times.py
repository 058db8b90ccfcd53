"""Time of frames: what a trajectory says about it, and the axis on which its table is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ase_mlffvv.checks import check_number

if TYPE_CHECKING:
    import pandas
    from ase import Atoms


@dataclass(frozen=True)
class Clock:
    """How the times of frames are found.

    Parameters
    ----------
    frame_time_ps : float, optional
        Time between frames, ps. It replaces times of the file.
    timestep_fs : float, optional
        Time step of the simulation, fs, for frames that contain the number of their step, such as those of LAMMPS.
    """

    frame_time_ps: float | None = None
    timestep_fs: float | None = None

    def __post_init__(self):
        for name, unit in (('frame_time_ps', 'ps'), ('timestep_fs', 'fs')):
            if getattr(self, name) is not None:
                check_number(getattr(self, name), name, unit, above=0)
        if self.frame_time_ps is not None and self.timestep_fs is not None:
            raise ValueError('give the time between frames (--frame-time) or the time step (--timestep), not both')

    def time(self, atoms: Atoms, number: int) -> float:
        """Time of frame ``number`` in ps; NaN if it is unknown.

        Raises
        ------
        ValueError
            ``timestep_fs`` is given, but the frame has no number of a step.
        """
        if self.frame_time_ps is not None:
            return number * self.frame_time_ps
        if self.timestep_fs is not None:
            step = step_of(atoms)
            if not np.isfinite(step):
                raise ValueError('the time step was given, but the frame does not contain the number of its step; give '
                                 'the time between frames instead (--frame-time)')  # fmt: skip
            return step * self.timestep_fs / 1000
        if 'time_ps' in atoms.info:
            return _number(atoms.info['time_ps'], 'time_ps')
        return _number(atoms.info['time_fs'], 'time_fs') / 1000 if 'time_fs' in atoms.info else np.nan


def step_of(atoms: Atoms) -> float:
    """Number of the step of a frame: ``step``, or ``timestep`` of LAMMPS, in its info; NaN if there is none."""
    for name in ('step', 'timestep'):
        if name in atoms.info:
            return _number(atoms.info[name], name)
    return np.nan


@dataclass(frozen=True)
class Axis:
    """Abscissa of the rows of a table.

    Attributes
    ----------
    values : ndarray, shape (n_frames,)
        Increasing.
    unit : {'ps', 'step', 'frame'}
        Rates are per this unit.
    """

    values: np.ndarray
    unit: str

    @property
    def label(self) -> str:
        """Label of the axis."""
        return 'time (ps)' if self.unit == 'ps' else self.unit

    @property
    def window(self) -> float:
        """Width of the window for rates: 2 ps, or ten intervals where the time is unknown."""
        steps = np.diff(self.values)
        return 2.0 if self.unit == 'ps' or not len(steps) else 10.0 * float(np.median(steps))

    def tell(self, value: float) -> str:
        """A value with its unit, such as ``3.2 ps`` or ``frame 16``."""
        span = float(self.values[-1] - self.values[0]) if len(self.values) else 0.0
        return time_text(value, span) if self.unit == 'ps' else f'{self.unit} {value:.0f}'


def axis_of(table: pandas.DataFrame) -> Axis:
    """Axis of a table: the time if it is known for all rows, otherwise the number of the step, otherwise the frame."""
    for name, unit in (('time_ps', 'ps'), ('step', 'step')):
        if name in table:
            values = np.asarray(table[name], float)
            if len(values) and np.isfinite(values).all() and (np.diff(values) > 0).all():
                return Axis(values, unit)
    return Axis(np.asarray(table['frame'], float), 'frame')


def time_text(time: float, span: float) -> str:
    """Time in ps as text, with as many decimals as a run of this length (ps) needs."""
    digits = 1 if span >= 2 or span == 0 else 2 if span >= 0.2 else 3 if span >= 0.02 else 4
    return f'{time:.{digits}f} ps'


def when(atoms: Atoms) -> str:
    """Time of a frame as text: ``info['when']``, otherwise its time in ps if that is known."""
    time = atoms.info.get('time_ps')
    return atoms.info.get('when') or ('time unknown' if time is None else f'{float(time):.1f} ps')


def _number(value, name):
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f'{name} must be a number, got {value!r}') from None
