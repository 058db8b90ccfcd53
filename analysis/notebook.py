"""Atoms and trajectories in 3D in a notebook, without a network (extra ``notebook``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from .extras import need

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

UNITS = {'local_energy': 'eV', 'energies': 'eV', 'coordination': '', 'grade': ''}


def show(frames: Atoms | Iterable[Atoms], color: str | None = None) -> Any:
    """Show a structure or a trajectory as a widget that can be turned, with a slider for the frames.

    chemiscope draws it. Its program is part of the Python package, so that the widget works offline.

    Parameters
    ----------
    frames : Atoms or sequence of Atoms
    color : str, optional
        Array of the atoms by which they are colored at first, such as ``'local_energy'``. Every array of numbers that
        all frames have can be chosen in the widget. Without it, elements are colored.

    Returns
    -------
    chemiscope widget
        The last expression of a notebook cell is displayed.

    Raises
    ------
    ValueError
        There are no frames, or the array is not in all of them.
    """
    chemiscope = need('chemiscope', extra='notebook')
    frames = [frames] if isinstance(frames, Atoms) else list(frames)
    if not frames:
        raise ValueError('there are no frames to show')
    arrays = sorted(set.intersection(*(set(numbers(atoms)) for atoms in frames)))
    if color is not None and color not in arrays:
        known = ', '.join(arrays) or 'there are none'
        raise ValueError(f'color must be an array of numbers in all frames ({known}), got {color!r}')
    properties = {
        name: {'target': 'atom', 'values': np.concatenate([numbers(atoms)[name] for atoms in frames]),
               'units': UNITS.get(name, '')}
        for name in arrays
    }  # fmt: skip
    bare = [Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc) for atoms in frames]
    settings: dict = {'structure': [{'spaceFilling': True, 'bonds': False, 'color': {'property': color or 'element'},
                                    'environments': {'activated': False}}]}  # fmt: skip
    return chemiscope.show(
        structures=bare,
        properties=properties or None,
        environments=chemiscope.all_atomic_environments(bare, cutoff=3.45) if properties else None,
        settings=settings,
        mode='structure',
    )


def numbers(atoms):
    """Arrays with one finite number for each atom, by name."""
    found = {name: np.asarray(x, float) for name, x in atoms.arrays.items() if x.ndim == 1 and x.dtype.kind in 'bfiu'}
    if atoms.calc is not None and 'energies' in atoms.calc.results:
        found.setdefault('local_energy', np.asarray(atoms.calc.results['energies'], float))
    return {name: x for name, x in found.items() if name not in ('numbers',) and np.isfinite(x).all()}
