"""Costs are bounded: what would take too long or too much memory is refused before it begins, with both numbers."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from mlffvv_analysis.boundaries import find_boundaries
from mlffvv_analysis.coordination import coordination_numbers, smooth_coordination, surface_by_mesh
from mlffvv_analysis.embedding import shell_features
from mlffvv_analysis.frame import Frame, Settings
from mlffvv_analysis.grains import find_grains, neighbor_pairs
from mlffvv_analysis.morphology import kink_angle, largest_cluster, radius_profile

from ase_mlffvv import VVCalculator, memory
from ase_mlffvv.engines.evaluator import Evaluator
from ase_mlffvv.errors import InsufficientMemoryError, StructureError
from ase_mlffvv.fitting import Dataset
from ase_mlffvv.learning import cut_out, select
from ase_mlffvv.md import Dynamics, minimise
from ase_mlffvv.model import find_potential
from ase_mlffvv.neighbors import SkinList, pair_list
from ase_mlffvv.structures import add_adatoms, slab

from .rows import refuses, row, table

POTENTIAL = find_potential()
CRYSTAL = bulk('Li', cubic=True, a=3.44)
LABELS, QUATERNIONS = np.ones(2, int), np.eye(4)[:2]
ALLOWED = str(memory.MOST_NEIGHBORS)


def tiny(length, n=1):
    return Atoms(f'Li{n}', np.outer(np.linspace(0, 0.4, n), [length] * 3), cell=[length] * 3, pbc=True)


def needle():
    """Atoms in a cell that is tiny along two directions only."""
    return Atoms('Li', cell=[1e-3, 1e-3, 50], pbc=(True, True, False))


def energy(atoms, **settings):
    atoms = atoms.copy()
    atoms.calc = VVCalculator(POTENTIAL, on_extrapolation='ignore', **settings)
    return atoms.get_potential_energy()


def labelled(atoms):
    atoms = atoms.copy()
    atoms.info['REF_energy'] = -1.9
    return [atoms]


FORCES = [
    *[
        row(
            f'{name} in a cell of {length}',
            lambda call=call, length=length: call(tiny(length)),
            StructureError,
            str(length),
            'neighbors',
            ALLOWED,
            'larger cell',
        )
        for name, call in (
            ('VVCalculator', energy),
            ('Dynamics', lambda a: Dynamics(a, POTENTIAL).run(1)),
            ('minimise', lambda a: minimise(a, POTENTIAL)),
            ('Evaluator', lambda a: Evaluator(POTENTIAL, a.numbers, a.cell, True).evaluate(a.positions)),
            ('pair_list', lambda a: pair_list(a.positions, a.cell[:], True, 6.5)),
            ('select', lambda a: select(a, POTENTIAL)),
            ('uncertainty', lambda a: VVCalculator(POTENTIAL).uncertainty(a)),
            ('evaluate_many', lambda a: VVCalculator(POTENTIAL).evaluate_many([a])),
        )
        for length in (0.1, 0.001)
    ],
    *[
        row(
            f'{name} with a skin of {skin:g}',
            lambda call=call, skin=skin: call(skin),
            StructureError,
            'neighbors',
            ALLOWED,
            'shorter cutoff or skin',
        )
        for name, call in (
            ('VVCalculator', lambda s: energy(CRYSTAL, skin=s)),
            ('Dynamics', lambda s: Dynamics(CRYSTAL, POTENTIAL, skin=s).run(1)),
            ('minimise', lambda s: minimise(CRYSTAL, POTENTIAL, skin=s)),
            ('SkinList', lambda s: SkinList(4.0, s).get(CRYSTAL.positions, CRYSTAL.cell, CRYSTAL.pbc)),
        )
        for skin in (1e3, 1e6, 1e300)
    ],
    row(
        'Dataset in a cell of 0.1',
        lambda: Dataset(labelled(tiny(0.1)), 'Li', 6.5),
        StructureError,
        'frame 0',
        'neighbors',
        ALLOWED,
    ),
    row('Dataset with a long cutoff', lambda: Dataset(labelled(CRYSTAL), 'Li', 1e6), StructureError, 'neighbors'),
    row('tiny along two directions', lambda: energy(needle()), StructureError, 'neighbors', ALLOWED),
    row('many atoms in a tiny cell', lambda: energy(tiny(0.5, 200)), StructureError, '200 atoms', 'neighbors', ALLOWED),
]

ANALYSIS = [
    *[
        row(f'{name} {length:g}', lambda call=call, length=length: call(length), StructureError, 'neighbors', ALLOWED)
        for name, call in (
            ('coordination_numbers', lambda x: coordination_numbers(CRYSTAL, x)),
            ('smooth_coordination', lambda x: smooth_coordination(CRYSTAL, 3.0, x)),
            ('neighbor_pairs', lambda x: neighbor_pairs(CRYSTAL, x)),
            ('largest_cluster', lambda x: largest_cluster(CRYSTAL, x)),
            ('find_grains', lambda x: find_grains(CRYSTAL, LABELS, QUATERNIONS, reach=x)),
            ('find_boundaries', lambda x: find_boundaries(CRYSTAL, np.arange(2), [None, None], gap=x)),
            ('shell_features', lambda x: shell_features(CRYSTAL, x)),
            ('Frame', lambda x: Frame(CRYSTAL, Settings(cutoff=x)).coordination),
        )
        for length in (1e3, 1e6)
    ],
    row('coordination in a tiny cell', lambda: coordination_numbers(tiny(0.01)), StructureError, '0.01', 'neighbors'),
    row('mesh of a long radius', lambda: surface_by_mesh(CRYSTAL, 1e6), InsufficientMemoryError, 'atoms', 'GB'),
    row('mesh in a tiny cell', lambda: surface_by_mesh(tiny(1e-5)), InsufficientMemoryError, 'atoms', 'GB'),
    row('thin slices', lambda: radius_profile(CRYSTAL.positions, 1e-9), ValueError, 'slices', '10000', '1e-09'),
    row('kink with thin slices', lambda: kink_angle(CRYSTAL.positions, 1e-9), ValueError, 'slices', '10000'),
    row('slices to a far atom', lambda: radius_profile([[0, 0, 0], [0, 0, 1e9]]), ValueError, 'slices', '10000'),
]

BUILDERS = [
    row(
        'adatoms far apart',
        lambda: add_adatoms(slab('100', layers=3), 0.1, where='all', distance=1e6),
        InsufficientMemoryError,
        'atoms',
        'GB',
        'distance',
    ),
    row(
        'adatoms in a tiny cell',
        lambda: add_adatoms(tiny(1e-6), number=1, where='all'),
        InsufficientMemoryError,
        'atoms',
        'GB',
    ),
    row(
        'cut-out of a long reach',
        lambda: cut_out(Atoms('Li9', np.eye(9)[:, :3]), 0, size=5, reach=1e6),
        ValueError,
        'reach',
        'at most 50',
        '1000000.0',
    ),
    row('cut-out of a tiny cell', lambda: cut_out(tiny(0.01, 9), 0, size=5), StructureError, 'repeats after 0.01 Å'),
]


@table(FORCES)
def test_forces(row):
    refuses(row)


@table(ANALYSIS)
def test_analysis(row):
    refuses(row)


@table(BUILDERS)
def test_builders(row):
    refuses(row)


@pytest.mark.parametrize('repeat', [1, 2, 3])
def test_the_estimate_is_right_for_a_crystal(repeat):
    """Otherwise it would refuse what is possible, or begin what is not."""
    atoms = CRYSTAL * (repeat, repeat, repeat)
    neighbors, images = memory.estimate(atoms.positions, atoms.cell[:], atoms.pbc, 7.0)
    pairs = pair_list(atoms.positions, atoms.cell[:], True, 7.0)
    assert neighbors == pytest.approx(len(pairs.j) / len(atoms), rel=0.15)
    assert len(atoms) * images > neighbors


def test_the_estimate_for_a_cluster_and_for_a_slab_is_never_far_too_small_or_large():
    block = CRYSTAL * (3, 3, 3)
    for pbc in ((False, False, False), (True, True, False), (True, False, False)):
        neighbors, _ = memory.estimate(block.positions, block.cell[:], np.array(pbc), 6.0)
        found = len(pair_list(block.positions, block.cell[:], pbc, 6.0).j) / len(block)
        assert 0.8 * found < neighbors < 4 * found


def test_memory_that_is_needed_and_allowed_is_told(monkeypatch):
    monkeypatch.setattr(memory, 'available_memory', lambda: 2_000_000)
    with pytest.raises(InsufficientMemoryError, match=r'54 atoms with .* neighbors each need .* GB, and 0.002 GB are'):
        pair_list((CRYSTAL * (3, 3, 3)).positions, 10.32 * np.eye(3), True, 40.0)
