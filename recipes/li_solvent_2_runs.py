"""Runs from whose frames the set li-solvent-2 is cut: the paper's columns and cuboids during their collapse.

    python -m recipes.li_solvent_2_runs FOLDER [MODEL [ROUND]]

writes one file per frame, with momenta. Existing frames are kept, and a run continues from its last frame. A run of
20 ps takes about ten minutes on one core. The first round is sampled by li-pbe-2-fast; the runs of later rounds are
shorter, start from other structures and velocities, and are sampled by the potential of the round before, MODEL.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from ase.io import read, write
from ase.md.velocitydistribution import thermalize_momenta

from ase_mlffvv.io.files import complete
from ase_mlffvv.md import Dynamics, Langevin
from ase_mlffvv.structures import add_adatoms, column, cuboid, freeze_bottom

SAMPLER = 'li-pbe-2-fast'
TIMES = (2, 5, 10, 20, 30, 40)  # ps
LATER_TIMES = (1, 3, 6, 12)  # ps
STEP = 2.0  # fs


def small():
    """A column of 1 300 atoms."""
    return column(diameter=6, height=10, box=12)


def starts(cut_in_round=1):
    """Name, temperature (K) and structure of each run, starting with a small one."""
    if cut_in_round > 1:
        seed = 10 * cut_in_round
        yield 'small column 350 K', 350, add_adatoms(small(), number=20, where='column', seed=seed)
        yield 'column 250 K', 250, add_adatoms(column(), number=60, where='column', seed=seed + 1)
        yield 'cuboid 110 350 K', 350, add_adatoms(cuboid('110'), number=60, where='column', seed=seed + 2)
        yield 'small column 250 K', 250, add_adatoms(small(), number=20, where='column', seed=seed + 3)
        return
    yield 'small column 350 K', 350, small()
    yield 'column 250 K', 250, column()
    yield 'column 350 K', 350, add_adatoms(column(), number=60, where='column', seed=1)
    yield 'cuboid 110 250 K', 250, add_adatoms(cuboid('110'), number=60, where='column', seed=2)
    yield 'cuboid 100 350 K', 350, cuboid('100')


def advance(atoms, picoseconds, temperature, seed, model=SAMPLER):
    """Structure after a number of picoseconds of Langevin dynamics."""
    md = Dynamics(atoms, model, Langevin(temperature, friction=0.0005, seed=seed), STEP, threads=1, reporters=(),
                  precision='float32', on_extrapolation='ignore')  # fmt: skip
    md.run(round(picoseconds * 1000 / STEP))
    return md.structure()


def main(folder, model=SAMPLER, cut_in_round=1):
    cut_in_round = int(cut_in_round)
    runs = list(starts(cut_in_round))
    done = [0.0] * len(runs)
    for time in (
        TIMES if cut_in_round == 1 else LATER_TIMES
    ):  # advance all runs to the same time, so that early frames of all runs are available soon
        for k, (name, temperature, start) in enumerate(runs):
            path = Path(folder) / name.replace(' ', '_') / f'{time:03d}_ps.extxyz'
            if path.exists():
                atoms = read(path)
            else:
                if done[k] == 0:
                    atoms = freeze_bottom(start, 2)
                    thermalize_momenta(atoms, 2 * temperature, rng=np.random.default_rng(k + 1000 * (cut_in_round - 1)))
                else:
                    atoms = start
                seed = 100 * k + time + 1000 * (cut_in_round - 1)
                atoms = advance(atoms, time - done[k], temperature, seed, model)
                atoms.info.update(time=float(time), temperature=temperature)
                path.parent.mkdir(parents=True, exist_ok=True)
                with complete(path) as temporary:
                    write(temporary, atoms, format='extxyz')
                print(f'{name}: {time} ps', flush=True)
            runs[k], done[k] = (name, temperature, atoms), time


if __name__ == '__main__':
    if len(sys.argv) not in (2, 3, 4) or sys.argv[1].startswith('-'):
        sys.exit(__doc__)
    main(*sys.argv[1:])
