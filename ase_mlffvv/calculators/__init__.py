"""ASE calculators of the force field."""

from .vv import CommitteeCalculator, VVCalculator

__all__ = ['CommitteeCalculator', 'VVCalculator']
