"""Structures of the dendrite study; each function returns a new Atoms object with tags."""

from .adatoms import add_adatoms
from .dendrites import A_LITHIUM, ADATOM, COLUMN, SUBSTRATE, column, cuboid, freeze_bottom, training_cell

__all__ = [
    'ADATOM',
    'A_LITHIUM',
    'COLUMN',
    'SUBSTRATE',
    'add_adatoms',
    'column',
    'cuboid',
    'freeze_bottom',
    'training_cell',
]
