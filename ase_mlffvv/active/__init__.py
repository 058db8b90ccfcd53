"""The loop around a fit: labelling structures with a reference calculator."""

from .labelling import LabelSummary, label

__all__ = ['LabelSummary', 'label']
