"""Page of a study: verdicts, differences between conditions, and bands over runs to explore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from mlffvv_analysis.statistics import band

from ..pages import Curve, Page, Panel, linked_charts
from ..pages.style import PALETTE
from .figures import LABELS

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

    from .claims import Verdict

POINTS = 200  # of a band


def study_page(
    title: str,
    runs: Mapping[str, Mapping[int, pandas.DataFrame]],
    verdicts: Sequence[Verdict],
    differences: pandas.DataFrame | None,
    columns: Sequence[str],
    picture: Figure,
) -> Page:
    """Build the page of the runs that are finished so far.

    Parameters
    ----------
    title : str
    runs : mapping
        Timelines of each condition by seed.
    verdicts : sequence of Verdict
        May be empty.
    differences : DataFrame, optional
        Table of :func:`.difference_table` for pairs of conditions.
    columns : sequence of str
        Columns of the timelines to draw.
    picture : matplotlib Figure
        Bands for print.
    """
    counts = ', '.join(f'{len(tables)} of {name}' for name, tables in runs.items())
    page = Page(title, f'Finished runs: {counts}. Lines are means over runs, and bands their 95 % intervals, which '
                'a single run does not have.')  # fmt: skip
    if verdicts:
        page.heading('Verdicts')
        page.table(['claim', 'verdict', 'runs', 'text'], [[v.claim, v.result, v.count, v.text] for v in verdicts])
        rows = [row for verdict in verdicts for row in verdict.rows()]
        page.table(list(rows[0]), [[_cell(value) for value in row.values()] for row in rows], 'Criteria')
    if differences is not None:
        page.heading('Differences')
        cells = [[_cell(value) for value in row] for row in differences.to_numpy().tolist()]
        page.table(list(differences.columns), cells, 'Second condition minus first. Click a head to sort.')
    page.heading('Curves')
    time, panels = _panels(runs, columns)
    if panels:
        page.charts(linked_charts(time, panels), [panel.describe(time, 'ps') for panel in panels])
    page.heading('For print')
    page.picture(picture, f'Bands over runs of {", ".join(runs)}: {", ".join(LABELS.get(c, c) for c in columns)}')
    return page


def _panels(runs, columns):
    """Common times, and a panel for each column with a curve for each condition."""
    ends = [table['time_ps'].to_numpy(float) for tables in runs.values() for table in tables.values()]
    ends = [t for t in ends if np.isfinite(t).all() and len(t) > 1]
    if not ends:
        return np.zeros(0), []
    time = np.linspace(min(t[0] for t in ends), max(t[-1] for t in ends), POINTS)
    panels = []
    for column in columns:
        curves = [_curve(f'{name} ({len(tables)})', tables.values(), column, time, PALETTE[k % len(PALETTE)])
                  for k, (name, tables) in enumerate(runs.items())]  # fmt: skip
        curves = [curve for curve in curves if curve is not None]
        if curves:
            panels.append(Panel(LABELS.get(column, column), curves, 3, skip_first=True))
    return time, panels


def _curve(label, tables, column, time, colour):
    """Mean and band of a condition at the common times; None if no run has the column."""
    series = []
    for table in tables:
        if column in table:
            t, values = table['time_ps'].to_numpy(float), table[column].to_numpy(float)
            good = np.isfinite(values) & np.isfinite(t)
            if good.sum() > 1:
                series.append((t[good], values[good]))
    if not series or max(t[0] for t, _ in series) >= min(t[-1] for t, _ in series):
        return None
    found = band(*zip(*series))

    def at(values):
        return np.interp(time, found.time, values, left=np.nan, right=np.nan)

    interval = (at(found.low), at(found.high)) if found.count > 1 else None
    return Curve(label, at(found.mean), colour, interval, smooth=False)


def _cell(value: Any):
    """A cell of a table; numbers are shown with four digits and sorted by all."""
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return '–'
    return (f'{value:.4g}', value) if isinstance(value, float) else str(value)
