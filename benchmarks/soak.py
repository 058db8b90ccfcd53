"""A long run that is restarted often: does memory grow, does energy drift, does the structure begin to move?

    python benchmarks/soak.py FOLDER [--steps 1e6] [--atoms 1000] [--restarts 10] [--frame-interval 1000]
        [--temperature 250] [--thermostat berendsen] [--timestep 2] [--threads 1] [--json FILE]

The structure is a needle on its substrate. Each part of the run is a process of its own, which continues from the
checkpoint of the part before it, and its resident memory is sampled every second. The program ends with status 1 if
the memory of a part grows by more than 5 % from its first to its last quarter, or from the first to the last part. The
drift is that of the total energy without the work of the thermostat. A run that was interrupted goes on with the same
command.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import threading
from pathlib import Path

import numpy as np
from ase import units
from ase.data import atomic_masses
from bench_scaling import needle

from ase_mlffvv import VVCalculator
from ase_mlffvv.io.checkpoint import load_checkpoint
from ase_mlffvv.jobs import RunSettings, read_log, record, resume, start

LIMIT = 1.05  # ratio of memory that counts as flat
WARM_UP = 0.1  # part of the samples that is left out, in which kernels and buffers are made
PARTS = 'memory.csv'


class Memory:
    """Samples the resident memory of this process in a thread, MB."""

    def __init__(self, seconds=1.0):
        self.samples, self._seconds, self._end = [], seconds, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        page = os.sysconf('SC_PAGE_SIZE')
        while True:
            self.samples.append(int(Path('/proc/self/statm').read_text().split()[1]) * page / 1e6)
            if self._end.wait(self._seconds):
                return

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()


def part(folder, n_atoms, settings, steps, threads, seconds=1.0):
    """Run to a total number of steps; its first and last memory (MB) and the momentum are appended to ``PARTS``."""
    with Memory(seconds) as memory:
        if (folder / record.CHECKPOINT).exists():
            resume(folder, steps=steps, threads=threads)
        else:
            first = RunSettings(**{**settings, 'steps': steps})
            start(needle(n_atoms), VVCalculator(threads=threads), folder, first)
    samples = np.array(memory.samples)[int(WARM_UP * len(memory.samples)) :]
    quarter = max(1, len(samples) // 4)
    row = [steps, np.median(samples[:quarter]), np.median(samples[-quarter:]), speed(folder)]
    with open(folder.parent / PARTS, 'a') as file:
        file.write(','.join(f'{value:.9g}' for value in row) + '\n')


def speed(folder):
    """Speed of the centre of mass at the last checkpoint, Å/ps."""
    arrays, _ = load_checkpoint(folder / record.CHECKPOINT, record.KIND)
    velocity = arrays['momenta'].sum(axis=0) / atomic_masses[arrays['numbers']].sum()
    return float(np.linalg.norm(velocity) * 1000 * units.fs)


def tell(folder):
    """What the parts and the log say, as a dict."""
    rows = np.loadtxt(folder.parent / PARTS, delimiter=',', ndmin=2)
    log = read_log(folder)
    conserved = 1000 * (log['total_energy_eV'] - log['thermostat_work_eV'])  # meV
    ps = log['time_ps']
    return {
        'steps': int(log['step'][-1]),
        'parts': len(rows),
        'memory_MB': rows[:, 1:3].tolist(),
        'memory_growth': float(max((rows[:, 2] / rows[:, 1]).max(), rows[-1, 2] / rows[0, 2])),
        'drift_meV_per_atom': float(conserved[-1] - conserved[0]),
        'drift_meV_per_atom_and_ns': float(1000 * np.polyfit(ps, conserved, 1)[0]) if len(ps) > 1 else 0.0,
        'temperature_K': float(log['temperature_K'][len(ps) // 2 :].mean()),
        'speed_A_per_ps': rows[:, 3].tolist(),
        'detached': int(log['detached'][-1]),
    }


def main(args=None):
    """Run the parts that are missing, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=Path)
    parser.add_argument('--steps', type=float, default=1e6)
    parser.add_argument('--atoms', type=int, default=1000)
    parser.add_argument('--restarts', type=int, default=10)
    parser.add_argument('--frame-interval', type=int, default=1000)
    parser.add_argument('--temperature', type=float, default=250.0)
    parser.add_argument('--thermostat', default='berendsen')
    parser.add_argument('--timestep', type=float, default=2.0)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--json', type=Path)
    args = parser.parse_args(args)
    run, total = args.folder / 'run', int(args.steps)
    ends = [total * k // (args.restarts + 1) for k in range(1, args.restarts + 2)]
    settings = {'timestep': args.timestep, 'temperature': args.temperature, 'thermostat': args.thermostat,
                'frame_interval': args.frame_interval, 'checkpoint_interval': args.frame_interval}  # fmt: skip
    args.folder.mkdir(parents=True, exist_ok=True)
    parts = args.folder / PARTS
    done = len(parts.read_text().splitlines()) if parts.exists() else 0
    context = multiprocessing.get_context('spawn')
    for end in ends[done:]:
        process = context.Process(target=part, args=(run, args.atoms, settings, end, args.threads))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f'the part up to step {end} ended with status {process.exitcode}')
    found = tell(run)
    for name, value in found.items():
        print(f'{name:28} {value}')
    if args.json:
        args.json.write_text(json.dumps(found, indent=1))
    return int(found['memory_growth'] > LIMIT)


if __name__ == '__main__':
    sys.exit(main())
