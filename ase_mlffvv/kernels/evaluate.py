"""Fused energies, forces and virials on the CPU: Numba, blocks of atoms on threads, no arrays of pairs x features."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ..errors import StructureError
from ..model.potential import Prediction, VVPotential
from .cosine import FAST, System, gather, make_work
from .density import LANES, make_density_work
from .features import all_features, all_slopes, density_weights
from .tables import feature_tables, pair_tables, vv_tables
from .threads import available_threads, over_blocks


class NumbaEngine:
    """Evaluates one VVPotential with the fused CPU kernels; agrees with the torch definition to round-off."""

    name = 'numba'

    def __init__(self, potential: VVPotential, threads: int | None = None):
        self.cutoff = potential.cutoff
        self.threads = threads or available_threads()
        self._tables = feature_tables(potential), vv_tables(potential), pair_tables(potential)

    def evaluate(self, species, positions, cell, pairs) -> Prediction:
        """See :func:`ase_mlffvv.model.definition.evaluate`; ``pairs`` may reach farther than the cutoff."""
        n_atoms = len(positions)
        cell = np.ascontiguousarray(cell, float)
        system = System(
            np.asarray(species, np.int64),
            np.ascontiguousarray(positions, float),
            pairs.shifts @ cell,
            cell,
            np.linalg.pinv(cell),  # rows of directions that are not periodic are zero and stay zero
            pairs.first,
            pairs.j,
            pairs.image,
        )
        widest = int(np.diff(pairs.first).max(initial=0))
        energies, virials = np.empty(n_atoms), np.empty((n_atoms, 3, 3))

        def block(begin, end):
            forces = np.zeros((n_atoms, 3))  # one per thread: blocks share neighbours
            closest = _evaluate(*self._tables, system, self.cutoff, widest, begin, end, energies, forces, virials)
            return forces, closest

        blocks = over_blocks(block, n_atoms, self.threads)
        closest = min(c for _, c in blocks)
        if closest < 1e-8:
            raise StructureError(
                f'two atoms came as close as {math.sqrt(closest):.1e} Å. Use a shorter time step, or check the start.'
            )
        forces = blocks[0][0]
        for other, _ in blocks[1:]:
            forces += other
        return Prediction(energies, forces, virials)


@njit(cache=True, **FAST)
def atomic_energy(t, vv, f, g, gauss, q):
    """Energy of an atom of element t with raw features f; writes dE/df into q. g and gauss are scratch."""
    n = vv.n[t]
    n_features = len(q)
    for j in range(n):
        g[j] = vv.origin[t, j]
    for a in range(n_features):
        if f[a] != 0.0:
            for j in range(n):
                g[j] += f[a] * vv.projection[t, a, j]
    g[n] = 1.0
    energy = vv.constant[t]
    eps = gauss[2]  # dE/dg
    for j in range(n):
        energy += vv.linear[t, j] * g[j]
        eps[j] = vv.linear[t, j]
    eps[n] = 0.0
    n_gauss = vv.n_gauss[t]
    value, slope = gauss[0], gauss[1]  # of each Gaussian; slope = dE/dG
    for s in range(n_gauss):
        x = (g[vv.gauss_component[t, s]] - vv.gauss_centre[t, s]) * vv.gauss_inverse[t, s]
        value[s] = math.exp(-x * x)
        slope[s] = vv.single[t, s]
        energy += vv.single[t, s] * value[s]
    for m in range(vv.n_pair[t]):
        a, b, weight = vv.pair_index[t, m, 0], vv.pair_index[t, m, 1], vv.pair_weight[t, m]
        energy += weight * value[a] * value[b]
        slope[a] += weight * value[b]
        slope[b] += weight * value[a]
    for s in range(n_gauss):
        j, inverse = vv.gauss_component[t, s], vv.gauss_inverse[t, s]
        eps[j] += slope[s] * value[s] * (-2.0 * (g[j] - vv.gauss_centre[t, s]) * inverse * inverse)
    for m in range(vv.n_cubic[t]):
        a, b, c = vv.cubic_index[t, m, 0], vv.cubic_index[t, m, 1], vv.cubic_index[t, m, 2]
        weight = vv.cubic_weight[t, m]
        energy += weight * g[a] * g[b] * g[c]
        eps[a] += weight * g[b] * g[c]
        eps[b] += weight * g[a] * g[c]
        eps[c] += weight * g[a] * g[b]
    for a in range(n_features):
        q[a] = 0.0
        for j in range(n):
            q[a] += vv.projection[t, a, j] * eps[j]
    return energy


@njit(cache=True, **FAST)
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


@njit(cache=True, nogil=True, **FAST)
def _evaluate(tables, vv, pair, system, cutoff, widest, begin, end, energies, forces, virials):
    """Energies and virials of atoms begin..end - 1, and their shares of all forces; the smallest squared distance."""
    w, dw = make_work(tables, widest), make_density_work(tables.density, widest)
    F = np.zeros((tables.density.n_features, LANES))
    n_g = max(vv.linear.shape[1] + 1, vv.single.shape[1])
    f, q = np.zeros(tables.n_features.max()), np.zeros((1, tables.n_features.max()))
    g, gauss, D = np.zeros(n_g), np.zeros((3, n_g)), np.zeros(3)
    with_pair = pair.radius.max() > 0.0
    closest = np.inf
    for i in range(begin, end):
        t = system.species[i]
        closest = min(closest, gather(i, cutoff, system, w))
        all_features(t, tables, w, dw, f, F)
        energy = atomic_energy(t, vv, f, g, gauss, q[0, : tables.n_features[t]])
        density_weights(t, tables, dw, F, q)
        all_slopes(t, tables, w, dw, q[0], 0)
        virials[i] = 0.0
        for p in range(w.n[0]):
            j = w.atom[p]
            for a in range(3):
                forces[j, a] -= w.slope[p, a]
                forces[i, a] += w.slope[p, a]
                for b in range(3):
                    virials[i, a, b] += w.D[p, a] * w.slope[p, b]
        if with_pair:
            for p in range(w.n[0]):
                e, radial = _pair_energy(i, p, pair, system, w, D)
                energy += e
                j = w.atom[p]
                for a in range(3):
                    forces[j, a] -= radial * D[a]
                    forces[i, a] += radial * D[a]
                    for b in range(3):
                        virials[i, a, b] += D[a] * radial * D[b]
        energies[i] = energy
    return closest
