"""Shape of a dendrite on its substrate."""

from __future__ import annotations

import numpy as np


def height(atoms, substrate=None, quantile=0.99):
    """Height of a dendrite over its substrate.

    Parameters
    ----------
    atoms : Atoms
        With z the growth direction, not wrapped across the cell along z.
    substrate : array_like of bool or int, optional
        Substrate atoms; default those with tag 0 where other tags exist. Without any, the height of the whole
        structure is measured from its lowest atom.
    quantile : float
        Height below which this share of the other atoms lies; below 1 it ignores single atoms that left.

    Returns
    -------
    float, Å
        Above the 99 % quantile of the substrate atoms.
    """
    z = atoms.positions[:, 2]
    if len(z) == 0:
        return 0.0
    mask = np.zeros(len(z), bool)
    if substrate is None:
        tags = atoms.get_tags()
        mask = tags == 0 if (tags != 0).any() else mask
    else:
        mask[np.asarray(substrate)] = True
    if mask.all() or not mask.any():
        return float(np.quantile(z, quantile) - z.min())
    return float(np.quantile(z[~mask], quantile) - np.quantile(z[mask], 0.99))
