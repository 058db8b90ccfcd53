"""ASE calculators."""

from .vv import CommitteeCalculator, VVCalculator

__all__ = ['CommitteeCalculator', 'VVCalculator']
