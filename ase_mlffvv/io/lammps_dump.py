"""Text dumps of LAMMPS, which OVITO and many other programs read; ASE reads them but does not write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase import units

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TextIO

    from ase import Atoms


def write_frame(file: TextIO, atoms: Atoms, step: int, elements: Sequence[str]) -> None:
    """Write a frame in metal units (Å, ps, eV).

    Columns are id, type, element, positions, velocities if the structure has momenta, forces if its calculator has
    results of them, and all arrays with one number per atom. The time (``info['time_ps']``) is written where known.

    Parameters
    ----------
    file : text file
    atoms : Atoms
    step : int
        Number of the step.
    elements : sequence of str
        Symbols of the types 1, 2, ...

    Raises
    ------
    ValueError
        An element has no type, or the cell cannot be a box of LAMMPS.
    """
    unknown = sorted(set(atoms.symbols) - set(elements))
    if unknown:
        raise ValueError(f'the elements {", ".join(unknown)} have no type; the types are {" ".join(elements)}')
    bounds, header, rotate = _box(atoms)
    columns: dict[str, Any] = {'id': np.arange(1, len(atoms) + 1)}
    columns['type'] = np.array([list(elements).index(s) + 1 for s in atoms.symbols], int)
    columns['element'] = np.array(atoms.get_chemical_symbols())
    vectors = {('x', 'y', 'z'): atoms.positions}
    if atoms.has('momenta'):
        vectors['vx', 'vy', 'vz'] = atoms.get_velocities() * 1000 * units.fs  # Å/ps
    if atoms.calc is not None and 'forces' in atoms.calc.results:
        vectors['fx', 'fy', 'fz'] = atoms.calc.results['forces']
    for names, values in vectors.items():
        columns |= dict(zip(names, rotate(values).T))
    for name, values in atoms.arrays.items():
        if values.ndim == 1 and values.dtype.kind in 'iufb' and name not in ('numbers', *columns):
            columns[name.replace(' ', '_')] = values.astype(int) if values.dtype.kind == 'b' else values
    if 'time_ps' in atoms.info:
        file.write(f'ITEM: TIME\n{float(atoms.info["time_ps"])!r}\n')
    file.write(f'ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{len(atoms)}\nITEM: BOX BOUNDS {header}\n')
    file.writelines(' '.join(f'{float(v):.10g}' for v in line) + '\n' for line in bounds)
    file.write(f'ITEM: ATOMS {" ".join(columns)}\n')
    text = [[f'{v:.8g}' for v in c.tolist()] if c.dtype.kind == 'f' else map(str, c.tolist()) for c in columns.values()]
    file.writelines(' '.join(line) + '\n' for line in zip(*text))


def _box(atoms):
    """Bounds, header of the box, and the function that turns vectors into the axes of LAMMPS."""
    cell, pbc = atoms.cell, atoms.pbc
    flags = ' '.join('pp' if p else 'ff' for p in pbc)
    if np.count_nonzero(cell - np.diag(np.diag(cell))) == 0 and (np.diag(cell) >= 0).all():
        lengths = np.diag(cell)
        x = atoms.positions if len(atoms) else np.zeros((1, 3))
        open_sides = lengths == 0  # the box encloses the atoms where the structure has none
        low = np.where(open_sides, x.min(axis=0) - 1, 0.0)
        return np.array([low, np.where(open_sides, x.max(axis=0) + 1, lengths)]).T, flags, lambda v: v
    if cell.rank < 3:
        raise ValueError('a tilted cell must have three vectors to become a box of LAMMPS; set the missing ones')
    from ase.calculators.lammps import Prism

    prism = Prism(cell[:], pbc=pbc)
    xhi, yhi, zhi, xy, xz, yz = prism.get_lammps_prism()
    bounds = [[min(0, xy, xz, xy + xz), xhi + max(0, xy, xz, xy + xz), xy], [min(0, yz), yhi + max(0, yz), xz],
              [0, zhi, yz]]  # fmt: skip
    return bounds, f'xy xz yz {flags}', prism.vector_to_lammps
