"""Fused energies, forces and virials on the CPU: Numba, blocks of atoms on threads, no arrays of pairs x features."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ..errors import StructureError
from ..jit import available_threads, in_order, kernel
from ..model.potential import Prediction, VVPotential
from .cosine import FAST, gather, make_system, make_work
from .density import (
    density_lane,
    density_moments,
    density_products,
    density_products_back,
    density_slopes,
    make_density_work,
    make_lane_work,
    make_near,
    near_lane,
)
from .energy import atomic_energies, atomic_energy, make_vv_work
from .features import all_features, all_slopes, density_weights
from .lanes import LANES
from .tables import feature_tables, pair_tables, vv_tables


class NumbaEngine:
    """Evaluates one VVPotential with the fused CPU kernels; agrees with the torch definition to round-off."""

    name = 'numba'

    def __init__(self, potential: VVPotential, threads: int | None = None):
        self.cutoff = potential.cutoff
        self.threads = threads or available_threads()
        self._tables = feature_tables(potential), vv_tables(potential), pair_tables(potential)
        alone = [family.name for family in potential.features] == ['density']
        self._kernel = _evaluate_density if alone else _evaluate

    def evaluate(self, species, positions, cell, pairs) -> Prediction:
        """See :func:`ase_mlffvv.model.definition.evaluate`; ``pairs`` may reach farther than the cutoff."""
        n_atoms = len(positions)
        system = make_system(species, positions, cell, pairs)
        widest = int(np.diff(pairs.first).max(initial=0))
        energies, forces, virials = np.empty(n_atoms), np.zeros((n_atoms, 3)), np.empty((n_atoms, 3, 3))
        closest = np.inf

        def block(begin, end):
            near = pairs.j[pairs.first[begin] : pairs.first[end]]
            low = int(min(begin, near.min(initial=begin)))
            part = np.zeros((max(end, int(near.max(initial=begin)) + 1) - low, 3))  # blocks share neighbours
            results = energies, low, part, virials
            return low, part, self._kernel(*self._tables, system, self.cutoff, widest, begin, end, *results)

        for low, part, smallest in in_order(block, _edges(n_atoms, self.threads), self.threads):
            forces[low : low + len(part)] += part
            closest = min(closest, smallest)
        if closest < 1e-8:
            raise StructureError(
                f'two atoms came as close as {math.sqrt(closest):.1e} Å. Use a shorter time step, or check the start.'
            )
        return Prediction(energies, forces, virials)


def _edges(n_atoms, threads):
    """Edges of blocks that are small enough to keep all threads busy until the end.

    They fix the order of sums, so they depend neither on the pair list, which has a history, nor on up to 8 threads.
    """
    n_blocks = max(1, min(n_atoms // 96, max(32, 4 * threads)))
    return [n_atoms * k // n_blocks for k in range(n_blocks + 1)]


@njit(**FAST)
def _pair_energy(i, p, pair, system, w, D):
    """Pair term of the p-th gathered neighbour: its half of the energy, and dE/dd / d; vector left in D."""
    j = w.atom[p]
    species, cell, inverse = system.species, system.cell, system.inverse_cell
    r = pair.radius[species[i]] + pair.radius[species[j]]
    D[:] = w.D[p]
    if pair.minimum_image:
        if i == j or w.d[p] >= pair.cutoff:
            return 0.0, 0.0
        for k in range(3):
            scaled = w.D[p, 0] * inverse[0, k] + w.D[p, 1] * inverse[1, k] + w.D[p, 2] * inverse[2, k]
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


@njit(**FAST)
def _add(i, energy, pair, system, w, D, energies, low, forces, virials):
    """Add atom i, its energy and the slopes of its gathered neighbours to the results, with the pair term if any.

    Row 0 of ``forces`` is that of atom ``low``.
    """
    virial = virials[i]
    virial[:] = 0.0
    for p in range(w.n[0]):
        j = w.atom[p]
        for a in range(3):
            forces[j - low, a] -= w.slope[p, a]
            forces[i - low, a] += w.slope[p, a]
            for b in range(3):
                virial[a, b] += w.D[p, a] * w.slope[p, b]
    if len(pair.radius) > 0:
        reach = pair.reach[system.species[i]]
        for p in range(w.n[0]):
            if w.d[p] >= reach:
                continue
            e, radial = _pair_energy(i, p, pair, system, w, D)
            energy += e
            j = w.atom[p]
            for a in range(3):
                forces[j - low, a] -= radial * D[a]
                forces[i - low, a] += radial * D[a]
                for b in range(3):
                    virial[a, b] += D[a] * radial * D[b]
    energies[i] = energy


@kernel(**FAST)
def _evaluate(tables, vv, pair, system, cutoff, widest, begin, end, energies, low, forces, virials):
    """Energies and virials of atoms begin..end - 1, and their shares of all forces; the smallest squared distance."""
    w, dw = make_work(tables, widest), density_lane(make_density_work(tables.density, widest, 1), 0)
    lw = make_lane_work(tables.density)
    n_g = max(vv.origin.shape[1] + 1, vv.single.shape[1])
    f, q = np.zeros(tables.n_features.max()), np.zeros((1, tables.n_features.max()))
    g, gauss, D = np.zeros(n_g), np.zeros((3, n_g)), np.zeros(3)
    closest = np.inf
    for i in range(begin, end):
        t = system.species[i]
        closest = min(closest, gather(i, cutoff, system, w))
        all_features(t, tables, w, dw, lw, f)
        energy = atomic_energy(t, vv, f, g, gauss, q[0, : tables.n_features[t]])
        density_weights(t, tables, lw, q)
        all_slopes(t, tables, w, dw, lw, q)
        _add(i, energy, pair, system, w, D, energies, low, forces, virials)
    return closest


@kernel(**FAST)
def _evaluate_density(tables, vv, pair, system, cutoff, widest, begin, end, energies, low, forces, virials):
    """As :func:`_evaluate`, for models of density features alone: LANES atoms of one element at a time."""
    near, scratch = make_near(tables.n_types, widest), make_density_work(tables.density, widest, LANES)
    lw = make_lane_work(tables.density)
    vw = make_vv_work(vv)
    D = np.zeros(3)
    atom = np.zeros(LANES, np.int64)
    closest = np.inf
    for t in range(tables.n_types):
        filled = 0
        for i in range(begin, end + 1):
            if i < end:
                if system.species[i] != t:
                    continue
                w, dw = near_lane(near, filled), density_lane(scratch, filled)
                closest = min(closest, gather(i, cutoff, system, w))
                density_moments(t, tables.density, w, dw, lw.A, filled)
                atom[filled] = i
                filled += 1
            if filled == LANES or (i == end and filled > 0):
                density_products(tables.density, lw.A, lw.F)
                atomic_energies(t, vv, lw.F, vw, lw.Q)
                density_products_back(tables.density, lw.A, lw.Q, lw.W)
                for lane in range(filled):
                    w, dw = near_lane(near, lane), density_lane(scratch, lane)
                    w.slope[: w.n[0]] = 0.0
                    density_slopes(tables.density, w, dw, lw.W, lane)
                    _add(atom[lane], vw.energy[0, lane], pair, system, w, D, energies, low, forces, virials)
                filled = 0
    return closest
