"""CUDA kernels on a GPU: correctness, times, and comparison with the peak performance of the GPU.

    pip install ".[cuda]"
    python benchmarks/bench_gpu.py [--model li-pbe-2-fast] [--sizes 1e4 1e5 1e6 1e7] [--steps 100] [--json FILE]

First, energies, forces and virials are compared with the CPU engine in float64, and pair lists with those of the CPU; a
difference above the limits ends the program. Then times are measured for slabs of bcc lithium with atoms displaced by
0.1 Å: for building the pair list, for one step of molecular dynamics with an existing list (CudaForces.compute), and
for each of its kernels. Times are medians over repeats with synchronisation of the device. Dynamics on the device is
measured as a user runs it: atom-steps per second of a slab at 300 K, with pair lists built when they are due, and the
memory of the device in use. The goal is 50 million atom-steps per second with li-pbe-2-fast in float32 for ten million
atoms on one card of the class of an H100. Two lower bounds are given
for a step at the peak performance of the device: arithmetic, the multiplications and additions that the sums over
tables need, and bytes, for one pass over positions and results and two over the list. Peaks of unknown devices are
measured. With NUMBA_ENABLE_CUDASIM=1 the program runs on the simulator of Numba, which is suitable for a few dozen
atoms.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from ase.build import bulk
from ase.md.velocitydistribution import thermalize_momenta
from numba import config, cuda, float32, float64

from ase_mlffvv import __version__
from ase_mlffvv.kernels.cpu.engine import NumbaEngine
from ase_mlffvv.kernels.cuda.forces import CudaForces
from ase_mlffvv.kernels.cuda.model import find_gpu
from ase_mlffvv.kernels.cuda.scan import grid
from ase_mlffvv.kernels.shared.tables import feature_tables
from ase_mlffvv.md import Dynamics
from ase_mlffvv.model.find import find_potential
from ase_mlffvv.neighbors import pair_list
from ase_mlffvv.structures import column

# TFLOP/s in float32 and float64 without tensor cores, and TB/s; the first match of the device name counts (data sheets)
PEAKS = {
    'H100 PCIe': (51.0, 26.0, 2.0),
    'H100 NVL': (60.0, 30.0, 3.9),
    'H100': (67.0, 34.0, 3.35),
    'H200': (67.0, 34.0, 4.8),
    'A100-SXM4-40GB': (19.5, 9.7, 1.555),
    'A100-PCIE-40GB': (19.5, 9.7, 1.555),
    'A100': (19.5, 9.7, 2.0),
    'RTX 4090': (82.6, 1.29, 1.008),
}
GOAL = 50e6  # atom-steps per second in float32, for at least GOAL_ATOMS
GOAL_ATOMS = 1e7
# largest errors of an atomic energy (meV), a force (meV/Å) and a virial (meV)
LIMITS = {'float64': (1e-6, 1e-5, 1e-5), 'float32': (0.05, 0.05, 0.5)}


def check_systems(small):
    """Structures by name: all kinds of periodicity and, unless ``small``, a needle."""
    cubic = bulk('Li', 'bcc', a=3.44, cubic=True)
    slab = cubic * (2, 2, 1)
    slab.center(vacuum=6.0, axis=2)
    slab.pbc = (True, True, False)
    wire = cubic * (1, 1, 2)
    wire.center(vacuum=6.0, axis=(0, 1))
    wire.pbc = (False, False, True)
    far = cubic * (2, 1, 1)
    far.pbc = False
    far.positions += 1e4
    thin = bulk('Li', 'bcc', a=3.44) * (2, 1, 1)
    thin.positions[0] += 3 * thin.cell[1]
    systems = {'slab': slab, 'wire': wire, 'cluster far away': far, 'thin cell': thin}
    if not small:
        systems['needle'] = column(diameter=7, height=16, box=14)
        systems['bulk'] = cubic * (12, 12, 12)
    for k, atoms in enumerate(systems.values()):
        atoms.rattle(0.1, seed=k)
    return systems


def check(potential, small):
    """Largest differences from the CPU by system and dtype (meV, meV/Å, meV), and whether all are within the limits."""
    found, good = {}, True
    reference = NumbaEngine(potential)
    for name, atoms in check_systems(small).items():
        species, cell = potential.species(atoms.numbers), np.where(atoms.pbc[:, None], atoms.cell[:], 0.0)
        pairs = pair_list(atoms.positions, cell, atoms.pbc, potential.cutoff + 0.5)
        want = reference.evaluate(species, atoms.positions, cell, pairs)
        for dtype, limits in LIMITS.items():
            forces = CudaForces(potential, species, cell, atoms.pbc, dtype=dtype, virials=True)
            first = [x.copy_to_host() for x in forces.compute(cuda.to_device(atoms.positions))]
            again = [x.copy_to_host() for x in forces.compute(cuda.to_device(atoms.positions))]
            got = (*first, forces.virials.copy_to_host())
            listed = forces.pairs().to_host()
            same = all(np.array_equal(getattr(listed, x), getattr(pairs, x)) for x in ('first', 'j', 'image', 'shifts'))
            repeats = all(np.array_equal(a, b) for a, b in zip(first, again))
            errors = [1e3 * float(np.abs(a - b).max()) for a, b in zip(got, want)]
            fine = same and repeats and all(a <= b for a, b in zip(errors, limits))
            good &= fine
            found[f'{name}, {dtype}'] = {
                'atoms': len(atoms), 'energy_meV': errors[0], 'force_meV_A': errors[1], 'virial_meV': errors[2],
                'pair list equal': same, 'repeats bit by bit': repeats,
            }  # fmt: skip
            print(
                f'  {name:18}{len(atoms):6} atoms  {dtype}  energy {errors[0]:8.1e} meV  force {errors[1]:8.1e} meV/Å  '
                f'virial {errors[2]:8.1e} meV  list {"equal" if same else "DIFFERS"}, '
                f'{"repeats" if repeats else "DOES NOT REPEAT"}  {"ok" if fine else "WRONG"}'
            )
    return found, good


def slab(n_atoms):
    """Slab of about ``n_atoms`` atoms of bcc lithium, periodic in two directions, with vacuum."""
    layers = max(1, min(50, round((n_atoms / 2) ** (1 / 3))))
    side = max(1, round((n_atoms / (2 * layers)) ** 0.5))
    atoms = bulk('Li', 'bcc', a=3.44, cubic=True) * (side, side, layers)
    atoms.center(vacuum=10.0, axis=2)
    rng = np.random.default_rng(0)
    atoms.positions += 0.1 * rng.normal(size=atoms.positions.shape)
    return atoms


def median_time(call, repeats):
    """Median seconds of a call, with synchronisation of the device, after one call that is not counted."""
    seconds = []
    for _ in range(repeats + 1):
        cuda.synchronize()
        start = perf_counter()
        call()
        cuda.synchronize()
        seconds.append(perf_counter() - start)
    return float(np.median(seconds[1:]))


class Timed:
    """A kernel that accumulates the seconds of its launches, with synchronisation of the device at each."""

    def __init__(self, kernel):
        self.kernel, self.seconds = kernel, 0.0

    def __getitem__(self, shape):
        def launch(*args):
            cuda.synchronize()
            start = perf_counter()
            self.kernel[shape](*args)
            cuda.synchronize()
            self.seconds += perf_counter() - start

        return launch


def kernel_times(forces, positions, repeats):
    """Mean seconds of each kernel of the model in one step, by name."""
    kernels, names = forces.model.kernels, ('moments', 'slopes', 'products')
    timed = [Timed(kernel) for kernel in kernels]
    forces.model.kernels = timed
    try:
        for _ in range(repeats):
            forces.compute(positions)
    finally:
        forces.model.kernels = kernels
    return {name: kernel.seconds / repeats for name, kernel in zip(names, timed)}


def floors(potential, n_atoms, neighbors, listed, dtype, peaks):
    """Lower bounds for the seconds of a step from arithmetic and from bytes, with flops and bytes per atom.

    For each neighbor within the cutoff, each radial coefficient takes two operations for its value, in both passes, and
    two for its slope, each moment takes two in the first pass and four in the second, and each harmonic about ten.
    Derivatives of a product of two moments take four operations, of three moments nine; they also give the energy.
    """
    t = feature_tables(potential).density
    moments = t.first[-1] / len(potential.elements)
    per_pair = 6 * np.count_nonzero(t.radial[0, 0]) + 6 * moments + 10 * len(t.channels) ** 2
    flops = neighbors * per_pair + 4 * t.two[:, 3].sum() + 9 * len(t.three)
    traffic = 24 + 8 + 24 + 2 * 4 * listed
    rate = peaks[0] if dtype == 'float32' else peaks[1]
    return {
        'flops_per_atom': float(flops), 'bytes_per_atom': float(traffic),
        'arithmetic': float(n_atoms * flops / (1e12 * rate)), 'bytes': float(n_atoms * traffic / (1e12 * peaks[2])),
    }  # fmt: skip


@cuda.jit
def _copy(a, b):
    for i in range(cuda.grid(1), len(a), cuda.gridsize(1)):
        b[i] = a[i]


def _fma_kernel(real, count):
    @cuda.jit
    def multiply(x, out):
        i = cuda.grid(1)
        if i >= len(out):
            return
        a, b, c, d = x[0], x[1], x[2], x[3]
        e, f, g, h = a, b, c, d
        for _ in range(count):
            a, b, c, d = a * e + f, b * e + f, c * e + f, d * e + f
            a, b, c, d = a * g + h, b * g + h, c * g + h, d * g + h
        out[i] = a + b + c + d

    return multiply


def measured_peaks(small):
    """TFLOP/s in float32 and float64, and TB/s, measured with simple kernels."""
    n, count = (64, 4) if small else (2**25, 4096)
    a, b = cuda.to_device(np.zeros(n)), cuda.device_array(n)
    rate = 16 * n / median_time(lambda: _copy[grid(min(n, 2**20))](a, b), 5) / 1e12
    flops = []
    for real in (float32, float64):
        kernel, threads = _fma_kernel(real, count), 64 if small else 2**20
        x = cuda.to_device(np.full(4, 0.5, np.dtype(str(real))))
        out = cuda.device_array(threads, np.dtype(str(real)))
        flops.append(threads * count * 16 / median_time(lambda k=kernel, x=x, o=out: k[grid(len(o))](x, o), 5) / 1e12)
    return (*flops, rate)


def peaks_of(name, small):
    """Peak performance of this device, and its source."""
    for known, peaks in PEAKS.items():
        if known in name:
            return peaks, f'data sheet of {known}'
    return measured_peaks(small), 'measured'


def measure(potential, n_atoms, dtype, repeats, peaks):
    """Times for one number of atoms."""
    atoms = slab(n_atoms)
    forces = CudaForces(potential, potential.species(atoms.numbers), atoms.cell[:], atoms.pbc, dtype=dtype)
    positions = cuda.to_device(atoms.positions)
    start = perf_counter()
    forces.compute(positions)
    first = perf_counter() - start
    step = median_time(lambda: forces.compute(positions), repeats)
    kernels = kernel_times(forces, positions, repeats)
    neighbors = float(forces.coordination(potential.cutoff).copy_to_host().mean())
    listed = float(forces.pairs().count.copy_to_host().mean())

    before = dict(forces.statistics)
    for _ in range(min(repeats, 5)):
        forces.forget()
        cuda.synchronize()
        forces.compute(positions)
    built = forces.statistics['seconds'] - before['seconds'], forces.statistics['builds'] - before['builds']
    floor = floors(potential, len(atoms), neighbors, listed, dtype, peaks)
    row = {
        'atoms': len(atoms), 'dtype': dtype, 'step_s': step, 'pair_list_s': built[0] / built[1],
        'first_step_s': first, 'kernels_s': kernels, 'neighbors': neighbors, 'pairs_listed_per_atom': listed,
        'list_bytes_per_pair': forces.pairs().code.nbytes / max(1.0, listed * len(atoms)), 'floors': floor,
    }  # fmt: skip
    ns = 1e9 / len(atoms)
    parts = ', '.join(f'{name} {ns * seconds:.1f}' for name, seconds in kernels.items())
    print(
        f'  {len(atoms):9} {dtype}  step {ns * step:8.1f} ns/atom ({parts})  pair list {ns * row["pair_list_s"]:8.1f} '
        f'ns/atom  of the peak: arithmetic {floor["arithmetic"] / step:.1%}, bytes {floor["bytes"] / step:.1%}'
    )
    return row


def dynamics(potential, n_atoms, dtype, steps, small):
    """Speed of Dynamics on the device, with its pair lists, and the device memory in use."""
    atoms = slab(n_atoms)
    thermalize_momenta(atoms, temperature_K=300, rng=np.random.default_rng(0))
    md = Dynamics(atoms, potential, timestep=2.0, device='cuda', precision=dtype, reporters=(),
                  on_extrapolation='ignore')  # fmt: skip
    md.run(2)  # compiles
    before = dict(md.forces.statistics)
    cuda.synchronize()
    start = perf_counter()
    md.run(steps)
    cuda.synchronize()
    seconds, builds = perf_counter() - start, md.forces.statistics['builds'] - before['builds']
    used = None
    if not small:
        free, total = cuda.current_context().get_memory_info()
        used = total - free
    rate = len(atoms) * steps / seconds
    memory = '' if used is None else f'  memory {used / 1e9:.1f} GB, {used / len(atoms):.0f} B/atom'
    goal = ''
    if dtype == 'float32' and len(atoms) >= 0.9 * GOAL_ATOMS:
        goal = f'  goal {GOAL / 1e6:.0f}: ' + ('reached' if rate >= GOAL else 'NOT REACHED')
    print(
        f'  {len(atoms):9} {dtype}  dynamics {rate / 1e6:8.3g} million atom-steps/s, {builds} pair lists in {steps} '
        f'steps{memory}{goal}'
    )
    return {'atoms': len(atoms), 'dtype': dtype, 'atom_steps_per_s': rate, 'steps': steps, 'pair_lists': builds,
            'memory_bytes': used}  # fmt: skip


def main(args=None):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--model', default='li-pbe-2-fast')
    p.add_argument('--sizes', type=float, nargs='+', default=[1e4, 1e5, 1e6, 1e7], help='numbers of atoms')
    p.add_argument('--repeats', type=int, default=10)
    p.add_argument('--steps', type=int, default=100, help='steps of dynamics, or 0 for none')
    p.add_argument('--json', metavar='FILE')
    args = p.parse_args(args)
    if not find_gpu():
        print('no GPU found: Numba sees no CUDA device. Install the extra cuda on a machine with an NVIDIA GPU.')
        return 1
    small = bool(config.ENABLE_CUDASIM)
    name = 'simulator' if small else cuda.gpus[0].name
    name = name.decode() if isinstance(name, bytes) else str(name)
    print(f'{name}, ase-mlffvv {__version__}, {args.model}')
    potential = find_potential(args.model)
    print('compared with the CPU, largest differences:')
    checks, good = check(potential, small)
    if not good:
        print('the results of the GPU differ from those of the CPU: no times are measured')
        return 2
    peaks, source = peaks_of(name, small)
    print(f'peaks ({source}): {peaks[0]:.3g} and {peaks[1]:.3g} TFLOP/s in float32 and float64, {peaks[2]:.3g} TB/s')
    rows, runs = [], []
    for n_atoms in args.sizes:
        for dtype in ('float32', 'float64'):
            rows.append(measure(potential, n_atoms, dtype, args.repeats, peaks))
            if args.steps:
                runs.append(dynamics(potential, n_atoms, dtype, args.steps, small))
    if args.json:
        about = {'device': name, 'simulated': small, 'version': __version__, 'model': args.model, 'checks': checks,
                 'peaks': {'float32': peaks[0], 'float64': peaks[1], 'TB/s': peaks[2], 'source': source},
                 'results': rows, 'dynamics': runs}  # fmt: skip
        Path(args.json).write_text(json.dumps(about, indent=1))
    return 0


if __name__ == '__main__':
    sys.exit(main())
