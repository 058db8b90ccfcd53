"""Density-functional labels with an implicit solvent and atomic energies: plane-wave GPAW plus our continuum.

``fields``, ``polarisation`` and ``potentiostat`` know arrays only, as do ``grid``, ``densities`` and ``cavity`` above;
``coupling`` and ``energies`` know GPAW; ``calculator`` knows ASE. GPAW is imported when it is first needed.
"""

from .calculator import GPAWSolvent

__all__ = ['GPAWSolvent']
