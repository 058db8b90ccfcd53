"""Many small structures: evaluate_many, which joins them, against one by one.

    python benchmarks/bench_batch.py [--structures 300] [--model li-pbe-2-fast] [--threads 2] [--rounds 3]

The structures are rattled crystals of 2 to 54 atoms with cells of their own. Rounds alternate between the two ways; the
medians of wall and processor times for an atom are given. Evaluation with pair lists at hand, as in accuracy(), is
measured by itself.
"""

from __future__ import annotations

import argparse
from time import perf_counter, process_time

import numpy as np
from ase.build import bulk

from ase_mlffvv.engines.batch import evaluate_batches
from ase_mlffvv.engines.evaluator import Evaluator
from ase_mlffvv.kernels.cpu.engine import NumbaEngine
from ase_mlffvv.model.find import find_potential
from ase_mlffvv.neighbors import pair_list


def structures(n):
    """Small crystals."""
    rng = np.random.default_rng(0)
    for k in range(n):
        atoms = bulk('Li', 'bcc', a=3.3 + 0.3 * rng.random(), cubic=True) * ((1, 1, 1), (2, 2, 1), (3, 3, 3))[k % 3]
        atoms.rattle(0.1, rng=rng)
        yield atoms.numbers, atoms.positions, atoms.cell[:], atoms.pbc


def main(args=None):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--structures', type=int, default=300)
    p.add_argument('--model', default='li-pbe-2-fast')
    p.add_argument('--threads', type=int, default=2)
    p.add_argument('--rounds', type=int, default=3)
    args = p.parse_args(args)
    potential, frames = find_potential(args.model), list(structures(args.structures))
    n_atoms = sum(len(frame[0]) for frame in frames)
    evaluator = Evaluator(potential, threads=args.threads, skin=0.0)
    engine = NumbaEngine(potential, args.threads)
    listed = [(potential.species(n), x, cell, pair_list(x, cell, pbc, potential.cutoff)) for n, x, cell, pbc in frames]

    def one_by_one():
        for numbers, positions, cell, pbc in frames:
            evaluator.set_atoms(numbers, cell, pbc)
            evaluator.evaluate(positions)

    def joined():
        for _ in evaluator.evaluate_many(frames):
            pass

    def listed_one_by_one():
        for system in listed:
            engine.evaluate(*system)

    def listed_joined():
        for _ in evaluate_batches(engine, listed):
            pass

    ways = (one_by_one, joined, listed_one_by_one, listed_joined)
    times = {way: [] for way in ways}
    for way in ways:
        way()
    for _ in range(args.rounds):
        for way in ways:
            start = perf_counter(), process_time()
            way()
            times[way].append((perf_counter() - start[0], process_time() - start[1]))
    print(f'{len(frames)} structures, {n_atoms} atoms, {args.model}, {args.threads} threads')
    found = {way: np.median(values, axis=0) * 1e6 / n_atoms for way, values in times.items()}
    for way, (wall, cpu) in found.items():
        print(f'  {way.__name__.replace("_", " "):20}{wall:8.2f} µs/atom, processor {cpu:8.2f} µs/atom')
    for a, b, what in ((one_by_one, joined, 'with pair lists'), (listed_one_by_one, listed_joined, 'lists at hand')):
        wall, cpu = found[a] / found[b]
        print(f'  {what}: joined is {wall:.2f} times as fast, processor time {cpu:.2f}')


if __name__ == '__main__':
    main()
