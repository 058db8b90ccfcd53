"""Numbers at the doors of builders of structures and of cut-outs."""

import numpy as np
from ase.build import bulk

from ase_mlffvv.errors import InsufficientMemoryError, StructureError
from ase_mlffvv.learning import cut_out, select
from ase_mlffvv.learning.loop import Recipe
from ase_mlffvv.structures import (
    adatom_slab,
    add_adatoms,
    ball,
    cluster,
    column,
    crystal_of_density,
    cuboid,
    free_needle,
    freeze_bottom,
    phase,
    slab,
    stacked_bicrystal,
    step,
    surroundings,
    tilt_bicrystal,
    training_cell,
    vacancy_hop,
    with_vacancy,
)

from .rows import COUNT, FINITE, NAN, NATURAL, NOT_NEGATIVE, POSITIVE, SEED, door, optional, refuses, row, table

CRYSTAL = bulk('Li', cubic=True, a=3.44) * (3, 3, 3)
SLAB = slab('100', layers=5)
ELEMENT = ('Xx', 'X', '', 3, None)


def needle(**changes):
    return column(**{'diameter': 3, 'height': 3, 'box': 6, **changes})


def block(**changes):
    return cuboid(**{'side': 3, 'height': 3, 'box': 6, **changes})


def learned(**changes):
    run = {'file': 'a', 'temperature': 300, 'time': 1}
    run.update({k: changes.pop(k) for k in ('temperature', 'time', 'timestep', 'frames', 'freeze') if k in changes})
    return Recipe(structures=[run], calculator='vv', **changes)


NEEDLES = [
    *door('column diameter', lambda v: needle(diameter=v), POSITIVE),
    *door('column height', lambda v: needle(height=v), POSITIVE),
    *door('column box', lambda v: needle(box=v), COUNT, 'cells'),
    *door('column substrate_layers', lambda v: needle(substrate_layers=v), COUNT),
    *door('column vacuum', lambda v: needle(vacuum=v), POSITIVE),
    *door('column a', lambda v: needle(a=v), POSITIVE, 'a must be'),
    *door('column element', lambda v: needle(element=v), ELEMENT),
    *door('cuboid side', lambda v: block(side=v), POSITIVE),
    *door('cuboid height', lambda v: block(height=v), POSITIVE),
    *door('cuboid face', lambda v: block(face=v), ('111', None), 'face', error=ValueError),
    *door('training_cell cells', lambda v: training_cell(cells=v), COUNT),
    *door('training_cell column_layers', lambda v: training_cell(column_layers=v), COUNT),
    *door('freeze_bottom layers', lambda v: freeze_bottom(SLAB, v), NATURAL),
    *door('freeze_bottom thickness', lambda v: freeze_bottom(SLAB, thickness=v), optional(NOT_NEGATIVE)),
    *door('free_needle diameter', lambda v: free_needle(v, 3), POSITIVE),
    *door('free_needle vacuum', lambda v: free_needle(2, 2, vacuum=v), NOT_NEGATIVE),
]

