"""Phases, orientations, grains and boundaries of crystals that were built with them."""

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import thermalize_momenta
from mlffvv_analysis.boundaries import find_boundaries, twin_description
from mlffvv_analysis.coordination import coordination_numbers, surface_and_bulk, surface_by_mesh
from mlffvv_analysis.frame import Frame
from mlffvv_analysis.grains import BOUNDARY, INTERIOR, SUBSURFACE, SURFACE, classify, find_grains, neighbor_pairs
from mlffvv_analysis.orientation import (
    in_crystal,
    mean_orientation,
    misorientation,
    nearest_direction,
    nearest_equivalent,
    orientations,
    product,
    rotation_about_z,
)
from mlffvv_analysis.phases import fractions, phases, regions
from scipy.spatial.transform import Rotation

from ase_mlffvv import VVCalculator
from ase_mlffvv.structures import column

from .crystals import A, rotated_grain, twin

CRYSTALS = {'bcc': bulk('Li', 'bcc', a=A, cubic=True), 'fcc': bulk('Li', 'fcc', a=4.33, cubic=True),
            'hcp': bulk('Li', 'hcp', a=3.05, c=4.98)}  # fmt: skip


@pytest.mark.parametrize('name', CRYSTALS)
@pytest.mark.parametrize('size', [1, 4])
def test_perfect_crystals_also_in_thin_cells(name, size):
    atoms = CRYSTALS[name] * (size, size, size)
    assert fractions(phases(atoms))[name] == 1
    labels, quaternions = orientations(atoms)
    assert fractions(labels)[name] == 1
    np.testing.assert_allclose(np.linalg.norm(quaternions, axis=1), 1)


def test_bcc_at_250_K():
    atoms = bulk('Li', 'bcc', a=3.44, cubic=True) * (6, 6, 6)
    atoms.calc = VVCalculator()
    thermalize_momenta(atoms, temperature_K=500, rng=np.random.default_rng(0))
    Langevin(atoms, 2 * units.fs, temperature_K=250, friction=0.02, fixcm=False, rng=np.random.default_rng(1)).run(300)
    labels, _ = orientations(atoms)
    assert fractions(labels)['bcc'] >= 0.95
    assert 0.75 < fractions(phases(atoms))['bcc'] < 0.95  # the softness of lithium: one frame is too warm for a-CNA


def test_fractions_and_regions():
    labels = np.array([0, 1, 1, 3])
    assert fractions(labels) == {'other': 0.25, 'fcc': 0.5, 'hcp': 0, 'bcc': 0.25, 'ico': 0}
    assert fractions(labels, labels > 0)['bcc'] == pytest.approx(1 / 3)
    assert np.isnan(fractions(labels, labels > 9)['bcc'])
    needle = column(diameter=3, height=4, box=6)
    parts = regions(needle)
    assert (parts['column'] ^ parts['substrate']).all()
    assert (parts['top'] ^ parts['bottom'])[parts['column']].all()
    assert parts['top'].sum() == parts['bottom'].sum()
    assert regions(CRYSTALS['bcc'])['column'].all()


def test_misorientation_knows_the_symmetry():
    rng = np.random.default_rng(3)
    p = Rotation.random(200, rng=rng).as_quat()
    cubic = Rotation.create_group('O')
    for angle in (0.0, 12.0, 44.0):
        q = product(p, Rotation.from_rotvec([0, 0, np.radians(angle)]).as_quat())
        hidden = product(q, cubic.as_quat()[rng.integers(24, size=200)])
        np.testing.assert_allclose(misorientation(p, hidden), angle, atol=1e-5)
        back = nearest_equivalent(hidden, p)
        assert np.degrees((Rotation.from_quat(p).inv() * Rotation.from_quat(back)).magnitude()).max() < angle + 1e-5
        assert rotation_about_z(product(Rotation.from_rotvec([0, 0, np.radians(angle)]).as_quat(),
                                        cubic.as_quat()[7])) == pytest.approx(angle, abs=1e-6)  # fmt: skip
    assert misorientation([0, 0, 0, 1.0], Rotation.from_rotvec([0, 0, np.pi / 3]).as_quat(), 'D6') < 1e-5
    assert misorientation(p[:50, None], p[None, :60]).max() <= 62.8


def test_mean_orientation():
    rng = np.random.default_rng(0)
    true = Rotation.random(rng=rng)
    noise = Rotation.from_rotvec(rng.normal(size=(500, 3)) * np.radians(3))
    cubic = Rotation.create_group('O')[rng.integers(24, size=500)]
    assert misorientation(mean_orientation((true * noise * cubic).as_quat()), true.as_quat()) < 0.5
    with pytest.raises(ValueError, match='at least one orientation'):
        mean_orientation(np.zeros((0, 4)))


def test_orientation_turns_crystal_axes_to_the_laboratory():
    turn = Rotation.from_euler('zxz', [20, 35, -10], degrees=True)
    atoms = CRYSTALS['bcc'] * (6, 6, 6)
    atoms.pbc = False
    atoms.positions = turn.apply(atoms.positions)
    labels, quaternions = orientations(atoms)
    inside = labels == 3
    assert inside.sum() > 100
    np.testing.assert_allclose(misorientation(quaternions[inside], turn.as_quat()), 0, atol=1e-4)
    seen = in_crystal(turn.apply([1, 1, 0]), quaternions[inside][0])
    direction, off = nearest_direction(seen)
    assert sorted(map(abs, direction)) == [0, 1, 1]
    assert off < 1e-4
    assert nearest_direction([0.1, -3, 0.2]) == ((0, -1, 0), pytest.approx(4.26, abs=0.01))
    with pytest.raises(ValueError, match='length zero'):
        nearest_direction([0, 0, 0])


