"""Fitting VV force fields: components, term selection, least squares, report."""

from .refit import differences, refit
from .report import Accuracy, FitReport, accuracy
from .rows import FitWeights
from .train import fit

__all__ = ['Accuracy', 'FitReport', 'FitWeights', 'accuracy', 'differences', 'fit', 'refit']
