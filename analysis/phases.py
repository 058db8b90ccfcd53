"""Crystal structure of each atom by adaptive common neighbor analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .structure import default_column, to_ovito

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike


OTHER, FCC, HCP, BCC, ICO = range(5)
NAMES = ('other', 'fcc', 'hcp', 'bcc', 'ico')


def phases(atoms: Atoms) -> np.ndarray:
    """Crystal structure of each atom by adaptive common neighbor analysis (OVITO).

    Parameters
    ----------
    atoms : Atoms
        Structure with any cell, even with a single atom.

    Returns
    -------
    ndarray, shape (n_atoms,), int
        0 other, 1 fcc, 2 hcp, 3 bcc, 4 icosahedral, as in ``NAMES``.

    Notes
    -----
    Stukowski, Modelling Simul. Mater. Sci. Eng. 20, 045021 (2012). This is the method of the paper. Because lithium is
    soft, it assigns only 80 to 92 % of the atoms to bcc in single frames of bulk bcc at 250 K; template matching
    (:func:`mlffvv_analysis.orientation.orientations`) assigns 96 to 99 %.
    """
    if len(atoms) == 0:
        return np.zeros(0, int)
    data = to_ovito(atoms)
    from ovito.modifiers import CommonNeighborAnalysisModifier

    data.apply(CommonNeighborAnalysisModifier())
    return np.array(data.particles['Structure Type'][:], dtype=int)


def fractions(labels: ArrayLike, mask: np.ndarray | None = None) -> dict[str, float]:
    """Fraction of atoms with each crystal structure.

    Parameters
    ----------
    labels : ndarray, shape (n_atoms,), int
        Labels from :func:`phases`.
    mask : ndarray, shape (n_atoms,), bool, optional
        Count only these atoms.

    Returns
    -------
    dict
        ``{'other': ..., 'fcc': ..., 'hcp': ..., 'bcc': ..., 'ico': ...}``; NaN if there are no atoms.
    """
    labels = np.asarray(labels) if mask is None else np.asarray(labels)[mask]
    counts = np.bincount(labels, minlength=len(NAMES)).astype(float)
    with np.errstate(invalid='ignore'):
        return dict(zip(NAMES, (counts / np.float64(len(labels))).tolist()))


def regions(atoms: Atoms, column: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Masks of the parts of a dendrite whose crystal structures are counted separately.

    Parameters
    ----------
    atoms : Atoms
    column : ndarray, shape (n_atoms,), bool, optional
        Atoms of the dendrite; by default, those with a tag other than 0 if there are any, otherwise all.

    Returns
    -------
    dict of ndarray, bool
        Masks ``'all'``, ``'column'``, ``'substrate'``, and ``'top'`` and ``'bottom'``, the parts of the column above
        and below half of its current height.
    """
    n = len(atoms)
    if column is None:
        column = default_column(atoms)
    z = atoms.positions[:, 2]
    middle = (z[column].min() + z[column].max()) / 2 if column.any() else 0.0
    top = column & (z > middle)
    return {'all': np.ones(n, bool), 'column': column, 'substrate': ~column, 'top': top, 'bottom': column & ~top}
