"""Learning by cut-outs: find new surroundings in large runs, cut them out, label, fit again, verify."""

from .cut_out import cut_out
from .cutting import cut
from .select import select

__all__ = ['cut', 'cut_out', 'select']
