"""Learning by cut-outs: find new surroundings in large runs, cut them out, label them, fit again, and verify."""

from .cut_out import cut_out
from .cutting import cut
from .loop import Recipe, learn
from .select import select
from .verify import core_errors, grade_statistics, size_convergence

__all__ = ['Recipe', 'core_errors', 'cut', 'cut_out', 'grade_statistics', 'learn', 'select', 'size_convergence']
