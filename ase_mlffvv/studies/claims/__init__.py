"""The claims of the paper as functions of timelines, and methods whose acceptance is a number.

The thresholds were fixed before any run of the study; they are those of the claims' definitions and are not tuned.
"""

from .criteria import Criterion, Verdict
from .judge import CLAIMS, ROLES, judge

__all__ = ['CLAIMS', 'ROLES', 'Criterion', 'Verdict', 'judge']
