"""Learning by cut-outs: find new surroundings in large runs, cut them out, label, fit again, verify."""

from .cut_out import cut_out

__all__ = ['cut_out']
