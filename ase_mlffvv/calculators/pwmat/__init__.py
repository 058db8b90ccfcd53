"""PWmat as an ASE calculator."""

from .calculator import PAPER, PWmat
from .jobs import Dynamics, Relaxation
from .outputs import NotConverged, Unfinished
from .profile import PWmatProfile
from .template import PWmatTemplate

__all__ = ['PAPER', 'Dynamics', 'NotConverged', 'PWmat', 'PWmatProfile', 'PWmatTemplate', 'Relaxation', 'Unfinished']
