"""Statistics of runs that differ only by their seeds: confidence bands, and tests whether two conditions differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from ase_mlffvv.checks import check_number, check_seed, check_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Band:
    """Mean of replicas as a function of time, with its confidence interval.

    Attributes
    ----------
    time, mean, low, high : ndarray, shape (n,)
        Times, means, and lower and upper ends of the confidence interval.
    count : int
        Number of replicas.
    level : float
        Confidence level.
    """

    time: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    count: int
    level: float


def band(
    times: Sequence[ArrayLike], values: Sequence[ArrayLike], level: float = 0.95, points: ArrayLike | None = None
) -> Band:
    """Mean over replicas and its confidence interval, from Student's t distribution at each time separately.

    Parameters
    ----------
    times, values : sequence of ndarray
        One array of times and one of values for each replica; the times may differ between replicas. The band covers
        the time span common to all replicas.
    level : float
        Confidence level.
    points : int, optional
        Number of points of the common time grid; by default, that of the replica with the fewest points.

    Returns
    -------
    Band
        With one replica, ``low`` and ``high`` are NaN, because a single run gives no variance.
    """
    _check_level(level)
    if points is not None:
        points = check_whole(points, 'points', low=1, high=1_000_000)
    times, values = [np.asarray(t, float) for t in times], [np.asarray(v, float) for v in values]
    if not times or len(times) != len(values) or any(t.shape != v.shape or t.ndim != 1 for t, v in zip(times, values)):
        raise ValueError('times and values must hold, for each replica, one-dimensional arrays of equal length')
    if not all(np.isfinite(x).all() for x in [*times, *values]):
        raise ValueError('times and values must be finite numbers')
    if any(len(t) == 0 or np.any(np.diff(t) <= 0) for t in times):
        raise ValueError('the times of each replica must increase')
    start, stop = max(t[0] for t in times), min(t[-1] for t in times)
    if stop < start:
        raise ValueError('the replicas have no time in common')
    grid = np.linspace(start, stop, points or min(len(t) for t in times))
    every = np.array([np.interp(grid, t, v) for t, v in zip(times, values)])
    mean, n = every.mean(axis=0), len(every)
    half = np.full(len(grid), np.nan)
    if n > 1:
        half = stats.t.ppf(0.5 + level / 2, n - 1) * every.std(axis=0, ddof=1) / np.sqrt(n)
    return Band(grid, mean, mean - half, mean + half, n, level)


@dataclass(frozen=True)
class Comparison:
    """Whether a quantity differs between two conditions.

    Attributes
    ----------
    difference : float
        Mean under the second condition minus mean under the first.
    low, high : float
        Confidence interval of the difference (Welch).
    p_welch, p_permutation : float
        p-values, the probabilities of a difference at least as large without any effect: from Welch's t-test, and from
        a permutation test, which assumes no distribution; its p-value is at least 2 over the number of permutations.
    counts : (int, int)
        Number of runs under each condition.
    level : float
        Confidence level.
    """

    difference: float
    low: float
    high: float
    p_welch: float
    p_permutation: float
    counts: tuple
    level: float

    @property
    def differ(self) -> bool:
        """Whether both tests find a difference at the confidence level."""
        return max(self.p_welch, self.p_permutation) < 1 - self.level

    def __str__(self):
        return (
            f'difference {self.difference:.4g} ({self.level:.0%} interval {self.low:.4g} to {self.high:.4g}), '
            f'p = {self.p_welch:.2g} (Welch), {self.p_permutation:.2g} (permutation), {self.counts[0]} and '
            f'{self.counts[1]} runs: {"significant" if self.differ else "not significant"}'
        )


def compare(first: ArrayLike, second: ArrayLike, level: float = 0.95, seed: int = 0) -> Comparison:
    """Test whether a quantity, given as one number per run, differs between two conditions.

    Parameters
    ----------
    first, second : array_like
        Values for the runs of each condition, for example collapse rates at 250 K and at 350 K. At least four runs of
        each are needed to reach p < 0.05 in the permutation test.
    level : float
        Confidence level.
    seed : int
        Seed of random permutations, which are used if there are more than 9999 possible ones.

    Returns
    -------
    Comparison
    """
    _check_level(level)
    seed = check_seed(seed) % 2**32
    first, second = np.asarray(first, float).ravel(), np.asarray(second, float).ravel()
    if min(len(first), len(second)) < 2:
        raise ValueError(f'a test needs at least two runs of each condition, got {len(first)} and {len(second)}')
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError('the values of runs must be finite numbers')
    difference = float(second.mean() - first.mean())
    if np.ptp(first) == 0 and np.ptp(second) == 0:
        welch, low, high = (1.0 if difference == 0 else 0.0), difference, difference
    else:
        result = stats.ttest_ind(second, first, equal_var=False)
        interval = result.confidence_interval(level)
        welch, low, high = float(result.pvalue), float(interval.low), float(interval.high)
    exchanged = stats.permutation_test(
        (second, first), lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis), vectorized=True,
        n_resamples=9999, random_state=seed,
    )  # fmt: skip
    return Comparison(difference, low, high, welch, float(exchanged.pvalue), (len(first), len(second)), level)


def _check_level(level):
    if not 0 < check_number(level, 'level', above=0, high=1) < 1:
        raise ValueError(f'level must be a confidence level between 0 and 1, got {level!r}')