CRYSTALS = [
    *door('slab a', lambda v: slab('100', v), POSITIVE, 'a must be'),
    *door('slab thickness', lambda v: slab('100', thickness=v), POSITIVE),
    *door('slab layers', lambda v: slab('100', layers=v), optional(COUNT)),
    *door('slab vacuum', lambda v: slab('100', vacuum=v), NOT_NEGATIVE),
    *door('slab element', lambda v: slab('100', element=v), ELEMENT),
    *door('slab indices', slab, ('12', '000', 3, None, (1.5, 'a', 0)), 'Miller', error=ValueError),
    row('slab repeat=0', lambda: slab('100', repeat=(0, 1)), ValueError, 'repeat', '1 or more', '0'),
    row('slab repeat=a', lambda: slab('100', repeat='a'), ValueError, 'repeat', "'a'"),
    row('slab repeat=1.5', lambda: slab('100', repeat=(1.5, 1)), ValueError, 'repeat', '1.5'),
    row('slab repeat of three', lambda: slab('100', repeat=(1, 1, 1)), ValueError, 'repeat', '(2,)', '(3,)'),
    *door('step layers', lambda v: step(SLAB, v), COUNT),
    *door('step start', lambda v: step(SLAB, 1, v), FINITE),
    *door('adatom_slab a', lambda v: adatom_slab('100', v), POSITIVE, 'a must be'),
    *door('adatom_slab face', adatom_slab, ('310', 3, None), 'face', error=ValueError),
    *door('tilt_bicrystal a', lambda v: tilt_bicrystal('gb_310', v), POSITIVE, 'a must be'),
    *door('tilt_bicrystal name', tilt_bicrystal, ('gb_999', 3, None), 'boundary', error=ValueError),
    *door('tilt_bicrystal periods', lambda v: tilt_bicrystal('gb_310', periods=v), optional(COUNT)),
    row('tilt_bicrystal shift=nan', lambda: tilt_bicrystal('gb_310', shift=(NAN, 0)), ValueError, 'shift', 'nan'),
    row('tilt_bicrystal repeat=0', lambda: tilt_bicrystal('gb_310', repeat=(1, 0)), ValueError, 'repeat', '0'),
    *door('stacked_bicrystal gap', lambda v: stacked_bicrystal(SLAB, SLAB, v), NOT_NEGATIVE),
    *door('phase a', lambda v: phase('bcc', a=v), POSITIVE, 'a must be'),
    *door('phase element', lambda v: phase('bcc', v), ELEMENT),
    *door('phase name', phase, ('sc', 3, None), 'phase', error=ValueError),
    *door('crystal_of_density density', lambda v: crystal_of_density(v, cells=2), POSITIVE),
    *door('crystal_of_density cells', lambda v: crystal_of_density(0.5, cells=v), COUNT),
    *door('with_vacancy index', lambda v: with_vacancy(CRYSTAL, v), (NAN, 'a', 1.5, None, 54, -55)),
    row('vacancy_hop in an atom', lambda: vacancy_hop(CRYSTAL[:1]), StructureError, 'two or more', '1'),
]

CLUSTERS = [
    *door('ball number', ball, COUNT),
    *door('ball a', lambda v: ball(5, a=v), POSITIVE, 'a must be'),
    row('ball centre=nan', lambda: ball(5, (NAN, 0, 0)), ValueError, 'centre', 'nan'),
    row('ball centre of two', lambda: ball(5, (0, 0)), ValueError, 'centre', '(3,)', '(2,)'),
    *door('cluster vacuum', lambda v: cluster(np.eye(3), vacuum=v), NOT_NEGATIVE),
    row('cluster positions=nan', lambda: cluster([[NAN, 0, 0]]), ValueError, 'positions', 'nan'),
    row('cluster positions flat', lambda: cluster([0, 0, 0]), ValueError, 'positions', '(n, 3)', '(3,)'),
    *door('surroundings index', lambda v: surroundings(CRYSTAL, v, 5), (NAN, 'a', 1.5, -1, 54, None)),
    *door('surroundings number', lambda v: surroundings(CRYSTAL, 0, v), (*COUNT, 55)),
    *door('add_adatoms coverage', lambda v: add_adatoms(SLAB, v, where='all'), optional(NOT_NEGATIVE)),
    *door('add_adatoms number', lambda v: add_adatoms(SLAB, number=v, where='all'), optional(NATURAL)),
    *door('add_adatoms distance', lambda v: add_adatoms(SLAB, 0.1, where='all', distance=v), POSITIVE),
    *door('add_adatoms seed', lambda v: add_adatoms(SLAB, 0.1, where='all', seed=v), (*SEED, None)),
    row('add_adatoms where', lambda: add_adatoms(SLAB, 0.1, where='x'), ValueError, 'where', "'x'"),
]

