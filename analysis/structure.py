"""Checks of input structures, and their conversion to OVITO."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from ase.geometry import complete_cell
from matscipy.neighbours import neighbour_list

from ase_mlffvv.checks import check_number
from ase_mlffvv.errors import check_structure
from ase_mlffvv.memory import check_n_atoms, check_search

from .extras import need

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from numpy.typing import ArrayLike
    from ovito.data import DataCollection


_PER_PAIR = 60  # bytes


def checked_cell(atoms: Atoms) -> np.ndarray:
    """Cell of a structure, with the vectors of non-periodic directions replaced by unit vectors normal to the others.

    Raises
    ------
    ValueError
        If positions are not finite, or a periodic direction has no cell vector.
    StructureError
        If the periodic vectors are parallel, or coordinates exceed 1e9 Å.
    """
    if not np.isfinite(atoms.positions).all():
        bad = int((~np.isfinite(atoms.positions)).any(axis=1).sum())
        raise ValueError(f'positions of {bad} of {len(atoms)} atoms are NaN or infinite')
    lost = [axis for axis, p, v in zip('abc', atoms.pbc, atoms.cell) if p and not np.any(v)]
    if lost:
        raise ValueError(
            f'the structure is periodic along {", ".join(lost)} but has no cell vector there; set the cell or pbc=False'
        )
    check_structure(atoms.positions, atoms.cell[:], atoms.pbc)
    return complete_cell(np.where(atoms.pbc[:, None], atoms.cell[:], 0.0))


def neighbors(what: str, atoms: Atoms, cutoff: float, name: str = 'cutoff') -> Any:
    """Pairs of neighbors within ``cutoff`` (Å), as :func:`matscipy.neighbours.neighbour_list` returns them.

    Raises
    ------
    SettingError
        ``cutoff`` is not a positive number; ``name`` is its name in the message.
    StructureError, InsufficientMemoryError
        There would be too many pairs.
    """
    cutoff = check_number(cutoff, name, 'Å', above=0)
    cell = checked_cell(atoms)
    check_search(atoms.positions, cell, atoms.pbc, cutoff, bytes_per_pair=_PER_PAIR)
    return neighbour_list(what, positions=atoms.positions, cell=cell, pbc=atoms.pbc, cutoff=cutoff)


def thick(atoms: Atoms, length: float) -> Atoms:
    """Repeat a structure along periodic directions thinner than ``length`` (Å); the original atoms come first."""
    heights = 1 / np.linalg.norm(np.linalg.inv(checked_cell(atoms)), axis=0)
    repeats = [np.ceil(length / h) if p else 1 for h, p in zip(heights, atoms.pbc)]
    check_n_atoms(len(atoms) * float(np.prod(repeats)), 'Use a larger cell or a smaller radius.')
    counts = [int(n) for n in repeats]
    return atoms if counts == [1, 1, 1] else Atoms(cell=atoms.cell, pbc=atoms.pbc, positions=atoms.positions,
                                                   numbers=atoms.numbers) * counts  # fmt: skip


def to_ovito(atoms: Atoms, arrays: Mapping[str, ArrayLike] | None = None, margin: float = 0.0) -> DataCollection:
    """Convert a structure to an OVITO data collection.

    Parameters
    ----------
    atoms : Atoms
    arrays : dict of ndarray, optional
        Additional particle properties.
    margin : float, Å
        Empty space around the atoms in directions that are not periodic.

    Returns
    -------
    ovito.data.DataCollection
    """
    need('ovito')
    from ovito.data import DataCollection

    matrix = np.zeros((3, 4))
    matrix[:, :3] = checked_cell(atoms).T
    # OVITO draws and meshes only inside the cell, which must therefore enclose the atoms where it is not periodic
    open_ends = ~atoms.pbc
    if open_ends.any() and len(atoms):
        inside = np.linalg.solve(matrix[:, :3], atoms.positions.T).T
        room = margin / np.linalg.norm(matrix[:, :3], axis=0)
        low, high = inside.min(axis=0) - room, inside.max(axis=0) + room
        matrix[:, 3] = matrix[:, :3] @ np.where(open_ends, low, 0.0)
        matrix[:, :3] *= np.where(open_ends, np.maximum(high - low, 1e-3), 1.0)
    data = DataCollection()
    data.create_cell(matrix, pbc=tuple(bool(p) for p in atoms.pbc))
    particles = data.create_particles(count=len(atoms))
    particles.create_property('Position', data=atoms.positions)
    for name, values in (arrays or {}).items():
        particles.create_property(name, data=np.asarray(values))
    return data


def default_column(atoms: Atoms) -> np.ndarray:
    """Mask of the atoms with a tag other than 0; all atoms if no tag is set."""
    tags = atoms.get_tags()
    return tags != 0 if (tags != 0).any() else np.ones(len(atoms), bool)
