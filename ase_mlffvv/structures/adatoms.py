"""Adatoms at random sites on the surface of any structure, and a single adatom at a lattice site of a slab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from scipy.spatial import cKDTree

from ..checks import check_number, check_seed, check_whole
from ..errors import check_structure
from ..memory import check_n_atoms
from .dendrites import A_LITHIUM, ADATOM, COLUMN, freeze_bottom
from .slabs import slab

if TYPE_CHECKING:
    from typing import Any


# repetitions in the plane, number of layers, number of fixed layers at the bottom
ADATOM_SLABS = {'100': ((4, 4), 7, 2), '110': ((4, 4), 5, 2), '111': ((3, 3), 13, 4)}


def adatom_slab(face: str, a: float = A_LITHIUM, element: str = 'Li', vacuum: float = 9.0) -> tuple[Atoms, np.ndarray]:
    """Slab with one adatom at the next lattice site, and the shortest translation vector of the surface.

    Parameters
    ----------
    face : {'100', '110', '111'}
    a : float, Å
        Lattice constant of bcc.
    element : str
    vacuum : float, Å
        Empty space on each side.

    Returns
    -------
    atoms : Atoms
        Slab with the adatom as the last atom. The lowest layers are fixed.
    hop : ndarray, shape (3,), Å
        Vector from the adatom to a neighboring site.
    """
    if face not in ADATOM_SLABS:
        raise ValueError(f'face must be one of {", ".join(ADATOM_SLABS)}, got {face!r}')
    repeat, layers, fixed = ADATOM_SLABS[face]
    atoms = slab(face, a, element, layers=layers + 1, repeat=repeat, vacuum=vacuum)
    z = atoms.positions[:, 2]
    top = np.flatnonzero(z > z.max() - 0.1)
    vectors = atoms.get_distances(top[0], top[1:], mic=True, vector=True)
    hop = vectors[np.linalg.norm(vectors, axis=1).argmin()]
    chosen = np.setdiff1d(np.arange(len(atoms)), top)
    return freeze_bottom(atoms[[*chosen, top[0]]], fixed), hop


def add_adatoms(
    atoms: Atoms,
    coverage: Any = None,
    *,
    number: int | None = None,
    where: Any = 'column',
    distance: float = 2.9,
    element: str | None = None,
    seed: int = 0,
) -> Atoms:
    """Copy of a structure with adatoms in hollow sites of its surface.

    Random points at ``distance`` from a surface atom and not closer to any other atom are sorted by the number of
    atoms that they touch. They are accepted in this order if they keep ``distance`` from each other.

    Parameters
    ----------
    atoms : Atoms
    coverage : float
        Number of adatoms per surface atom of the chosen region. Give either this or ``number``.
    number : int
        Number of adatoms.
    where : {'top', 'side', 'column', 'all'}
        Region: on top of the atoms tagged COLUMN, on the sides of the column, both, or everywhere.
    distance : float, Å
        Smallest distance of an adatom to every other atom.
    element : str, optional
        Element of the adatoms. The default is that of the first atom.
    seed : int

    Returns
    -------
    Atoms
        Structure with the adatoms as the last atoms, tagged ADATOM (2).

    Raises
    ------
    ValueError
        There is no such region, or not enough room for all adatoms.
    """
    if (coverage is None) == (number is None):
        raise ValueError('give either coverage (adatoms per surface atom) or number')
    if number is None:
        check_number(coverage, 'coverage', 'adatoms per surface atom', low=0)
    else:
        number = check_whole(number, 'number', 'adatoms', low=0)
    check_number(distance, 'distance', 'Å', above=0)
    check_seed(seed)
    check_structure(atoms.positions, atoms.cell[:], atoms.pbc)
    anchors = _anchors(atoms, where)
    points, owner, contacts = _free_points(atoms, anchors, where, distance, np.random.default_rng(seed))
    n = round(coverage * len(np.unique(owner))) if number is None else number
    chosen = _spaced(points[np.argsort(-contacts, kind='stable')], n, atoms, distance)
    if len(chosen) < n:
        raise ValueError(
            f'only {len(chosen)} of {n} adatoms fit with {distance} Å between them on the {where!r} surface; '
            'use a lower coverage or a shorter distance'
        )
    return atoms + Atoms([element or atoms[0].symbol] * n, chosen, tags=[ADATOM] * n)


def _anchors(atoms, where):
    """Mask of the atoms that define a region."""
    if where not in ('top', 'side', 'column', 'all'):
        raise ValueError(f"where must be 'top', 'side', 'column' or 'all', got {where!r}")
    anchors = np.ones(len(atoms), bool) if where == 'all' else atoms.get_tags() == COLUMN
    if not anchors.any():
        raise ValueError(f"no atom is tagged COLUMN ({COLUMN}), so there is no {where!r}; use where='all'")
    return anchors


def _free_points(atoms, anchors, where, distance, rng, trials=300):
    """Points at ``distance`` from an anchor and not closer to any atom, with their anchors and numbers of contacts."""
    tree = cKDTree(_with_images(atoms, 2 * distance))
    z_top = atoms.positions[anchors, 2].max()
    points, owner = [], []
    for i in np.flatnonzero(anchors):
        direction = rng.normal(size=(trials, 3))
        found = atoms.positions[i] + distance * direction / np.linalg.norm(direction, axis=1)[:, None]
        if where == 'top':
            found = found[found[:, 2] > z_top + 0.3 * distance]
        elif where == 'side':
            found = found[found[:, 2] <= z_top]
        if len(found):
            found = found[tree.query(found)[0] > distance * (1 - 1e-9)]
        points.append(found)
        owner.append(np.full(len(found), i))
    points, owner = np.concatenate(points), np.concatenate(owner)
    contacts = tree.query_ball_point(points, 1.15 * distance, return_length=True) if len(points) else np.zeros(0)
    return points, owner, contacts


def _spaced(points, n, atoms, distance):
    """The first n points that keep ``distance`` from all points before them, including periodic images."""
    chosen = np.zeros((0, 3))
    images = _shifts(atoms, 2 * distance)
    for point in points:
        if len(chosen) == n:
            break
        if len(chosen) == 0 or _closest(chosen, point + images) >= distance:
            chosen = np.vstack([chosen, point])
    return chosen


def _closest(points, others):
    return np.sqrt(((points[:, None] - others[None]) ** 2).sum(-1).min())


def _shifts(atoms, margin):
    """Lattice vectors that can move an image to within ``margin`` of the cell, shape (n, 3), Å."""
    heights = 1 / np.linalg.norm(atoms.cell.complete().reciprocal(), axis=1)
    wide = [np.ceil(margin / h) if p else 0 for h, p in zip(heights, atoms.pbc)]
    check_n_atoms(len(atoms) * float(np.prod([2 * n + 1 for n in wide])), 'Use a larger cell or a shorter distance.')
    counts = [int(n) for n in wide]
    grid = np.stack(np.meshgrid(*[np.arange(-c, c + 1) for c in counts], indexing='ij'), axis=-1).reshape(-1, 3)
    return grid @ atoms.cell[:]


def _with_images(atoms, margin):
    """Positions of all atoms and of their periodic images within ``margin`` of them."""
    positions = (atoms.positions[None] + _shifts(atoms, margin)[:, None]).reshape(-1, 3)
    low, high = atoms.positions.min(axis=0) - margin, atoms.positions.max(axis=0) + margin
    return positions[((positions >= low) & (positions <= high)).all(axis=1)]
