"""PAW compensation charges in plane waves, computed with structure factors. This module imports GPAW."""

from __future__ import annotations

import numpy as np
from gpaw.core.pwacf import PWLFC

BLOCK = 8192  # number of plane waves treated at a time


class StructureFactors(PWLFC):
    """Replacement for GPAW's atom-centred functions in plane waves, which is faster for large cells.

    All atoms of a kind share the same f_l(G) Y_lm(G). The sum over atoms is therefore one matrix product of
    exp(-i G R) with the coefficients, and the phases are products of one-dimensional phases. GPAW's own code evaluates
    every function of every atom in every call, which takes most of the time for a cluster in a large cell.

    Parameters
    ----------
    limit : float, bytes
        The phases are stored up to this size. Beyond it they are computed again for each block of waves.
    """

    def __init__(self, functions, pw, *, xp, integrals=None, limit=1e9):
        super().__init__(functions, pw, xp=xp, integrals=integrals)
        self.limit = limit

    def set_positions(self, spos_ac, atomdist):
        super().set_positions(spos_ac, atomdist)
        if not self.real:
            raise ValueError('only for plane waves of real functions')
        self._tables = []
        for c, indices in enumerate(self.pw.indices_cG):
            low = indices.min()
            n = np.arange(low, indices.max() + 1)
            self._tables.append((np.exp(-2j * np.pi * np.outer(n, spos_ac[:, c])), indices - low))
        self._kept = None
        n_waves = len(self.Y_GL)
        if 16 * n_waves * len(spos_ac) <= self.limit:
            self._kept = np.concatenate([self._make(begin, end) for begin, end in _blocks(n_waves)])
        # for each radial function: l, the atoms that have it, and their coefficients
        self._splines = []
        for s, l in enumerate(self.l_s):
            which = np.flatnonzero(self.s_J == s)
            columns = self.I_J[which][:, None] + np.arange(2 * l + 1)
            self._splines.append((s, l, self.a_J[which], columns))

    def _make(self, begin, end):
        a, b, c = (table[indices[begin:end]] for table, indices in self._tables)
        return a * b * c

    def _phases(self, begin, end):
        return self._make(begin, end) if self._kept is None else self._kept[begin:end]

    def _angular(self, s, l, begin, end):
        return (-1j) ** l * self.f_Gs[begin:end, s, None] * self.Y_GL[begin:end, l**2 : (l + 1) ** 2]

    def add(self, a_xG, c_axi=1.0, q=None):
        if a_xG.ndim != 1 or isinstance(c_axi, float):
            return super().add(a_xG, c_axi, q)
        values = np.zeros(self.nI)
        for a, begin, end in self.my_indices:
            values[begin:end] = c_axi[a]
        for begin, end in _blocks(len(a_xG)):
            phases = self._phases(begin, end)
            for s, l, atoms, columns in self._splines:
                sums = _of(phases, atoms) @ values[columns].astype(complex)
                a_xG[begin:end] += (self._angular(s, l, begin, end) * sums).sum(axis=1) / self.pw.dv

    def integrate(self, a_xG, c_axi=None, q=-1, add_to=False):
        if a_xG.ndim != 1 or add_to:
            return super().integrate(a_xG, c_axi, q, add_to)
        values = self._overlaps(a_xG)
        if c_axi is None:
            c_axi = self.dict(())
        for a, begin, end in self.my_indices:
            c_axi[a][:] = values[begin:end]
        return c_axi

    def derivative(self, a_xG, c_axiv=None, q=-1):
        if a_xG.ndim != 1:
            return super().derivative(a_xG, c_axiv, q)
        values = np.stack([self._overlaps(-1j * G * a_xG) for G in self.G_plus_k_Gv.T], axis=-1)
        if c_axiv is None:
            c_axiv = self.dict((), derivative=True)
        for a, begin, end in self.my_indices:
            c_axiv[a][:] = values[begin:end]
        return c_axiv

    def _overlaps(self, a_G):
        """Integrals of all functions times the real function with the given coefficients, shape (nI,)."""
        values = np.zeros(self.nI)
        for begin, end in _blocks(len(a_G)):
            phases = self._phases(begin, end)
            waves = 2 * a_G[begin:end].conj()  # each coefficient represents G and -G
            if begin == 0:
                waves[0] /= 2
            for s, l, atoms, columns in self._splines:
                product = waves[:, None] * self._angular(s, l, begin, end)
                values[columns] += (_of(phases, atoms).T @ product).real
        return values


def _of(phases, atoms):
    return phases if len(atoms) == phases.shape[1] else phases[:, atoms]


def _blocks(n):
    return [(begin, min(begin + BLOCK, n)) for begin in range(0, n, BLOCK)]


def use_structure_factors(dft, limit=1e9):
    """Make a GPAW calculation that has not yet converged use :class:`StructureFactors`."""
    charges = dft.pot_calc.poisson_solver.ghat_aLh
    charges._lazy_init()
    charges._lfc = StructureFactors(charges.functions, charges.pw, xp=charges.xp, integrals=charges.integrals,
                                    limit=limit)  # fmt: skip
    charges._lfc.set_positions(charges.relpos_ac, charges._atomdist)
