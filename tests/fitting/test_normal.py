import numpy as np
import pytest

from ase_mlffvv.fitting.normal import NormalEquations, forward_selection, solve


def problem(n_rows=400, n=12, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    B = rng.normal(size=(n_rows, n)) * 10.0 ** rng.uniform(-3, 3, n)
    w = rng.normal(size=n)
    return B, w, B @ w + noise * rng.normal(size=n_rows)


def equations(B, y, step, rows=3000):
    normal = NormalEquations(B.shape[1], rows)
    for k in range(0, len(B), step):
        normal.add(B[k : k + step], y[k : k + step])
    return normal


def test_known_coefficients_whatever_the_blocks():
    B, w, y = problem()
    results = [equations(B, y, step, rows).matrix() for step, rows in ((400, 3000), (7, 3000), (7, 10))]
    for A, b in results:
        np.testing.assert_allclose(A, B.T @ B, rtol=1e-12, atol=1e-12 * np.abs(A).max())
        np.testing.assert_allclose(b, B.T @ y, rtol=1e-12, atol=1e-12 * np.abs(b).max())
        found, condition = solve(A, b, ridge=1e-14)
        np.testing.assert_allclose(found, w, rtol=1e-9)
        assert 1 < condition < 100
    normal = equations(B, y, 7)
    normal.matrix()
    assert normal.n_rows == 400


def test_scale_of_columns_is_irrelevant():
    B, _, y = problem(noise=0.5)
    scale = 10.0 ** np.arange(-6, 6)
    one, _ = solve(B.T @ B, B.T @ y, ridge=1e-3)
    two, _ = solve((B * scale).T @ (B * scale), (B * scale).T @ y, ridge=1e-3)
    np.testing.assert_allclose(two * scale, one, rtol=1e-8)


def test_duplicated_column_warns_and_shares_the_weight(caplog):
    B, _, y = problem()
    B = np.column_stack([B, B[:, 0]])
    w, condition = solve(B.T @ B, B.T @ y, ridge=1e-15)
    assert condition > 1e14
    assert 'coefficients not determined' in caplog.text
    caplog.clear()
    w, condition = solve(B.T @ B, B.T @ y, ridge=1e-8)
    assert w[0] == pytest.approx(w[-1], rel=1e-4)
    assert caplog.text == ''


def test_impossible_matrix_names_the_cure():
    with pytest.raises(ValueError, match='use a larger ridge'):
        solve(np.array([[1.0, 2.0], [2.0, 1.0]]), np.ones(2), ridge=1e-9)


def test_absolute_ridge():
    B, _, y = problem()
    A, b = B.T @ B, B.T @ y
    w, _ = solve(A, b, ridge=0.0, ridge_absolute=0.3)
    np.testing.assert_allclose((A + 0.3 * np.eye(len(b))) @ w, b, rtol=1e-9)


def test_forward_selection_finds_the_columns_that_matter():
    rng = np.random.default_rng(3)
    B = rng.normal(size=(500, 40)) + rng.normal(size=(500, 1))  # correlated
    y = B[:, [0, 1]] @ [1.0, 2.0] + B[:, [7, 21, 33]] @ [3.0, -1.5, 0.7]
    chosen = forward_selection(B.T @ B, B.T @ y, kept=2, n_select=3)
    assert sorted(chosen) == [7, 21, 33]


def test_forward_selection_takes_the_best_step_each_time():
    """Each choice lowers the least-squares residual most, by trying all."""
    rng = np.random.default_rng(4)
    B = rng.normal(size=(200, 15)) @ (np.eye(15) + 0.5 * rng.normal(size=(15, 15)))
    y = rng.normal(size=200)
    chosen = forward_selection(B.T @ B, B.T @ y, kept=3, n_select=5)
    now = [0, 1, 2]
    for pick in chosen:
        left = {k: np.linalg.lstsq(B[:, [*now, k]], y, rcond=None)[1][0] for k in range(3, 15) if k not in now}
        assert pick == min(left, key=left.get)
        now.append(pick)


def test_dependent_candidates_are_chosen_once():
    rng = np.random.default_rng(5)
    B = rng.normal(size=(100, 4))
    B = np.column_stack([B, B[:, 2], B[:, 0] + B[:, 3]])
    y = rng.normal(size=100)
    assert len(forward_selection(B.T @ B, B.T @ y, kept=1, n_select=5)) == 3
