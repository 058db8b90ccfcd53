"""Fields on a uniform periodic grid: derivatives by Fourier transform, and change of resolution.

As for all fields of the solvent, units are Hartree atomic units: Bohr, Hartree, electrons per Bohr^3.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import irfftn, next_fast_len, rfftn


def grid_shape(cell, spacing):
    """Even numbers of points that are fast to transform, with at most ``spacing`` between grid planes.

    Parameters
    ----------
    cell : ndarray, shape (3, 3)
        Rows are the cell vectors; same unit as ``spacing``.
    """
    heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    return tuple(2 * next_fast_len(int(np.ceil(h / spacing / 2)), real=True) for h in heights)


class FourierGrid:
    """Uniform grid in a periodic cell.

    Parameters
    ----------
    cell : ndarray, shape (3, 3), Bohr
        Rows are the cell vectors.
    shape : tuple of 3 int
        Points along each vector.

    Attributes
    ----------
    dv : float, Bohr^3
        Volume per point.
    G2 : ndarray, shape of the half spectrum, Bohr^-2
        Squared wave vectors in the layout of ``scipy.fft.rfftn``.
    """

    def __init__(self, cell, shape):
        self.cell = np.asarray(cell, float)
        self.shape = tuple(int(n) for n in shape)
        self.dv = abs(np.linalg.det(self.cell)) / np.prod(self.shape)
        self.reciprocal = 2 * np.pi * np.linalg.inv(self.cell).T
        n1, n2, n3 = self.shape
        self.indices = [np.fft.fftfreq(n1, 1 / n1), np.fft.fftfreq(n2, 1 / n2), np.arange(n3 // 2 + 1.0)]
        self.G2 = sum(self._component(v, self.indices) ** 2 for v in range(3))
        # a first derivative has no Nyquist component, because it would not be real
        self.inner = [np.where(2 * abs(f) == n, 0.0, f) for f, n in zip(self.indices, self.shape)]

    def _component(self, v, indices):
        i, j, k = np.ix_(*indices)
        b = self.reciprocal
        return i * b[0, v] + j * b[1, v] + k * b[2, v]

    def fft(self, field):
        return rfftn(field)

    def ifft(self, spectrum):
        return irfftn(spectrum, s=self.shape)

    def laplacian(self, field):
        """Laplacian of a field; a symmetric operator."""
        return self.ifft(-self.G2 * self.fft(field))

    def gradient(self, field):
        """Components of the gradient, one at a time."""
        spectrum = self.fft(field)
        for v in range(3):
            yield self.ifft(1j * self._component(v, self.inner) * spectrum)

    def divergence(self, field_v):
        """Divergence; minus the adjoint of :meth:`gradient`."""
        return self.ifft(sum(1j * self._component(v, self.inner) * self.fft(f) for v, f in enumerate(field_v)))

    def integrate(self, field):
        return float(field.sum()) * self.dv


def resample(field, shape):
    """The same field on another grid of the same cell, by removing or adding short waves; its mean is conserved.

    Both shapes must be even.
    """
    if field.shape == tuple(shape):
        return field
    old = rfftn(field)
    new = np.zeros((shape[0], shape[1], shape[2] // 2 + 1), complex)
    low = [min(a, b) // 2 for a, b in zip(field.shape, shape)]
    # positive and negative frequencies below both Nyquist limits
    parts = [(slice(0, n), slice(-n + 1, None) if n > 1 else slice(0, 0)) for n in low[:2]]
    for first in parts[0]:
        for second in parts[1]:
            new[first, second, : low[2]] = old[first, second, : low[2]]
    return irfftn(new, s=shape) * (np.prod(shape) / field.size)
