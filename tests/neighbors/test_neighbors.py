import numpy as np
import pytest
from ase import Atoms

from ase_mlffvv.errors import StructureError
from ase_mlffvv.neighbors import SkinList, pair_list

from .. import brute
from ..systems import cell_of, zoo


def as_set(pairs):
    return {(int(i), int(j), *map(int, pairs.shifts[k])) for i, j, k in zip(pairs.i, pairs.j, pairs.image)}


@pytest.mark.parametrize('cutoff', [2.5, 5.3])
@pytest.mark.parametrize('name', sorted(zoo()))
def test_every_pair_is_found_once(name, cutoff):
    atoms = zoo()[name]
    pairs = pair_list(atoms.positions, atoms.cell[:], atoms.pbc, cutoff)
    found = as_set(pairs)
    assert len(found) == len(pairs.j)
    assert found == {(j, i, -a, -b, -c) for i, j, a, b, c in found}
    wrapped = atoms.copy()
    wrapped.positions -= np.floor(np.nan_to_num(atoms.positions @ np.linalg.pinv(cell_of(atoms)))) @ cell_of(
        atoms
    )  # plain loops look at a few images only
    want = 0
    for i in range(len(atoms)):
        want += len(brute.neighbors(wrapped.positions, cell_of(atoms), atoms.pbc, i, cutoff))
    assert len(found) == want
    lengths = np.linalg.norm(pairs.vectors(atoms.positions, cell_of(atoms)), axis=1)
    assert lengths.max(initial=0) < cutoff


def test_order_does_not_depend_on_the_cutoff():
    atoms = zoo()['very skewed']
    small, large = (pair_list(atoms.positions, atoms.cell[:], atoms.pbc, c) for c in (4.0, 7.0))
    d = np.linalg.norm(large.vectors(atoms.positions, atoms.cell[:]), axis=1)
    near = d < 4.0
    np.testing.assert_array_equal(large.i[near], small.i)
    np.testing.assert_array_equal(large.j[near], small.j)
    np.testing.assert_array_equal(large.shifts[large.image[near]], small.shifts[small.image])


def test_a_large_cluster_in_a_dummy_cell():
    rng = np.random.default_rng(0)
    positions = rng.uniform(-300, 300, (2000, 3))
    pairs = pair_list(positions, 0.1 * np.eye(3), [False] * 3, 20.0)
    from scipy.spatial import cKDTree

    assert len(pairs.j) == 2 * len(cKDTree(positions).query_pairs(20.0 - 1e-12))


@pytest.mark.parametrize('name', ['thin', 'sheared', 'slab', 'cluster'])
def test_a_kept_list_misses_nothing(name):
    rng = np.random.default_rng(1)
    atoms, cutoff = zoo()[name], 4.0
    kept = SkinList(cutoff, 0.8)
    for _ in range(40):
        pairs = kept.get(atoms.positions, cell_of(atoms), atoms.pbc)
        d = np.linalg.norm(pairs.vectors(atoms.positions, cell_of(atoms)), axis=1)
        want = pair_list(atoms.positions, cell_of(atoms), atoms.pbc, cutoff)
        assert (d < cutoff).sum() == len(want.j)
        atoms.positions += 0.04 * rng.normal(size=atoms.positions.shape)
        if atoms.pbc.all():
            atoms.set_cell(atoms.cell @ (np.eye(3) + 0.01 * rng.normal(size=(3, 3))), scale_atoms=True)
    assert kept.statistics['builds'] > 1
    assert kept.statistics['reuses'] > 1


def test_when_a_list_is_rebuilt():
    atoms = zoo()['slab']
    kept = SkinList(4.0, 0.5)
    first = kept.get(atoms.positions, cell_of(atoms), atoms.pbc)
    assert kept.get(atoms.positions + 0.14, cell_of(atoms), atoms.pbc) is first
    assert kept.get(atoms.positions, cell_of(atoms), (True, False, False)) is not first
    again = kept.get(atoms.positions, cell_of(atoms), atoms.pbc)
    assert len(again.j) == len(first.j)
    assert len(kept.get(atoms.positions[:3], cell_of(atoms), atoms.pbc).first) == 4
    with pytest.raises(StructureError, match='not finite'):
        kept.get(atoms.positions[:3] * np.nan, cell_of(atoms), atoms.pbc)


def test_empty():
    pairs = pair_list(Atoms().positions, np.zeros((3, 3)), [False] * 3, 5.0)
    assert len(pairs.j) == 0
    assert len(pairs.first) == 1
