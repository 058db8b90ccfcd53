"""Analysis of dendrite simulations, for any ASE calculator and trajectory.

The package in the folder ``analysis/`` is installed as ``mlffvv_analysis``, because a user's own ``analysis.py`` would
shadow the shorter name. From ``ase_mlffvv`` it uses only the builders of structures and the functions that protect
files and folders, but not the force field. OVITO, pandas, scikit-learn and ruptures (the extra ``analysis``) are
imported only where they are used.
"""

from .coordination import coordination_numbers, surface_and_bulk
from .heights import height

__all__ = ['coordination_numbers', 'height', 'surface_and_bulk']
