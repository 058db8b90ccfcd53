"""Coordination numbers, smooth and integer, and the surface by its mesh."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from mlffvv_analysis.coordination import (
    coordination_numbers,
    histogram,
    smooth_coordination,
    surface_and_bulk,
    surface_by_mesh,
)

from ase_mlffvv.structures import column

from .. import brute
from ..systems import cell_of, zoo

A = 3.44


@pytest.mark.parametrize('seed', range(20))
def test_random_structures_of_all_boundaries(seed):
    rng = np.random.default_rng(seed)
    pbc = [bool(seed >> k & 1) for k in range(3)]
    cell = np.diag(rng.uniform(2.0, 9.0, 3)) + rng.uniform(-1, 1, (3, 3))
    atoms = Atoms('Li12', rng.random((12, 3)) @ cell, cell=cell, pbc=pbc)
    want = [len(brute.neighbors(atoms.positions, cell_of(atoms), atoms.pbc, i, 3.45)) for i in range(len(atoms))]
    np.testing.assert_array_equal(coordination_numbers(atoms), want)


@pytest.mark.parametrize('name', sorted(zoo()))
def test_smooth_numbers_lie_between_those_at_both_cutoffs(name):
    atoms = zoo()[name]
    low, smooth, high = coordination_numbers(atoms, 3.65), smooth_coordination(atoms), coordination_numbers(atoms, 4.25)
    assert (low <= smooth + 1e-9).all()
    assert (smooth <= high + 1e-9).all()


def test_smooth_numbers_of_crystals():
    for crystal, n in ((bulk('Li', 'bcc', a=A), 14), (bulk('Li', 'fcc', a=4.33), 12), (bulk('Li', 'hcp', a=3.05), 12)):
        np.testing.assert_allclose(smooth_coordination(crystal), n, atol=1e-9)
    slab = bulk('Li', 'bcc', a=A, cubic=True) * (3, 3, 5)
    slab.pbc = (True, True, False)
    slab.rattle(0.05, seed=0)
    top = slab.positions[:, 2] > slab.positions[:, 2].max() - 0.5
    assert abs(smooth_coordination(slab)[top] - 9).max() < 0.1
    with pytest.raises(ValueError, match='outer must be greater than 4'):
        smooth_coordination(slab, 4, 3)


def test_mesh_finds_the_surface_whatever_the_lattice_constant():
    for a in (3.40, 3.44, 3.52):  # below and above the cutoff of the paper
        needle = column(diameter=5, height=5, box=9, a=a)
        inside = surface_by_mesh(needle)
        z, tags = needle.positions[:, 2], needle.get_tags()
        assert inside[z == z.max()].all()
        assert inside[(tags == 0) & (z == 0)].all()
        axis = 4 * a
        rho = np.hypot(*(needle.positions[:, :2] - axis).T)
        core = (tags == 1) & (rho < 1.01 * a) & (z > 2 * a) & (z < z.max() - a)
        assert core.sum() > 20
        assert not inside[core].any()
        assert (surface_by_mesh(needle, depth=3.6)[core]).any()
    perfect = bulk('Li', 'bcc', a=A, cubic=True) * (4, 4, 4)
    assert not surface_by_mesh(perfect).any()
    assert not surface_by_mesh(bulk('Li', 'bcc', a=A)).any()
    assert surface_by_mesh(Atoms('Li3', np.eye(3))).all()
    assert surface_by_mesh(Atoms()).shape == (0,)
    with pytest.raises(ValueError, match='radius must be positive'):
        surface_by_mesh(perfect, 0)


def test_histogram():
    np.testing.assert_allclose(histogram([1, 1, 3, 30], top=3), [0, 0.5, 0, 0.5])
    np.testing.assert_allclose(histogram([1, 1, 3, 30], mask=np.array([1, 0, 0, 0], bool), top=2), [0, 1, 0])
    assert histogram([], top=2).sum() == 0


def test_count_of_eight_neighbors():
    """Above a = 3.45 Å the rule of the paper leaves perfect bcc unclassified."""
    numbers = coordination_numbers(bulk('Li', 'bcc', a=3.46, cubic=True) * (3, 3, 3))
    surface, inside = surface_and_bulk(numbers, 'exclude')
    assert (numbers == 8).all()
    assert not (surface | inside).any()


@pytest.mark.parametrize('function', [coordination_numbers, smooth_coordination, surface_by_mesh])
def test_bad_structures(function):
    with pytest.raises(ValueError, match='1 of 2 atoms are NaN or infinite'):
        function(Atoms('Li2', [[0, 0, 0], [0, np.nan, 0]]))
    lost = Atoms('Li8', np.random.default_rng(0).random((8, 3)) * 5, cell=[5, 5, 0], pbc=True)
    with pytest.raises(ValueError, match='periodic along c but has no cell vector'):
        function(lost)
