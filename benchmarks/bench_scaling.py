"""Time per atom and step, and peak memory, as functions of the numbers of atoms, threads and functions and the cutoff.

    python benchmarks/bench_scaling.py [--only atoms threads cutoff functions] [--atoms 1e3 1e4 1e5 1e6] [--repeats 5]
        [--models li-pbe-2-fast] [--threads 2] [--json FILE] [--plot scaling.png]

The structures are needles whose atoms are displaced by 0.1 Å. Complete steps of VVCalculator (without checks of
extrapolation) with an existing pair list are timed, and the pair list separately. Each number of atoms is run in a
separate process, which reports its peak memory (including the structure). Cases to be compared are measured in turn.
The best and the median of the repeats are given, because the best is hardly affected by other work of the machine.
Cutoffs and numbers of functions are varied in many-body models with random coefficients, which take the same time as
fitted ones.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

from ase_mlffvv import VVCalculator, VVSpec, __version__
from ase_mlffvv.jit import available_threads
from ase_mlffvv.model import ElementBlock, VVPotential
from ase_mlffvv.neighbors import pair_list
from ase_mlffvv.pages.style import figure, plot_style
from ase_mlffvv.structures import column

SKIN = 0.8
CUTOFFS = (5.0, 6.0, 7.0, 8.0, 9.0)
DEGREES = ((4, 0), (6, 4), (8, 5), (8, 8), (12, 10))


def needle(n_atoms):
    """The paper's column, with all lengths scaled so that it has about ``n_atoms``."""
    f = (n_atoms / 9145) ** (1 / 3)
    atoms = column(10 * f, 25 * f, box=round(32 * f), substrate_layers=max(1, round(5 * f)))
    atoms.rattle(0.1, seed=0)
    return atoms


def random_model(cutoff=6.5, density=(6, 3), degree=(8, 5)):
    """Linear many-body potential with random coefficients."""
    spec = VVSpec(('Li',), cutoff=cutoff, two_body=0, three_body=(0, 0), density=density, degree=degree)
    features = spec.features()
    n = features[0].size(0, 1)
    none, coefficients = np.zeros((n + 1, 0, 2)), 1e-3 * np.random.default_rng(0).normal(size=n + 1)
    block = ElementBlock(np.eye(n), np.zeros(n), np.ones(n), none, none, np.zeros((0, 5), np.int32), coefficients)
    return VVPotential(('Li',), features, (block,))


def steps(calculators, atoms, repeats):
    """Best and median µs per atom and step of the calculators, timed in turn; the first round builds pair lists."""
    rng = np.random.default_rng(0)
    seconds = {name: [] for name in calculators}
    for k in range(repeats + 1):
        moved = atoms.copy()
        moved.positions += 1e-3 * rng.normal(size=atoms.positions.shape)
        for name, calc in calculators.items():
            start = perf_counter()
            calc.calculate(moved)
            if k:
                seconds[name].append(perf_counter() - start)
    return {name: {'best': 1e6 * min(t) / len(atoms), 'median': 1e6 * float(np.median(t)) / len(atoms)}
            for name, t in seconds.items()}  # fmt: skip


def calculator(model, threads):
    """VVCalculator without checks of extrapolation."""
    return VVCalculator(model, threads=threads, skin=SKIN, on_extrapolation='ignore')


def peak():
    """Peak memory of this process so far in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024)


def one_size(model, n_atoms, threads, repeats):
    """Record for one number of atoms; to be called in a new process."""
    warm, calc = needle(1e3), calculator(model, threads)
    steps({model: calc}, warm, 1)
    before = peak()
    atoms = needle(n_atoms)
    us = steps({model: calc}, atoms, repeats)[model]
    memory = (peak() - before) / len(atoms)
    lists = []
    calc.set(skin=SKIN)  # discards the pair list
    for _ in range(2):
        start = perf_counter()
        n_pairs = len(pair_list(atoms.positions, atoms.cell[:], True, calc.potential.cutoff + SKIN, threads).j)
        lists.append(perf_counter() - start)
    return {'model': model, 'atoms': len(atoms), 'threads': threads, 'us': us, 'bytes_per_atom': memory,
            'list_us': 1e6 * min(lists) / len(atoms), 'pairs_per_atom': n_pairs / len(atoms)}  # fmt: skip


def against_atoms(args):
    """Records for all numbers of atoms, and the exponents of the times for a step and for a list."""
    records, exponents = [], {}
    for model in args.models:
        for n in args.atoms:
            command = [sys.executable, __file__, '--one', model, str(n), '--threads', str(args.threads), '--repeats',
                       str(args.repeats)]  # fmt: skip
            found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            records.append(r := json.loads(found))
            print(f'{model:20}{r["atoms"]:9} atoms{r["us"]["best"]:8.2f} (median {r["us"]["median"]:.2f}) µs per atom '
                  f'and step, list {r["list_us"]:.2f} µs, {r["pairs_per_atom"]:.0f} pairs and '
                  f'{r["bytes_per_atom"]:.0f} bytes per atom')  # fmt: skip
        mine = [r for r in records if r['model'] == model]
        if len(mine) > 1:
            n = np.log([r['atoms'] for r in mine])
            per_step, per_list = (np.log([f(r) for r in mine]) for f in (lambda r: r['us']['best'],
                                                                        lambda r: r['list_us']))  # fmt: skip
            exponents[model] = {'step': 1 + np.polyfit(n, per_step, 1)[0], 'list': 1 + np.polyfit(n, per_list, 1)[0]}
            print(f'{model:20}time ~ n^{exponents[model]["step"]:.3f}, of a list ~ n^{exponents[model]["list"]:.3f}')
    return {'records': records, 'exponents': exponents}


def against(kind, calculators, atoms, repeats):
    """Print and return records of calculators that differ by a number; their pair lists are timed, too."""
    records = []
    for x, us in steps(calculators, atoms, repeats).items():
        records.append({kind: x, 'atoms': len(atoms), 'us': us})
        print(f'{kind:10}{x:7}{us["best"]:8.2f} (median {us["median"]:.2f}) µs per atom and step, {len(atoms)} atoms')
    return records


def against_threads(args):
    """The paper's column on 1, 2, 4, ... threads."""
    numbers = sorted({min(2**k, available_threads()) for k in range(10)})
    out = {}
    for model in args.models:
        print(model)
        out[model] = against('threads', {n: calculator(model, n) for n in numbers}, needle(9145), args.repeats)
    return out


