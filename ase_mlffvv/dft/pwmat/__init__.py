"""PWmat as an ASE calculator."""

from .calculator import PAPER, PWmat
from .jobs import MolecularDynamicsJob, RelaxationJob
from .outputs import NotConverged, Unfinished
from .profile import PWmatProfile
from .template import PWmatTemplate

__all__ = [
    'PAPER',
    'MolecularDynamicsJob',
    'NotConverged',
    'PWmat',
    'PWmatProfile',
    'PWmatTemplate',
    'RelaxationJob',
    'Unfinished',
]
