"""Generalised Poisson and linearised Poisson-Boltzmann equation on a periodic grid."""

from __future__ import annotations

import numpy as np
from ase.calculators.calculator import CalculationFailed

from ..grid import FourierGrid
from .fields import CavityFields


def solve_potential(charge, cavity: CavityFields, grid: FourierGrid, start=None, tolerance=1e-8, maxiter=100):
    """Potential of a charge in a cavity.

    Solves div(eps grad phi) - permittivity kappa^2 theta phi = -4 pi rho. With s = sqrt(eps) and x = s phi it reads

        -lap x + q x = 4 pi rho / s,    q = (lap s) / s + permittivity kappa^2 theta / s^2,

    (Fisicaro et al., J. Chem. Phys. 144, 014103 (2016)), solved by conjugate gradients with the Green function
    1 / (G^2 + kappa^2) of the bulk solvent as preconditioner: two Fourier transforms per iteration.

    Parameters
    ----------
    charge : ndarray, shape of the grid, electrons/Bohr^3
        Charge density, with the same sign as the returned potential. Without ions its sum must vanish.
    start : ndarray, optional
        Initial potential.
    tolerance : float
        Norm of the residual relative to that of the right-hand side.

    Returns
    -------
    phi : ndarray, shape of the grid
        With ions it vanishes deep in the solvent; without ions its mean is zero.
    iterations : int

    Raises
    ------
    CalculationFailed
        The residual does not reach the tolerance.
    """
    s, kappa2 = cavity.root, cavity.kappa_squared
    b = 4 * np.pi * charge / s
    if kappa2 == 0:
        b -= s * (_dot(s, b) / _dot(s, s))  # s spans the null space; for a neutral b this removes rounding errors only
    scale = np.sqrt(_dot(b, b))
    if scale == 0:
        return np.zeros_like(b), 0
    q = cavity.curvature / s + cavity.screening / s**2
    green = grid.G2 + kappa2
    if kappa2 == 0:
        green[0, 0, 0] = 2 * np.partition(grid.G2.ravel(), 1)[1]  # any positive number works
    lift = green[0, 0, 0] - kappa2 - grid.G2[0, 0, 0]
    green = 1 / green

    x = np.zeros_like(b) if start is None else s * start
    r = b if start is None else b - (q * x - grid.laplacian(x))
    previous, p, Ap = None, None, None
    residual, iteration = np.sqrt(_dot(r, r)) / scale, 0
    while residual > tolerance and iteration < maxiter:
        z_k = green * grid.fft(r)
        mean = z_k[0, 0, 0].real / r.size
        z = grid.ifft(z_k)
        Az = r + (q - kappa2) * z - lift * mean  # -lap z without a transform
        rz = _dot(r, z)
        if previous is None:
            p, Ap = z, Az
        else:
            beta = rz / previous
            p = z + beta * p
            Ap = Az + beta * Ap
        previous = rz
        alpha = rz / _dot(p, Ap)
        x = x + alpha * p
        r = r - alpha * Ap
        residual, iteration = np.sqrt(_dot(r, r)) / scale, iteration + 1
    if not residual <= tolerance:
        raise CalculationFailed(
            f'the potential in the solvent did not converge: relative residual {residual:.1e} after {iteration} '
            f'iterations, wanted {tolerance:.1e}. A finer grid or a wider dielectric_switch makes the equation easier; '
            'atoms that nearly coincide make it harder.'
        )
    phi = x / s
    return (phi if kappa2 > 0 else phi - phi.mean()), iteration


def _dot(a, b):
    """Dot product without BLAS, whose threads would slow it down."""
    return float(np.einsum('ijk,ijk->', a, b))
