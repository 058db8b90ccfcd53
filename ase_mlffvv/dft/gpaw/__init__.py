"""Density-functional labels with an implicit solvent and atomic energies: plane-wave GPAW plus our continuum.

``grid``, ``densities``, ``cavity``, ``polarisation`` and ``potentiostat`` know arrays only;
``coupling`` and ``energies`` know GPAW; ``calculator`` knows ASE. GPAW is imported when it is first needed.
"""

from .calculator import GPAWSolvent

__all__ = ['GPAWSolvent']
