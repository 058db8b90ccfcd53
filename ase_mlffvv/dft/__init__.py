"""Density-functional engines that label structures, and the implicit solvent that they share."""

from .pwmat import PWmat
from .solvent import Solvent

__all__ = ['PWmat', 'Solvent']
