import numpy as np
import pytest
from ase import Atoms
from ase.build import bcc100, bulk
from ase.calculators.emt import EMT

from ase_mlffvv import VVCalculator
from ase_mlffvv.dft.gpaw.checks import empty_gaps
from ase_mlffvv.errors import StructureError
from ase_mlffvv.learning.cut_out import cut_out
from ase_mlffvv.structures import column


def hot(atoms, seed=0, amplitude=0.15):
    atoms = atoms.copy()
    atoms.positions += np.random.default_rng(seed).normal(scale=amplitude, size=atoms.positions.shape)
    return atoms


@pytest.fixture(scope='module')
def dendrite():
    return hot(column(diameter=5, height=8, box=10))


@pytest.fixture(scope='module')
def calc():
    return VVCalculator('li-pbe-2-fast', threads=1, on_extrapolation='ignore')


def around(atoms, i, reach):
    """Vectors from atom i to all atoms and images within reach, and their order-independent numbers."""
    out = []
    big = atoms.copy()
    big.wrap()
    shift = big.positions[i].copy()
    for cell in np.ndindex(3, 3, 3):
        D = big.positions - shift + (np.array(cell) - 1) @ big.cell[:]
        out.append(D[(D**2).sum(axis=1) <= reach**2])
    return np.concatenate(out)


def same_surroundings(out, parent):
    R, reach = out.info['rotation'], out.info['reach']
    for i in np.flatnonzero(out.arrays['core']):
        here = around(out, i, reach) @ R
        there = around(parent, out.arrays['parent_index'][i], reach)
        assert len(here) == len(there)
        assert np.abs(here[:, None] - there[None]).max(-1).min(axis=1).max() < 1e-10


def smallest_distance(atoms):
    D = atoms.get_all_distances(mic=True)
    return D[np.triu_indices(len(D), 1)].min()


@pytest.mark.parametrize('place', ['top', 'side', 'foot', 'below the surface', 'inside', 'adatom'])
def test_core_has_the_surroundings_of_the_parent(dendrite, place):
    z, r = dendrite.positions[:, 2], np.hypot(*(dendrite.positions[:, :2] - 17.2).T)
    substrate, height = 8.6, z.max() - 8.6
    atoms = dendrite
    if place == 'adatom':
        atoms = dendrite + Atoms('Li', [[5.16, 5.16, 8.9]])
    centre = {
        'top': np.argmax(z - r),
        'side': np.argmax(r - np.abs(z - substrate - height / 2)),
        'foot': np.argmin(np.abs(r - 8.6) + np.abs(z - substrate)),
        'below the surface': np.argmin(r + np.abs(z - substrate - height + 3.5)),
        'inside': np.argmin(r + np.abs(z - substrate - height / 2)),
        'adatom': len(atoms) - 1,
    }[place]
    out = cut_out(atoms, int(centre), size=80)
    same_surroundings(out, atoms)
    assert out.arrays['parent_index'][0] == centre
    assert out.arrays['core'][0]
    assert 0.75 * 80 <= len(out) <= 1.25 * 80
    assert smallest_distance(out) > 2.0
    assert (empty_gaps(out) > 8).tolist() == [False, False, place != 'inside']
    assert out.pbc.all()
    given = out.arrays['parent_index'] >= 0
    assert out.info['added'] == (~given).sum()
    assert (out.numbers == 3).all()


def test_core_stays_when_the_buffer_is_relaxed(dendrite, calc):
    centre = int(np.argmax(dendrite.positions[:, 2]))
    out = cut_out(dendrite, centre, size=60, calc=calc)
    same_surroundings(out, dendrite)
    assert smallest_distance(out) > 2.2
    assert out.info['grade_buffer'] < 1
    parent = calc.evaluate_many([dendrite])[0]['forces'][out.arrays['parent_index'][out.arrays['core']]]
    here = calc.evaluate_many([out])[0]['forces'][out.arrays['core']] @ out.info['rotation']
    change = np.sqrt(((here - parent) ** 2).sum(axis=1).mean())
    assert change == pytest.approx(out.info['core_force_change'], abs=1e-8)
    assert change < 0.3 * np.sqrt((parent**2).sum(axis=1).mean())


def test_a_box_of_the_crystal_is_found():
    atoms = bulk('Li', 'bcc', a=3.44, cubic=True) * (9, 9, 9)
    out = cut_out(atoms, 700, size=80)
    same_surroundings(out, atoms)
    assert len(out) / out.get_volume() == pytest.approx(2 / 3.44**3, rel=0.1)


def test_slab_in_a_box_without_periodicity_and_another_metal(calc):
    atoms = hot(bcc100('Fe', (9, 9, 5), a=2.87, vacuum=8), amplitude=0.05)
    assert not atoms.pbc[2]
    out = cut_out(atoms, len(atoms) - 20, size=70)
    same_surroundings(out, atoms)
    assert empty_gaps(out)[2] > 11


def test_any_calculator_relaxes_the_buffer():
    atoms = hot(bulk('Cu', cubic=True) * (6, 6, 6), amplitude=0.05)
    out = cut_out(atoms, 400, size=80, reach=3.2, calc=EMT())
    same_surroundings(out, atoms)
    assert 'grade_buffer' not in out.info
    assert out.info['core_force_change'] < 1.0


def test_free_cluster():
    atoms = bulk('Li', 'bcc', a=3.44, cubic=True) * (7, 7, 7)
    out = cut_out(atoms, 0, core=5, size=90, shape='free')
    same_surroundings(out, atoms)
    assert len(out) == 90
    assert out.arrays['core'].sum() == 5
    assert (empty_gaps(out) > 10).all()


def test_the_same_each_time(dendrite, calc):
    one, two = (cut_out(dendrite, 700, size=60, calc=calc) for _ in range(2))
    assert np.array_equal(one.positions, two.positions)


@pytest.mark.parametrize(
    ('settings', 'error', 'words'),
    [
        ({'centre': 5000}, ValueError, 'centre must be a whole number from 0'),
        ({'centre': -1}, ValueError, 'centre'),
        ({'centre': 700, 'size': 30, 'core': 12}, StructureError, 'no box of about 30 atoms holds .* a larger size'),
        ({'centre': 700, 'size': 30, 'core': 12, 'shape': 'free'}, StructureError, 'core of 12 atoms'),
        ({'centre': 700, 'core': 80}, ValueError, 'core of 80 atoms does not fit'),
        ({'centre': 700, 'shape': 'round'}, ValueError, 'round'),
        ({'centre': 700, 'size': 5000}, ValueError, 'use it as it is'),
        ({'centre': 700, 'reach': -2}, ValueError, 'positive'),
        ({'centre': 700, 'reach': 20, 'size': 100}, StructureError, 'larger than the cell'),
    ],
)
def test_errors(dendrite, settings, error, words):
    with pytest.raises(error, match=words):
        cut_out(dendrite, **settings)


def test_lonely_atom():
    with pytest.raises(ValueError, match='no neighbor'):
        cut_out(Atoms('Li100', [[60.0 * k, 0, 0] for k in range(100)]), 0, size=50)
