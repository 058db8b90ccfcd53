"""Calculators that make labels in the tests."""

from pathlib import Path


def accurate_unless_broken(atoms, safe, directory):
    from ase_mlffvv import VVCalculator

    if Path('broken').exists():
        raise RuntimeError('broken')
    return VVCalculator('li-pbe-2-accurate', on_extrapolation='ignore', threads=1)
