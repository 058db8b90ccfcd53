"""Pages and figures in one style: HTML files that explain a result, open without a network, and need no other file."""

from .charts import Curve, Panel, linked_charts, running_mean
from .page import Page
from .style import figure, plot_style

__all__ = ['Curve', 'Page', 'Panel', 'figure', 'linked_charts', 'plot_style', 'running_mean']
