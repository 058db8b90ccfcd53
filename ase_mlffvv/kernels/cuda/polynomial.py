"""Models without Gaussians on a GPU, whose atomic energy is a cubic polynomial of moments; imports numba.cuda."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numba import cuda, float32, float64


class Polynomial(NamedTuple):
    """The polynomial E = constant + E1 + E2 + E3, by the derivatives of its parts of degree one, two and three.

    dE/dA_u = one[u] + sum_p weight2[p] A_v + sum_q weight3[q] A_v A_w, where p runs from ``start2[u]`` to
    ``start2[u + 1]`` and q likewise from ``start3[u]``; E = constant + sum_u A_u (dE1 + dE2/2 + dE3/3)/dA_u.
    The first axis of ``constant``, ``one`` and the starts is the element of the centre atom.
    """

    constant: np.ndarray
    one: np.ndarray  # (element, moment)
    start2: np.ndarray
    index2: np.ndarray  # v
    weight2: np.ndarray
    start3: np.ndarray
    index3: np.ndarray  # v + (w << 16)
    weight3: np.ndarray


def polynomial(tables, vv) -> Polynomial:
    """Polynomial of DensityTables and VVTables without components (``vv.n`` is zero)."""
    n_types, n_moments = len(vv.constant), int(tables.first[-1])
    n_one, n_two = len(tables.one), len(tables.two)
    m = np.repeat(np.arange(n_two), tables.two[:, 3])
    order = np.arange(len(m)) - np.repeat(np.cumsum(tables.two[:, 3]) - tables.two[:, 3], tables.two[:, 3])
    u, v = (tables.two[m, k] + order * tables.two[m, 2] for k in (0, 1))
    feature3 = n_one + n_two + np.repeat(np.arange(len(tables.first3) - 1), np.diff(tables.first3))
    a, b, c = np.sort(tables.three, axis=1).T
    one = np.zeros((n_types, n_moments))
    parts = []
    for t, direct in enumerate(vv.direct):
        np.add.at(one[t], tables.one, direct[:n_one])
        weight2, weight3 = direct[n_one + m], direct[feature3] * tables.weight3
        parts.append(
            (
                _merged(n_moments, np.append(u, v), np.append(v, u), np.tile(weight2, 2)),
                _merged(
                    n_moments, np.concatenate([a, b, c]), np.concatenate([b + (c << 16), a + (c << 16), a + (b << 16)]),
                    np.tile(weight3, 3),
                ),
            )
        )  # fmt: skip
    return Polynomial(vv.constant, one, *_joined([x for x, _ in parts]), *_joined([x for _, x in parts]))


def _merged(n, row, index, weight):
    """Starts of rows, and indices and weights of the entries; weights of equal (row, index) are added."""
    pairs, place = np.unique(np.stack([row, index], axis=1), axis=0, return_inverse=True)
    total = np.zeros(len(pairs))
    np.add.at(total, place.ravel(), weight)
    return np.searchsorted(pairs[:, 0], np.arange(n + 1)), pairs[:, 1], total


def _joined(parts):
    """Starts (element, row), and the concatenated indices and weights of all elements."""
    lengths = np.cumsum([0] + [len(weight) for _, _, weight in parts])
    starts = np.stack([start + begin for (start, _, _), begin in zip(parts, lengths)])
    return starts, np.concatenate([x for _, x, _ in parts]), np.concatenate([x for _, _, x in parts])


@cache
def polynomial_kernel(single):
    """Kernel ``products`` of such models, in float32 if ``single``; see :func:`.kernels.product_kernel`.

    Each product is computed once for each of its factors, so that derivatives are summed in registers and written once.
    """
    real = float32 if single else float64

    @cuda.jit
    def products(begin, count, p, system, scratch, energies):
        """Energy of each atom of the chunk from its moments A, and W = dE/dA."""
        a = cuda.grid(1)
        if a >= count:
            return
        t, A = system.species[begin + a], scratch.A
        energy = p.constant[t]
        for u in range(A.shape[0]):
            second, third = real(0.0), real(0.0)
            for k in range(p.start2[t, u], p.start2[t, u + 1]):
                second += p.weight2[k] * A[p.index2[k], a]
            for k in range(p.start3[t, u], p.start3[t, u + 1]):
                index = p.index3[k]
                third += p.weight3[k] * A[index & 0xFFFF, a] * A[index >> 16, a]
            first = p.one[t, u]
            scratch.W[u, a] = first + second + third
            energy += float64(A[u, a]) * (float64(first) + float64(second) / 2.0 + float64(third) / 3.0)
        energies[system.order[begin + a]] = energy

    return products
