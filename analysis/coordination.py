"""Coordination numbers, and the division of atoms into surface and bulk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ase_mlffvv.checks import check_choice, check_number, check_whole

from .structure import checked_cell, neighbors, thick, to_ovito

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike


CUTOFF = 3.45  # Å, W. Zhang et al., Adv. Energy Mater. 13, 2202892 (2023)
SMOOTH = (3.65, 4.25)  # Å: between the second and third shells of bcc lithium, the first and second of fcc and hcp


def coordination_numbers(atoms: Atoms, cutoff: float = CUTOFF) -> np.ndarray:
    """Number of neighbors of each atom within ``cutoff``.

    For lithium, the default lies on the second-neighbor shell (a = 3.44 Å): in perfect bcc, atoms have 14 neighbors if
    the lattice constant is below the cutoff and 8 if it is above; at finite temperature, they have 10 to 12.

    Parameters
    ----------
    atoms : Atoms
        Structure with any cell; periodic images count.
    cutoff : float, Å

    Returns
    -------
    ndarray, shape (n_atoms,), int

    Raises
    ------
    ValueError
        If positions are not finite, or a periodic direction has no cell vector.
    """
    check_number(cutoff, 'cutoff', 'Å', above=0)
    return np.bincount(neighbors('i', atoms, cutoff), minlength=len(atoms)) if len(atoms) else np.zeros(0, int)


def smooth_coordination(atoms: Atoms, inner: float = SMOOTH[0], outer: float = SMOOTH[1]) -> np.ndarray:
    """Number of neighbors, each with a weight that decreases smoothly from 1 at ``inner`` to 0 at ``outer``.

    The defaults lie in a gap between the neighbor shells of lithium: an atom has 14 neighbors in perfect bcc, 12 in fcc
    and hcp, and 9 and 10 on the (100) and (110) surfaces of bcc. In contrast to the numbers of neighbors within 3.45 Å,
    these hardly change with thermal motion.

    Parameters
    ----------
    atoms : Atoms
    inner, outer : float, Å

    Returns
    -------
    ndarray, shape (n_atoms,), float
    """
    check_number(inner, 'inner', 'Å', above=0)
    check_number(outer, 'outer', 'Å', above=inner)
    if len(atoms) == 0:
        return np.zeros(0)
    i, d = neighbors('id', atoms, outer, 'outer')
    x = np.clip((d - inner) / (outer - inner), 0, 1)
    return np.bincount(i, 0.5 + 0.5 * np.cos(np.pi * x), minlength=len(atoms))


def exposed(smooth: ArrayLike) -> np.ndarray:
    """Mask of atoms on the surface: their smooth coordination is below 11, as on (100), (110) and (111) surfaces."""
    return np.asarray(smooth) < 11.0


def surface_and_bulk(numbers: ArrayLike, cn8: str = 'bulk') -> tuple[np.ndarray, np.ndarray]:
    """Masks of surface atoms (coordination number below 8) and bulk atoms (above 8), as in the paper.

    Parameters
    ----------
    numbers : ndarray, shape (n_atoms,), int
        Coordination numbers.
    cn8 : {'bulk', 'surface', 'exclude'}
        Class of an atom with exactly 8 neighbors, which the paper does not specify. ``'exclude'`` puts it in neither.

    Returns
    -------
    surface, bulk : ndarray, shape (n_atoms,), bool
    """
    check_choice(cn8, 'cn8', ('bulk', 'surface', 'exclude'))
    numbers = np.asarray(numbers)
    surface = numbers <= 8 if cn8 == 'surface' else numbers < 8
    bulk = numbers >= 8 if cn8 == 'bulk' else numbers > 8
    return surface, bulk


def surface_by_mesh(atoms: Atoms, radius: float = 4.0, depth: float = 0.0) -> np.ndarray:
    """Mask of the atoms on the surface, from the alpha shape of the structure (OVITO) instead of coordination numbers.

    Parameters
    ----------
    atoms : Atoms
    radius : float, Å
        Radius of the probe sphere. It must be larger than the largest interstitial hole of the crystal (1.9 Å in bcc
        lithium) and smaller than the features of the surface.
    depth : float, Å
        Include atoms within this distance of a surface atom.

    Returns
    -------
    ndarray, shape (n_atoms,), bool

    Notes
    -----
    Stukowski, JOM 66, 399 (2014).
    """
    check_number(radius, 'radius', 'Å', above=0)
    check_number(depth, 'depth', 'Å', low=0)
    checked_cell(atoms)
    if len(atoms) < 5 and not atoms.pbc.any():  # too few for a tetrahedron with an atom inside
        return np.ones(len(atoms), bool)
    data = to_ovito(thick(atoms, 6 * radius))
    from ovito.modifiers import ConstructSurfaceModifier

    method = ConstructSurfaceModifier.Method.AlphaShape
    data.apply(ConstructSurfaceModifier(method=method, radius=radius, smoothing_level=0, select_surface_particles=True))
    mask = data.particles['Selection'][: len(atoms)] != 0
    if depth > 0 and mask.any():
        i, j = neighbors('ij', atoms, depth, 'depth')
        mask = mask | (np.bincount(i, mask[j], minlength=len(atoms)) > 0)
    return mask


def histogram(numbers: ArrayLike, mask: np.ndarray | None = None, top: int = 20) -> np.ndarray:
    """Fraction of atoms with 0, 1, ..., ``top - 1`` and at least ``top`` neighbors, shape (top + 1,)."""
    top = check_whole(top, 'top', low=0, high=1_000_000)
    numbers = np.asarray(numbers, int) if mask is None else np.asarray(numbers, int)[mask]
    counts = np.bincount(np.minimum(numbers, top), minlength=top + 1)
    return counts / max(counts.sum(), 1)
