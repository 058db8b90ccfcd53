"""Extrapolation grade and standard deviation of atomic energies: basis rows times draws, in blocks of atoms."""

from __future__ import annotations

import numpy as np

from ...jit import available_threads, kernel, over_blocks
from ...model.potential import VVPotential
from ...model.terms import function_table, term_factors
from ..cpu.cosine import FAST, make_system
from ..shared.tables import feature_tables
from .project import raw_features
from .rows import basis

_BLOCK = 2048


class UncertaintyEngine:
    """Uncertainty of the energies of one potential.

    Parameters
    ----------
    potential : VVPotential
        Potential with :attr:`uncertainty`.
    threads : int, optional
    """

    def __init__(self, potential: VVPotential, threads: int | None = None):
        self.threads = threads or available_threads()
        self.tables = feature_tables(potential)
        self.cutoff = max(max(family.cutoff) for family in potential.features)
        self.largest = [uncertainty.largest for uncertainty in potential.uncertainty]
        self._parts = [_Part(b, u.draws, potential.n_features(t)) for t, (b, u) in
                       enumerate(zip(potential.blocks, potential.uncertainty))]  # fmt: skip

    def __call__(self, species, positions, cell, pairs):
        """Standard deviation of each atomic energy and of their sum in eV, and grade of each atom."""
        n_atoms = len(positions)
        deviation, grade, total = np.zeros(n_atoms), np.zeros(n_atoms), 0.0
        for t, rows, draws in self.draws(species, positions, cell, pairs):
            deviation[rows] = np.sqrt((draws**2).mean(axis=1))
            grade[rows] = deviation[rows] / self.largest[t]
            total = total + draws.sum(axis=0)
        return deviation, float(np.sqrt(np.mean(total**2))), grade

    def draws(self, species, positions, cell, pairs):
        """Yield random errors of atomic energies: element, atoms, and their draws (n_atoms, n_draws), eV."""
        system = make_system(species, positions, cell, pairs)
        for begin in range(0, len(positions), _BLOCK):
            f = raw_features(self.tables, self.cutoff, system, self.threads, slice(begin, begin + _BLOCK))
            for t, part in enumerate(self._parts):
                rows = np.flatnonzero(system.species[begin : begin + _BLOCK] == t)
                yield t, rows + begin, part(f[rows], self.threads)


class _Part:
    """Basis rows times draws for one element; the part of the linear functions comes directly from the features."""

    def __init__(self, block, draws, n_features):
        n = block.n
        self.n_features = n_features
        linear = draws[:n] * block.scale[:, None]
        self.direct = block.projection @ linear
        self.constant = draws[n] - block.shift @ linear
        self.draws = draws[n + 1 :]
        self.block = block
        self.table, self.factors = function_table(block), term_factors(block, block.terms)[n + 1 :]

    def __call__(self, f, threads):
        f = np.ascontiguousarray(f[:, : self.n_features])
        out = product(f, self.direct, threads) + self.constant
        if len(self.draws):
            g = np.ones((len(f), self.block.n + 1))
            g[:, :-1] = (product(f, self.block.projection, threads) - self.block.shift) * self.block.scale
            out += product(basis(g, self.table, self.factors)[0], self.draws, threads)
        return out


def product(a, b, threads):
    """Matrix product that, unlike that of a library, is bitwise independent of the number of threads.

    The order of a sum affects results with cancellation and the digits written to files, and a restarted run must write
    the same files as an uninterrupted one.
    """
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
    out = np.zeros((len(a), b.shape[1]))
    over_blocks(lambda begin, end: _product(a, b, begin, end, out), len(a), threads)
    return out


@kernel(**FAST)
def _product(a, b, begin, end, out):
    for i in range(begin, end):
        for j in range(a.shape[1]):
            x = a[i, j]
            for k in range(b.shape[1]):
                out[i, k] += x * b[j, k]
