"""ASE calculators of the force field."""

from ase.calculators.calculator import external_calculators, register_calculator_class

from .vv import CommitteeCalculator, VVCalculator

__all__ = ['CommitteeCalculator', 'VVCalculator']

if 'vv' not in external_calculators:  # the name that trajectories and databases store
    register_calculator_class('vv', VVCalculator)
