"""Clusters have the shape that their names say, and empty space around."""

import numpy as np
import pytest
from ase.build import bulk

from ase_mlffvv.structures import ball, cluster, free_needle, surroundings

A = 3.44


def check_box(atoms, vacuum):
    low, high = atoms.positions.min(axis=0), atoms.positions.max(axis=0)
    np.testing.assert_allclose(low, vacuum)
    np.testing.assert_allclose(atoms.cell.lengths() - high, vacuum)
    assert atoms.pbc.all()


def test_clusters_sit_in_the_middle():
    atoms = cluster([[0, 0, 0], [1, 2, 3]], 'Na', vacuum=4.0)
    check_box(atoms, 4.0)
    assert atoms.get_chemical_formula() == 'Na2'


@pytest.mark.parametrize(('number', 'farthest'), [(9, np.sqrt(3) / 2), (15, 1), (27, np.sqrt(2)), (1243, 0)])
def test_balls_are_shells_of_bcc(number, farthest):
    atoms = ball(number, a=A)
    assert len(atoms) == number
    check_box(atoms, 5.0)
    from_middle = np.linalg.norm(atoms.positions - atoms.cell.lengths() / 2, axis=1)
    radius = A * (3 * number / (8 * np.pi)) ** (1 / 3)
    assert from_middle.max() == pytest.approx(A * farthest if farthest else radius, rel=1e-6 if farthest else 0.05)


def test_balls_around_other_points():
    between = ball(2, centre=(0.25, 0.25, 0.25))
    assert between.get_distance(0, 1) == pytest.approx(A * np.sqrt(3) / 2)


def test_free_needles():
    atoms = free_needle(2.0, 3, A, vacuum=6.0)
    check_box(atoms, 6.0)
    layers = np.unique(np.round(atoms.positions[:, 2], 3), return_counts=True)[1]
    assert len(layers) == 6
    assert set(layers) == {5, 4} or set(layers) == {5, 4, 9}
    across = atoms.positions[:, :2] - atoms.cell.lengths()[:2] / 2
    assert np.linalg.norm(across, axis=1).max() <= A + 1e-6


def test_surroundings_of_an_atom():
    crystal = bulk('Li', 'bcc', a=A, cubic=True) * 3
    atoms = surroundings(crystal, 5, 15)
    distances = atoms.get_distances(0, range(1, 15))
    np.testing.assert_allclose(distances, [A * np.sqrt(3) / 2] * 8 + [A] * 6)
    check_box(atoms, 5.0)
