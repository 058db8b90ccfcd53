"""Curves to explore in a page: zoom, values under the pointer, and one cursor for all charts of a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .style import GREY, PALETTE, VERMILION

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import ArrayLike


SMOOTHED = 40  # points from which a curve gets a running mean
DASHES = ('solid', 'dashed', 'dotted', 'dotdash', 'dashdot')


@dataclass(frozen=True)
class Curve:
    """A curve of a panel.

    Parameters
    ----------
    label : str
        Name in the legend and beside the pointer.
    values : array_like, shape (n,)
        NaN where there is no value.
    colour : str, optional
        By default, the next colour of the palette.
    band : (array_like, array_like), optional
        Lower and upper limits of an interval around the curve, such as a confidence interval.
    smooth : bool
        Draw a running mean in front of the values, if there are many.
    """

    label: str
    values: ArrayLike
    colour: str | None = None
    band: tuple | None = None
    smooth: bool = True


@dataclass(frozen=True)
class Panel:
    """A chart with a title, which names quantity and unit, and its curves.

    Parameters
    ----------
    title : str
    curves : sequence of Curve
    digits : int
        Decimal places of values beside the pointer.
    skip_first : bool
        Leave the first point out of the vertical range: a perfect crystal may lie far from what follows.
    from_zero : bool
        Begin the vertical axis at 0.
    """

    title: str
    curves: Sequence[Curve]
    digits: int = 3
    skip_first: bool = False
    from_zero: bool = False

    def describe(self, x: ArrayLike, unit: str = '') -> str:
        """What is seen, in words: values at both ends and the range of each curve."""
        return f'{self.title}: ' + '; '.join(
            _describe(curve, np.asarray(x), unit, self.digits) for curve in self.curves
        )


def running_mean(values: ArrayLike, window: int | None = None) -> np.ndarray:
    """Centred running mean; at the ends the window shrinks symmetrically, and NaN are left out.

    Parameters
    ----------
    values : array_like, shape (n,)
    window : int, optional
        Number of points, odd; by default, a twenty-fifth of all, at least 5.

    Returns
    -------
    ndarray, shape (n,)
        NaN where the window holds no value.
    """
    v = np.asarray(values, float)
    if v.ndim != 1:
        raise ValueError(f'values must be one-dimensional, got the shape {v.shape}')
    window = max(5, len(v) // 25 | 1) if window is None else window
    if window < 1 or window % 2 == 0:
        raise ValueError(f'window must be an odd number of points, got {window!r}')
    known = np.isfinite(v)
    sums, counts = (np.concatenate([[0], np.cumsum(a)]) for a in (np.where(known, v, 0.0), known))
    k = np.arange(len(v))
    half = np.minimum(window // 2, np.minimum(k, len(v) - 1 - k))
    low, high = k - half, k + half + 1
    n = counts[high] - counts[low]
    return np.where(n > 0, (sums[high] - sums[low]) / np.maximum(n, 1), np.nan)


def linked_charts(
    x: ArrayLike,
    panels: Sequence[Panel],
    *,
    x_label: str = 'time (ps)',
    marks: Sequence[float] = (),
    spans: Sequence[tuple[float, float]] = (),
    height: int = 250,
) -> list[Any]:
    """Charts that share their horizontal axis and the cursor.

    A click sends the event ``mlffvv-time`` with the position to the page, and the event ``mlffvv-now`` moves a line in
    all charts; the view of atoms uses both.

    Parameters
    ----------
    x : array_like, shape (n,)
        Common horizontal coordinate, in increasing order.
    panels : sequence of Panel
    x_label : str
        Name and unit of ``x``.
    marks : sequence of float
        Positions of thin vertical lines, such as change points.
    spans : sequence of (float, float)
        Ranges with a grey background, such as plateaus.
    height : int
        Height of a chart in pixels; the width is that of the page.

    Returns
    -------
    list of bokeh figures, one for each panel
    """
    from bokeh.models import CrosshairTool, Range1d, Span

    x = np.asarray(x, float)
    if x.ndim != 1 or len(x) == 0 or not np.isfinite(x).all():
        raise ValueError(f'x must hold one finite number for each point, got the shape {x.shape}')
    low, high = float(x.min()), float(x.max())
    margin = 0.01 * (high - low) or 0.5
    shared = Range1d(low - margin, high + margin, bounds=(low - 5 * margin, high + 5 * margin))
    cursor = Span(dimension='height', line_color=GREY, line_dash='dotted', line_width=1)
    out = [_chart(x, panel, x_label, shared, marks, spans, height) for panel in panels]
    for chart in out:
        chart.add_tools(CrosshairTool(dimensions='height', overlay=cursor))
    return out


def _chart(x, panel, x_label, shared, marks, spans, height):
    from bokeh.events import Tap
    from bokeh.models import BoxAnnotation, ColumnDataSource, CustomJS, HoverTool, Legend, Span
    from bokeh.plotting import figure

    chart = figure(height=height, sizing_mode='stretch_width', x_range=shared, title=panel.title,
                   tools='xbox_zoom,xpan,xwheel_zoom,reset,save', toolbar_location='right')  # fmt: skip
    chart.toolbar.logo = None
    chart.toolbar.active_drag, chart.toolbar.active_scroll = chart.toolbar.tools[0], None  # the wheel scrolls the page
    chart.toolbar.autohide = True
    chart.min_border_left, chart.min_border_right = 52, 8
    chart.title.text_font_size, chart.title.text_color = '14px', '#222222'
    chart.xaxis.axis_label, chart.xaxis.axis_label_text_font_style = x_label, 'normal'
    for axis in (*chart.xaxis, *chart.yaxis):
        axis.major_label_text_font_size, axis.axis_label_text_font_size = '12px', '13px'
        axis.minor_tick_line_color, axis.axis_line_color = None, '#5b6470'
    chart.grid.grid_line_color, chart.outline_line_color = '#e3e6ea', None
    for start, stop in spans:
        chart.add_layout(BoxAnnotation(left=start, right=stop, fill_color='#eef1f4', line_color=None, level='image'))
    for mark in marks:
        chart.add_layout(Span(location=mark, dimension='height', line_color=GREY, line_dash='dashed', line_width=1))
    chart.add_layout(Span(location=float(x[0]), dimension='height', line_color=VERMILION, line_width=2, tags=['now'],
                          visible=False))  # fmt: skip
    source, items, tips = ColumnDataSource({'x': x}), [], [(x_label.partition(' (')[0], '@x{0.00}')]
    first = None
    for k, curve in enumerate(panel.curves):
        drawn = _draw(chart, source, curve, k)
        first = first or drawn[-1]
        items.append((curve.label, drawn))
        tips.append((curve.label, f'@y{k}{{0.{"0" * panel.digits}}}' if panel.digits else f'@y{k}{{0}}'))
    if len(items) > 1:
        legend = Legend(items=items, orientation='horizontal', click_policy='hide', label_text_font_size='12px',
                        border_line_color=None, padding=0, margin=2, spacing=12, ncols='auto')  # fmt: skip
        chart.add_layout(legend, 'below')
    chart.add_tools(HoverTool(renderers=[first] if first else [], mode='vline', tooltips=tips, attachment='horizontal'))
    chart.js_on_event(Tap, CustomJS(code="document.dispatchEvent(new CustomEvent('mlffvv-time', {detail: cb_obj.x}))"))
    _vertical_range(chart, panel)
    return chart


def _draw(chart, source, curve, k):
    """Add a curve to a chart; returns what the legend hides, the line that the pointer finds last."""
    values, colour = np.asarray(curve.values, float), curve.colour or PALETTE[k % len(PALETTE)]
    source.data[f'y{k}'] = values
    out, dash = [], DASHES[k // len(PALETTE) % len(DASHES)]
    if curve.band is not None:
        source.data[f'low{k}'], source.data[f'high{k}'] = (np.asarray(b, float) for b in curve.band)
        out.append(chart.varea('x', f'low{k}', f'high{k}', source=source, fill_color=colour, fill_alpha=0.18))
    settings = {'source': source, 'line_color': colour, 'line_dash': dash}
    if curve.smooth and len(values) >= SMOOTHED:
        source.data[f'mean{k}'] = running_mean(values)
        out.append(chart.line('x', f'mean{k}', line_width=2.2, **settings))
        out.append(chart.line('x', f'y{k}', line_width=1, line_alpha=0.4, **settings))
    else:
        out.append(chart.line('x', f'y{k}', line_width=1.8, **settings))
    if len(values) < SMOOTHED:
        out.insert(0, chart.scatter('x', f'y{k}', source=source, size=5, color=colour))
    return out


def _vertical_range(chart, panel):
    from bokeh.models import Range1d

    curves = [v for c in panel.curves for v in (c.values, *(c.band or ()))]
    values = np.concatenate([np.asarray(v, float)[panel.skip_first and len(v) > 3 :] for v in curves])
    values = values[np.isfinite(values)]
    if len(values) == 0:
        chart.title.text, chart.y_range = f'{panel.title}: no value', Range1d(0, 1)
        return
    low, high = float(values.min()), float(values.max())
    margin = 0.08 * (high - low) or (0.05 * max(abs(high), 1.0) if panel.digits else 1.0)
    chart.y_range = Range1d(0 if panel.from_zero and low >= 0 else low - margin, high + margin)


def _describe(curve, x, unit, digits):
    values = np.asarray(curve.values, float)
    known = np.flatnonzero(np.isfinite(values))
    name = f'{curve.label} ' if curve.label else ''
    if len(known) == 0:
        return f'{name}without values'
    a, b = known[0], known[-1]
    low, high = values[known].min(), values[known].max()
    ends = (f'{values[k]:.{digits}f} at {x[k]:g} {unit}'.strip() for k in (a, b))
    return f'{name}from {" to ".join(ends)}, between {low:.{digits}f} and {high:.{digits}f}'
