"""Fused energies, forces and virials on the CPU: Numba, blocks of atoms on threads, no arrays of pairs x features."""

from __future__ import annotations

import math
import threading

import numpy as np
from ase.calculators.calculator import CalculatorSetupError
from numba import njit

from ...checks import check_threads
from ...errors import StructureError, check_centres
from ...jit import available_threads, in_order, kernel
from ...model.potential import VVPotential
from ...model.prediction import Prediction
from ..shared.tables import feature_tables, in_precision, pair_tables, vv_tables
from .cosine import FAST, make_system, make_work
from .density import density_moments, density_slopes, lane_moments, make_density_work
from .energy import atomic_energies, atomic_energy, make_vv_work
from .features import all_features, all_slopes, density_weights
from .lanes import filled, load, total, width
from .near import gather, make_near, room
from .products import density_products, density_products_back, make_lane_work


class NumbaEngine:
    """Evaluates one VVPotential with the fused CPU kernels; agrees with the torch definition to round-off.

    Parameters
    ----------
    potential : VVPotential
    threads : int, optional
    dtype : {'float64', 'float32'}
        Arithmetic of features, for models of density features alone. Pair vectors, the linear part of atomic energies,
        the pair term and all sums over atoms are float64 in either case, so that momentum is conserved to round-off.

    Raises
    ------
    CalculatorSetupError
        Another dtype, or float32 for a model with other features.
    """

    name = 'numba'

    def __init__(self, potential: VVPotential, threads: int | None = None, dtype='float64'):
        self.cutoff = potential.cutoff
        self.threads = check_threads(threads) or available_threads()
        families = [family.name for family in potential.features]
        alone = families == ['density']
        if dtype not in ('float64', 'float32'):
            raise CalculatorSetupError(f"dtype is 'float64' or 'float32', got {dtype!r}")
        if dtype == 'float32' and not alone:
            raise CalculatorSetupError(
                f"the model has the features {families}, and float32 is for density features alone; use dtype='float64'"
            )
        features, vv = feature_tables(potential), vv_tables(potential)
        if dtype == 'float32':
            features = features._replace(density=in_precision(features.density, dtype))
            vv = in_precision(vv, dtype, keep=('constant', 'direct'))
        self._tables = features, vv, pair_tables(potential)
        self._kernel = _evaluate_density if alone else _evaluate
        self._make_scratch = _scratch_density if alone else _scratch
        self._own = threading.local()  # scratch of each thread: new memory at each call would cost more than it saves

    def evaluate(self, species, positions, cell, pairs, centres=None) -> Prediction:
        """See :func:`ase_mlffvv.model.definition.evaluate`; ``pairs`` may reach farther than the cutoff."""
        n_atoms = len(positions)
        system = make_system(species, positions, cell, pairs)
        widest = int(np.diff(pairs.first).max(initial=0))
        new = np.empty if centres is None else np.zeros
        centres = np.arange(n_atoms) if centres is None else check_centres(centres, n_atoms)
        energies, forces, virials = new(n_atoms), np.zeros((n_atoms, 3)), new((n_atoms, 3, 3))
        closest = np.inf

        def block(begin, end):
            if begin == end:
                return 0, np.zeros((0, 3)), np.inf
            first, last = centres[begin], centres[end - 1]
            near = pairs.j[pairs.first[first] : pairs.first[last + 1]]
            low = int(near.min(initial=first))
            part = np.zeros((int(near.max(initial=last)) + 1 - low, 3))  # blocks share neighbors
            results = energies, low, part, virials
            scratch = self._scratch_of_thread(widest)
            return low, part, self._kernel(*self._tables, system, self.cutoff, scratch, centres[begin:end], *results)

        for low, part, smallest in in_order(block, _edges(len(centres), self.threads), self.threads):
            forces[low : low + len(part)] += part
            closest = min(closest, smallest)
        if closest < 1e-8:
            raise StructureError(
                f'two atoms came as close as {math.sqrt(closest):.1e} Å. Use a shorter time step, or check the start.'
            )
        return Prediction(energies, forces, virials)

    def _scratch_of_thread(self, widest):
        if getattr(self._own, 'widest', -1) < widest:
            self._own.scratch = self._make_scratch(*self._tables[:2], widest)
            self._own.widest = widest
        return self._own.scratch


