"""Labelling structures with a reference calculator."""

from .queue import LabelSummary, label

__all__ = ['LabelSummary', 'label']
