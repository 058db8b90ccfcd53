"""Density-functional labels with an implicit solvent and atomic energies: plane-wave GPAW plus our continuum.

The modules ``fields``, ``polarisation`` and ``potentiostat`` use only arrays, as do ``grid``, ``densities`` and
``cavity`` of the parent package; ``coupling`` and ``energies`` use GPAW; ``calculator`` uses ASE. GPAW is imported when
it is first needed.
"""

from .calculator import GPAWSolvent

__all__ = ['GPAWSolvent']
