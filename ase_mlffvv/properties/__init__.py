"""Properties of lithium from any ASE calculator, compared with DFT and experiment."""

from .driver import validate
from .relaxing import PropertyError
from .results import Result, Validation
from .tasks import GROUPS

__all__ = ['GROUPS', 'PropertyError', 'Result', 'Validation', 'validate']
