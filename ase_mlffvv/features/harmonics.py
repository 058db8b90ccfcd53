"""Real spherical harmonics in Racah's normalisation, and the invariant products of three of them."""

from __future__ import annotations

import functools
import math

import numpy as np


def legendre_factor(l, m):
    """Factor N of ``Y_lm = N d^m P_l/dz^m (real or imaginary part of (x + i y)^m)``; the sum of Y_lm^2 over m is 1."""
    return math.sqrt((2 if m else 1) * math.factorial(l - m) / math.factorial(l + m))


def real_harmonics(unit, l_max):
    """Real spherical harmonics of unit vectors.

    Parameters
    ----------
    unit : ndarray, shape (n, 3)
    l_max : int

    Returns
    -------
    ndarray, shape (n, (l_max + 1)**2)
        Y_lm is in column ``l*l + l + m``, proportional to cos(m phi) for m > 0 and to sin(|m| phi) for m < 0, without
        the Condon-Shortley phase, and normalised such that ``sum_m Y_lm(a) Y_lm(b) = P_l(a . b)``.
    """
    x, y, z = np.asarray(unit, float).T
    power = (x + 1j * y)[:, None] ** np.arange(l_max + 1)
    out = np.empty((len(z), (l_max + 1) ** 2))
    for l in range(l_max + 1):
        polynomial = np.polynomial.legendre.leg2poly([0] * l + [1])
        for m in range(l + 1):
            value = legendre_factor(l, m) * np.polynomial.polynomial.polyval(
                z, np.polynomial.polynomial.polyder(polynomial, m)
            )
            out[:, l * l + l + m] = value * power[:, m].real
            if m:
                out[:, l * l + l - m] = value * power[:, m].imag
    return out


@functools.cache
def invariant_triple(l1, l2, l3):
    """Coefficients of the rotation-invariant product of three real harmonics, normalised to a sum of squares of one.

    Returns
    -------
    tuple of (m1, m2, m3, coefficient)
        Nonzero coefficients, with m counted from 0 to 2 l. Empty unless the three l satisfy the triangle inequality and
        have an even sum (with an odd sum, the product would change sign under inversion).
    """
    if (l1 + l2 + l3) % 2 or l3 > l1 + l2 or l1 > l2 + l3 or l2 > l1 + l3:
        return ()
    n = l1 + l2 + l3 + 1  # the product has degree n - 1: the quadrature is exact
    z, weight = np.polynomial.legendre.leggauss(n)
    phi = 2 * np.pi * np.arange(2 * n) / (2 * n)
    z, phi = np.repeat(z, len(phi)), np.tile(phi, len(z))
    weight = np.repeat(weight, 2 * n)
    r = np.sqrt(1 - z**2)
    Y = real_harmonics(np.stack([r * np.cos(phi), r * np.sin(phi), z], axis=1), max(l1, l2, l3))
    parts = [Y[:, l * l : (l + 1) ** 2] for l in (l1, l2, l3)]
    G = np.einsum('p,pa,pb,pc->abc', weight, *parts)
    G /= np.linalg.norm(G)
    return tuple((*map(int, m), float(G[tuple(m)])) for m in np.argwhere(np.abs(G) > 1e-10))