@pytest.mark.parametrize('rattle', [0.0, 0.12, 0.2])
def test_the_twin_is_named(rattle):
    atoms = twin()
    atoms.rattle(rattle, seed=1)
    ids, grains = find_grains(atoms)
    assert len(grains) == 2
    assert all(g.phase == 'bcc' for g in grains)
    found = find_boundaries(atoms, ids, grains)
    assert len(found) == 2  # periodic: two of them
    for boundary in found:
        assert boundary.twin
        assert abs(boundary.normal[2]) > np.cos(np.radians(5))
        assert abs(boundary.twin_angle - 70.53) < 1
        assert boundary.misorientation == pytest.approx(60, abs=1)
        axis = Rotation.from_quat(grains[boundary.grains[0]].orientation).apply(boundary.twin_axis)
        assert abs(axis[1]) / np.linalg.norm(axis) > np.cos(np.radians(3))  # the tilt axis was built along y
        assert 'coherent twin Σ3{112} between bcc grains 1 and 2' in str(boundary)
        assert boundary.trace_angle([0, 1, 0]) < 3
    assert sorted(round(b.point[2] / (atoms.cell[2, 2] / 2), 1) % 2 for b in found) == [0, 1]


def test_trace_of_the_twin_in_the_paper():
    """Fig. 3b: a (112) plane in a crystal with axes along x, y and z, seen along [1-10], at 35.3 degrees to (001)."""
    atoms = twin()
    ids, grains = find_grains(atoms)
    boundary = find_boundaries(atoms, ids, grains)[0]
    tilted = type(boundary)(**{**boundary.__dict__, 'normal': np.array([1, 1, 2]) / np.sqrt(6)})
    assert tilted.trace_angle([1, -1, 0]) == pytest.approx(35.26, abs=0.01)


def test_sigma_3_among_all_descriptions():
    rng = np.random.default_rng(1)
    cubic = Rotation.create_group('O')
    start = Rotation.random(rng=rng)
    twinned = start * Rotation.from_rotvec(np.radians(60) * np.ones(3) / np.sqrt(3))
    angle, axis, off = twin_description((start * cubic[5]).as_quat(), (twinned * cubic[17]).as_quat())
    assert angle == pytest.approx(70.53, abs=0.01)
    assert sorted(map(abs, axis)) == [0, 1, 1]
    assert off < 1e-4
    _, _, off = twin_description(start.as_quat(), (start * Rotation.from_rotvec([0, 0, 0.4])).as_quat())
    assert off > 10


@pytest.mark.parametrize('angle', [12, 30, -40])
def test_a_grain_that_was_turned_about_z(angle):
    atoms = rotated_grain(angle)
    atoms.rattle(0.12, seed=4)
    ids, grains = find_grains(atoms)
    assert len(grains) == 2
    top = ids[(atoms.get_tags() == 1) & (ids >= 0)]
    assert (top == top[0]).all()
    assert rotation_about_z(grains[top[0]].orientation) == pytest.approx(angle, abs=1)
    assert rotation_about_z(grains[1 - top[0]].orientation) == pytest.approx(0, abs=1)
    boundary = find_boundaries(atoms, ids, grains)[0]
    assert abs(boundary.normal[2]) > np.cos(np.radians(5))
    assert not boundary.twin
    assert boundary.misorientation == pytest.approx(abs(angle), abs=1)


def test_classes_are_a_partition():
    atoms = twin()
    atoms.rattle(0.1, seed=0)
    (labels, _), (ids, _) = orientations(atoms), find_grains(atoms)
    nothing = np.zeros(len(atoms), bool)
    for cn8 in ('bulk', 'surface', 'exclude'):
        surface, inside = surface_and_bulk(coordination_numbers(atoms), cn8)
        classes = classify(labels, ids, surface, inside, ~nothing, neighbor_pairs(atoms))
        np.testing.assert_array_equal(classes == SURFACE, surface)
        np.testing.assert_array_equal((classes == INTERIOR) | (classes == BOUNDARY), inside)
    classes = classify(labels, ids, nothing, ~nothing, ~nothing, neighbor_pairs(atoms))
    z = atoms.positions[:, 2] / (atoms.cell[2, 2] / 2) % 1
    near = np.minimum(z, 1 - z) < 0.02
    assert (classes[near] == BOUNDARY).all()
    assert (classes[abs(z - 0.5) < 0.2] == INTERIOR).all()


def test_a_single_crystal_with_surfaces_has_no_boundary():
    needle = column(diameter=8, height=8, box=12)
    needle.rattle(0.15, seed=0)
    frame = Frame(needle)
    assert (frame.classes == BOUNDARY).sum() < 0.02 * len(needle)
    assert (frame.classes == SUBSURFACE).sum() > 100
    core = (np.hypot(*(needle.positions[:, :2] - 6 * A).T) < 2 * A) & (abs(needle.positions[:, 2] - 5 * A) < 2 * A)
    assert (frame.classes[core] == INTERIOR).all()


def test_small_and_empty_structures():
    for atoms in (Atoms(), Atoms('Li'), Atoms('Li2', [[0, 0, 0], [0, 0, 3.0]])):
        assert phases(atoms).shape == (len(atoms),)
        ids, grains = find_grains(atoms)
        assert (ids == -1).all()
        assert grains == []
        assert find_boundaries(atoms, ids, grains) == []
    with pytest.raises(ValueError, match='expected labels and quaternions of 1 atoms, got those of 2 and 2'):
        find_grains(Atoms('Li'), np.zeros(2, int), np.zeros((2, 4)))
    assert surface_by_mesh(Atoms('Li2', [[0, 0, 0], [0, 0, 3.0]])).all()