def against_cutoff(args):
    """Models of the recipe 'fast' with various cutoffs."""
    calculators = {c: calculator(random_model(c), args.threads) for c in CUTOFFS}
    return against('cutoff', calculators, needle(2000), args.repeats)


def against_functions(args):
    """Models with the cutoff of the recipe 'fast' and various numbers of functions."""
    models = (random_model(density=(n, l), degree=d) for (n, l), d in
              zip(((4, 2), (5, 3), (6, 3), (8, 4), (10, 4)), DEGREES))  # fmt: skip
    calculators = {len(m.blocks[0].coefficients): calculator(m, args.threads) for m in models}
    return against('functions', calculators, needle(2000), args.repeats)


PARTS = {'atoms': against_atoms, 'threads': against_threads, 'cutoff': against_cutoff, 'functions': against_functions}


@plot_style()
def plot(results, path):
    """Draw one panel for each part."""
    rows = -(-len(results) // 2)
    drawing = figure(8.4, 3.1 * rows)
    panels = drawing.subplots(rows, min(2, len(results)), squeeze=False).ravel()
    for axes, (kind, found) in zip(panels, results.items()):
        if kind == 'atoms':
            axes.set_xscale('log')
            for model in {r['model']: None for r in found['records']}:
                mine = [r for r in found['records'] if r['model'] == model]
                axes.plot([r['atoms'] for r in mine], [r['us']['best'] for r in mine], 'o-', label=model)
                axes.plot([r['atoms'] for r in mine], [r['list_us'] for r in mine], 's:', label='a new pair list')
        else:
            curves = found if kind == 'threads' else {'': found}
            for name, records in curves.items():
                axes.plot([r[kind] for r in records], [r['us']['best'] for r in records], 'o-', label=name or None)
        if kind == 'threads':
            axes.set_xticks(sorted({r['threads'] for records in found.values() for r in records}))
        if kind in ('atoms', 'threads'):
            axes.legend(loc='lower left')
        axes.set(xlabel={'cutoff': 'cutoff (Å)', 'atoms': 'number of atoms', 'functions': 'number of functions'}
                 .get(kind, kind), ylabel='µs per atom and step')  # fmt: skip
        axes.set_ylim(0, 1.12 * axes.get_ylim()[1])
        axes.margins(x=0.06)
    for axes in panels[len(results) :]:
        axes.set_axis_off()
    drawing.savefig(path)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--only', nargs='+', choices=list(PARTS), default=list(PARTS))
    p.add_argument('--atoms', type=float, nargs='+', default=[1e3, 1e4, 1e5, 1e6])
    p.add_argument('--models', nargs='+', default=['li-pbe-2-fast'])
    p.add_argument('--threads', type=int, default=available_threads())
    p.add_argument('--repeats', type=int, default=5)
    p.add_argument('--json', metavar='FILE')
    p.add_argument('--plot', metavar='PNG')
    p.add_argument('--one', nargs=2, help=argparse.SUPPRESS)
    p.add_argument('--from-json', metavar='FILE', help='draw the results of an earlier --json instead of measuring')
    args = p.parse_args()
    if args.from_json:
        plot(json.loads(Path(args.from_json).read_text())['results'], args.plot)
        return
    if args.one:
        print(json.dumps(one_size(args.one[0], float(args.one[1]), args.threads, args.repeats)))
        return
    results = {name: PARTS[name](args) for name in args.only}
    if args.plot:
        plot(results, args.plot)
    if args.json:
        about = {'version': __version__, 'machine': platform.processor() or platform.machine(), 'results': results}
        Path(args.json).write_text(json.dumps(about, indent=1))


if __name__ == '__main__':
    main()
