"""Fitting VV force fields: components, term selection, least squares, report."""

from .calibration import Reliability, reliability
from .refit import differences, normal_matrix, refit
from .report import Accuracy, FitReport, accuracy
from .rows import FitWeights
from .train import fit
from .uncertain import add_uncertainty

__all__ = ['Accuracy', 'FitReport', 'FitWeights', 'Reliability', 'accuracy', 'add_uncertainty', 'differences', 'fit',
           'normal_matrix', 'refit', 'reliability']  # fmt: skip
