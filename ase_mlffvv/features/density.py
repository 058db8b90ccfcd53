"""Many-body features: rotation-invariant products of moments of the neighbor density."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement as combinations

import numpy as np

from .harmonics import invariant_triple

MOST_PRODUCTS = 3_000_000  # of moments; their list takes some seconds


@dataclass(frozen=True, eq=False)
class Density:
    """Products of one to three moments of the neighbor density (two- to four-body), invariant under rotation.

    The moments are sums over neighbors,
    ``A[u, l, m] = sum over neighbors j of element t, d < cutoff, of R_n(d) Y_lm(D/d)``, with u = (t, n), real spherical
    harmonics in Racah's normalisation (:mod:`.harmonics`), and

        R_n(d) = (1 - (d/cutoff)^2)^3 sum_k radial[t, n, k] T_k(2 (1 - d/cutoff)^2 - 1),

    where T_k are the Chebyshev polynomials. The features are, in this order,

    - ``A[u, 0, 0]`` for every u;
    - ``sum_m A[u, l, m] A[v, l, m]`` = sum over pairs of neighbors of R R' P_l(cos angle), u <= v;
    - ``sum_m1,m2,m3 C A[u1, l1, m1] A[u2, l2, m2] A[u3, l3, m3]`` with the invariant C of three harmonics
      (:func:`.harmonics.invariant_triple`) for (l1, u1) <= (l2, u2) <= (l3, u3) with an even sum of l.

    Products of two moments are kept if the sum of their n and l, counted from zero, is at most ``degree[0]``, products
    of three if it is at most ``degree[1]``. Source: the atomic cluster expansion, R. Drautz, Phys. Rev. B 99, 014104
    (2019); the radial variable follows Z. Fan et al., Phys. Rev. B 104, 104309 (2021).

    Attributes
    ----------
    cutoff : tuple of float, Å
        Cutoff for each element of the centre atom.
    radial : tuple of ndarray, each of shape (n_types, n_radial, n_chebyshev)
        Coefficients of the radial functions for each element of the centre atom.
    l_max : int
    degree : (int, int)
    """

    cutoff: tuple
    radial: tuple
    l_max: int
    degree: tuple
    name = 'density'

    @property
    def n_radial(self):
        return self.radial[0].shape[1]

    def channels(self, l):
        """Number of radial functions that occur together with l in any feature."""
        return self.n_radial if l == 0 else int(np.clip(max(self.degree) - 2 * l + 1, 0, self.n_radial))

    def moments(self, n_types):
        """Index of the first moment of each l, followed by the number of moments.

        The index of a moment is first[l] + (m + l) n_types channels(l) + u.
        """
        sizes = [(2 * l + 1) * n_types * self.channels(l) for l in range(self.l_max + 1)]
        return np.concatenate([[0], np.cumsum(sizes)]).astype(int)

    def products(self, n_types):
        """Features as sums of products of moments.

        Returns
        -------
        one : ndarray, shape (n_one,)
            Index of the moment of each feature.
        two : ndarray, shape (n_two, 3)
            Indices of two moments at m = -l, and l.
        three : tuple of (a, b, c, coefficient)
            For each feature, arrays of the indices of three moments and of the coefficients of their products.
        """
        channels = tuple(self.channels(l) for l in range(self.l_max + 1))
        return _products(channels, n_types, self.degree)

    def size(self, centre, n_types):
        """Number of features of a centre atom with the element index ``centre``."""
        return sum(map(len, self.products(n_types)))

    def arrays(self):
        """Arrays that define the family, for the model file."""
        return {
            'cutoff': np.array(self.cutoff, float),
            'l_max': np.array([self.l_max]),
            'degree': np.array(self.degree),
            **{f'radial{t}': r for t, r in enumerate(self.radial)},
        }

    @classmethod
    def from_arrays(cls, arrays):
        cutoff = tuple(float(c) for c in arrays['cutoff'])
        radial = tuple(np.asarray(arrays[f'radial{t}'], float) for t in range(len(cutoff)))
        l_max, degree = int(arrays['l_max'].item()), tuple(int(d) for d in arrays['degree'])
        n = max((r.shape[1] for r in radial), default=0)
        if not 0 <= l_max <= 50 or len(degree) != 2 or count_products(len(cutoff), n, l_max, degree) > MOST_PRODUCTS:
            raise ValueError(f'the features of {n} radial functions, l_max {l_max} and degree {degree} are too many')
        return cls(cutoff, radial, l_max, degree)


def count_products(n_types, n_radial, l_max, degree):
    """Upper bound of the number of products of two or three moments, whichever is larger, without a list of them."""
    two, three = (n_types * sum(min(n_radial, max(most - l + 1, 0)) for l in range(l_max + 1)) for most in degree)
    return max(two * (two - 1) // 2, three * (three - 1) * (three - 2) // 6)


@lru_cache(maxsize=64)
def _products(channels, n_types, degree):
    width = [n_types * n for n in channels]
    first = np.concatenate([[0], np.cumsum([(2 * l + 1) * w for l, w in enumerate(width)])])

    def options(limit):
        """(l, u, l + n) of every moment with l + n within the limit."""
        return [
            (l, t * count + n, n + l)
            for l, count in enumerate(channels)
            for t in range(n_types)
            for n in range(count)
            if n + l <= limit
        ]

    two = [
        (first[l] + u, first[l] + v, l)
        for (l, u, d1), (l2, v, d2) in combinations(options(degree[0]), 2)
        if l == l2 and d1 + d2 <= degree[0]
    ]
    three = []
    for triple in combinations(options(degree[1]), 3):
        if sum(d for *_, d in triple) > degree[1]:
            continue
        terms = np.array(invariant_triple(*(l for l, *_ in triple))).reshape(-1, 4)
        if len(terms):
            index = [first[l] + m.astype(int) * width[l] + u for (l, u, _), m in zip(triple, terms.T)]
            three.append((*index, terms[:, 3]))
    return np.arange(width[0]), np.array(two, int).reshape(-1, 3), tuple(three)
