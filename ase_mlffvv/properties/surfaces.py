"""Comparison of surface energies with references."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from .reference import SURFACES
from .relaxing import PropertyError


def compare_order(energies, reference=SURFACES):
    """How well surface energies agree with reference values.

    Parameters
    ----------
    energies : dict
        Surface energies ``{'100': J/m^2, ...}`` for all facets of ``reference``.

    Returns
    -------
    dict
        ``surface_lowest`` (hkl), ``surface_mae`` (J/m^2), ``surface_spearman`` (rank correlation), and ``order``.
    """
    missing = [hkl for hkl in reference if hkl not in energies]
    if missing:
        raise PropertyError(f'surface energies are missing: {", ".join(missing)}')
    model, dft = (np.array([values[hkl] for hkl in reference]) for values in (energies, reference))
    order = sorted(reference, key=energies.get)
    return {'surface_lowest': order[0], 'surface_mae': float(abs(model - dft).mean()),
            'surface_spearman': float(spearmanr(model, dft).statistic), 'order': order}  # fmt: skip