def _edges(n_atoms, threads):
    """Edges of blocks that are small enough to keep all threads busy until the end, and few: a call costs some 20 µs.

    They fix the order of sums, so they depend neither on the pair list, which has a history, nor on up to 4 threads.
    """
    few, many = (8, 32) if threads <= 4 else (2 * threads, 8 * threads)
    n_blocks = max(1, min(n_atoms // 192, max(few, n_atoms // 1024), many))
    return [n_atoms * k // n_blocks for k in range(n_blocks + 1)]


@njit(**FAST)
def _pair_energy(i, at, p, pair, system, near, D):
    """Pair term of the p-th gathered neighbor: its half of the energy, and dE/dd / d; vector left in D."""
    j = near.atom[at, p]
    species, cell, inverse = system.species, system.cell, system.inverse_cell
    r = pair.radius[species[i]] + pair.radius[species[j]]
    for a in range(3):
        D[a] = near.D[3 * at + a, p]
    if pair.minimum_image:
        if i == j or math.sqrt(D[0] * D[0] + D[1] * D[1] + D[2] * D[2]) >= pair.cutoff:
            return 0.0, 0.0
        for k in range(3):
            scaled = near.D[3 * at, p] * inverse[0, k] + near.D[3 * at + 1, p] * inverse[1, k]
            scaled += near.D[3 * at + 2, p] * inverse[2, k]
            shift = math.ceil(scaled - 0.5 - 1e-9)
            for a in range(3):
                D[a] -= shift * cell[k, a]
    d = math.sqrt(D[0] * D[0] + D[1] * D[1] + D[2] * D[2])
    if d >= 2.0 * r:
        return 0.0, 0.0
    six = (r / d) ** 6
    w12, w6 = pair.weights[0, species[j], species[i]], pair.weights[1, species[j], species[i]]
    phase = math.pi * d / (4.0 * r)
    cosine, sine = math.cos(phase), math.sin(phase)
    radial = w12 * six * six + w6 * six
    slope = -(12.0 * w12 * six * six + 6.0 * w6 * six) / d * cosine * cosine
    slope -= radial * math.pi / (2.0 * r) * cosine * sine
    return 2.0 * radial * cosine * cosine, 2.0 * slope / d


@njit(forceinline=True, **FAST)
def _add(i, near, at, low, forces, virials):
    """Add slopes of the gathered neighbors of atom i to the results. Row 0 of ``forces`` is that of atom ``low``."""
    lanes, zero = width(near.D), filled(near.D, 0.0)
    fx, fy, fz, xx, yx, zx, yy, zy, zz = zero, zero, zero, zero, zero, zero, zero, zero, zero
    for k in range((near.n[at] + lanes - 1) // lanes):
        x, y, z = load(near.D, (3 * at, k)), load(near.D, (3 * at + 1, k)), load(near.D, (3 * at + 2, k))
        u, v, w = load(near.slope, (3 * at, k)), load(near.slope, (3 * at + 1, k)), load(near.slope, (3 * at + 2, k))
        fx, fy, fz = fx + u, fy + v, fz + w
        xx, yx, zx, yy, zy, zz = xx + x * u, yx + y * u, zx + z * u, yy + y * v, zy + z * v, zz + z * w
    forces[i - low, 0] += total(fx)
    forces[i - low, 1] += total(fy)
    forces[i - low, 2] += total(fz)
    virials[i, 0, 0], virials[i, 1, 1], virials[i, 2, 2] = total(xx), total(yy), total(zz)
    virials[i, 0, 1] = virials[i, 1, 0] = total(yx)  # an energy that rotations leave alone has a symmetric virial
    virials[i, 0, 2] = virials[i, 2, 0] = total(zx)
    virials[i, 1, 2] = virials[i, 2, 1] = total(zy)
    for p in range(np.uint64(near.n[at])):
        j = np.uint64(near.atom[at, p] - low)
        for a in range(3):
            forces[j, a] -= near.slope[3 * at + a, p]


@njit(**FAST)
def _add_pairs(i, pair, system, near, at, D, energies, low, forces, virials):
    """Add the pair term of the gathered neighbors of atom i to the results."""
    reach = pair.reach[system.species[i]] ** 2
    for p in range(near.n[at]):
        if near.D[3 * at, p] ** 2 + near.D[3 * at + 1, p] ** 2 + near.D[3 * at + 2, p] ** 2 >= reach:
            continue
        e, radial = _pair_energy(i, at, p, pair, system, near, D)
        energies[i] += e
        j = near.atom[at, p]
        for a in range(3):
            forces[j - low, a] -= radial * D[a]
            forces[i - low, a] += radial * D[a]
            for b in range(3):
                virials[i, a, b] += D[a] * radial * D[b]


@kernel(**FAST)
def _scratch(tables, vv, widest):
    """Scratch of :func:`_evaluate` for lists of up to ``widest`` neighbors."""
    lw = make_lane_work(tables.density)
    most = room(widest, width(lw.A))
    near, w = make_near(tables.n_types, most, 1), make_work(tables, widest)
    dw = make_density_work(tables.density, most, 1)
    n_g = max(vv.origin.shape[1] + 1, vv.single.shape[1])
    f, q = np.zeros(tables.n_features.max()), np.zeros((1, tables.n_features.max()))
    return lw, near, w, dw, f, q, np.zeros(n_g), np.zeros((3, n_g)), np.zeros(3)


@kernel(**FAST)
def _evaluate(tables, vv, pair, system, cutoff, scratch, centres, energies, low, forces, virials):
    """Energies and virials of these centre atoms, and their shares of all forces; the smallest squared distance."""
    lw, near, w, dw, f, q, g, gauss, D = scratch
    lanes = width(lw.A)
    closest = np.inf
    for i in centres:
        t = system.species[i]
        closest = min(closest, gather(i, cutoff, system, near, 0, lanes))
        all_features(t, tables, near, w, dw, lw, f)
        energies[i] = atomic_energy(t, vv, f, g, gauss, q[0, : tables.n_features[t]])
        density_weights(t, tables, lw, q)
        all_slopes(t, tables, near, w, dw, lw, q)
        _add(i, near, 0, low, forces, virials)
        if len(pair.reach) > 0 and near.square[0] < pair.reach[t] ** 2:
            _add_pairs(i, pair, system, near, 0, D, energies, low, forces, virials)
    return closest


@kernel(**FAST)
def _scratch_density(tables, vv, widest):
    """Scratch of :func:`_evaluate_density` for lists of up to ``widest`` neighbors."""
    lw = make_lane_work(tables.density)
    lanes = width(lw.A)
    most = room(widest, lanes)
    near, dw = make_near(tables.n_types, most, lanes), make_density_work(tables.density, most, lanes)
    return lw, make_vv_work(vv), near, dw, np.zeros(3), np.zeros(lanes, np.int64)


@kernel(**FAST)
def _evaluate_density(tables, vv, pair, system, cutoff, scratch, centres, energies, low, forces, virials):
    """As :func:`_evaluate`, for models of density features alone: as many atoms of one element at a time as a vector
    has lanes, in the precision of the tables."""
    lw, vw, near, dw, D, atom = scratch
    lanes = width(lw.A)
    closest = np.inf
    for t in range(tables.n_types):
        ready = 0
        for k in range(len(centres) + 1):
            if k < len(centres):
                i = centres[k]
                if system.species[i] != t:
                    continue
                closest = min(closest, gather(i, cutoff, system, near, ready, lanes))
                density_moments(t, tables.density, near, dw, ready)
                atom[ready] = i
                ready += 1
            if ready == lanes or (k == len(centres) and ready > 0):
                lane_moments(tables.density, dw, lw.A)
                density_products(tables.density, lw.A, lw.F)
                atomic_energies(t, vv, lw.F, vw, lw.Q)
                density_products_back(tables.density, lw.A, lw.Q, lw.W)
                for lane in range(ready):
                    density_slopes(tables.density, near, dw, lane, lw.W, lane)
                    energies[atom[lane]] = vw.energy[0, lane]
                    _add(atom[lane], near, lane, low, forces, virials)
                    if len(pair.reach) > 0 and near.square[lane] < pair.reach[t] ** 2:
                        _add_pairs(atom[lane], pair, system, near, lane, D, energies, low, forces, virials)
                ready = 0
    return closest
