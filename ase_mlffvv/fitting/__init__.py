"""Fitting VV force fields: components, term selection, least squares, report."""

from .refit import differences, normal_matrix, refit
from .report import Accuracy, FitReport, accuracy
from .rows import FitWeights
from .train import fit

__all__ = ['Accuracy', 'FitReport', 'FitWeights', 'accuracy', 'differences', 'fit', 'normal_matrix', 'refit']
