"""CUDA kernels of models with density features, in Numba: one thread per atom, in float32 or float64.

Three kernels run one after another on each chunk of atoms. They compute the moments of the neighbor density; the
products of the moments, and the energy with its derivatives with respect to the moments; and forces and virials. The
arrays that they share have the shape (row, atom), so that the threads of a warp, which handle consecutive atoms, access
consecutive addresses. The kernels that loop over neighbors are compiled for one model: loop counts are constants and
radial functions are in constant memory, so that loops are unrolled and the moments of one element stay in registers.

Pair vectors are computed in float64 and then rounded, so that large coordinates lose no precision. Forces are summed as
integers in units of 2^-40 eV/Å. Because integer addition is associative, the same atoms and the same list give the same
bits for any scheduling of threads, and forces sum to exactly zero. Computing both halves of each pair in one thread
would be as reproducible, but every thread would have to read the weights of all of its neighbors, which costs more than
three atomic additions per pair. A pair force so large that a sum could overflow is reported and not added.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numba import cuda, float32, float64, int64

TOO_CLOSE = 1e-8  # Å^2; closer pairs are left out and reported
SLICE = 32  # number of atoms (those of a warp) whose pairs are interleaved in the list
UNITS = 2.0**40  # units of the integer forces in one eV/Å
LARGEST = 2.0**22  # eV/Å: sums of integer forces up to twice this fit into 64 bits


class DeviceSystem(NamedTuple):
    """Atoms in the order of the kernels, and their pair list, on the device.

    Neighbor q of atom i is entry ``start[i // SLICE] + q * SLICE + i % SLICE`` of ``code``. Its lower ``bits`` bits are
    the index of the neighbor, the bits above the row of ``shift_vectors``.
    """

    species: np.ndarray
    positions: np.ndarray  # (n_atoms, 4), Å: 32 bytes are one memory transaction; the last column is not used
    shift_vectors: np.ndarray  # (n_images, 3), Å
    count: np.ndarray
    start: np.ndarray
    code: np.ndarray
    bits: int
    order: np.ndarray  # index of each atom in the results, except for the forces


class Scratch(NamedTuple):
    """Working memory (row, atom of the chunk); moments in the precision of the engine, the rest in float64."""

    A: np.ndarray  # moments
    W: np.ndarray  # dE/dA
    g: np.ndarray  # components
    eps: np.ndarray  # dE/dg
    value: np.ndarray  # value of each Gaussian
    slope: np.ndarray  # dE/dG


class Results(NamedTuple):
    """Output on the device."""

    energies: np.ndarray  # float64
    forces: np.ndarray  # (n_atoms, 4) int64, in the order of the kernels; the last column is not used
    virials: np.ndarray  # (n_atoms, 3, 3) float64; (1, 3, 3) if not computed: kernels accept no empty arrays
    trouble: np.ndarray  # [smallest squared distance, largest pair force] that are out of bounds


@cuda.jit(device=True)
def first_pair(i, system):
    """Index of the first pair of atom i in the list, and the position of the atom."""
    at = system.positions
    return system.start[i // SLICE] + i % SLICE, at[i, 0], at[i, 1], at[i, 2]


@cuda.jit(device=True)
def pair_vector(p, x, y, z, system):
    """Neighbor at index p of the list, and the vector from (x, y, z) to it, in float64."""
    code, at, shift = system.code[p], system.positions, system.shift_vectors
    j, k = code & ((int64(1) << system.bits) - 1), code >> system.bits
    return j, at[j, 0] - x + shift[k, 0], at[j, 1] - y + shift[k, 1], at[j, 2] - z + shift[k, 2]


@cuda.jit(device=True)
def _feature(k, a, n_one, n_two, tables, A):
    """Feature k of the atom in column a."""
    if k < n_one:
        return A[tables.one[k], a]
    total = A[0, a] - A[0, a]  # zero in the precision of A
    k -= n_one
    if k < n_two:
        u, v, stride = tables.two[k, 0], tables.two[k, 1], tables.two[k, 2]
        for m in range(tables.two[k, 3]):
            total += A[u + m * stride, a] * A[v + m * stride, a]
        return total
    k -= n_two
    for m in range(tables.first3[k], tables.first3[k + 1]):
        u, v, w = tables.three[m, 0], tables.three[m, 1], tables.three[m, 2]
        total += tables.weight3[m] * A[u, a] * A[v, a] * A[w, a]
    return total


@cuda.jit(device=True)
def _feature_back(k, q, a, n_one, n_two, tables, A, W):
    """Add q times the derivatives of feature k with respect to the moments to column a of W."""
    if k < n_one:
        W[tables.one[k], a] += q
        return
    k -= n_one
    if k < n_two:
        u, v, stride = tables.two[k, 0], tables.two[k, 1], tables.two[k, 2]
        for m in range(tables.two[k, 3]):
            x, y = A[u + m * stride, a], A[v + m * stride, a]
            W[u + m * stride, a] += q * y
            W[v + m * stride, a] += q * x
        return
    k -= n_two
    for m in range(tables.first3[k], tables.first3[k + 1]):
        u, v, w = tables.three[m, 0], tables.three[m, 1], tables.three[m, 2]
        weight = q * tables.weight3[m]
        x, y, z = A[u, a], A[v, a], A[w, a]
        W[u, a] += weight * y * z
        W[v, a] += weight * x * z
        W[w, a] += weight * x * y


@cuda.jit(device=True)
def _terms(t, a, vv, scratch):
    """Energy of the Gaussians and cubic terms of the components g in column a; writes dE/dg to eps."""
    g, eps, value, slope = scratch.g, scratch.eps, scratch.value, scratch.slope
    n = vv.n[t]
    g[n, a] = 1.0
    for j in range(n + 1):
        eps[j, a] = 0.0
    energy = 0.0
    for s in range(vv.n_gauss[t]):
        x = (g[vv.gauss_component[t, s], a] - vv.gauss_centre[t, s]) * vv.gauss_inverse[t, s]
        value[s, a] = math.exp(-x * x)
        slope[s, a] = vv.single[t, s]
        energy += vv.single[t, s] * value[s, a]
    for m in range(vv.n_product[t]):
        u, v, weight = vv.product_index[t, m, 0], vv.product_index[t, m, 1], vv.product_weight[t, m]
        x, y = value[u, a], value[v, a]
        energy += weight * x * y
        slope[u, a] += weight * y
        slope[v, a] += weight * x
    for s in range(vv.n_gauss[t]):
        j, inverse = vv.gauss_component[t, s], vv.gauss_inverse[t, s]
        x = (g[j, a] - vv.gauss_centre[t, s]) * inverse
        eps[j, a] -= 2.0 * x * inverse * slope[s, a] * value[s, a]
    for m in range(vv.n_cubic[t]):
        u, v, w = vv.cubic_index[t, m, 0], vv.cubic_index[t, m, 1], vv.cubic_index[t, m, 2]
        weight = vv.cubic_weight[t, m]
        x, y, z = g[u, a], g[v, a], g[w, a]
        energy += weight * x * y * z
        eps[u, a] += weight * y * z
        eps[v, a] += weight * x * z
        eps[w, a] += weight * x * y
    return energy


@cache
def product_kernel(single, n_one, n_two):
    """Kernel ``products`` for given numbers of features of one and of two moments; in float32 if ``single``."""
    real = float32 if single else float64

    @cuda.jit
    def products(begin, count, tables, vv, system, scratch, energies):
        """Energy of each atom of the chunk from its moments A, and W = dE/dA."""
        a = cuda.grid(1)
        if a >= count:
            return
        t = system.species[begin + a]
        A, W, g, eps, n = scratch.A, scratch.W, scratch.g, scratch.eps, vv.n[t]
        for k in range(W.shape[0]):
            W[k, a] = real(0.0)
        energy = vv.constant[t]
        for j in range(n):
            g[j, a] = vv.origin[t, j]
        for k in range(tables.n_features):
            f = _feature(k, a, n_one, n_two, tables, A)
            energy += vv.direct[t, k] * f
            for j in range(n):
                g[j, a] += vv.projection[t, j, k] * f
        if n > 0:
            energy += _terms(t, a, vv, scratch)
        for k in range(tables.n_features):
            q = vv.direct[t, k]
            for j in range(n):
                q += vv.projection[t, j, k] * eps[j, a]
            _feature_back(k, real(q), a, n_one, n_two, tables, A, W)
        energies[system.order[begin + a]] = energy

    return products
