"""The style of all figures: one matplotlib style file, and colours that are told apart without colour vision."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from matplotlib.figure import Figure


STYLE = Path(__file__).with_name('mlffvv.mplstyle')
# Okabe and Ito's set, in the order of the style file's cycle
BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, YELLOW, BLACK = PALETTE = (
    '#0072b2', '#e69f00', '#009e73', '#d55e00', '#56b4e9', '#cc79a7', '#f0e442', '#222222',
)  # fmt: skip
GREY = '#8a8f98'
MARKERS = ('o', 's', '^', 'D', 'v', 'P', 'X', '*')  # beside colours, so that print in grey can be read


@contextmanager
def plot_style():
    """Context in which matplotlib figures are made in the style of the project; settings outside stay as they are."""
    import matplotlib.style

    with matplotlib.style.context(STYLE):
        yield


def figure(width: float, height: float, **settings: Any) -> Figure:
    """Empty matplotlib figure with a constrained layout, without pyplot.

    Make its axes within :func:`plot_style`.

    Parameters
    ----------
    width, height : float
        Size in inches.
    **settings
        Passed on to :class:`matplotlib.figure.Figure`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    out = Figure(figsize=(width, height), layout='constrained', **settings)
    FigureCanvasAgg(out)
    return out
