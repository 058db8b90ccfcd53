"""Displacements, rates, change points and hops that were planted."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from mlffvv_analysis.displacements import (
    Unwrapper,
    change_points,
    hops,
    mean_displacements,
    mean_square,
    rate,
    segments,
    slide,
)

from ase_mlffvv.structures import column

A = 3.44


def test_a_known_field_under_both_normalisations():
    needle = column(diameter=4, height=6, box=8)
    mask = needle.get_tags() == 1
    field = np.zeros((len(needle), 3))
    field[mask] = [3.0, -4.0, -2.0]
    share = mask.mean()
    found = mean_displacements(field, mask)
    expected = {'dx': 3, 'dy': -4, 'dz': -2, 'abs_dz': 2, 'dxy': 5}
    for name, value in expected.items():
        assert found[f'{name}_column'] == pytest.approx(value, rel=1e-12)
        assert found[f'{name}_all'] == pytest.approx(value * share, rel=1e-12)
    assert mean_square(field, mask) == pytest.approx(29)
    with pytest.raises(ValueError, match=r'shape \(n_atoms, 3\)'):
        mean_displacements(field[:, :2])


@pytest.mark.parametrize('direction', [(1, 1, 0), (1, -1, 0), (3, 1, 0)])
def test_a_column_sheared_by_known_steps(direction):
    """The upper half slides; positions are wrapped, and the run is read frame by frame."""
    needle = column(diameter=4, height=10, box=8)
    upper = (needle.get_tags() == 1) & (needle.positions[:, 2] > 24)
    step = np.array(direction) / np.linalg.norm(direction) * 1.7
    tracker = Unwrapper(needle)
    moving = needle.copy()
    rng = np.random.default_rng(0)
    for _ in range(20):
        moving.positions[upper] += step
        frame = moving.copy()
        frame.positions += rng.normal(scale=0.15, size=(len(frame), 3))
        frame.wrap()
        found = tracker.add(frame)
    length, unit = slide(found, upper)
    assert length == pytest.approx(20 * 1.7, rel=0.02)  # more than the width of the cell
    assert np.degrees(np.arccos(unit @ step / 1.7)) < 2
    assert abs(found[~upper]).mean() < 0.2
    with pytest.raises(ValueError, match='number of atoms changed from'):
        tracker.add(frame[:-1])


def test_unwrapping_in_a_skewed_cell_with_one_open_side():
    crystal = bulk('Li', 'bcc', a=A) * (5, 5, 5)
    crystal.pbc = (True, True, False)
    tracker = Unwrapper(crystal)
    drift = np.array([1.0, 0.7, 0.4])
    for k in range(1, 30):
        frame = crystal.copy()
        frame.positions += k * drift
        frame.wrap()
        np.testing.assert_allclose(tracker.add(frame), np.tile(k * drift, (len(crystal), 1)), atol=1e-9)


def test_rate_of_a_parabola_is_exact_inside():
    t = np.linspace(0, 10, 201)
    np.testing.assert_allclose(rate(t, t**2, 1.0)[20:-20], 2 * t[20:-20], atol=1e-9)
    uneven = np.sort(np.random.default_rng(0).random(50)) * 10
    np.testing.assert_allclose(rate(uneven, 3 * uneven - 1), 3, atol=1e-9)
    assert np.isnan(rate([1.0], [2.0])).all()
    with pytest.raises(ValueError, match='time must increase'):
        rate([0, 0, 1], [1, 2, 3])


@pytest.mark.parametrize('noise', [0.0, 0.1, 0.3])
def test_planted_change_points(noise):
    """Slides with two pinned stretches, as in the paper between 33.55 and 41.25 ps."""
    t = np.arange(0, 100, 0.25)
    slopes = np.select([t < 20, t < 33.5, t < 41.25, t < 80], [0.1, 0.4, 0.0, 0.3], 0.0)
    v = np.cumsum(slopes) * 0.25 + np.random.default_rng(3).normal(scale=noise, size=len(t))
    found = change_points(t, v)
    assert len(found) == 4
    np.testing.assert_allclose(found, [20, 33.5, 41.25, 80], atol=2.0)
    parts = segments(t, v)
    assert [p.plateau for p in parts] == [False, False, True, False, True]
    np.testing.assert_allclose([p.slope for p in parts], [0.1, 0.4, 0, 0.3, 0], atol=0.04)


def test_no_change_points_in_a_line_or_in_noise():
    t = np.arange(0, 50, 0.5)
    noise = np.random.default_rng(1).normal(size=len(t))
    assert len(change_points(t, 2 * t)) == 0
    assert len(change_points(t, noise)) == 0
    assert len(change_points(t, 0 * t)) == 0
    assert len(change_points(t[:4], t[:4])) == 0
    long = np.arange(0, 5000, 0.5)
    assert change_points(long, abs(long - 2500)) == pytest.approx([2500], abs=30)
    assert segments([1.0], [2.0]) == []


def test_hops_of_an_adatom():
    rng = np.random.default_rng(2)
    t = np.arange(100) * 0.5
    sites = np.zeros((100, 2, 3))
    sites[30:, 0] += [A, 0, 0]
    sites[70:, 0] += [0, A, 0]
    x = sites + rng.normal(scale=0.25, size=sites.shape)
    x[50, 1] += 3.0  # an excursion of one frame is no hop
    found = hops(t, x)
    assert [(h.atom, h.frame) for h in found] == [(0, 30), (0, 70)]
    np.testing.assert_allclose([h.vector for h in found], [[A, 0, 0], [0, A, 0]], atol=0.2)
    np.testing.assert_allclose([h.residence for h in found], [15, 20])
    with pytest.raises(ValueError, match='positions must have the shape'):
        hops(t, x[:, 0])
    assert hops(t, x[:, :0]) == []


def test_a_frame_that_cannot_be_unwrapped():
    with pytest.raises(ValueError, match='no cell vector'):
        Unwrapper(Atoms('Li', pbc=True))
