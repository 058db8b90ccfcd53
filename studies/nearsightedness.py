"""How large must a cut-out be? Forces on the same atoms in free clusters and periodic cut-outs of several sizes.

    python -m studies.nearsightedness make STRUCTURES.extxyz
    mlffvv label STRUCTURES.extxyz -o LABELS --calculator gpaw --settings solvent=pc_dme cutoff=200 kpts=5 \
        smearing=0.3 'convergence={"energy":1e-3,"density":6e-5,"eigenstates":1e-6}'
    python -m studies.nearsightedness table LABELS/labelled.extxyz

The sites are a flat face, the upper edge of a column, and a grain boundary, after a fifth of a picosecond at 350 K. The
table shows, for each size, how much the forces (meV/Å, root mean square norm) and the atomic energies (meV, standard
deviation) of the common core differ from those of the largest structure of the same shape and of the other shape.
"""

from __future__ import annotations

import sys

import numpy as np
from ase.io import read, write
from ase.md.velocitydistribution import thermalize_momenta

from ase_mlffvv import VVCalculator
from ase_mlffvv.io.files import complete
from ase_mlffvv.learning import cut_out
from ase_mlffvv.md import Dynamics, Langevin
from ase_mlffvv.structures import column, freeze_bottom, slab, tilt_bicrystal

MODEL = 'li-pbe-2-fast'
CORE = {'face': 3, 'edge': 3, 'boundary': 2}  # inside a solid, small boxes hold fewer
SIZES = {'periodic': (60, 80, 110), 'free': (40, 80, 140)}


def parents():
    """Name, warm structure, and index of the atom in the middle, for each kind of site."""
    face = warm(freeze_bottom(slab('100', layers=14, repeat=(9, 9), vacuum=8), 2), 1)
    yield 'face', face, nearest(face, [0.5, 0.5, None])
    needle = warm(freeze_bottom(column(diameter=6, height=5, box=12), 2), 2)
    yield 'edge', needle, edge_atom(needle)
    twin = warm(tilt_bicrystal('gb_310', repeat=(3, 9), periods=3), 3)
    yield 'boundary', twin, nearest(twin, [0.5, 0.5, 0.5])


def warm(atoms, seed, temperature=350, steps=100):
    """Structure after 0.2 ps of Langevin dynamics."""
    thermalize_momenta(atoms, 2 * temperature, rng=np.random.default_rng(seed))
    md = Dynamics(atoms, MODEL, Langevin(temperature, friction=0.002, seed=seed), 2.0, threads=1, reporters=(),
                  on_extrapolation='ignore')  # fmt: skip
    md.run(steps)
    out = md.structure()
    out.set_constraint()
    return out


def nearest(atoms, scaled):
    """Index of the atom nearest to a point in scaled coordinates; None stands for the top."""
    positions = atoms.get_scaled_positions()
    if scaled[2] is None:
        high = positions[:, 2] > np.quantile(positions[:, 2], 0.95)
        distance = np.linalg.norm(positions[:, :2] - scaled[:2], axis=1) + ~high
    else:
        distance = np.linalg.norm((positions - scaled) * atoms.cell.lengths(), axis=1)
    return int(distance.argmin())


def edge_atom(atoms):
    """Index of the atom of the upper layers that is farthest from the axis of the column."""
    top = atoms.positions[:, 2] > atoms.positions[:, 2].max() - 3.0
    radius = np.linalg.norm(atoms.positions[:, :2] - atoms.cell.lengths()[:2] / 2, axis=1)
    return int(np.where(top, radius, 0).argmax())


def make(output):
    calc, out = VVCalculator(MODEL, on_extrapolation='ignore', threads=1), []
    for site, parent, centre in parents():
        for shape, sizes in SIZES.items():
            for size in sizes:
                piece = cut_out(parent, centre, core=CORE[site], size=size, shape=shape, calc=calc)
                piece.info.update(group='cut_outs', name=f'{site} {shape} {size}', site=site, size=size, sampler=MODEL)
                out.append(piece)
                print(piece.info['name'], len(piece), 'atoms', flush=True)
    with complete(output) as temporary:
        write(temporary, out, format='extxyz')


def core_of(atoms):
    """Forces in the frame of the parent and atomic energies of core atoms, sorted by their index in the parent."""
    core = np.flatnonzero(atoms.arrays['core'].astype(bool))
    core = core[atoms.arrays['parent_index'][core].argsort()]
    rotation = np.reshape(atoms.info['rotation'], (3, 3))
    return atoms.arrays['REF_forces'][core] @ rotation, atoms.arrays['REF_energies'][core]


def table(path):
    frames = {(a.info['site'], a.info['shape'], int(a.info['size'])): a for a in read(path, ':')}
    print(f'{"site":10}{"shape":10}{"size":>5}{"atoms":>6}{"|F|":>8}' + 2 * f'{"F":>8}{"E_i":>8}')
    print(f'{"":39}{"against free":>16}{"periodic":>16}')
    for (site, shape, size), atoms in frames.items():
        forces, energies = core_of(atoms)
        row = f'{site:10}{shape:10}{size:5}{len(atoms):6}{1e3 * np.linalg.norm(forces, axis=1).mean():8.0f}'
        for other in ('free', 'periodic'):
            reference = frames.get((site, other, SIZES[other][-1]))
            if reference is None:
                row += f'{"-":>8}{"-":>8}'
                continue
            force, energy = core_of(reference)
            change = np.sqrt(((forces - force) ** 2).sum(axis=1).mean())
            row += f'{1e3 * change:8.1f}{1e3 * (energies - energy).std():8.1f}'
        print(row)


if __name__ == '__main__':
    commands = {'make': make, 'table': table}
    if len(sys.argv) != 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](sys.argv[2])
