"""Properties of lithium for any ASE calculator, beside DFT and experiment."""

from .relaxing import PropertyError
from .results import Result, Validation
from .tasks import GROUPS
from .validate import validate

__all__ = ['GROUPS', 'PropertyError', 'Result', 'Validation', 'validate']
