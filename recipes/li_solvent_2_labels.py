"""Gather the labels of the set li-solvent-2 from folders of ``mlffvv label``.

    python -m recipes.li_solvent_2_labels FOLDER [FOLDER ...] OUTPUT.extxyz

Structures keep what tells where they come from, and REF_energy, REF_forces and REF_energies (free energy in the
solvent; the settings stand in li-solvent-2.md). Surface and volume of the cavity, and the labels without their energy,
follow from geometry and are added as REF_surface, REF_el_energy and so on (:mod:`ase_mlffvv.dft.cavity`). A structure
without labels yet is left out; equal structures of two folders count once.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ase import Atoms
from ase.io import read, write

from ase_mlffvv.dft.cavity import add_cavity_targets
from ase_mlffvv.dft.solvent import Solvent
from ase_mlffvv.io.files import complete

ORIGIN = ('group', 'name', 'sampler', 'place', 'parent', 'reach', 'n_core', 'round')


def gather(folders):
    """Labelled structures of all folders, sorted by group and name: list of Atoms."""
    found = {}
    for folder in folders:
        for atoms in read(Path(folder) / 'labelled.extxyz', ':'):
            info = {name: atoms.info[name] for name in (*ORIGIN, 'REF_energy') if name in atoms.info}
            info['seconds'] = round(atoms.info['label_seconds'])
            kept = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc, info=info)
            for name in ('REF_forces', 'REF_energies', 'core', 'REF_vacuum_forces', 'REF_vacuum_energies'):
                if name in atoms.arrays:
                    kept.set_array(name.replace('REF_vacuum', 'vacuum'), atoms.arrays[name])
            if 'REF_vacuum_energy' in atoms.info:
                kept.info['vacuum_energy'] = atoms.info['REF_vacuum_energy']
            found[atoms.positions.round(4).tobytes()] = kept
    return sorted(found.values(), key=lambda atoms: (atoms.info['group'], atoms.info['name']))


def main(*folders, output):
    frames = add_cavity_targets(gather(folders), Solvent.pc_dme())
    with complete(output) as temporary:
        write(temporary, frames, format='extxyz')
    print(f'{len(frames)} structures, {sum(map(len, frames))} atoms, in {output}')


if __name__ == '__main__':
    if len(sys.argv) < 3 or sys.argv[1].startswith('-'):
        sys.exit(__doc__)
    main(*sys.argv[1:-1], output=sys.argv[-1])
