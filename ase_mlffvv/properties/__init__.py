"""Properties of lithium for any ASE calculator, beside DFT and experiment."""

from .driver import validate
from .relaxing import PropertyError
from .results import Result, Validation
from .tasks import GROUPS

__all__ = ['GROUPS', 'PropertyError', 'Result', 'Validation', 'validate']
