import numpy as np
import pytest

from ase_mlffvv.fitting.centres import (
    adaptive_gaussians,
    fixed_gaussians,
    plain_components,
    principal_components,
    scaling,
)


def sample(n=500, seed=0):
    rng = np.random.default_rng(seed)
    f = rng.normal(size=(n, 6)) @ rng.normal(size=(6, 6)) + 3
    f[:, 2] = 1.7  # constant
    f[:, 4] = f[:, 1] - f[:, 3]  # dependent
    return f


def test_principal_components():
    f = sample()
    P = principal_components(f)
    assert P.shape == (6, 4)
    assert not P[2].any()
    np.testing.assert_allclose(P.T @ f.T @ f @ P, np.eye(4), atol=1e-9)
    assert principal_components(f, n_max=2).shape == (6, 2)
    np.testing.assert_allclose(principal_components(f, n_max=2), P[:, :2])


def test_plain_components_drop_constants():
    np.testing.assert_array_equal(plain_components(sample()), np.eye(6)[:, [0, 1, 3, 4, 5]])


def test_scaling():
    h = sample()[:, :3]
    shift, scale = scaling(h)
    g = (h - shift) * scale
    np.testing.assert_allclose(g.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(g[:, :2].std(axis=0), 1)
    assert scale[2] == 1


def test_fixed_gaussians():
    single, pair = fixed_gaussians(3)
    assert single.shape == (3, 20, 2)
    np.testing.assert_allclose(single[1, [0, 1, -1], 0], [1.35, 1.20, -1.50])
    np.testing.assert_allclose(single[..., 1], 0.15)
    np.testing.assert_allclose(pair[2, :, 0], [-3.9, -1.3, 1.3, 3.9])
    np.testing.assert_allclose(pair[..., 1], 2.6)


@pytest.mark.parametrize('n', [1, 4, 20])
def test_adaptive_gaussians_cover_the_data(n):
    rng = np.random.default_rng(2)
    g = np.column_stack([rng.normal(size=2000), rng.exponential(size=2000) - 1, np.full(2000, 0.3)])
    gaussians = adaptive_gaussians(g, n)
    assert gaussians.shape == (3, n, 2)
    assert np.isfinite(gaussians).all()
    assert (gaussians[..., 1] > 0).all()
    if n > 1:
        assert (np.diff(gaussians[0, :, 0]) > 0).all()
        assert gaussians[0, :, 0].min() > g[:, 0].min() - 0.1
        assert gaussians[0, :, 0].max() < g[:, 0].max() + 0.1


def test_two_occupied_bins_do_not_hang():
    g = np.repeat([[0.0], [1.0]], 50, axis=0)
    gaussians = adaptive_gaussians(g, 20)
    assert np.isfinite(gaussians).all()
    assert (gaussians[..., 1] > 0).all()
