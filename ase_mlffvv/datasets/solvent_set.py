"""Labels of li-solvent-1 and li-solvent-2: lithium in the electrolyte of the paper and in vacuum.

Those of li-solvent-1 are collected by

    python -m ase_mlffvv.datasets.solvent_set STRUCTURES SOLVENT VACUUM OUTPUT

where STRUCTURES are those of :mod:`recipes.li_solvent_1`, and SOLVENT and VACUUM are folders of ``mlffvv label``. Each
structure of OUTPUT has REF_energy, REF_forces and REF_energies in the solvent. The same labels with the prefix
``vacuum_`` are present if the structure was also calculated in vacuum, or if there is no room for the solvent and both
labels are identical.
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
from ase.io import read, write

from ..io.files import complete

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms


NAMES = ('energy', 'forces', 'energies')
SETS = ('li-solvent-1', 'li-solvent-2')


def load(medium: str = 'solvent', path: str | Path | None = None, name: str = SETS[0]) -> list[Atoms]:
    """Structures of a set with labels under ``REF_`` names, ready for :func:`ase_mlffvv.fit`.

    Parameters
    ----------
    medium : {'solvent', 'vacuum'}
        Medium of the labels. There are fewer structures with labels in vacuum.
    path : path, optional
        Another file with such labels.
    name : {'li-solvent-1', 'li-solvent-2'}
        The second, which grows, has larger periodic structures: the paper's training cell, columns on layers, rough
        films and cut-outs of columns. It has no labels in vacuum yet.

    Returns
    -------
    list of Atoms
    """
    if name not in SETS:
        raise ValueError(f'name must be one of {", ".join(SETS)}, got {name!r}')
    return [_labelled(atoms, medium) for atoms in _stored(path, name) if _has(atoms, medium)]


def set_apart(frames: Sequence[Atoms], share: int = 5) -> tuple[list[Atoms], list[Atoms]]:
    """Split structures into those to fit to and those that test a fit.

    The names decide, so that a structure stays on its side when the set grows.

    Parameters
    ----------
    frames : sequence of Atoms
        Structures with ``name`` in their info.
    share : int
        About one structure in ``share`` is set apart for tests.

    Returns
    -------
    list of Atoms, list of Atoms
        Structures to fit to, structures for tests.

    Examples
    --------
    >>> fitted, tests = set_apart(load())
    >>> len(fitted), len(tests)
    (114, 37)
    """
    if share < 2:
        raise ValueError(f'share must be at least 2, got {share!r}')
    apart = [crc32(atoms.info['name'].encode()) % share == 0 for atoms in frames]
    return [a for a, test in zip(frames, apart) if not test], [a for a, test in zip(frames, apart) if test]


def in_both_media(path: str | Path | None = None) -> tuple[list[Atoms], list[Atoms]]:
    """Structures with labels in both media, as two lists in the same order: in the solvent and in vacuum."""
    both = [atoms for atoms in _stored(path) if _has(atoms, 'vacuum')]
    return [_labelled(atoms, 'solvent') for atoms in both], [_labelled(atoms, 'vacuum') for atoms in both]


def _stored(path, name=SETS[0]):
    return read(files('ase_mlffvv.datasets') / f'{name}.extxyz' if path is None else path, ':')


def _has(atoms, medium):
    return medium == 'solvent' or 'vacuum_energy' in atoms.info


def _labelled(atoms, medium):
    if medium not in ('solvent', 'vacuum'):
        raise ValueError(f"medium must be 'solvent' or 'vacuum', got {medium!r}")
    atoms = atoms.copy()
    for store in (atoms.info, atoms.arrays):
        for name in NAMES:
            value = store.pop(f'vacuum_{name}', None)
            if value is not None and medium == 'vacuum':
                store[f'REF_{name}'] = value
        for name in [name for name in store if name.startswith('REF_') and name.removeprefix('REF_') not in NAMES]:
            if medium == 'vacuum':  # surface and volume of the cavity, and what the energy is without them
                del store[name]
    atoms.info['medium'] = medium
    return atoms


def gather(structures, solvent, vacuum):
    """Structures with the labels of two folders of ``mlffvv label``. Structures without labels are left out.

    Raises
    ------
    ValueError
        A folder contains labels of a structure that is not in the list.
    """
    found = {medium: _by_positions(folder, structures) for medium, folder in (('REF', solvent), ('vacuum', vacuum))}
    out = []
    for k, atoms in enumerate(structures):
        atoms = atoms.copy()
        labels = {prefix: frames.get(k) for prefix, frames in found.items()}
        if labels['REF'] is None:
            continue
        if not atoms.info['paired']:
            labels['vacuum'] = labels['REF']
        for prefix, frame in labels.items():
            if frame is None:
                continue
            atoms.info[f'{prefix}_energy'] = float(frame.info['REF_energy'])
            for name in ('forces', 'energies'):
                atoms.arrays[f'{prefix}_{name}'] = frame.arrays[f'REF_{name}']
            atoms.info[f'{prefix}_seconds'.removeprefix('REF_')] = round(frame.info['label_seconds'])
        out.append(atoms)
    return out


def _by_positions(folder, structures):
    frames = {}
    for path in sorted(Path(folder).glob('*/result.extxyz')):
        frame = read(path)
        for k, atoms in enumerate(structures):
            if len(atoms) == len(frame) and np.abs(atoms.positions - frame.positions).max() < 1e-5:
                frames[k] = frame
                break
        else:
            raise ValueError(f'{path} belongs to none of the {len(structures)} structures')
    return frames


def main(structures, solvent, vacuum, output):
    frames = gather(read(structures, ':'), solvent, vacuum)
    with complete(output) as part:
        write(part, frames, format='extxyz')
    in_vacuum = [atoms for atoms in frames if 'vacuum_energy' in atoms.info]
    print(
        f'{output}: {len(frames)} structures in the solvent, {len(in_vacuum)} of them with labels in vacuum, '
        f'{sum(atoms.info["paired"] for atoms in in_vacuum)} of these calculated'
    )


if __name__ == '__main__':
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
