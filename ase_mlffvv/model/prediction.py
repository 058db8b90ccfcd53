"""The result that every engine returns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Prediction(NamedTuple):
    """Result of every engine.

    Attributes
    ----------
    energies : ndarray, shape (n_atoms,), eV
    forces : ndarray, shape (n_atoms, 3), eV/Å
        -dE/dR.
    virials : ndarray, shape (n_atoms, 3, 3), eV
        ``sum over neighbors of D (x) dE_i/dD`` with D from the centre i to the neighbor; their sum is
        dE/d(strain), so stress = sum / volume, tensile positive.
    """

    energies: np.ndarray
    forces: np.ndarray
    virials: np.ndarray
