"""Foot of a column on its substrate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike


def foot_width(
    positions: ArrayLike, floor: float, direction: Sequence[float], thickness: float = 6.88, share: float = 0.98
) -> float:
    """Width of the foot of a column along a direction in the plane.

    Parameters
    ----------
    positions : ndarray, shape (n, 3), Å
        Positions of the atoms of the column, without detached atoms (see
        :func:`mlffvv_analysis.morphology.largest_cluster`).
    floor : float, Å
        Height of the top layer of the substrate.
    direction : sequence of two float
        Direction in the xy plane; its length does not matter.
    thickness : float, Å
        Height of the foot.
    share : float
        Share of the atoms of the foot between the two ends; the rest are stray atoms.

    Returns
    -------
    float, Å
        NaN if the foot has fewer than ten atoms.
    """
    positions, unit = np.asarray(positions, float), np.asarray(direction, float)
    if not np.linalg.norm(unit) > 0 or not 0 < share <= 1:
        raise ValueError(f'direction must have a length and share lie between 0 and 1, got {direction} and {share}')
    z = positions[:, 2] - floor if len(positions) else np.zeros(0)
    foot = positions[(z > 0) & (z <= thickness + 1e-9)] if len(z) else positions
    if len(foot) < 10:
        return np.nan
    along = foot[:, :2] @ (unit / np.linalg.norm(unit))
    return float(np.subtract(*np.quantile(along, [(1 + share) / 2, (1 - share) / 2])))
