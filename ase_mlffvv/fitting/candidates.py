"""Scores of all possible VV terms at once, from matrix products over atoms.

For a residual with energy field r_i and direction u (of forces and strain), the projection of term t is
``b = sum_i r_i t(g_i) + dt(g_i) . gdot_i`` with gdot the derivative of g along u. For products of two Gaussians this is
``Phi^T diag(r) Phi + Phidot^T Phi + Phi^T Phidot`` with Phi the values of all Gaussians and Phidot their change along
u. Norms ``s`` require the square of the sum over each frame. It is exact for energies and estimated from random
directions for forces.
"""

from __future__ import annotations

import numpy as np

from ..model.terms import CUBIC, PRODUCT, SINGLE, ElementBlock


def n_candidates(block: ElementBlock, cubic=False):
    """Number of terms from which a selection chooses."""
    n, pairs = block.n, block.n * block.product.shape[1]
    return n * block.single.shape[1] + pairs * (pairs + 1) // 2 + (n * (n + 1) * (n + 2) // 6 if cubic else 0)


class CandidateScores:
    """Accumulates projections b and norms s of all candidate terms of one element.

    Parameters
    ----------
    block : ElementBlock
    cubic : bool
        Include products of three components.
    """

    def __init__(self, block: ElementBlock, cubic=False):
        n = block.n
        self.n = n
        self.single = block.single[:n]
        self.product = block.product[:n]
        self.cubic = np.array([(a, b) for a in range(n) for b in range(a + 1)] if cubic else np.zeros((0, 2)), int)
        shapes = [
            (self.single.shape[0] * self.single.shape[1],),
            (n * self.product.shape[1],) * 2,
            (n, len(self.cubic)),
        ]
        self._sums = {name: [np.zeros(shape) for shape in shapes] for name in ('b', 's', 'mean')}
        self._frames = 0

    def _functions(self, g, along):
        """Values of single Gaussians, product Gaussians, components, products of two, and changes along ``along``."""
        out = []
        for table in (self.single, self.product):
            x = (g[:, :, None] - table[..., 0]) / table[..., 1]
            value = np.exp(-(x**2))
            change = -2 * x / table[..., 1] * value * along[:, :, None]
            out.append((value.reshape(len(g), -1), change.reshape(len(g), -1)))
        a, b = self.cubic.T
        out.append((g[:, a] * g[:, b], along[:, a] * g[:, b] + g[:, a] * along[:, b]))
        return out

    def add_residual(self, g, r, along):
        """Add the projections of one frame.

        Parameters
        ----------
        g, along : ndarray, shape (n_atoms, n)
            Components of the atoms of this element, and their change along the weighted residual direction.
        r : ndarray, shape (n_atoms,)
            Weighted energy residual of each atom.
        """
        single, pair, square = self._functions(g, along)
        b = self._sums['b']
        b[0] += r @ single[0] + single[1].sum(axis=0)
        weighted = pair[1] + 0.5 * r[:, None] * pair[0]
        half = weighted.T @ pair[0]
        b[1] += half + half.T
        if len(self.cubic):
            b[2] += (g * r[:, None] + along).T @ square[0] + g.T @ square[1]

    def add_norm(self, g, directions, energy_weight, force_weight):
        """Add the norms of one frame.

        Parameters
        ----------
        g : ndarray, shape (n_atoms, n)
        directions : list of ndarray, shape (n_atoms, n)
            Changes of g along random directions with unit variance per coordinate.
        energy_weight, force_weight : float
            Squared weights of the frame's energy and forces.
        """
        if energy_weight > 0:
            single, pair, square = self._functions(g, np.zeros_like(g))
            sums = single[0].sum(axis=0), pair[0].T @ pair[0], g.T @ square[0]
            for k, total in enumerate(sums):
                self._sums['s'][k] += energy_weight * total**2
                self._sums['mean'][k] += np.sqrt(energy_weight) * total
            self._frames += 1
        for along in directions:
            single, pair, square = self._functions(g, along)
            half = pair[1].T @ pair[0]
            sums = single[1].sum(axis=0), half + half.T, along.T @ square[0] + g.T @ square[1]
            for k, total in enumerate(sums):
                self._sums['s'][k] += force_weight / len(directions) * total**2

    def best(self, n_best, taken):
        """Best terms that are not in ``taken``, by ``b^2 / s`` with the mean over frames removed from s.

        Returns
        -------
        ndarray, shape (at most n_best, 5), int32
            Rows as in :class:`ElementBlock`.
        """
        scores = []
        for b, s, mean in zip(self._sums['b'], self._sums['s'], self._sums['mean']):
            variance = s - mean**2 / max(self._frames, 1)
            floor = 1e-6 * s + 1e-300
            scores.append(np.where(s > 0, b**2 / np.maximum(variance, floor), 0.0))
        scores[1] = np.tril(scores[1])  # each product once
        if len(self.cubic):
            a = np.arange(self.n)[:, None]
            scores[2] = np.where(a <= self.cubic[:, 1], scores[2], 0.0)  # j'' <= j' <= j
        flat = np.concatenate([score.ravel() for score in scores])
        taken = {tuple(row) for row in np.asarray(taken).tolist()}
        order = np.argsort(-flat, kind='stable')[: n_best + len(taken)]
        rows = [row for row in map(self._row, order[flat[order] > 0]) if row not in taken]
        return np.array(rows[:n_best], np.int32).reshape(-1, 5)

    def _row(self, flat):
        n_single, n_product = self.single.shape[1], self.product.shape[1]
        first_product = self.n * n_single
        first_cubic = first_product + (self.n * n_product) ** 2
        if flat < first_product:
            return (SINGLE, int(flat // n_single), int(flat % n_single), 0, 0)
        if flat < first_cubic:
            left, right = divmod(int(flat - first_product), self.n * n_product)
            return (PRODUCT, left // n_product, left % n_product, right // n_product, right % n_product)
        a, row = divmod(int(flat - first_cubic), len(self.cubic))
        return (CUBIC, int(self.cubic[row, 0]), int(self.cubic[row, 1]), a, 0)
