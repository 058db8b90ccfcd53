"""Runs whose frames the set li-solvent-2 is cut out of: the paper's columns and cuboids while they collapse.

    python -m recipes.li_solvent_2_runs FOLDER

leaves one file of frames a run. What is there already is kept; one run takes some ten minutes on one core.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from ase.io import write
from ase.md.velocitydistribution import thermalize_momenta

from ase_mlffvv.io.files import complete
from ase_mlffvv.md import Dynamics, Langevin
from ase_mlffvv.structures import add_adatoms, column, cuboid, freeze_bottom

SAMPLER = 'li-pbe-2-fast'
TIMES = (2, 5, 10, 15, 20, 30, 40)  # ps
STEP = 2.0  # fs


def starts():
    """Name, temperature (K) and structure of each run; a small one comes first."""
    yield 'small column 350 K', 350, column(diameter=6, height=10, box=12)
    yield 'column 250 K', 250, column()
    yield 'column 350 K', 350, add_adatoms(column(), number=60, where='column', seed=1)
    yield 'cuboid 110 250 K', 250, add_adatoms(cuboid('110'), number=60, where='column', seed=2)
    yield 'cuboid 100 350 K', 350, cuboid('100')


def frames(atoms, temperature, seed, model=SAMPLER, times=TIMES):
    """Yield (time in ps, structure) of Langevin dynamics with the two lowest layers frozen."""
    atoms = freeze_bottom(atoms, 2)
    thermalize_momenta(atoms, 2 * temperature, rng=np.random.default_rng(seed))
    md = Dynamics(atoms, model, Langevin(temperature, friction=0.0005, seed=seed), STEP, threads=1, reporters=(),
                  precision='float32', on_extrapolation='ignore')  # fmt: skip
    for time in times:
        md.run(round(time * 1000 / STEP) - md.state.step)
        out = md.structure()
        out.set_momenta(None)
        yield time, out


def main(folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, temperature, atoms) in enumerate(starts()):
        path = folder / f'{name.replace(" ", "_")}.extxyz'
        if path.exists():
            continue
        with complete(path) as temporary:
            atoms.info.update(time=0.0, temperature=temperature)
            write(temporary, atoms, format='extxyz')
            for time, frame in frames(atoms, temperature, seed):
                frame.info.update(time=float(time), temperature=temperature)
                write(temporary, frame, format='extxyz', append=True)
                print(f'{name}: {time} ps', flush=True)


if __name__ == '__main__':
    if len(sys.argv) != 2 or sys.argv[1].startswith('-'):
        sys.exit(__doc__)
    main(sys.argv[1])
