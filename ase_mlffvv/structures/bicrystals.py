"""Periodic bicrystals: tilt boundaries of bcc, and two stacked crystals."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.lattice.cubic import BodyCenteredCubic

from ..checks import check_array, check_element, check_number, check_whole
from ..memory import check_n_atoms
from .dendrites import A_LITHIUM
from .slabs import check_repeat

# name -> directions along x (in the boundary), y (tilt axis), z (normal), and periods of a grain along z
TILT_BOUNDARIES = {
    'twin_112': ([[1, 1, -1], [-1, 1, 0], [1, 1, 2]], 2),
    'gb_310': ([[1, -3, 0], [0, 0, 1], [-3, -1, 0]], 2),
    'gb_210': ([[1, -2, 0], [0, 0, 1], [-2, -1, 0]], 2),
}


def tilt_bicrystal(
    name: str,
    a: float = A_LITHIUM,
    shift: tuple[float, float] = (0.0, 0.0),
    element: str = 'Li',
    *,
    repeat: tuple[int, int] = (1, 1),
    periods: int | None = None,
) -> Atoms:
    """Two grains that are mirror images of each other, with two equal boundaries normal to z.

    The mirror plane is an atomic plane.

    Parameters
    ----------
    name : {'twin_112', 'gb_310', 'gb_210'}
        The coherent twin Σ3{112}, or Σ5(310)[001] or Σ5(210)[001].
    a : float, Å
        Lattice constant.
    shift : (float, float)
        Translation of the second grain along x and y, as fractions of the cell.
    element : str
    repeat : (int, int)
        Repetitions along x and y.
    periods : int, optional
        Thickness of each grain in periods of the crystal along z. The default is 2.

    Returns
    -------
    Atoms
        Structure periodic in three directions, with boundaries at z = 0 and in the middle of the cell.
    """
    if name not in TILT_BOUNDARIES:
        raise ValueError(f'the boundary must be one of {", ".join(TILT_BOUNDARIES)}, got {name!r}')
    directions, usual = TILT_BOUNDARIES[name]
    check_number(a, 'a', 'Å', low=0.1, high=100)
    check_array(shift, 'shift', (2,), 'fractions of the cell')
    check_element(element)
    size = (*check_repeat(repeat), usual if periods is None else check_whole(periods, 'periods', low=1))
    check_n_atoms(2 * 12 * np.prod(np.array(size, float)), 'Use a smaller repeat or fewer periods.')
    grain = BodyCenteredCubic(directions=directions, size=size, symbol=element, latticeconstant=a)
    grain.wrap(eps=1e-6)
    z = grain.positions[:, 2] - grain.positions[:, 2].min()
    grain.positions[:, 2] = z
    height = grain.cell[2, 2]
    upper = grain[z > 1e-3]  # the plane at z = 0 belongs to both grains
    upper.positions[:, 2] = 2 * height - upper.positions[:, 2]
    upper.positions[:, :2] += np.asarray(shift) * grain.cell.lengths()[:2]
    top = grain[z < 1e-3]
    top.positions[:, 2] += height  # the second shared plane
    out = grain + top + upper
    out.cell[2, 2] = 2 * height
    out.set_pbc(True)
    return out


def stacked_bicrystal(lower: Atoms, upper: Atoms, gap: float = 2.5) -> Atoms:
    """Stack two slabs along z, periodically, with both strained in the plane to the mean of their edge lengths.

    Parameters
    ----------
    lower, upper : Atoms
        Slabs with rectangular surface cells of nearly the same size. Empty space along z is ignored.
    gap : float, Å
        Distance between the outermost planes of the two slabs.

    Returns
    -------
    Atoms
        The atoms of ``lower`` come first. The cell is orthorhombic.
    """
    check_number(gap, 'gap', 'Å', low=0, high=1e6)
    for atoms in (lower, upper):
        plane = atoms.cell[:2]
        if abs(plane[:, 2]).max() > 1e-6 or max(abs(plane[0, 1]), abs(plane[1, 0])) > 1e-6:
            raise ValueError(f'the surface cell must be a rectangle along x and y, got {plane.tolist()}')
    sides = (lower.cell.lengths()[:2] + upper.cell.lengths()[:2]) / 2
    parts, z = [], 0.0
    for atoms in (lower, upper):
        positions = atoms.positions * [*sides / atoms.cell.lengths()[:2], 1]
        parts.append(positions + [0, 0, z - positions[:, 2].min()])
        z = parts[-1][:, 2].max() + gap
    numbers = np.concatenate([lower.numbers, upper.numbers])
    return Atoms(numbers, np.concatenate(parts), cell=[*sides, z], pbc=True)
