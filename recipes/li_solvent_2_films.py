"""Structures of the set li-solvent-2 that are sampled directly: the paper's training cell, small columns, rough films.

    python -m recipes.li_solvent_2_films OUTPUT.extxyz

writes 60 structures of 61 to 78 atoms, and of 230 for the training cell, without labels. Each comes from Langevin
dynamics with li-pbe-2-fast at 250, 350 or 500 K with its two lowest layers frozen. ``mlffvv label`` labels them with
the settings of li-solvent-2.md, :mod:`recipes.li_solvent_2_labels` gathers the labels. Three minutes on one core.
"""

from __future__ import annotations

import sys

import numpy as np
from ase import Atoms, units
from ase.build import bcc100, bcc110
from ase.io import write
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import thermalize_momenta

from ase_mlffvv.calculators import VVCalculator
from ase_mlffvv.io.files import complete
from ase_mlffvv.structures import A_LITHIUM, add_adatoms, column, cuboid, freeze_bottom, training_cell

SAMPLER = 'li-pbe-2-fast'
VACUUM = 3.5  # lattice constants; 6 Å on each side
COLUMNS = ((2.0, 1.5, 4, 4), (2.0, 2.0, 3, 4), (2.0, 2.5, 3, 4), (1.5, 2.5, 4, 4), (2.5, 1.5, 3, 4))


def structures(seed=2024):
    """Yield all structures, with ``group``, ``name`` and ``sampler`` in their info."""
    rng, calc = np.random.default_rng(seed), VVCalculator(SAMPLER, on_extrapolation='ignore')
    for group, starts in (('training_cell', cells()), ('columns_on_layers', columns()), ('rough_films', films(rng))):
        for name, temperature, times, atoms in starts:
            for time, frame in sample(atoms, temperature, times, calc, rng):
                frame.info.update(group=group, name=f'{name} {temperature} K {time} ps', sampler=SAMPLER)
                yield frame


def cells():
    """The training cell of the paper, 230 atoms."""
    for temperature in (250, 350):
        yield 'training cell', temperature, (1, 3, 8, 15, 30), training_cell(vacuum=4.0)


def columns():
    """Columns and cuboids on three or four layers of 4 x 4 cells."""
    for temperature in (250, 350):
        for diameter, height, layers, box in COLUMNS:
            atoms = column(diameter=diameter, height=height, box=box, substrate_layers=layers, vacuum=VACUUM)
            yield f'column {diameter} x {height} on {layers} layers', temperature, (0.5, 2, 6), atoms
        for face in ('100', '110'):
            atoms = cuboid(face, side=2.0, height=1.5, box=4, substrate_layers=3, vacuum=VACUUM)
            yield f'cuboid {face} 2.0 x 1.5 on 3 layers', temperature, (1, 5), atoms


def films(rng):
    """Films of four layers with vacancies in the top layer and adatoms."""
    for temperature in (250, 350, 500):
        for k in range(4):
            if k % 2:
                face, atoms = '110', bcc110('Li', (4, 4, 4), a=A_LITHIUM, vacuum=6.0, orthogonal=True)
            else:
                face, atoms = '100', bcc100('Li', (4, 4, 4), a=A_LITHIUM, vacuum=6.0)
            atoms.pbc = True
            z = atoms.positions[:, 2]
            del atoms[rng.choice(np.flatnonzero(z > z.max() - 0.1), rng.integers(2, 7), replace=False)]
            atoms = add_adatoms(atoms, number=int(rng.integers(3, 9)), where='all', seed=int(rng.integers(1e6)))
            yield f'rough film {face} {k}', temperature, (2,), atoms


def sample(atoms, temperature, times, calc, rng, frozen_layers=2):
    """Yield (time in ps, structure) of Langevin dynamics."""
    atoms = freeze_bottom(atoms, frozen_layers)
    atoms.calc = calc
    thermalize_momenta(atoms, 2 * temperature, rng=rng)
    dynamics = Langevin(atoms, 2 * units.fs, temperature_K=temperature, friction=0.005 / units.fs, fixcm=False, rng=rng)
    done = 0.0
    for time in times:
        dynamics.run(round((time - done) * 500))
        done = time
        yield time, Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)


def main(output):
    frames = list(structures())
    with complete(output) as temporary:
        write(temporary, frames, format='extxyz')
    print(f'{len(frames)} structures in {output}')


if __name__ == '__main__':
    if len(sys.argv) != 2 or sys.argv[1].startswith('-'):
        sys.exit(__doc__)
    main(sys.argv[1])
