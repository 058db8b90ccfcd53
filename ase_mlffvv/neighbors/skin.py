"""Pair lists with a skin, reused as long as they are complete."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from ..checks import check_number, check_threads
from .pairs import PairList, pair_list


class SkinList:
    """Pair list built with the cutoff ``cutoff + skin`` and reused until a pair within ``cutoff`` could be missing.

    Let h be the cell for which the list was built, h' = h F the current cell, and u = r' - r F the displacements in
    addition to this strain. Then, for any cell, no pair is missing as long as
    ``sigma_min(F) (cutoff + skin) - 2 max|u| >= cutoff``.

    Parameters
    ----------
    cutoff : float, Å
    skin : float, Å
        With zero, the list is rebuilt after every change. The default was the fastest in MD of lithium, whose atoms are
        light and therefore fast.
    threads : int, optional
        Number of threads that build the list; by default, all processors that the process may use.

    Attributes
    ----------
    statistics : dict
        Numbers of ``builds`` and ``reuses``, and the ``seconds`` spent building.
    """

    def __init__(self, cutoff: float, skin: float = 0.8, threads: int | None = None):
        self.cutoff = check_number(cutoff, 'cutoff', 'Å', low=0)
        self.skin = check_number(skin, 'skin', 'Å', low=0)
        self.threads = check_threads(threads)
        self.statistics = {'builds': 0, 'reuses': 0, 'seconds': 0.0}
        self._pairs: PairList | None = None

    def get(self, positions, cell, pbc) -> PairList:
        """Pair list that contains all pairs within ``cutoff`` for these positions (Å), cell (rows, Å) and pbc."""
        cell = np.array(cell, float)
        pbc = np.array(pbc, bool)
        if self._pairs is not None and self._is_complete(positions, cell, pbc):
            self.statistics['reuses'] += 1
            return self._pairs
        start = perf_counter()
        self._pairs = None  # two lists may not fit into memory
        self._built_for = np.array(positions, float), cell, pbc  # set first, in case of Ctrl-C in between
        self._pairs = pair_list(positions, cell, pbc, self.cutoff + self.skin, self.threads)
        self.statistics['builds'] += 1
        self.statistics['seconds'] += perf_counter() - start
        return self._pairs

    def _is_complete(self, positions, cell, pbc):
        old_positions, old_cell, old_pbc = self._built_for
        if old_positions.shape != np.shape(positions) or not np.array_equal(old_pbc, pbc):
            return False
        reach = self.cutoff + self.skin
        if np.array_equal(old_cell, cell):
            moved = positions - old_positions
        else:
            if not pbc.all() or abs(np.linalg.det(old_cell)) < 1e-12:
                return False
            strain = np.linalg.solve(old_cell, cell)
            reach *= np.linalg.svd(strain, compute_uv=False)[-1]
            moved = positions - old_positions @ strain
        largest = np.sqrt(np.einsum('ic,ic->i', moved, moved).max(initial=0.0))
        return bool(reach - 2 * largest >= self.cutoff)  # False for NaN, too
