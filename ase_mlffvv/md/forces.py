"""Energies and forces where the atoms live: NumPy arrays on the CPU, torch tensors on a GPU."""

from __future__ import annotations

import numpy as np
from ase.calculators.calculator import CalculatorSetupError

from ..engines.choice import choose, device_index, make_engine
from ..kernels.cpu.counts import count_neighbors
from ..neighbors import SkinList, pair_list


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
    engine, precision : str
        As for :class:`.VVCalculator`.
    """

    forget = None  # results do not depend on the history of the pair list

    def __init__(self, potential, numbers, cell, pbc, *, skin=0.8, threads=None, engine='auto',
                 precision='float64'):  # fmt: skip
        self.species = potential.species(numbers)
        self.cell, self.pbc = np.where(np.asarray(pbc)[:, None], cell, 0.0), np.asarray(pbc, bool)
        self.engine = make_engine(potential, engine, 'cpu', threads, precision)
        self._list = SkinList(potential.cutoff, skin, threads)
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
        self.positions, self.pairs = positions, None  # a list that is no longer complete goes before the next one comes
        self.pairs = self._list.get(positions, self.cell, self.pbc)
        prediction = self.engine.evaluate(self.species, positions, self.cell, self.pairs)
        return prediction.energies, prediction.forces

    def coordination(self, cutoff):
        """Neighbors of each atom within ``cutoff`` (Å, at most that of the potential) at the last evaluation."""
        return count_neighbors(self.positions, self.cell, self.pairs, cutoff)

    def system(self):
        """Arguments of an engine at the last evaluation."""
        return self.species, self.positions, self.cell, self.pairs


class DeviceForces:
    """Forces on an NVIDIA GPU, with positions, results and pair list as tensors and arrays there.

    Parameters
    ----------
    potential, numbers, cell, pbc, skin
        As for :class:`HostForces`; a model of density features alone.
    device : str
        ``'cuda'`` or ``'cuda:1'``, ...
    precision : {'float64', 'float32'}

    Raises
    ------
    CalculatorSetupError
        torch has no CUDA support.
    """

    def __init__(self, potential, numbers, cell, pbc, *, skin=0.8, device='cuda', precision='float64'):
        import torch
        from numba import config, cuda

        from ..kernels.cuda.forces import CudaForces

        self._simulated = bool(config.ENABLE_CUDASIM)
        if not (self._simulated or torch.cuda.is_available()):
            raise CalculatorSetupError(
                f"device='{device}' was requested, but torch {torch.__version__} has no CUDA support. Dynamics on a "
                "GPU keeps positions and momenta in torch: install a CUDA build of it, or use device='cpu'."
            )
        self.device = 'cpu' if self._simulated else device  # the simulator's memory is that of the CPU
        self._torch, self._cuda = torch, cuda
        self._potential, self._numbers = potential, numbers
        self._forces = CudaForces(potential, potential.species(numbers), cell, pbc, skin=skin, dtype=precision,
                                  device=device_index(device))  # fmt: skip
        self._positions = None

    @property
    def statistics(self):
        """Builds, reuses and seconds of the pair list."""
        return self._forces.statistics

    def array(self, values):
        """A tensor of an array on the device."""
        return self._torch.tensor(np.asarray(values, float), dtype=self._torch.float64, device=self.device)

    def __call__(self, positions):
        """Energies (n_atoms,), eV, and forces (n_atoms, 3), eV/Å, for positions (n_atoms, 3), Å, on the device."""
        self._positions = positions
        there = self._cuda.to_device(positions.numpy()) if self._simulated else positions
        energies, forces = self._forces.compute(there)
        return self._tensor(energies).clone(), self._tensor(forces).clone()  # the next call writes into these arrays

    def forget(self):
        """Build a new pair list in the next evaluation, as a restarted run does: sums follow its order."""
        self._forces.forget()

    def coordination(self, cutoff):
        """Neighbors of each atom within ``cutoff`` (Å, at most that of the potential) at the last evaluation."""
        return self._tensor(self._forces.coordination(cutoff))

    def system(self):
        """Arguments of an engine on the CPU at the last evaluation: a copy, with a pair list of its own."""
        positions, cell, pbc = self._positions.cpu().numpy(), self._forces.cell, self._forces.pbc
        return (self._potential.species(self._numbers), positions, cell,
                pair_list(positions, cell, pbc, self._potential.cutoff))  # fmt: skip

    def _tensor(self, array):
        if self._simulated:
            return self._torch.tensor(array.copy_to_host())
        return self._torch.as_tensor(array, device=self.device)


def make_forces(potential, atoms, *, device='cpu', engine='auto', skin=0.8, threads=None, precision='float64'):
    """Forces of ``potential`` for the elements and the cell of ``atoms`` on a device.

    Raises
    ------
    CalculatorSetupError
        What was asked for is not here; on a GPU, the model has no fused CUDA kernels.
    """
    name = choose(potential, engine, device, precision)
    system = potential, atoms.numbers, atoms.cell[:], atoms.pbc
    if device == 'cpu':
        return HostForces(*system, skin=skin, threads=threads, engine=name, precision=precision)
    if name != 'cuda':
        raise CalculatorSetupError(
            f"dynamics on device='{device}' needs the fused CUDA kernels, which evaluate models of density features "
            f"alone; engine {name!r} was chosen. Use device='cpu', or ASE's dynamics with VVCalculator."
        )
    return DeviceForces(*system, skin=skin, device=device, precision=precision)
