"""Directions in which the top of a column slides, in the axes of the crystal of its substrate, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .displacements import Segment, segments
from .orientation import nearest_direction

if TYPE_CHECKING:
    from typing import Any

    import pandas
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Slide:
    """Displacement of the top of a column between two times.

    Attributes
    ----------
    stage : Segment
        Stage of the mean displacement in the plane; pauses are its plateaus.
    vector : ndarray, shape (3,), Å
        Displacement in the axes of the crystal, which are those of the cell for the substrates of
        :mod:`ase_mlffvv.structures`.
    direction : tuple of int
        Nearest low-index direction.
    off : float, degrees
        Angle to that direction; NaN for a displacement of length zero.
    off_110 : float, degrees
        Angle in the plane between the displacement and the nearest of the four directions ⟨110⟩ in it, at most 45.
        Random directions have a mean of 22.5.
    """

    stage: Segment
    vector: np.ndarray
    direction: tuple
    off: float
    off_110: float


def slides(table: pandas.DataFrame, flat: float = 0.2, **settings: Any) -> list[Slide]:
    """Divide a timeline into stages of sliding, and find the direction of each.

    Parameters
    ----------
    table : DataFrame
        With the columns ``time_ps``, ``dxy_all_A``, ``top_dx_A``, ``top_dy_A`` and ``top_dz_A`` of
        :func:`mlffvv_analysis.timeline.timeline`.
    flat, **settings
        As for :func:`mlffvv_analysis.displacements.segments`.
    """
    time = table['time_ps'].to_numpy()
    vectors = table[['top_dx_A', 'top_dy_A', 'top_dz_A']].to_numpy()
    out = []
    for stage in segments(time, table['dxy_all_A'], flat, **settings):
        vector = slide_between(time, vectors, stage.start, stage.stop)
        direction, off = nearest_direction(vector) if np.linalg.norm(vector) > 0 else ((0, 0, 0), np.nan)
        out.append(Slide(stage, vector, direction, off, angle_to_110(vector)))
    return out


def slide_between(time: ArrayLike, vectors: ArrayLike, start: float, stop: float) -> np.ndarray:
    """Change of a mean displacement between two times, with linear interpolation, shape (3,)."""
    time, vectors = np.asarray(time, float), np.asarray(vectors, float)
    return np.array([np.subtract(*np.interp([stop, start], time, column)) for column in vectors.T])


def angle_to_110(vector: ArrayLike) -> float:
    """Angle (degrees) between a vector and the nearest ⟨110⟩ direction, both in the xy plane; NaN for a zero vector."""
    x, y = np.asarray(vector, float)[:2]
    if np.hypot(x, y) == 0:
        return np.nan
    return float(abs((np.degrees(np.arctan2(y, x)) % 90) - 45))
