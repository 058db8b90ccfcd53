"""Expected speed of runs in LAMMPS on many processes: a model of cost with a few measured and a few assumed numbers.

    python benchmarks/scale_model.py [--from-json FILE of bench_lammps.py] [--gpu]

A process has a cube of N/P atoms. In each step it evaluates its own atoms and, with fix external, the ghosts within one
cutoff and skin; it copies and sorts all ghosts; once in some steps it finds new pairs. Ghosts arrive from six
neighbors in three stages. Two sums over all processes follow (energy, and LAMMPS' test for moved atoms). Imbalance of
domains multiplies the work.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from math import log2
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

DENSITY = 2 / 3.44**3  # atoms in Å^3


@dataclass(frozen=True)
class Costs:
    """Seconds of a processor (or a GPU) and of the network.

    Attributes
    ----------
    evaluate, pairs, ghost : float, s
        For an evaluated atom; for an evaluated atom in a step with a new pair list, in addition; for a ghost.
    fixed : float, s
        Of each step: calls, Python.
    reuse : float
        Steps between pair lists.
    latency, bandwidth : float, s and bytes/s
        Of a message, and for each process.
    imbalance : float
        Largest domain relative to the mean.
    """

    evaluate: float = 2.5e-6
    pairs: float = 5.0e-6
    ghost: float = 5.0e-8
    fixed: float = 1.0e-3
    reuse: float = 9.0
    latency: float = 3.0e-6
    bandwidth: float = 1.0e9
    imbalance: float = 1.05


@dataclass(frozen=True)
class Step:
    """A step of one process.

    Attributes
    ----------
    own, evaluated, ghosts : float
        Numbers of atoms.
    work, network : float, s
    """

    own: float
    evaluated: float
    ghosts: float
    work: float
    network: float

    @property
    def seconds(self):
        """Time of the step."""
        return self.work + self.network

    @property
    def efficiency(self):
        """Share of the time that evaluates own atoms, each once."""
        return self.own / self.evaluated * self.work / self.seconds


def shell(own, distance, density=DENSITY):
    """Atoms of a cube with ``own`` atoms and all around it within ``distance`` (Å) along each axis."""
    return density * ((own / density) ** (1 / 3) + 2 * distance) ** 3


def step(n_atoms, processes, costs, cutoff=6.5, skin=0.8, style='external'):
    """A :class:`Step` with fix external (``'external'``) or pair_style mliap unified (``'mliap'``)."""
    own = n_atoms / processes
    near = cutoff + skin
    if style == 'external':
        evaluated, ghosts = shell(own, near), shell(own, 2 * cutoff + 3 * skin) - own
        sent = 24 * ghosts
    else:
        evaluated, ghosts = own, shell(own, near) - own
        sent = 48 * ghosts  # positions there, forces back
    work = evaluated * (costs.evaluate + costs.pairs / costs.reuse) + ghosts * costs.ghost
    network = 0.0
    if processes > 1:
        thick = 2 * cutoff + 3 * skin if style == 'external' else near
        layers = max(1, int(np.ceil(thick / (own / DENSITY) ** (1 / 3))))
        stages = 6 * layers * (1 if style == 'external' else 2)
        network = stages * costs.latency + sent / costs.bandwidth + 4 * log2(processes) * costs.latency
    return Step(own, evaluated, ghosts, work * costs.imbalance + costs.fixed, network)


def fit(rows, reuse=9.0):
    """Costs from the results of bench_lammps.py: non-negative least squares of relative errors of the steps."""
    ours = [row for row in rows if row['kind'].startswith('LAMMPS')]
    most = np.array([np.array(row['sizes'], float).max(axis=0) for row in ours])
    evaluated, ghosts = most[:, 2], most[:, 1]
    seconds = np.array([row['step'][0] for row in ours])
    pairs = [(row['first'][0] - row['evaluate']) / n for row, n in zip(ours, evaluated)]
    a = np.stack([evaluated, ghosts, np.ones(len(ours))], axis=1) / seconds[:, None]
    evaluate, ghost, fixed = nnls(a, np.ones(len(ours)))[0]
    return Costs(evaluate=float(evaluate), pairs=float(np.median(pairs)), ghost=float(ghost), fixed=float(fixed),
                 reuse=reuse)  # fmt: skip


def table(costs, sizes=(1e8, 1e9, 1e10), processes=(1e2, 1e3, 1e4), day=86400.0, timestep=2e-6):
    """Markdown table of expected speeds; ``timestep`` in ns."""
    lines = [
        '| atoms | processes | atoms/process | external: s/step | ns/day | evaluated/own | mliap: s/step | ns/day |',
        '|---|---|---|---|---|---|---|---|',
    ]
    for n in sizes:
        for p in processes:
            a, b = (step(n, p, costs, style=style) for style in ('external', 'mliap'))
            lines.append(
                f'| {n:.0e} | {p:.0e} | {a.own:.0e} | {a.seconds:.3g} | {day / a.seconds * timestep:.3g} | '
                f'{a.evaluated / a.own:.2f} | {b.seconds:.3g} | {day / b.seconds * timestep:.3g} |'
            )
    return '\n'.join(lines)


def main(args=None):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--from-json', metavar='FILE', help='results of bench_lammps.py; otherwise the defaults of Costs')
    p.add_argument('--gpu', action='store_true', help='processes are GPUs that reach the goal of bench_gpu.py')
    args = p.parse_args(args)
    costs = fit(json.loads(Path(args.from_json).read_text())) if args.from_json else Costs()
    if args.gpu:
        costs = replace(costs, evaluate=1 / 50e6, pairs=0.0, ghost=2e-9, bandwidth=1e10)
    print(costs)
    print(table(costs))


if __name__ == '__main__':
    main()
