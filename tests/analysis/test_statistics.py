"""Bands and tests over replicas, and maps of atomic surroundings."""

import numpy as np
import pytest
from mlffvv_analysis.embedding import embed, shell_features, silhouette
from mlffvv_analysis.statistics import band, compare

from ase_mlffvv.structures import training_cell


def test_band_covers_the_truth():
    rng = np.random.default_rng(0)
    t = np.linspace(0, 10, 40)
    covered = []
    for _ in range(200):
        b = band([t] * 5, [np.sin(t) + rng.normal(scale=0.3) for _ in range(5)])
        covered.append(b.low[20] <= np.sin(t[20]) <= b.high[20])
    assert 0.90 < np.mean(covered) < 0.99
    assert b.count == 5


def test_band_of_runs_with_other_times():
    b = band([np.arange(0, 11.0), np.arange(1, 8, 0.5)], [np.arange(0, 11.0), np.arange(1, 8, 0.5)])
    assert b.time[0] == 1
    assert b.time[-1] == 7.5
    np.testing.assert_allclose(b.mean, b.time)
    assert np.isnan(band([[0.0, 1.0]], [[1.0, 2.0]]).low).all()
    for times, values, message in (([[0, 1]], [[1]], 'arrays of equal length'), ([[1, 0]], [[1, 2]], 'must increase'),
                                   ([[0, 1], [2, 3]], [[0, 1], [0, 1]], 'no time in common')):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            band(times, values)


def test_two_conditions():
    rng = np.random.default_rng(1)
    cold, warm = rng.normal(1.0, 0.1, 5), rng.normal(1.6, 0.2, 5)
    found = compare(cold, warm)
    assert found.differ
    assert found.low < 0.6 < found.high
    assert str(found).endswith('runs: significant')
    assert found.p_permutation == pytest.approx(2 / 252)
    errors = [compare(rng.normal(size=5), rng.normal(size=5)).differ for _ in range(200)]
    assert np.mean(errors) < 0.08
    assert not compare([1.0, 1.0], [1.0, 1.0]).differ
    with pytest.raises(ValueError, match='at least two runs'):
        compare([1.0], [2.0, 3.0])
    with pytest.raises(ValueError, match='finite'):
        compare([1.0, np.nan], [2.0, 3.0])


def test_map_of_the_training_cell():
    atoms = training_cell()
    features = shell_features(atoms)
    z, tags = atoms.positions[:, 2], atoms.get_tags()
    classes = np.where(tags == 1, 2, np.where((z < 1) | (z > 2 * 3.44 - 1), 1, 0))
    assert silhouette(features, classes) > 0.3
    first = embed(features[::3], seed=1)
    np.testing.assert_array_equal(first, embed(features[::3], seed=1))
    assert first.shape == (len(features[::3]), 2)
    assert silhouette(first, classes[::3]) > 0.2


def test_features_turn_with_nothing():
    atoms = training_cell()
    turned = atoms.copy()
    turned.rotate(37, 'z', rotate_cell=True)
    np.testing.assert_allclose(shell_features(turned), shell_features(atoms), atol=1e-9)


def test_bad_features():
    with pytest.raises(ValueError, match='4 or more'):
        embed(np.eye(3))
    with pytest.raises(ValueError, match='NaN'):
        embed(np.full((9, 2), np.nan))
    with pytest.raises(ValueError, match='shape'):
        embed(np.zeros(9))
    with pytest.raises(ValueError, match='two classes'):
        silhouette(np.eye(5), np.zeros(5))
