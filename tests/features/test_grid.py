import numpy as np
import pytest

from ase_mlffvv.features.grid import geometric_nodes, grid_from_nodes, make_grid, stretched_grid, uniform_nodes


def test_stretched_grid_of_the_authors():
    legs, sides, two = stretched_grid(6.1, 6), stretched_grid(12.2, 6), stretched_grid(6.1, 36)
    np.testing.assert_allclose(legs.mean(axis=1), [0.2812, 0.6660, 1.1927, 1.9137, 2.9005, 4.2512], atol=5e-5)
    np.testing.assert_allclose(np.diff(legs)[:, 0] / 2, 1.84876, atol=1e-5)
    np.testing.assert_allclose(sides.mean(axis=1), [0.5623, 1.3320, 2.3855, 3.8274, 5.8011, 8.5025], atol=5e-5)
    np.testing.assert_allclose(np.diff(sides)[:, 0] / 2, 3.69752, atol=1e-5)
    np.testing.assert_allclose(two.mean(axis=1)[[0, -1]], [0.0467, 5.7043], atol=5e-5)
    assert two[-1, 1] == pytest.approx(6.1)


def test_nodes():
    nodes = geometric_nodes(6.0, 4, 5.8)
    assert nodes[0] == 0
    assert nodes[-1] == 6.0
    np.testing.assert_allclose((nodes[2:] + 5.8) / (nodes[1:-1] + 5.8), (nodes[1] + 5.8) / 5.8)
    np.testing.assert_allclose(uniform_nodes(6.0, 2, 3.0), [3, 4, 5, 6])


def test_overlaps():
    nodes = [0.0, 1.0, 2.5, 4.0, 6.0]
    np.testing.assert_array_equal(grid_from_nodes(nodes), [[0, 2.5], [1, 4], [2.5, 6]])
    np.testing.assert_array_equal(grid_from_nodes(nodes, overlap=3), [[-1, 2.5], [0, 4], [1, 6]])


def test_uniform_functions_sum_to_one():
    torch = pytest.importorskip('torch')
    from ase_mlffvv.features.values import basis_values

    intervals = make_grid('uniform', 6.0, 9, 1.0)
    d = torch.linspace(1.5, 5.4, 50, dtype=torch.float64)
    np.testing.assert_allclose(basis_values(d, intervals).sum(-1), 1)


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda: stretched_grid(-1, 4), 'radius of a grid must be positive'),
        (lambda: stretched_grid(5, 0), 'the number of basis functions of a grid must be'),
        (lambda: uniform_nodes(5, 4, 6.0), 'start must lie below'),
        (lambda: geometric_nodes(5, 4, 0), r'\(r_min\) must be positive'),
        (lambda: grid_from_nodes([0, 2, 1]), 'increasing'),
        (lambda: grid_from_nodes([0, 1, 2], overlap=4), 'overlap must be 2 or 3'),
        (lambda: make_grid('cubic', 5, 4), "'stretched', 'geometric', 'uniform'"),
        (lambda: make_grid([[0, 2], [3, 2.5]], 5, 2), 'a < b'),
        (lambda: make_grid([[0, 2], [3, 5.5]], 5, 2), 'end at or below the cutoff'),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()
