"""CUDA kernels of models of density features, in Numba: one thread per atom, float64.

Three kernels run one after another on a chunk of atoms: moments of the neighbours, their products and the energy with
its derivative by the moments, forces and virials. Whatever one atom needs lies in columns of the scratch, (row, atom),
so that the threads of a warp, which have consecutive atoms, read and write consecutive addresses. Recursions replace
arrays over l, m and k; the only arrays of a thread are the radial functions, whose number is a constant of the code.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import cuda, float64

TOO_CLOSE = 1e-8  # Å^2; such pairs are left out and reported


class DeviceSystem(NamedTuple):
    """Atoms and their pair list on the device; see :class:`.cosine.System`."""

    species: np.ndarray
    positions: np.ndarray
    shift_vectors: np.ndarray
    first: np.ndarray
    neighbour: np.ndarray
    image: np.ndarray


class Scratch(NamedTuple):
    """Arrays (row, atom of the chunk)."""

    A: np.ndarray  # moments
    W: np.ndarray  # dE/dA
    g: np.ndarray  # components
    eps: np.ndarray  # dE/dg
    value: np.ndarray  # of each Gaussian
    slope: np.ndarray  # dE/dG


class Results(NamedTuple):
    """Output on the device."""

    energies: np.ndarray
    forces: np.ndarray
    virials: np.ndarray
    closest: np.ndarray  # [smallest squared distance]


@cuda.jit(device=True)
def _vector(i, p, system):
    """Vector of pair p of atom i, and its square."""
    j, k = system.neighbour[p], system.image[p]
    x = system.positions[j, 0] - system.positions[i, 0] + system.shift_vectors[k, 0]
    y = system.positions[j, 1] - system.positions[i, 1] + system.shift_vectors[k, 1]
    z = system.positions[j, 2] - system.positions[i, 2] + system.shift_vectors[k, 2]
    return x, y, z, x * x + y * y + z * z


@cuda.jit(device=True)
def _feature(k, a, tables, A):
    """Feature k of the atom in column a."""
    n_one, n_two = len(tables.one), len(tables.two)
    if k < n_one:
        return A[tables.one[k], a]
    total = 0.0
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
def _feature_back(k, q, a, tables, A, W):
    """Add q times the derivatives of feature k by the moments to column a of W."""
    n_one, n_two = len(tables.one), len(tables.two)
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
    """Energy of the Gaussians and cubic terms of components g of column a; leaves dE/dg in eps."""
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
    for m in range(vv.n_pair[t]):
        u, v, weight = vv.pair_index[t, m, 0], vv.pair_index[t, m, 1], vv.pair_weight[t, m]
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


@cuda.jit
def products(begin, count, tables, vv, species, scratch, energies):
    """Energy of each atom of the chunk from its moments A, and W = dE/dA."""
    a = cuda.grid(1)
    if a >= count:
        return
    t = species[begin + a]
    A, W, g, eps, n = scratch.A, scratch.W, scratch.g, scratch.eps, vv.n[t]
    for k in range(W.shape[0]):
        W[k, a] = 0.0
    for j in range(n):
        g[j, a] = vv.origin[t, j]
    energy = vv.constant[t]
    for k in range(tables.n_features):
        f = _feature(k, a, tables, A)
        energy += vv.direct[t, k] * f
        for j in range(n):
            g[j, a] += vv.projection[t, j, k] * f
    if n > 0:
        energy += _terms(t, a, vv, scratch)
    for k in range(tables.n_features):
        q = vv.direct[t, k]
        for j in range(n):
            q += vv.projection[t, j, k] * eps[j, a]
        _feature_back(k, q, a, tables, A, W)
    energies[begin + a] = energy


@cuda.jit(device=True)
def _pair_term(s, t, d, pair):
    """Half of the pair energy of elements s and t at distance d, and dE/dd / d."""
    r = pair.radius[s] + pair.radius[t]
    if d >= 2.0 * r:
        return 0.0, 0.0
    w12, w6 = pair.weights[0, t, s], pair.weights[1, t, s]
    square = (r / d) * (r / d)
    six = square * square * square
    phase = math.pi * d / (4.0 * r)
    cosine, sine = math.cos(phase), math.sin(phase)
    radial = w12 * six * six + w6 * six
    slope = -(12.0 * w12 * six * six + 6.0 * w6 * six) / d * cosine * cosine
    slope -= radial * math.pi / (2.0 * r) * cosine * sine
    return 2.0 * radial * cosine * cosine, 2.0 * slope / d


@lru_cache(maxsize=16)
def neighbour_kernels(n_radial):
    """Kernels ``moments`` and ``slopes`` for so many radial functions.

    Loops over radial functions have this constant length, so that the functions stay in registers; those that do not
    occur with an l are skipped.
    """

    @cuda.jit(device=True)
    def radial_functions(t, s, d, tables, R, R_slope):
        inverse = 1.0 / tables.cutoff[t]
        ratio = d * inverse
        x, dx = 2.0 * (1.0 - ratio) * (1.0 - ratio) - 1.0, -4.0 * (1.0 - ratio) * inverse
        u = 1.0 - ratio * ratio
        cut, dcut = u * u * u, -6.0 * ratio * inverse * u * u
        for n in range(n_radial):
            R[n] = 0.0
            R_slope[n] = 0.0
        value, before = 1.0, x  # T_k, T_(k-1) and their slopes
        change, change_before = 0.0, dx
        for k in range(tables.radial.shape[3]):
            for n in range(n_radial):
                c = tables.radial[t, s, n, k]
                R[n] += c * value * cut
                R_slope[n] += c * (change * cut + value * dcut)
            value, before, change, change_before = (
                2.0 * x * value - before,
                value,
                2.0 * (dx * value + x * change) - change_before,
                change,
            )

    @cuda.jit(device=True)
    def add_moments(k, channels, Y, R, A, a):
        for n in range(n_radial):
            if n < channels:
                A[k + n, a] += Y * R[n]

    @cuda.jit(device=True)
    def contract(k, channels, W, a, R, R_slope):
        c, change = 0.0, 0.0
        for n in range(n_radial):
            if n < channels:
                c += W[k + n, a] * R[n]
                change += W[k + n, a] * R_slope[n]
        return c, change

    @cuda.jit
    def moments(begin, count, limit, tables, system, scratch, closest):
        """Moments A of each atom of the chunk."""
        a = cuda.grid(1)
        if a >= count:
            return
        R, R_slope = cuda.local.array(n_radial, float64), cuda.local.array(n_radial, float64)
        i, A = begin + a, scratch.A
        t, n_types, n_l = system.species[i], tables.radial.shape[1], len(tables.channels)
        for k in range(A.shape[0]):
            A[k, a] = 0.0
        smallest = math.inf
        for p in range(system.first[i], system.first[i + 1]):
            x, y, z, square = _vector(i, p, system)
            if not square < limit:
                continue
            if square < smallest:
                smallest = square
            d = math.sqrt(square)
            if square < TOO_CLOSE or d >= tables.cutoff[t]:
                continue
            x, y, z = x / d, y / d, z / d
            s = system.species[system.neighbour[p]]
            radial_functions(t, s, d, tables, R, R_slope)
            cosine, sine, diagonal = 1.0, 0.0, 1.0  # of (x + i y)^m; (2 m - 1)!!
            for m in range(n_l):
                if m > 0:
                    cosine, sine = x * cosine - y * sine, x * sine + y * cosine
                    diagonal *= 2 * m - 1
                P, before = diagonal, 0.0  # derivative m of P_l, and of P_(l-1)
                for l in range(m, n_l):
                    if l > m:
                        P, before = ((2 * l - 1) * z * P - (l + m - 1) * before) / (l - m), P
                    channels = tables.channels[l]
                    Y, stride = tables.factor[l, m] * P, n_types * channels
                    middle = tables.first[l] + l * stride + s * channels
                    add_moments(middle + m * stride, channels, Y * cosine, R, A, a)
                    if m > 0:
                        add_moments(middle - m * stride, channels, Y * sine, R, A, a)
        cuda.atomic.min(closest, 0, smallest)

    @cuda.jit
    def slopes(begin, count, limit, tables, pair, system, scratch, results):
        """Virials of the atoms of the chunk, their shares of all forces, and their pair energies."""
        a = cuda.grid(1)
        if a >= count:
            return
        R, R_slope = cuda.local.array(n_radial, float64), cuda.local.array(n_radial, float64)
        i, W = begin + a, scratch.W
        t, n_types, n_l = system.species[i], tables.radial.shape[1], len(tables.channels)
        energy, fx, fy, fz = 0.0, 0.0, 0.0, 0.0
        xx, xy, xz, yx, yy, yz, zx, zy, zz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for p in range(system.first[i], system.first[i + 1]):
            X, Y, Z, square = _vector(i, p, system)
            if square < TOO_CLOSE or not square < limit:
                continue
            d = math.sqrt(square)
            j = system.neighbour[p]
            s = system.species[j]
            gx, gy, gz = 0.0, 0.0, 0.0  # dE/dD
            if d < tables.cutoff[t]:
                x, y, z = X / d, Y / d, Z / d
                radial_functions(t, s, d, tables, R, R_slope)
                own, vx, vy, vz = 0.0, 0.0, 0.0, 0.0  # dE/dd, and by the unit vector
                cosine, sine, diagonal = 1.0, 0.0, 1.0
                cosine_before, sine_before = 0.0, 0.0
                for m in range(n_l):
                    if m > 0:
                        cosine_before, sine_before = cosine, sine
                        cosine, sine = x * cosine - y * sine, x * sine + y * cosine
                        diagonal *= 2 * m - 1
                    P, before = diagonal, 0.0
                    up, up_before = 0.0, 0.0  # derivative m + 1
                    for l in range(m, n_l):
                        if l > m:
                            up, up_before = up_before + (2 * l - 1) * P, up
                            P, before = ((2 * l - 1) * z * P - (l + m - 1) * before) / (l - m), P
                        channels, factor = tables.channels[l], tables.factor[l, m]
                        stride = n_types * channels
                        middle = tables.first[l] + l * stride + s * channels
                        c, change = contract(middle + m * stride, channels, W, a, R, R_slope)
                        own += factor * change * P * cosine
                        vz += factor * c * up * cosine
                        if m > 0:
                            vx += factor * c * P * m * cosine_before
                            vy -= factor * c * P * m * sine_before
                            c, change = contract(middle - m * stride, channels, W, a, R, R_slope)
                            own += factor * change * P * sine
                            vx += factor * c * P * m * sine_before
                            vy += factor * c * P * m * cosine_before
                            vz += factor * c * up * sine
                radial = own - (vx * x + vy * y + vz * z) / d
                gx, gy, gz = radial * x + vx / d, radial * y + vy / d, radial * z + vz / d
            if len(pair.radius) > 0 and d < pair.reach[t]:
                e, radial = _pair_term(t, s, d, pair)
                energy += e
                gx += radial * X
                gy += radial * Y
                gz += radial * Z
            fx += gx
            fy += gy
            fz += gz
            cuda.atomic.add(results.forces, (j, 0), -gx)
            cuda.atomic.add(results.forces, (j, 1), -gy)
            cuda.atomic.add(results.forces, (j, 2), -gz)
            xx, xy, xz = xx + X * gx, xy + X * gy, xz + X * gz
            yx, yy, yz = yx + Y * gx, yy + Y * gy, yz + Y * gz
            zx, zy, zz = zx + Z * gx, zy + Z * gy, zz + Z * gz
        cuda.atomic.add(results.forces, (i, 0), fx)
        cuda.atomic.add(results.forces, (i, 1), fy)
        cuda.atomic.add(results.forces, (i, 2), fz)
        results.energies[i] += energy
        virial = results.virials[i]
        virial[0, 0], virial[0, 1], virial[0, 2] = xx, xy, xz
        virial[1, 0], virial[1, 1], virial[1, 2] = yx, yy, yz
        virial[2, 0], virial[2, 1], virial[2, 2] = zx, zy, zz

    return moments, slopes
