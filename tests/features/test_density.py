"""The many-body features against plain loops, and what they must not depend on."""

import itertools

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from scipy.special import eval_legendre, sph_harm_y

from ase_mlffvv.features.density import Density
from ase_mlffvv.features.harmonics import invariant_triple, real_harmonics
from ase_mlffvv.features.values import Environment, density_values, harmonics

RNG = np.random.default_rng(3)
CUTOFF = 5.0


def points(n):
    u = RNG.normal(size=(n, 3))
    return u / np.linalg.norm(u, axis=1, keepdims=True)


def family(n_types=1, degree=(7, 5)):
    radial = tuple(RNG.normal(size=(n_types, 3, 4)) for _ in range(n_types))
    return Density((CUTOFF,) * n_types, radial, 3, degree)


def values(density, D, kinds):
    environment = Environment(torch.as_tensor(D)[None], torch.as_tensor(kinds)[None], len(density.radial))
    return density_values(density, environment, 0)[0].numpy()


def test_harmonics():
    u, v = points(20), points(20)
    Y, Z = real_harmonics(u, 5), real_harmonics(v, 5)
    np.testing.assert_allclose(harmonics(torch.as_tensor(u), 5), Y, atol=1e-14)
    theta, phi = np.arccos(u[:, 2]), np.arctan2(u[:, 1], u[:, 0])
    for l in range(6):
        rows = slice(l * l, (l + 1) ** 2)
        np.testing.assert_allclose((Y * Z)[:, rows].sum(1), eval_legendre(l, (u * v).sum(1)), atol=1e-13)
        for m in range(l + 1):
            scipys = sph_harm_y(l, m, theta, phi) * (-1) ** m * np.sqrt(4 * np.pi / (2 * l + 1) * (2 if m else 1))
            np.testing.assert_allclose(Y[:, l * l + l + m], scipys.real, atol=1e-13)
            if m:
                np.testing.assert_allclose(Y[:, l * l + l - m], scipys.imag, atol=1e-13)


def test_triples_are_invariant_and_complete():
    u, R = points(3), Rotation.random(random_state=1).as_matrix()
    for l in itertools.combinations_with_replacement(range(5), 3):
        terms = invariant_triple(*l)
        assert bool(terms) == (sum(l) % 2 == 0 and l[2] <= l[0] + l[1])
        if not terms:
            continue
        assert sum(c * c for *_, c in terms) == pytest.approx(1, abs=1e-12)
        one, two = (
            sum(c * np.prod([y[k, l[k] ** 2 + m[k]] for k in range(3)]) for *m, c in terms)
            for y in (real_harmonics(u, 4), real_harmonics(u @ R.T, 4))
        )
        assert one == pytest.approx(two, abs=1e-12)


def test_definition_by_plain_loops():
    density = family(n_types=2)
    D = RNG.normal(size=(7, 3)) * 2.5
    kinds = RNG.integers(0, 2, 7)
    d = np.linalg.norm(D, axis=1)
    assert (d >= CUTOFF).any()
    assert (d < CUTOFF).sum() > 3
    got = values(density, D, kinds)

    def R(p, u):
        t, n = divmod(u, 3)
        if kinds[p] != t or d[p] >= CUTOFF:
            return 0.0
        x = 2 * (1 - d[p] / CUTOFF) ** 2 - 1
        chebyshev = np.polynomial.chebyshev.chebval(x, density.radial[0][t, n])
        return (1 - (d[p] / CUTOFF) ** 2) ** 3 * chebyshev

    one, two, three = density.products(2)
    np.testing.assert_allclose(got[: len(one)], [sum(R(p, u) for p in range(7)) for u in range(6)], rtol=1e-12)
    first = density.moments(2)
    for k, (a, b, l) in enumerate(two):
        width = 2 * density.channels(l)
        u, v = ((x - first[l]) // density.channels(l) * 3 + (x - first[l]) % density.channels(l) for x in (a, b))
        assert max(a, b) - first[l] < width
        want = sum(R(p, u) * R(q, v) * eval_legendre(l, D[p] @ D[q] / d[p] / d[q]) for p in range(7) for q in range(7))
        assert got[len(one) + k] == pytest.approx(want, rel=1e-11, abs=1e-11)
    A = {}
    for l in range(4):
        for m in range(2 * l + 1):
            for u in range(2 * density.channels(l)):
                t, n = divmod(u, density.channels(l))
                Y = real_harmonics(D / d[:, None], 3)[:, l * l + m]
                A[first[l] + m * 2 * density.channels(l) + u] = sum(R(p, 3 * t + n) * Y[p] for p in range(7))
    for k, (a, b, c, weight) in enumerate(three):
        want = sum(A[i] * A[j] * A[n] * x for i, j, n, x in zip(a, b, c, weight))
        assert got[len(one) + len(two) + k] == pytest.approx(want, rel=1e-11, abs=1e-11)


def test_degrees_and_sizes():
    density = family()
    one, two, three = density.products(1)
    assert density.size(0, 1) == len(one) + len(two) + len(three) > 30
    pairs = {(l, n, m) for l in range(4) for n in range(3) for m in range(n, 3) if 2 * l + n + m <= 7}
    assert len(two) == len(pairs)
    assert family(degree=(7, 0)).products(1)[2][0][3].tolist() == [1.0]  # only the cube of the lowest moment
    assert density.channels(3) == 2
    assert density.channels(0) == 3


def test_invariant_under_rotation_inversion_and_order():
    density = family(n_types=2)
    D, kinds = RNG.normal(size=(9, 3)) * 2, RNG.integers(0, 2, 9)
    want = values(density, D, kinds)
    order = RNG.permutation(9)
    for moved, types in ((D @ Rotation.random(random_state=0).as_matrix().T, kinds), (-D, kinds),
                         (D[order], kinds[order])):  # fmt: skip
        np.testing.assert_allclose(values(density, moved, types), want, rtol=1e-10, atol=1e-10)
    assert np.abs(values(density, D, 1 - kinds) - want).max() > 1e-3


def test_smooth_at_the_cutoff():
    density = family()
    D = RNG.normal(size=(4, 3))
    for step in (1e-3, 1e-4):
        moved = np.concatenate([D, [[0, 0, CUTOFF - step]]])
        change = np.abs(values(density, moved, np.zeros(5, int)) - values(density, D, np.zeros(4, int))).max()
        assert change < 1e4 * step**3


def test_arrays_and_back():
    density = family(n_types=2)
    again = Density.from_arrays(density.arrays())
    D, kinds = RNG.normal(size=(5, 3)) * 2, np.array([0, 1, 1, 0, 1])
    np.testing.assert_array_equal(values(again, D, kinds), values(density, D, kinds))
