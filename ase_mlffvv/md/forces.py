"""Energies and forces where the atoms live: NumPy arrays on the CPU, torch tensors on a GPU."""

from __future__ import annotations

import numpy as np

from ..calculators.engines import choose, make_engine
from ..kernels.counts import count_neighbours
from ..neighbors import SkinList


class HostForces:
    """Forces on the CPU.

    Parameters
    ----------
    potential : VVPotential
    numbers : ndarray, shape (n_atoms,)
        Atomic numbers.
    cell : ndarray, shape (3, 3), Å
    pbc : ndarray, shape (3,)
    skin : float, Å
    threads : int, optional
    engine : str
        As for :class:`.VVCalculator`.
    """

    device = 'cpu'

    def __init__(self, potential, numbers, cell, pbc, *, skin=0.5, threads=None, engine='auto'):
        self.species = potential.species(numbers)
        self.cell, self.pbc = np.where(np.asarray(pbc)[:, None], cell, 0.0), np.asarray(pbc, bool)
        self.engine = make_engine(potential, engine, 'cpu', threads)
        self._list = SkinList(potential.cutoff, skin)
        self.positions = self.pairs = None

    @property
    def statistics(self):
        """Builds, reuses and seconds of the pair list."""
        return self._list.statistics

    def array(self, values):
        """A copy of an array where the atoms live."""
        return np.array(values, float)

    def __call__(self, positions):
        """Energies (n_atoms,), eV, and forces (n_atoms, 3), eV/Å, for positions (n_atoms, 3), Å."""
        self.positions, self.pairs = positions, self._list.get(positions, self.cell, self.pbc)
        prediction = self.engine.evaluate(self.species, positions, self.cell, self.pairs)
        return prediction.energies, prediction.forces

    def coordination(self, cutoff):
        """Neighbours of each atom within ``cutoff`` (Å, at most that of the potential) at the last evaluation."""
        return count_neighbours(self.positions, self.cell, self.pairs, cutoff)

    def system(self):
        """Arguments of an engine at the last evaluation."""
        return self.species, self.positions, self.cell, self.pairs


def make_forces(potential, atoms, *, device='cpu', engine='auto', skin=0.5, threads=None, precision='float64'):
    """Forces of ``potential`` for the elements and the cell of ``atoms`` on a device.

    Raises
    ------
    CalculatorSetupError
        What was asked for is not here; on a GPU, the model has no fused CUDA kernels.
    """
    name = choose(potential, engine, device)
    return HostForces(potential, atoms.numbers, atoms.cell[:], atoms.pbc, skin=skin, threads=threads, engine=name)
