"""Shapes that were built: cones, kinks, domes, turned squares."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from mlffvv_analysis.heights import height, terrace
from mlffvv_analysis.morphology import (
    aspect_ratio,
    collapse_rate,
    convexity,
    kink_angle,
    largest_cluster,
    outline,
    radius_profile,
    torsion_angle,
)
from scipy.spatial.transform import Rotation

from ase_mlffvv.structures import column, cuboid

A = 3.44


def carve(inside, size=80.0, offset=(0.13, 0.29, 0.5)):
    """Points of a bcc crystal where ``inside(x, y, z)``, on a substrate layer at z = 0."""
    n = int(np.ceil(size / A)) + 1
    points = (bulk('Li', 'bcc', a=A, cubic=True) * (n, n, n)).positions
    points = points - [n * A / 2, n * A / 2, 0] + np.array(offset) * A
    return points[inside(*points.T)]


def cluster(points):
    return Atoms(f'Li{len(points)}', points)


def test_hemisphere():
    dome = carve(lambda x, y, z: x**2 + y**2 + z**2 <= 30**2)
    assert aspect_ratio(dome, floor=0.0) == pytest.approx(1, abs=0.03)
    assert 0.97 < convexity(cluster(dome)) <= 1


def test_convexity_of_other_bodies():
    rod = carve(lambda x, y, z: (x**2 + y**2 <= 12**2) & (z <= 60))
    assert convexity(cluster(rod)) > 0.95
    mushroom = carve(lambda x, y, z: (x**2 + y**2 <= 8**2) & (z <= 60) | (x**2 + y**2 + (z - 60) ** 2 <= 22**2))
    assert convexity(cluster(mushroom)) < 0.75
    both = cluster(np.concatenate([rod, rod + [200, 0, 0]]))
    assert convexity(both, np.arange(len(both)) < len(rod)) == pytest.approx(convexity(cluster(rod)))
    assert np.isnan(convexity(cluster(rod[:3])))
    assert np.isnan(convexity(Atoms('Li5', np.diag(np.ones(5))[:, :3] * [1, 1, 0])))


def test_radius_profile_of_a_cone():
    cone = carve(lambda x, y, z: np.hypot(x, y) <= 25 - z / 4)
    z, radii, centres = radius_profile(cone, spacing=2 * A)
    inside = z < 60
    np.testing.assert_allclose(radii[inside], (25 - z / 4)[inside], rtol=0.04)
    assert abs(centres[inside]).max() < 0.7
    assert [len(x) for x in radius_profile(np.zeros((0, 3)))] == [0, 0, 0]
    with pytest.raises(ValueError, match='spacing must be positive'):
        radius_profile(cone, 0)


@pytest.mark.parametrize('angle', [0, 20, 35])
def test_kink(angle):
    lean = np.tan(np.radians(angle))
    kinked = carve(lambda x, y, z: np.hypot(x - np.maximum(z - 40, 0) * lean, y) <= 10, size=90)
    kinked = kinked[kinked[:, 2] < 80]
    found, height = kink_angle(kinked)
    assert found == pytest.approx(angle, abs=2)
    if angle:
        assert height == pytest.approx(40, abs=5)
    assert np.isnan(kink_angle(kinked[kinked[:, 2] < 10])[0])


def test_torsion_of_square_columns():
    square = cuboid('100', side=6, height=6, box=10)
    top = square.positions[square.get_tags() == 1]
    before = outline(top)
    for angle in (-30, 0, 12, 30):
        turned = Rotation.from_euler('z', angle, degrees=True).apply(top) + [3, -2, 0]
        after = outline(turned)
        assert torsion_angle(before, after) == pytest.approx(angle, abs=1)
        np.testing.assert_allclose(after.centre, turned[:, :2].mean(axis=0), atol=0.5)
    side = before.corners.max(axis=0) - before.corners.min(axis=0)
    assert before.radii.max() == pytest.approx(np.linalg.norm(side) / 2, rel=0.02)
    diamond = cuboid('110', side=6, height=6, box=10)
    assert abs(torsion_angle(before, outline(diamond.positions[diamond.get_tags() == 1]))) == pytest.approx(45, abs=1)
    round_one = carve(lambda x, y, z: (x**2 + y**2 <= 30**2) & (z < 4))
    assert np.isnan(torsion_angle(before, outline(round_one)))
    with pytest.raises(ValueError, match='an outline needs at least three atoms'):
        outline(top[:2])


def test_collapse_rate():
    t = np.linspace(0, 20, 50)
    assert collapse_rate(t, 80 - 1.5 * t) == pytest.approx(1.5)
    assert collapse_rate(t, np.maximum(80 - 3 * t, 50), stop=9) == pytest.approx(3)
    with pytest.raises(ValueError, match='expected at least two points'):
        collapse_rate(t, t, start=30)


def test_atoms_that_left():
    needle = column(diameter=3, height=4, box=6)
    needle.positions[-1, 2] += 9
    mask = largest_cluster(needle)
    assert mask.sum() == len(needle) - 1
    assert not mask[-1]
    assert largest_cluster(Atoms()).shape == (0,)


def mound(rng, exchanged):
    """A dome of 20 Å on a substrate, with a pit and an adatom on the terrace, and tags exchanged at random."""
    atoms = column(diameter=12, height=7, box=20)
    tags = atoms.get_tags()
    floor = atoms.positions[tags == 0, 2].max()
    axis = atoms.positions[tags == 1].mean(axis=0)
    far = np.linalg.norm(atoms.positions - [*axis[:2], floor], axis=1)
    atoms = atoms[(tags == 0) | (far <= 20.0)]
    tags, top = atoms.get_tags(), abs(atoms.positions[:, 2] - floor) < 0.1
    corner = np.flatnonzero(top & (tags == 0))[:3]
    atoms.positions[corner[0], 2] += A / 2  # an adatom
    del atoms[corner[1:]]
    atoms.rattle(0.15, rng=rng)
    tags = atoms.get_tags()
    swap = [rng.choice(np.flatnonzero(tags == t), int(exchanged * (tags == 1).sum()), replace=False) for t in (0, 1)]
    atoms.arrays['tags'][swap[0]], atoms.arrays['tags'][swap[1]] = 1, 0
    return atoms, floor


@pytest.mark.parametrize('exchanged', [0.0, 0.05, 0.4])
@pytest.mark.parametrize('shift', [0.0, 31.0], ids=['centred', 'across the boundary'])
def test_height_of_a_mound_whose_atoms_were_exchanged(exchanged, shift):
    """The substrate's atoms climb the mound, so their upper end is not the terrace."""
    atoms, floor = mound(np.random.default_rng(3), exchanged)
    column_, z = atoms.get_tags() != 0, atoms.positions[:, 2].copy()
    atoms.positions[:, 0] += shift
    atoms.wrap()  # which moves some atoms of the bottom layer to the top of the cell
    assert np.ptp(atoms.positions[:, 2]) > 40
    assert terrace(atoms, column_) == pytest.approx(floor, abs=0.15)
    assert height(atoms) == pytest.approx(np.quantile(z[z > floor + 1], 0.99) - floor, abs=0.2)
    assert 16 < height(atoms) < 20
    if exchanged:
        assert np.quantile(z[~column_], 0.99) > floor + 2  # what the tags alone would take for the terrace


def test_height_without_a_periodic_plane_or_a_mound():
    atoms, floor = mound(np.random.default_rng(3), 0.1)
    atoms.pbc, atoms.cell = False, None
    assert terrace(atoms, atoms.get_tags() != 0) == pytest.approx(floor, abs=0.15)
    flat = column(diameter=3, height=3, box=8)
    flat.positions[:, 2] -= np.where(flat.get_tags() == 1, flat.positions[:, 2] - flat.positions[0, 2], 0)
    assert height(flat) == 0  # the column sank into its substrate


def test_exchange_alone_is_no_collapse():
    first, _ = mound(np.random.default_rng(3), 0.0)
    later, _ = mound(np.random.default_rng(3), 0.3)
    assert collapse_rate([0, 1], [height(first), height(later)]) == pytest.approx(0, abs=0.2)
