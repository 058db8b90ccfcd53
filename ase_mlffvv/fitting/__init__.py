"""Fitting VV force fields: components, term selection, least squares, report."""

from .calibration import Reliability, reliability
from .dataset import Dataset
from .information import NormalMatrix, normal_matrix
from .refit import differences, refit
from .report import Accuracy, FitReport, accuracy
from .rows import FitWeights
from .train import fit
from .uncertain import add_uncertainty

__all__ = ['Accuracy', 'Dataset', 'FitReport', 'FitWeights', 'NormalMatrix', 'Reliability', 'accuracy',
           'add_uncertainty', 'differences', 'fit', 'normal_matrix', 'refit', 'reliability']  # fmt: skip
