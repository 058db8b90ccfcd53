"""CUDA kernels over the neighbors of atoms, compiled for one model: moments, and forces with virials and pair term.

See :mod:`.kernels`. Recursions replace arrays over l, m and k.
"""

from __future__ import annotations

import math

import numpy as np
from numba import cuda, float32, float64, int64

from .kernels import SLICE, TOO_CLOSE, UNITS, first_pair, pair_vector


def _legendre(n_l, dtype):
    """Coefficients of the recursions, including (2 m - 1)!! and 2 l - 1; see ``moments``."""
    up = np.zeros((n_l + 1, n_l + 1), dtype)
    down = np.zeros((n_l + 1, n_l + 1), dtype)
    for m in range(n_l):
        for l in range(m + 1, n_l):
            up[l, m], down[l, m] = (2 * l - 1) / (l - m), (l + m - 1) / (l - m)
    odd = np.array([2 * l - 1 for l in range(n_l + 1)], dtype)
    return up, down, odd, np.array([np.prod(np.arange(2 * m - 1, 0, -2)) for m in range(n_l)], dtype)


def neighbor_kernels(tables, pair, single, with_virials):
    """Kernels ``moments`` and ``slopes``.

    Parameters
    ----------
    tables : DensityTables
    pair : PairTables
    single : bool
        Whether to compute in float32; virials and pair energies are always summed over neighbors in float64.
    with_virials : bool
    """
    real, dtype = (float32, np.float32) if single else (float64, np.float64)
    n_types, n_radial, n_cheb = tables.radial.shape[1:]
    n_l, n_moments = len(tables.channels), int(tables.first[-1])
    channels, first = tuple(int(n) for n in tables.channels), tuple(int(k) for k in tables.first)
    diagonal_radial = n_radial == n_cheb and not (tables.radial * (1 - np.eye(n_radial))).any()
    radial_table = np.ascontiguousarray(tables.radial, dtype)
    cutoff_table, factor_table = tables.cutoff.astype(dtype), np.ascontiguousarray(tables.factor, dtype)
    up_table, down_table, odd_table, diagonal_table = _legendre(n_l, dtype)
    with_pair = len(pair.radius) > 0
    radius_table, reach_table = (np.resize(x, n_types).astype(dtype) for x in (pair.radius, pair.reach))
    weight_table = np.ascontiguousarray(pair.weights, dtype)
    zero, one, two, four, six = (dtype(x) for x in (0, 1, 2, 4, 6))
    pi, units, too_close = dtype(math.pi), dtype(UNITS), dtype(TOO_CLOSE)
    limit = dtype(max(tables.cutoff.max(), pair.reach.max(initial=0)) ** 2)

    @cuda.jit(device=True)
    def radial_functions(t, s, d, R, R_slope):
        radial = cuda.const.array_like(radial_table)
        inverse = one / cuda.const.array_like(cutoff_table)[t]
        ratio = d * inverse
        rest, u = one - ratio, one - ratio * ratio
        x, dx = two * rest * rest - one, -four * rest * inverse
        cut, dcut = u * u * u, -six * ratio * inverse * u * u
        for n in range(n_radial):
            R[n] = zero
            R_slope[n] = zero
        value, before, change, change_before = one, x, zero, dx  # T_k, T_(k-1) and their slopes
        for k in range(n_cheb):
            inside, slope = value * cut, change * cut + value * dcut
            if diagonal_radial:
                R[k] = radial[t, s, k, k] * inside
                R_slope[k] = radial[t, s, k, k] * slope
            else:
                for n in range(n_radial):
                    R[n] += radial[t, s, n, k] * inside
                    R_slope[n] += radial[t, s, n, k] * slope
            value, before, change, change_before = (
                two * x * value - before,
                value,
                two * (dx * value + x * change) - change_before,
                change,
            )

    @cuda.jit(device=True)
    def pair_term(s, t, d):
        """Half of the pair energy of elements s and t at distance d, and dE/dd / d."""
        radius = cuda.const.array_like(radius_table)
        weights = cuda.const.array_like(weight_table)
        r = radius[s] + radius[t]
        if d >= two * r:
            return zero, zero
        square = (r / d) * (r / d)
        sixth = square * square * square
        phase = pi * d / (four * r)
        cosine, sine = real(math.cos(phase)), real(math.sin(phase))
        repulsion, attraction = weights[0, t, s] * sixth * sixth, weights[1, t, s] * sixth
        slope = -(two * six * repulsion + six * attraction) / d * cosine * cosine
        slope -= (repulsion + attraction) * pi / (two * r) * cosine * sine
        return two * (repulsion + attraction) * cosine * cosine, two * slope / d

    @cuda.jit
    def moments(begin, count, system, columns, trouble):
        """Moments A of each atom of the chunk, one atom per column."""
        a = cuda.grid(1)
        if a >= count:
            return
        factor, diagonal = cuda.const.array_like(factor_table), cuda.const.array_like(diagonal_table)
        raising, lowering = cuda.const.array_like(up_table), cuda.const.array_like(down_table)
        A = cuda.local.array(n_moments, real)
        R, R_slope = cuda.local.array(n_radial, real), cuda.local.array(n_radial, real)
        for k in range(n_moments):
            A[k] = zero
        i = begin + a
        t, s = 0, 0
        if n_types > 1:
            t = system.species[i]
        cutoff = cuda.const.array_like(cutoff_table)[t]
        smallest = one
        start, x0, y0, z0 = first_pair(i, system)
        for q in range(system.count[i]):
            j, X, Y, Z = pair_vector(start + q * SLICE, x0, y0, z0, system)
            x, y, z = real(X), real(Y), real(Z)
            square = x * x + y * y + z * z
            smallest = min(smallest, square)
            d = real(math.sqrt(square))
            if square < too_close or not d < cutoff:
                continue
            inverse = one / d
            x, y, z = x * inverse, y * inverse, z * inverse
            if n_types > 1:
                s = system.species[j]
            radial_functions(t, s, d, R, R_slope)
            cosine, sine = one, zero  # of (x + i y)^m
            for m in range(n_l):
                if m > 0:
                    cosine, sine = x * cosine - y * sine, x * sine + y * cosine
                P, before = diagonal[m], zero  # derivative m of P_l, and of P_(l-1)
                for l in range(m, n_l):
                    if l > m:
                        P, before = raising[l, m] * z * P - lowering[l, m] * before, P
                    value, stride = factor[l, m] * P, n_types * channels[l]
                    middle = first[l] + l * stride + s * channels[l]
                    for n in range(n_radial):
                        if n < channels[l]:
                            A[middle + m * stride + n] += value * cosine * R[n]
                            if m > 0:
                                A[middle - m * stride + n] += value * sine * R[n]
        for k in range(n_moments):
            columns[k, a] = A[k]
        if smallest < too_close:
            cuda.atomic.min(trouble, 0, float64(smallest))

    @cuda.jit
    def slopes(begin, count, bound, system, columns, results):
        """Virials, contributions to all forces, and pair energies of the atoms of the chunk, from the columns of W.

        A component of a pair force beyond ``bound`` (eV/Å) is reported.
        """
        a = cuda.grid(1)
        if a >= count:
            return
        factor, diagonal = cuda.const.array_like(factor_table), cuda.const.array_like(diagonal_table)
        raising, lowering = cuda.const.array_like(up_table), cuda.const.array_like(down_table)
        odd = cuda.const.array_like(odd_table)
        W = cuda.local.array(n_moments, real)
        R, R_slope = cuda.local.array(n_radial, real), cuda.local.array(n_radial, real)
        for k in range(n_moments):
            W[k] = columns[k, a]
        i = begin + a
        t, s = 0, 0
        if n_types > 1:
            t = system.species[i]
        cutoff = cuda.const.array_like(cutoff_table)[t]
        energy, largest = float64(0.0), zero
        fx, fy, fz = int64(0), int64(0), int64(0)
        xx, xy, xz, yx, yy = float64(0.0), float64(0.0), float64(0.0), float64(0.0), float64(0.0)
        yz, zx, zy, zz = float64(0.0), float64(0.0), float64(0.0), float64(0.0)
        start, x0, y0, z0 = first_pair(i, system)
        for q in range(system.count[i]):
            j, X64, Y64, Z64 = pair_vector(start + q * SLICE, x0, y0, z0, system)
            X, Y, Z = real(X64), real(Y64), real(Z64)
            square = X * X + Y * Y + Z * Z
            if square < too_close or not square < limit:
                continue
            d = real(math.sqrt(square))
            inverse = one / d
            if n_types > 1:
                s = system.species[j]
            gx, gy, gz = zero, zero, zero  # dE/dD
            if d < cutoff:
                x, y, z = X * inverse, Y * inverse, Z * inverse
                radial_functions(t, s, d, R, R_slope)
                own, vx, vy, vz = zero, zero, zero, zero  # dE/dd, and the derivative with respect to the unit vector
                cosine, sine, cosine_before, sine_before = one, zero, zero, zero
                for m in range(n_l):
                    if m > 0:
                        cosine_before, sine_before = cosine, sine
                        cosine, sine = x * cosine - y * sine, x * sine + y * cosine
                    P, before, up, up_before = diagonal[m], zero, zero, zero  # up: derivative m + 1
                    for l in range(m, n_l):
                        if l > m:
                            up, up_before = up_before + odd[l] * P, up
                            P, before = raising[l, m] * z * P - lowering[l, m] * before, P
                        stride = n_types * channels[l]
                        middle = first[l] + l * stride + s * channels[l]
                        c, change, c_minus, change_minus = zero, zero, zero, zero
                        for n in range(n_radial):
                            if n < channels[l]:
                                weight = W[middle + m * stride + n]
                                c += weight * R[n]
                                change += weight * R_slope[n]
                                if m > 0:
                                    weight = W[middle - m * stride + n]
                                    c_minus += weight * R[n]
                                    change_minus += weight * R_slope[n]
                        along = factor[l, m] * P
                        own += along * (change * cosine + change_minus * sine)
                        vz += factor[l, m] * up * (c * cosine + c_minus * sine)
                        if m > 0:
                            along *= real(m)
                            vx += along * (c * cosine_before + c_minus * sine_before)
                            vy += along * (c_minus * cosine_before - c * sine_before)
                radial = own - (vx * x + vy * y + vz * z) * inverse
                gx, gy, gz = radial * x + vx * inverse, radial * y + vy * inverse, radial * z + vz * inverse
            if with_pair and d < cuda.const.array_like(reach_table)[t]:
                e, radial = pair_term(t, s, d)
                energy += float64(e)
                gx += radial * X
                gy += radial * Y
                gz += radial * Z
            if not (abs(gx) <= bound and abs(gy) <= bound and abs(gz) <= bound):  # also true for NaN
                largest = bound
                continue
            hx, hy, hz = int64(gx * units), int64(gy * units), int64(gz * units)
            fx += hx
            fy += hy
            fz += hz
            cuda.atomic.add(results.forces, (j, 0), -hx)
            cuda.atomic.add(results.forces, (j, 1), -hy)
            cuda.atomic.add(results.forces, (j, 2), -hz)
            if with_virials:
                xx, xy, xz = xx + X * gx, xy + X * gy, xz + X * gz
                yx, yy, yz = yx + Y * gx, yy + Y * gy, yz + Y * gz
                zx, zy, zz = zx + Z * gx, zy + Z * gy, zz + Z * gz
        cuda.atomic.add(results.forces, (i, 0), fx)
        cuda.atomic.add(results.forces, (i, 1), fy)
        cuda.atomic.add(results.forces, (i, 2), fz)
        place = system.order[i]
        if with_pair:
            results.energies[place] += energy
        if with_virials:
            virial = results.virials[place]
            virial[0, 0], virial[0, 1], virial[0, 2] = xx, xy, xz
            virial[1, 0], virial[1, 1], virial[1, 2] = yx, yy, yz
            virial[2, 0], virial[2, 1], virial[2, 2] = zx, zy, zz
        if largest > zero:
            cuda.atomic.max(results.trouble, 1, float64(largest))

    return moments, slopes
