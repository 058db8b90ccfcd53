"""Slabs with flat, vicinal and stepped faces of bcc."""

from __future__ import annotations

from itertools import permutations, product
from typing import TYPE_CHECKING

import numpy as np
from ase.build import bcc100, bcc110, bcc111, bulk, surface

from ..checks import check_array, check_element, check_number, check_whole
from ..errors import SettingError
from ..memory import check_n_atoms
from .dendrites import A_LITHIUM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms


THICKNESS, VACUUM = 22.0, 10.0  # Å
SMALLEST_CELLS = {(1, 0, 0): bcc100, (1, 1, 0): bcc110, (1, 1, 1): bcc111}


def slab(
    hkl: str | Sequence[int],
    a: float = A_LITHIUM,
    element: str = 'Li',
    *,
    thickness: float = THICKNESS,
    layers: int | None = None,
    repeat: tuple[int, int] = (1, 1),
    vacuum: float = VACUUM,
) -> Atoms:
    """Bcc slab with two equal faces.

    Parameters
    ----------
    hkl : str or (int, int, int)
        Miller indices, such as ``'310'``. High indices yield vicinal surfaces.
    a : float, Å
        Lattice constant of bcc.
    element : str
    thickness : float, Å
        Minimum thickness.
    layers : int, optional
        Number of atomic layers, used instead of ``thickness``. The cells of (100), (110) and (111) slabs are then as
        small as possible, with one atom per layer.
    repeat : (int, int)
        Repetitions along the two vectors of the surface.
    vacuum : float, Å
        Empty space on each side.

    Returns
    -------
    Atoms
        Slab periodic in three directions, with the third cell vector normal to the surface.

    Raises
    ------
    ValueError
        The Miller indices are invalid, or this number of layers is not possible.

    Examples
    --------
    >>> from ase_mlffvv.structures import slab
    >>> len(slab('110', layers=5, repeat=(2, 2)))
    20
    """
    indices = miller(hkl)
    check_number(a, 'a', 'Å', low=0.1, high=100)
    check_number(vacuum, 'vacuum', 'Å', low=0, high=1e6)
    check_element(element)
    repeat = check_repeat(repeat)
    if layers is None:
        thickness = check_number(thickness, 'thickness', 'Å', above=0)
    else:
        layers = check_whole(layers, 'layers', low=1)
    depth = thickness / a if layers is None else layers / 2
    check_n_atoms(
        2 * depth * np.linalg.norm(indices) * repeat[0] * repeat[1],
        'Use a thinner slab, lower indices or a smaller repeat.',
    )
    if layers is not None and indices in SMALLEST_CELLS:
        build = SMALLEST_CELLS[indices]
        return build(element, (*repeat, int(layers)), a=a, vacuum=vacuum, periodic=True)
    if layers is None:
        cells = int(np.ceil(thickness / (a / np.linalg.norm(indices))))
    else:
        per_cell = 2 if sum(indices) % 2 else 1  # atomic layers within the height a / |hkl| of the cubic cell
        cells = int(layers) // per_cell
        if layers % per_cell:
            raise ValueError(f'{hkl} slabs have an even number of atomic layers, got {layers}; use {layers + 1}')
    crystal = bulk(element, 'bcc', a=a, cubic=True)
    # made periodic only here, because ASE would wrap atoms of the lowest layer that rounding errors put below zero
    atoms = surface(crystal, indices, cells, vacuum=vacuum) * (*repeat, 1)
    atoms.pbc = True
    return atoms


def step(atoms: Atoms, layers: int = 1, start: float = 0.45) -> Atoms:
    """Copy of a slab without part of its top layers, so that there are two steps along the second cell vector.

    Parameters
    ----------
    atoms : Atoms
        Slab with flat layers normal to the third cell vector.
    layers : int
        Number of atomic layers to remove, i.e. the height of the steps.
    start : float
        Atoms whose scaled coordinate along the first vector exceeds this value are removed.

    Returns
    -------
    Atoms
    """
    z = atoms.positions[:, 2]
    heights = np.unique(np.round(z, 1))
    check_number(start, 'start')
    if not 0 < check_whole(layers, 'layers', 'atomic layers') < len(heights):
        raise SettingError(f'layers must be between 1 and {len(heights) - 1} for this slab, got {layers!r}')
    lowest = heights[-layers] - 0.15
    return atoms[~((z > lowest) & (atoms.get_scaled_positions()[:, 0] > start))]


def check_repeat(repeat: Sequence[int], name: str = 'repeat') -> tuple[int, int]:
    """Repetitions along two vectors, two whole numbers of 1 or more."""
    check_array(repeat, name, (2,), 'repetitions', low=1)
    first, second = (check_whole(n, name, low=1) for n in repeat)
    return first, second


def miller(hkl: str | Sequence[int]) -> tuple[int, ...]:
    """Miller indices with one digit each, ``'310'`` or ``(3, 1, 0)``, as a tuple of int."""
    try:
        indices = tuple(int(x) for x in hkl)
    except (TypeError, ValueError):
        indices = ()
    if len(indices) != 3 or not any(indices):
        raise ValueError(f"expected three Miller indices such as '310', got {hkl!r}")
    return indices


def facet_family(hkl: str | Sequence[int]) -> list[tuple[int, ...]]:
    """All Miller indices equivalent to ``hkl`` by cubic symmetry, as a sorted list of tuples."""
    signs = list(product((-1, 1), repeat=3))
    return sorted({tuple(s * k for s, k in zip(sign, p)) for p in permutations(miller(hkl)) for sign in signs})
