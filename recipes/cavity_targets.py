"""Add surface and volume of the cavity, and labels without their energy, to the structures of a labelled set.

    python -m recipes.cavity_targets ase_mlffvv/datasets/li-solvent-1.extxyz OUTPUT.extxyz

The labels under REF_ names are those in the electrolyte of the paper. The new ones follow from the geometry
(:func:`ase_mlffvv.dft.cavity.add_cavity_targets`); all others stay as they are.
"""

from __future__ import annotations

import sys

from ase.io import read, write
from tqdm import tqdm

from ase_mlffvv.dft.cavity import add_cavity_targets
from ase_mlffvv.dft.solvent import Solvent
from ase_mlffvv.io.files import complete


def main(path, output):
    frames = read(path, ':')
    done = [add_cavity_targets([atoms], Solvent.pc_dme())[0] for atoms in tqdm(frames, unit='structures')]
    with complete(output) as temporary:
        write(temporary, done, format='extxyz')


if __name__ == '__main__':
    if len(sys.argv) != 3 or sys.argv[1].startswith('-'):
        sys.exit(__doc__)
    main(*sys.argv[1:])
