"""Criteria with intervals, and the verdict that follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from mlffvv_analysis.statistics import Estimate, mean_interval, share_interval

from ...io import html

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SUPPORTED, NOT, UNDECIDED, TOLD = 'supported', 'not supported', 'undecided', 'reported'
INFINITE = float('inf')


@dataclass(frozen=True)
class Criterion:
    """A number with its interval beside the range in which it must lie.

    Attributes
    ----------
    name : str
    estimate : Estimate
    low, high : float
        Accepted range; both infinite for numbers that are only reported.
    paper : float or None
        Value of the paper.
    unit : str
    least : int
        Smallest number of runs that can decide.
    """

    name: str
    estimate: Estimate
    low: float = -INFINITE
    high: float = INFINITE
    paper: float | None = None
    unit: str = ''
    least: int = 2

    @property
    def result(self) -> str:
        """``'supported'`` if the whole interval is accepted, ``'not supported'`` if no part of it is."""
        e = self.estimate
        if np.isinf(self.low) and np.isinf(self.high):
            return TOLD
        if e.count < self.least or not (np.isfinite(e.low) and np.isfinite(e.high)):
            return UNDECIDED
        if e.low >= self.low and e.high <= self.high:
            return SUPPORTED
        return NOT if e.high < self.low or e.low > self.high else UNDECIDED

    @property
    def accepted(self) -> str:
        """The accepted range as text."""
        if self.result == TOLD:
            return 'reported only'
        if np.isinf(self.low):
            return f'≤ {self.high:g}'
        return f'≥ {self.low:g}' if np.isinf(self.high) else f'{self.low:g} to {self.high:g}'

    @property
    def number(self) -> str:
        """Value and interval as text."""
        e, unit = self.estimate, f' {self.unit}' if self.unit else ''
        if e.count == 0:
            return 'no runs'
        if e.low == e.value == e.high:
            return f'{e.value:.3g}{unit}'
        if not np.isfinite(e.low):
            return f'{e.value:.3g}{unit} ({e.count} run{"s" if e.count > 1 else ""})'
        return f'{e.value:.3g}{unit} ({e.low:.3g} to {e.high:.3g}, {e.count} runs)'


@dataclass(frozen=True)
class Verdict:
    """What the runs say about a claim.

    Attributes
    ----------
    claim : str
        Its number, ``'C1'``.
    text : str
        The claim.
    criteria : tuple of Criterion
        All must hold.
    note : str
    """

    claim: str
    text: str
    criteria: tuple
    note: str = ''

    @property
    def result(self) -> str:
        """``'not supported'`` if one criterion fails, ``'supported'`` if all hold, otherwise ``'undecided'``."""
        found = [c.result for c in self.criteria if c.result != TOLD]
        if NOT in found:
            return NOT
        return SUPPORTED if found and set(found) == {SUPPORTED} else UNDECIDED

    @property
    def count(self) -> int:
        """Smallest number of runs behind a criterion that is judged."""
        return min((c.estimate.count for c in self.criteria if c.result != TOLD), default=0)

    def _repr_html_(self):
        rows = [(c.name, c.number, c.accepted, c.result) for c in self.criteria]
        head = ['criterion', 'found', 'accepted', 'result']
        return html.table(rows, head, f'{self.claim} {self.result}: {self.text}')

    def rows(self) -> list[dict]:
        """One dict per criterion, for a table."""
        return [{'claim': self.claim, 'verdict': self.result, 'criterion': c.name, 'result': c.result,
                 'value': c.estimate.value, 'low': c.estimate.low, 'high': c.estimate.high, 'unit': c.unit,
                 'accepted': c.accepted, 'paper': c.paper, 'runs': c.estimate.count,
                 'one_run_could_give_the_paper': None if c.paper is None else c.estimate.predicts(c.paper)}
                for c in self.criteria]  # fmt: skip


def mean(name: str, values: Iterable[float], low=-INFINITE, high=INFINITE, paper=None, unit='') -> Criterion:
    """Criterion for the mean of a number over runs."""
    return Criterion(name, mean_interval(list(values)), low, high, paper, unit)


def most(name: str, hits: Sequence[bool]) -> Criterion:
    """Criterion that something happens in most runs: the interval of its share lies above one half."""
    return Criterion(name, share_interval(list(hits)), 0.5, unit='of runs')


def over(table, column: str, start: float, stop: float) -> float:
    """Mean of a column between two times (ps); NaN if the run is shorter or the column has no number there."""
    time, values = table['time_ps'].to_numpy(), _column(table, column)
    inside = (time >= start - 1e-6) & (time <= stop + 1e-6) & np.isfinite(values)
    if time[-1] < stop - 1e-6 or not inside.any():
        return np.nan
    return float(values[inside].mean())


def at(table, column: str, time: float, half: float = 2.0) -> float:
    """Mean of a column within ``half`` ps of a time, cut at the ends of the run; NaN if the run is shorter."""
    end = table['time_ps'].to_numpy()[-1]
    return over(table, column, time - half, min(time + half, end)) if time <= end + 1e-6 else np.nan


def early(table, column: str) -> float:
    """Mean of a column between 0.5 and 1.5 ps: the first picosecond of the paper's curves."""
    return at(table, column, 1.0, 0.5)


def late(table, column: str) -> float:
    """Mean of a column over the last tenth of a run; NaN if it has no number there."""
    end = table['time_ps'].to_numpy()[-1]
    return over(table, column, 0.9 * end, end)


def first(table, column: str) -> float:
    """Value of a column in the first frame."""
    return float(_column(table, column)[0])


def smoothed(table, column, width: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Times and running mean of a column, or of an array of values, over ``width`` ps."""
    time = table['time_ps'].to_numpy()
    values = _column(table, column) if isinstance(column, str) else np.asarray(column, float)
    good = np.isfinite(values)
    time, values = time[good], values[good]
    low, high = np.searchsorted(time, time - width / 2 - 1e-9), np.searchsorted(time, time + width / 2 + 1e-9)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return time, (sums[high] - sums[low]) / (high - low)


def _column(table, column) -> np.ndarray:
    return table[column].to_numpy(float) if column in table else np.full(len(table), np.nan)
