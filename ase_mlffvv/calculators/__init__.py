"""ASE calculators."""

from .pwmat import PWmat
from .solvent import Solvent
from .vv import CommitteeCalculator, VVCalculator

__all__ = ['CommitteeCalculator', 'PWmat', 'Solvent', 'VVCalculator']
