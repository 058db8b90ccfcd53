"""Bands and tests over replicas, and maps of atomic surroundings."""

import numpy as np
import pytest
from mlffvv_analysis.embedding import embed, shell_features, silhouette
from mlffvv_analysis.statistics import (
    adjusted,
    band,
    compare,
    contrast,
    detectable,
    effect_size,
    mean_interval,
    ratio,
    share_interval,
)
from scipy import stats

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


def test_intervals_of_means_shares_and_contrasts():
    """Known values; NaN do not count; one run has no interval."""
    found = mean_interval([1.0, 2.0, 3.0, np.nan])
    assert (found.value, found.count) == (2, 3)
    assert found.high - found.value == pytest.approx(4.3027 / np.sqrt(3), rel=1e-4)
    assert found.predicts(2 + 4.3 * np.sqrt(4 / 3) - 0.1)
    assert not found.predicts(2 + 4.3 * np.sqrt(4 / 3) + 0.1)
    assert np.isnan(mean_interval([1.0]).low)
    assert mean_interval([1.0]).predicts(1) is None
    assert mean_interval([]).count == 0
    share = share_interval([True] * 5)
    assert (share.value, share.low, share.high) == (1, pytest.approx(0.5655, abs=1e-4), pytest.approx(1))
    rng = np.random.default_rng(0)
    a, b = rng.normal(3, 1, 6), rng.normal(1, 2, 9)
    welch = compare(b, a)
    both = contrast([a, b], (1, -1))
    assert (both.value, both.low, both.high) == pytest.approx((welch.difference, welch.low, welch.high))
    assert contrast([a, []], (1, -1)).count == 0


def test_an_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(1)
    hits = [(e := mean_interval(rng.normal(5, 2, 5))).low < 5 < e.high for _ in range(600)]
    assert 0.92 < np.mean(hits) < 0.98
    hits = [(e := ratio(rng.lognormal(1, 0.1, 5), rng.lognormal(0, 0.2, 5))).low < np.e < e.high for _ in range(600)]
    assert 0.92 < np.mean(hits) < 0.98


def test_ratios_need_positive_values_for_an_interval():
    found = ratio([2.0, 4.0], [1.0, -0.5])
    assert (found.value, found.count) == (12, 2)
    assert np.isnan(found.low)


@pytest.mark.parametrize(('first', 'second'), [(5, 5), (3, 8), (5, None), (2, 2)])
def test_the_detectable_difference_is_found_four_times_in_five(first, second):
    """By drawing runs: the test at 5 % sees the difference with the power that was asked for."""
    rng, size = np.random.default_rng(2), detectable(2.0, first, second)
    draws = rng.normal(0, 2.0, (4000, first)), rng.normal(size, 2.0, (4000, second or first))
    if second:
        p = stats.ttest_ind(*draws, axis=1).pvalue
    else:
        p = stats.ttest_1samp(draws[1], 0, axis=1).pvalue
    assert np.mean(p < 0.05) == pytest.approx(0.8, abs=0.03)


def test_too_few_runs_see_nothing():
    assert np.isnan(detectable(1.0, 1, 5))


def test_effect_size_and_correction():
    a, b = np.array([0.0, 1, 2]), np.array([2.0, 3, 4])
    assert effect_size(a, b) == pytest.approx(2 * (1 - 3 / 15))
    assert np.isnan(effect_size([1], b))
    np.testing.assert_allclose(adjusted([0.01, np.nan, 0.04, 0.03]), [0.03, np.nan, 0.04, 0.04])