LEARNING = [
    *door('cut_out centre', lambda v: cut_out(CRYSTAL, v, size=20), (NAN, 'a', 1.5, -1, 54, None)),
    *door('cut_out size', lambda v: cut_out(CRYSTAL, 0, size=v), COUNT),
    *door('cut_out core', lambda v: cut_out(CRYSTAL, 0, core=v, size=20), optional(COUNT)),
    *door('cut_out reach', lambda v: cut_out(CRYSTAL, 0, size=20, reach=v), POSITIVE),
    *door('cut_out vacuum', lambda v: cut_out(CRYSTAL, 0, size=20, vacuum=v), POSITIVE),
    *door('cut_out limit', lambda v: cut_out(CRYSTAL, 0, size=20, limit=v), NOT_NEGATIVE),
    *door('cut_out seed', lambda v: cut_out(CRYSTAL, 0, size=20, seed=v), (*SEED, None)),
    *door('cut_out shape', lambda v: cut_out(CRYSTAL, 0, size=20, shape=v), ('ball', 3, None)),
    *door('select number', lambda v: select(CRYSTAL, number=v), COUNT),
    *door('select apart', lambda v: select(CRYSTAL, apart=v), NOT_NEGATIVE),
    *door('select limit', lambda v: select(CRYSTAL, limit=v), optional(NOT_NEGATIVE)),
    *door('select by', lambda v: select(CRYSTAL, by=v), ('size', 3, None)),
    *door('Recipe rounds', lambda v: learned(rounds=v), NATURAL),
    *door('Recipe number', lambda v: learned(number=v), COUNT),
    *door('Recipe reach', lambda v: learned(reach=v), POSITIVE),
    *door('Recipe ridge', lambda v: learned(ridge=v), NOT_NEGATIVE),
    *door('Recipe buffer_weight', lambda v: learned(buffer_weight=v), NOT_NEGATIVE),
    *door('Recipe processes', lambda v: learned(processes=v), COUNT),
    *door('Recipe seed', lambda v: learned(seed=v), (*SEED, None)),
    *door('Recipe temperature', lambda v: learned(temperature=v), POSITIVE),
    *door('Recipe time', lambda v: learned(time=v), POSITIVE),
    *door('Recipe timestep', lambda v: learned(timestep=v), (*POSITIVE, 1e9)),
    *door('Recipe frames', lambda v: learned(frames=v), COUNT),
]

HUGE = [
    row('column in a huge box', lambda: needle(box=10**7), InsufficientMemoryError, 'atoms', 'GB', 'available'),
    row('high column', lambda: needle(height=1e12), InsufficientMemoryError, 'atoms', 'GB', 'available'),
    row('thick slab', lambda: slab('100', thickness=1e15), InsufficientMemoryError, 'atoms', 'GB', 'available'),
    row('wide slab', lambda: slab('110', layers=4, repeat=(10**7, 10**7)), InsufficientMemoryError, 'atoms', 'GB'),
    row('slab of high indices', lambda: slab((10**9, 1, 0), repeat=(9999, 9999)), InsufficientMemoryError, 'atoms'),
    row('wide bicrystal', lambda: tilt_bicrystal('gb_310', repeat=(10**7, 10**7)), InsufficientMemoryError, 'atoms'),
    row('crystal of many cells', lambda: crystal_of_density(0.5, cells=10**7), InsufficientMemoryError, 'atoms', 'GB'),
    row('ball of many atoms', lambda: ball(10**15), InsufficientMemoryError, 'atoms', 'GB', 'available'),
]


@table(NEEDLES)
def test_needles(row):
    refuses(row)


@table(CRYSTALS)
def test_crystals(row):
    refuses(row)


@table(CLUSTERS)
def test_clusters(row):
    refuses(row)


@table(LEARNING)
def test_learning(row):
    refuses(row)


@table(HUGE)
def test_huge_structures(row):
    refuses(row)
