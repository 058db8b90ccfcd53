"""Builders of structures. Each function returns a new Atoms object; only ASE, NumPy and SciPy are needed."""

from .adatoms import ADATOM_SLABS, adatom_slab, add_adatoms
from .bicrystals import TILT_BOUNDARIES, stacked_bicrystal, tilt_bicrystal
from .clusters import ball, cluster, free_needle, surroundings
from .crystals import crystal_of_density, phase, vacancy_hop, with_vacancy
from .dendrites import A_LITHIUM, ADATOM, COLUMN, SUBSTRATE, column, cuboid, freeze_bottom, training_cell
from .slabs import facet_family, miller, slab, step

__all__ = [
    'ADATOM',
    'ADATOM_SLABS',
    'A_LITHIUM',
    'COLUMN',
    'SUBSTRATE',
    'TILT_BOUNDARIES',
    'adatom_slab',
    'add_adatoms',
    'ball',
    'cluster',
    'column',
    'crystal_of_density',
    'cuboid',
    'facet_family',
    'free_needle',
    'freeze_bottom',
    'miller',
    'phase',
    'slab',
    'stacked_bicrystal',
    'step',
    'surroundings',
    'tilt_bicrystal',
    'training_cell',
    'vacancy_hop',
    'with_vacancy',
]
