"""The VV model: its parameters, their reference evaluation, the model file and the importer of original folders.

Suffixes of array names may denote axes: i atoms, p directed pairs, c Cartesian, f features, k basis functions.
"""

from .find import find_potential
from .pair import PairTerm
from .potential import VVPotential
from .prediction import Prediction
from .spec import VVSpec
from .terms import ElementBlock

__all__ = ['ElementBlock', 'PairTerm', 'Prediction', 'VVPotential', 'VVSpec', 'find_potential']
