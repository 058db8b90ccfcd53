"""Height of a dendrite above the terrace of its substrate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import maximum_filter

from ase_mlffvv.checks import check_array, check_number

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike


SPACING = 1.5  # Å, of the squares in which the highest atom is sought
GAP = 5.0  # Å, of empty space along z
LAYER = 0.9  # Å: atoms farther than this above the terrace are not part of its layer (layers of bcc (100): 1.72 Å)


def height(atoms: Atoms, substrate: ArrayLike | None = None, quantile: float = 0.99) -> float:
    """Height of a dendrite above the terrace of its substrate.

    Atoms of the dendrite and of the substrate exchange places in the course of a run. Therefore tags tell only where
    the dendrite stands; its top and the terrace are found from the positions of all atoms.

    Parameters
    ----------
    atoms : Atoms
        Structure with z as the growth direction.
    substrate : array_like of bool or int, optional
        Substrate atoms; by default, those with tag 0 if there are other tags. Without a substrate, the height of the
        whole structure is measured from its lowest atom.
    quantile : float
        Quantile of the z coordinates of the atoms above the terrace at which the top is taken. With values below 1, a
        few detached atoms do not count.

    Returns
    -------
    float, Å
        Height above the terrace (see :func:`terrace`); 0 if no atom stands on it.
    """
    check_number(quantile, 'quantile', low=0, high=1)
    if len(atoms) == 0:
        return 0.0
    check_array(atoms.positions[:, 2], 'heights z of atoms', (len(atoms),), 'Å')
    z = upright(atoms)
    mask = np.zeros(len(z), bool)
    if substrate is None:
        tags = atoms.get_tags()
        mask = tags == 0 if (tags != 0).any() else mask
    else:
        mask[np.asarray(substrate)] = True
    if mask.all() or not mask.any():
        return float(np.quantile(z, quantile) - z.min())
    floor = terrace(atoms, ~mask)
    above = z[z > floor + LAYER]
    return float(np.quantile(above, quantile) - floor) if len(above) else 0.0


def terrace(atoms: Atoms, column: np.ndarray) -> float:
    """Height of the flat surface of a substrate away from the dendrite that stands on it.

    Parameters
    ----------
    atoms : Atoms
        Structure with z as the growth direction.
    column : ndarray, shape (n_atoms,), bool
        Atoms of the dendrite, at least one. Their mean position in the plane is the centre of the dendrite.

    Returns
    -------
    float, Å
        Median z coordinate of the top layer in the quarter of the area that is farthest from the centre. Adatoms and
        vacancies there do not count as long as they cover less than half of it.
    """
    z, shape, turn = upright(atoms), atoms.cell[:2, :2], 2j * np.pi
    periodic = bool(atoms.pbc[:2].all() and abs(np.linalg.det(shape)) > 1e-6)
    if not periodic:
        shape = np.diag(np.maximum(np.ptp(atoms.positions[:, :2], axis=0), 1e-3) * (1 + 1e-9))
    place = (atoms.positions[:, :2] - (0 if periodic else atoms.positions[:, :2].min(axis=0))) @ np.linalg.inv(shape)
    centre = np.angle(np.exp(turn * place[column]).sum(axis=0)) / turn.imag if periodic else place[column].mean(axis=0)
    count = np.maximum(1, np.linalg.norm(shape, axis=1) // SPACING).astype(int)
    square = np.floor((place % 1 if periodic else place) * count).astype(int) % count
    tops = np.full(count, -np.inf)
    np.maximum.at(tops, tuple(square.T), z)
    tops = maximum_filter(tops, size=5, mode='wrap' if periodic else 'nearest')  # every window holds a top atom
    away = (np.moveaxis(np.indices(count), 0, -1) + 0.5) / count - centre
    distance = np.linalg.norm((away - np.rint(away) if periodic else away) @ shape, axis=-1)
    known = np.isfinite(tops)
    far = known & (distance >= np.quantile(distance[known], 0.75))
    level = np.median(tops[far])  # of the highest atoms; the layer itself is a little lower
    layer = z[far[tuple(square.T)] & (abs(z - level) < LAYER)]
    return float(np.median(layer)) if len(layer) else float(level)


def upright(atoms: Atoms) -> np.ndarray:
    """Coordinates z (Å) of a slab in one piece: atoms that were wrapped from its bottom to the top of the cell go back.

    Other programs wrap positions, and the bottom layer vibrates across the boundary of the cell. The piece ends where
    the largest gap is, unless that is less than ``GAP``.
    """
    z, cell = atoms.positions[:, 2], atoms.cell[:]
    length = cell[2, 2]
    if not atoms.pbc[2] or abs(cell[2, :2]).max() > 1e-6 or abs(cell[:2, 2]).max() > 1e-6 or len(z) < 2:
        return z
    order = np.sort(z)
    gaps = np.diff(order)
    if order[0] + length - order[-1] > GAP or gaps.max() < GAP:
        return z
    return np.where(z > order[gaps.argmax()], z - length, z)
