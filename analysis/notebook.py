"""Atoms and trajectories in 3D in a notebook, without a network, by the view of the report's pages."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from ase.data.colors import jmol_colors

from ase_mlffvv.pages.atoms import Colour, atoms_view
from ase_mlffvv.pages.page import Page

if TYPE_CHECKING:
    from collections.abc import Iterable

LABELS = {'local_energy': 'energy of the atom (eV)', 'coordination': 'coordination', 'grade': 'grade'}
ELEMENTS = 'numbers'


class View:
    """Frames of atoms that a notebook displays; the stored notebook shows them, too.

    Attributes
    ----------
    page : Page
        ``page.save('atoms.html')`` writes the view as a file.
    height : int
        Pixels.
    """

    def __init__(self, page: Page, height: int):
        self.page, self.height = page, height

    def _repr_html_(self):
        source = escape(self.page.render(), quote=True)
        return (f'<iframe srcdoc="{source}" title="{escape(self.page.title)}" '
                f'style="width: 100%; height: {self.height}px; border: 0"></iframe>')  # fmt: skip

    def __repr__(self):
        return f'View({self.page.title}; a notebook draws it in 3D, page.save(path) writes a file)'


def show(frames: Atoms | Iterable[Atoms], color: str | None = None, height: int = 760) -> View:
    """Show a structure or a trajectory in 3D: turn it, move through the frames, and choose by what atoms are colored.

    Parameters
    ----------
    frames : Atoms or sequence of Atoms
        All must have the same number of atoms.
    color : str, optional
        Array of the atoms by which they are colored at first, such as ``'local_energy'``. Every array with one number
        for each atom that all frames have can be chosen. Without it, elements are colored.
    height : int
        Height of the view, pixels.

    Returns
    -------
    View
        The last expression of a notebook cell is displayed.

    Raises
    ------
    ValueError
        There are no frames, their numbers of atoms differ, or the array is not in all of them.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from mlffvv_analysis.notebook import show
    >>> show(bulk('Li', cubic=True))
    View(2 atoms, 1 frame; a notebook draws it in 3D, page.save(path) writes a file)
    """
    frames = [with_energies(atoms) for atoms in ([frames] if isinstance(frames, Atoms) else frames)]
    if not frames:
        raise ValueError('there are no frames to show')
    arrays = sorted(set.intersection(*(numeric(atoms) for atoms in frames)))
    if color is not None and color not in arrays:
        known = ', '.join(arrays) or 'there are none'
        raise ValueError(f'color must be an array of numbers in all frames ({known}), got {color!r}')
    elements = sorted({int(z) for atoms in frames for z in atoms.numbers})
    names = {z: (tuple(jmol_colors[z]), chemical_symbols[z]) for z in elements}
    choices = [Colour(name, LABELS.get(name, name)) for name in sorted(arrays, key=lambda name: name != color)]
    element = Colour(ELEMENTS, 'element', colours=names)
    choices = [element, *choices] if color is None else [*choices, element]
    times = [atoms.info.get('time_ps') for atoms in frames]
    labels = [f'frame {k}' if t is None else f'{t:.2f} ps' for k, t in enumerate(times)]
    page = Page(f'{len(frames[0])} atoms, {len(frames)} frame{"s" if len(frames) > 1 else ""}')
    page.atoms(atoms_view(frames, labels, choices), alt='atoms as balls, to turn with the mouse')
    return View(page, height)


def with_energies(atoms: Atoms) -> Atoms:
    """A copy without constraints; atomic energies of a calculator become the array ``local_energy``."""
    out = Atoms(atoms.numbers, atoms.positions, info=dict(atoms.info))
    for name, values in atoms.arrays.items():
        if name not in out.arrays:
            out.set_array(name, values)
    if atoms.calc is not None and 'energies' in atoms.calc.results and 'local_energy' not in out.arrays:
        out.set_array('local_energy', np.asarray(atoms.calc.results['energies'], float))
    return out


def numeric(atoms: Atoms) -> set[str]:
    """Names of arrays with one number for each atom."""
    return {name for name, x in atoms.arrays.items() if x.ndim == 1 and x.dtype.kind in 'bfiu' and name != ELEMENTS}
