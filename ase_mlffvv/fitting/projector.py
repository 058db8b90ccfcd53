"""Components g of every atom of a frame, and their derivatives."""

from __future__ import annotations

import numpy as np

from ..kernels.fit.project import projections, raw_features
from ..kernels.shared.tables import FeatureTables, feature_tables, padded


class Projector:
    """Components g and derivatives J of frames, for one set of features and projections.

    Parameters
    ----------
    potential : VVPotential
        Its coefficients are not used.
    """

    def __init__(self, potential):
        self.tables: FeatureTables = feature_tables(potential)
        self.cutoff = max(max(family.cutoff) for family in potential.features)
        self.projection = padded([block.projection * block.scale for block in potential.blocks])
        self.origin = padded([-block.shift * block.scale for block in potential.blocks])
        self._buffer = np.empty(0)
        self.n = np.array([block.n for block in potential.blocks])

    def features(self, frame):
        """Raw features, shape (n_atoms, n_features)."""
        return raw_features(self.tables, self.cutoff, frame.system)

    def components(self, features, t):
        """Components with the constant, (n_atoms, n + 1), for raw features of atoms of element t."""
        n, n_features = self.n[t], self.tables.n_features[t]
        g = features[:, :n_features] @ self.projection[t, :n_features, :n] + self.origin[t, :n]
        return np.concatenate([g, np.ones((len(g), 1))], axis=1)

    def __call__(self, frame):
        """Components with the constant, (n_atoms, n_max + 1), and J = dg/dD, (n_pairs, 3, n_max) in 1/Å.

        The next call overwrites J.
        """
        size = len(frame.system.neighbor) * 3 * self.projection.shape[2]
        if len(self._buffer) < size:
            self._buffer = np.empty(size)
        g, J = projections(self.tables, self.cutoff, self.projection, self.origin, frame.system, buffer=self._buffer)
        g = np.concatenate([g, np.zeros((len(g), 1))], axis=1)
        g[np.arange(len(g)), self.n[frame.system.species]] = 1.0
        return g, J
