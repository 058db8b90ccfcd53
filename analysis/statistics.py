"""Statistics of runs that differ only by their seeds: intervals, bands, differences, and what could have been seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize, stats

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


@dataclass(frozen=True)
class Estimate:
    """A number with its confidence interval.

    Attributes
    ----------
    value, low, high : float
        NaN without data. With one run, ``low`` and ``high`` are NaN, because a single run gives no variance.
    count : int
        Number of runs.
    deviation : float
        Standard deviation over runs, or NaN.
    level : float
        Confidence level.
    """

    value: float
    low: float
    high: float
    count: int
    deviation: float = np.nan
    level: float = 0.95

    def predicts(self, value: float) -> bool | None:
        """Whether a single further run could have this value: whether it lies in the prediction interval.

        None if there are fewer than two runs.
        """
        if self.count < 2 or not np.isfinite(self.deviation):
            return None
        reach = stats.t.ppf(0.5 + self.level / 2, self.count - 1) * self.deviation * np.sqrt(1 + 1 / self.count)
        return bool(abs(value - self.value) <= reach + 1e-12)


def mean_interval(values: ArrayLike, level: float = 0.95) -> Estimate:
    """Mean over runs with its confidence interval (Student's t); runs whose value is NaN do not count."""
    x = np.asarray(values, float).ravel()
    x = x[np.isfinite(x)]
    if len(x) == 0:
        return Estimate(np.nan, np.nan, np.nan, 0, np.nan, level)
    mean, n = float(x.mean()), len(x)
    if n == 1:
        return Estimate(mean, np.nan, np.nan, 1, np.nan, level)
    deviation = float(x.std(ddof=1))
    half = float(stats.t.ppf(0.5 + level / 2, n - 1) * deviation / np.sqrt(n))
    return Estimate(mean, mean - half, mean + half, n, deviation, level)


def share_interval(hits: Sequence[bool], level: float = 0.95) -> Estimate:
    """Share of runs in which something happens, with Wilson's interval."""
    n, k = len(hits), int(np.sum(hits))
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan, 0, np.nan, level)
    interval = stats.binomtest(k, n).proportion_ci(level, method='wilson')
    return Estimate(k / n, float(interval.low), float(interval.high), n, np.nan, level)


def contrast(groups: Sequence[ArrayLike], weights: Sequence[float], level: float = 0.95) -> Estimate:
    """Weighted sum of the means of independent groups of runs, with its interval (Welch and Satterthwaite).

    Parameters
    ----------
    groups : sequence of array_like
        Values of the runs of each condition; NaN do not count.
    weights : sequence of float
        ``(1, -1)`` is the difference of two conditions.
    """
    groups = [np.asarray(g, float).ravel() for g in groups]
    groups = [g[np.isfinite(g)] for g in groups]
    count = min(len(g) for g in groups)
    if count == 0:
        return Estimate(np.nan, np.nan, np.nan, 0, np.nan, level)
    value = float(sum(w * g.mean() for w, g in zip(weights, groups)))
    if count == 1:
        return Estimate(value, np.nan, np.nan, 1, np.nan, level)
    parts = np.array([w**2 * g.var(ddof=1) / len(g) for w, g in zip(weights, groups)])
    variance = parts.sum()
    if variance == 0:
        return Estimate(value, value, value, count, np.nan, level)
    freedom = variance**2 / sum(part**2 / (len(g) - 1) for part, g in zip(parts, groups))
    half = float(stats.t.ppf(0.5 + level / 2, freedom) * np.sqrt(variance))
    return Estimate(value, value - half, value + half, count, np.nan, level)


def ratio(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> Estimate:
    """Ratio of the geometric means of two conditions, ``first / second``, with its interval.

    If some values are not positive, it is the ratio of the means, without an interval.
    """
    groups = [np.asarray(g, float).ravel() for g in (first, second)]
    groups = [g[np.isfinite(g)] for g in groups]
    count = min(len(g) for g in groups)
    if count and any((g <= 0).any() for g in groups):
        means = [float(g.mean()) for g in groups]
        return Estimate(means[0] / means[1] if means[1] else np.nan, np.nan, np.nan, count, np.nan, level)
    found = contrast([np.log(g) for g in groups], (1, -1), level)
    value, low, high = (float(np.exp(x)) for x in (found.value, found.low, found.high))
    return Estimate(value, low, high, found.count, np.nan, level)


def effect_size(first: ArrayLike, second: ArrayLike) -> float:
    """Hedges' g: the difference of the means (second minus first) in units of the pooled standard deviation.

    The value is corrected for the bias of small samples; NaN with fewer than two runs of a condition or no variance.
    """
    a, b = (np.asarray(x, float).ravel() for x in (first, second))
    if min(len(a), len(b)) < 2:
        return np.nan
    n = len(a) + len(b)
    pooled = np.sqrt(((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / (n - 2))
    return float((b.mean() - a.mean()) / pooled * (1 - 3 / (4 * n - 9))) if pooled > 0 else np.nan


def detectable(
    deviation: float, first: int, second: int | None = None, level: float = 0.95, power: float = 0.8
) -> float:
    """Smallest difference that a t-test finds with a probability of ``power``.

    Parameters
    ----------
    deviation : float
        Standard deviation between runs of the same condition.
    first, second : int
        Number of runs of each condition. Without ``second``, the mean of one condition is compared with a fixed value.
    level : float
        The test finds a difference if p < 1 - level.
    power : float

    Returns
    -------
    float
        In the units of ``deviation``; NaN if there are too few runs for a test.
    """
    freedom = first - 1 if second is None else first + second - 2
    if min(first, second or first) < 2 or not np.isfinite(deviation):
        return np.nan
    scale = np.sqrt(1 / first + (1 / second if second else 0))
    limit = stats.t.ppf(0.5 + level / 2, freedom)

    def missing(shift):
        return stats.nct.sf(limit, freedom, shift) + stats.nct.cdf(-limit, freedom, shift) - power

    high = 1.0
    while missing(high) < 0:  # SciPy has no values for large shifts
        high *= 1.5
    return float(deviation * scale * optimize.brentq(missing, 1e-6, high))


def adjusted(p_values: ArrayLike) -> np.ndarray:
    """p-values corrected for the number of comparisons (Benjamini and Hochberg); NaN stay NaN.

    Among comparisons whose corrected value is below 0.05, at most 5 % are expected to be false.
    """
    p = np.asarray(p_values, float).ravel()
    out, known = np.full(len(p), np.nan), np.isfinite(p)
    if known.any():
        out[known] = stats.false_discovery_control(p[known])
    return out
