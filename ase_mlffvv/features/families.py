"""Two- and three-body feature families: definitions, sizes and order. Their values are computed in :mod:`.values`.

Source: Y. Huang, J. Kang, W. A. Goddard, L.-W. Wang, Phys. Rev. B 99, 064103 (2019), in the normalisation of the
original VV programs (no cutoff function besides the basis functions, no division by numbers of neighbors or volumes).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Cosine2:
    """Two-body features: sums of basis functions of the distances to the neighbors of each element.

    ``F[t, m] = sum over neighbors j of element t, d_ij < cutoff, of phi_m(d_ij)``, where m varies faster than t.

    Attributes
    ----------
    cutoff : tuple of float, Å
        Cutoff for each element of the centre atom.
    grids : tuple of ndarray, each of shape (n, 2), Å
        Intervals of the basis functions for each element of the centre atom.
    """

    cutoff: tuple
    grids: tuple
    name = 'cosine2'

    def size(self, centre, n_types):
        """Number of features of a centre atom with the element index ``centre``."""
        return n_types * len(self.grids[centre])

    def arrays(self):
        """Arrays that define the family, for the model file."""
        return {'cutoff': np.array(self.cutoff, float), **{f'grid{t}': b for t, b in enumerate(self.grids)}}

    @classmethod
    def from_arrays(cls, arrays):
        cutoff = tuple(float(c) for c in arrays['cutoff'])
        return cls(cutoff, tuple(np.asarray(arrays[f'grid{t}'], float) for t in range(len(cutoff))))


@dataclass(frozen=True, eq=False)
class Cosine3:
    """Three-body features: sums over ordered pairs of neighbors of products of three basis functions.

    ``F[t1, t2; k1, k2, c] = sum over neighbors p (element t1), q (element t2), p != q, of
    phi_k1(d_ip) phi_k2(d_iq) psi_c(d_pq)`` for t1 <= t2, and k1 <= k2 if t1 = t2. The order of the indices, from the
    slowest to the fastest, is t2, t1, k1, k2, c. p and q may be periodic images of the same atom.

    Attributes
    ----------
    cutoff, side_cutoff : tuple of float, Å
        Largest distance from the centre atom, and between the two neighbors, for each element of the centre atom.
    legs, sides : tuple of ndarray, each of shape (n, 2), Å
        Intervals of the basis functions of centre-neighbor and neighbor-neighbor distances, for each element of the
        centre atom.
    """

    cutoff: tuple
    side_cutoff: tuple
    legs: tuple
    sides: tuple
    name = 'cosine3'

    def size(self, centre, n_types):
        """Number of features of a centre atom with the element index ``centre``."""
        n_leg, n_side = len(self.legs[centre]), len(self.sides[centre])
        return n_side * (n_types * n_leg * (n_leg + 1) // 2 + n_types * (n_types - 1) // 2 * n_leg**2)

    def index(self, centre, n_types):
        """Rows (u, v, c) of the features in order, shape (size, 3); u = t1 n_leg + k1, v = t2 n_leg + k2."""
        n_leg, n_side = len(self.legs[centre]), len(self.sides[centre])
        return np.array([
            (t1 * n_leg + k1, t2 * n_leg + k2, c)
            for t2 in range(n_types)
            for t1 in range(t2 + 1)
            for k1 in range(n_leg)
            for k2 in range(k1 if t1 == t2 else 0, n_leg)
            for c in range(n_side)
        ])  # fmt: skip

    def arrays(self):
        """Arrays that define the family, for the model file."""
        return {
            'cutoff': np.array(self.cutoff, float),
            'side_cutoff': np.array(self.side_cutoff, float),
            **{f'legs{t}': b for t, b in enumerate(self.legs)},
            **{f'sides{t}': b for t, b in enumerate(self.sides)},
        }

    @classmethod
    def from_arrays(cls, arrays):
        cutoff = tuple(float(c) for c in arrays['cutoff'])
        n = range(len(cutoff))
        return cls(
            cutoff,
            tuple(float(c) for c in arrays['side_cutoff']),
            tuple(np.asarray(arrays[f'legs{t}'], float) for t in n),
            tuple(np.asarray(arrays[f'sides{t}'], float) for t in n),
        )
