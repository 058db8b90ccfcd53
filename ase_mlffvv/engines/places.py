"""Where an Evaluator works: with NumPy arrays and a pair list on the CPU, or with arrays and a pair list on a GPU."""

from __future__ import annotations

import numpy as np
from ase.calculators.calculator import CalculatorSetupError

from ..checks import check_number
from ..kernels.cpu.counts import count_neighbors
from ..memory import check_search
from ..model import Prediction
from ..neighbors import SkinList, pair_list
from .choice import device_index, make_engine


class HostPlace:
    """Engines that share one pair list on the CPU.

    Parameters
    ----------
    engines : list
        Anything with ``cutoff`` and ``evaluate(species, positions, cell, pairs)``.
    skin, threads
        As for :class:`ase_mlffvv.neighbors.SkinList`.
    """

    forget = None  # results do not depend on the history of the pair list

    def __init__(self, engines, skin, threads):
        self.engines, self._threads = engines, threads
        self._list = SkinList(max(engine.cutoff for engine in engines), skin, threads)
        self.positions = self.pairs = None

    @classmethod
    def of(cls, potentials, names, device, skin, threads, precision):
        """Make the engines of these names."""
        engines = [make_engine(p, name, device, threads, precision) for p, name in zip(potentials, names)]
        return cls(engines, skin, threads)

    def fresh(self, skin):
        """The same engines with a separate pair list."""
        return HostPlace(self.engines, skin, self._threads)

    @property
    def statistics(self):
        """Numbers of builds and reuses of the pair list, and the time spent building in seconds."""
        return self._list.statistics

    def set_atoms(self, species, cell, pbc):
        """Set the species for each engine, the cell (zero rows along directions not periodic) and the periodicity."""
        self.species, self.cell, self.pbc = species, cell, pbc
        self.positions = self.pairs = None

    def array(self, values):
        """Copy an array to the device of the atoms."""
        return np.array(values, float)

    def find_pairs(self, positions):
        """Make the pair list complete for these positions."""
        self.positions, self.pairs = positions, None  # two pair lists may not fit into memory
        self.pairs = self._list.get(positions, self.cell, self.pbc)

    def compute(self, positions):
        """Energies and forces of the first engine."""
        self.find_pairs(positions)
        found = self.engines[0].evaluate(self.species[0], positions, self.cell, self.pairs)
        return found.energies, found.forces

    def predict(self, positions) -> list[Prediction]:
        """Predictions of all engines."""
        self.find_pairs(positions)
        return [
            engine.evaluate(species, positions, self.cell, self.pairs)
            for engine, species in zip(self.engines, self.species)
        ]

    def coordination(self, cutoff):
        """Number of neighbors of each atom within ``cutoff`` at the last positions."""
        return count_neighbors(self.positions, self.cell, self.pairs, cutoff)

    def system(self, positions=None):
        """Arguments of an engine on the CPU, for the last positions or for given ones."""
        if positions is not None:
            self.find_pairs(positions)
        return self.species[0], self.positions, self.cell, self.pairs


class DevicePlace:
    """One potential on an NVIDIA GPU, with its pair list there. Torch tensors are made only on request.

    Parameters
    ----------
    potential : VVPotential
        A model with only density features.
    device : str
        ``'cuda'`` or ``'cuda:1'``, ...
    skin, precision, virials
        As for :class:`ase_mlffvv.kernels.cuda.forces.CudaForces`.
    """

    def __init__(self, potential, device, skin, precision, virials):
        from numba import config, cuda

        check_number(skin, 'skin', 'Å', low=0)
        self._simulated = bool(config.ENABLE_CUDASIM)
        self._potential, self._device, self._cuda = potential, device, cuda
        self._settings = {'skin': skin, 'dtype': precision, 'virials': virials, 'device': device_index(device)}
        self._forces = self._positions = None

    def fresh(self, skin):
        """The same potential with a separate pair list."""
        return DevicePlace(self._potential, self._device, skin, self._settings['dtype'], self._settings['virials'])

    @property
    def statistics(self):
        """Numbers of builds and reuses of the pair list, and the time spent building in seconds."""
        return self._forces.statistics if self._forces else {'builds': 0, 'reuses': 0, 'seconds': 0.0}

    def engine(self):
        """Engine with the same settings that takes pair lists of the CPU."""
        return make_engine(self._potential, 'cuda', self._device, precision=self._settings['dtype'])

    def set_atoms(self, species, cell, pbc):
        """As for :class:`HostPlace`. If only the cell changes, the pair list is kept while it is complete."""
        from ..kernels.cuda.forces import CudaForces

        (self.species,), self.cell, self.pbc = species, cell, pbc
        if len(self.species) == 0:
            return
        if pbc.all():
            check_search(np.zeros((len(self.species), 3)), cell, pbc, self._potential.cutoff + self._settings['skin'])
        if self._forces is None:
            self._forces = CudaForces(self._potential, self.species, cell, pbc, **self._settings)
        elif not (np.array_equal(self._on_device[0], self.species) and np.array_equal(self._on_device[1], pbc)):
            self._forces.set_atoms(self.species, cell, pbc)
        elif not np.array_equal(self._on_device[2], cell):
            self._forces.set_cell(cell)
        self._on_device = self.species, pbc, cell

    def array(self, values):
        """Copy an array to a torch tensor on the device.

        Raises
        ------
        CalculatorSetupError
            torch has no CUDA support.
        """
        import torch

        if not (self._simulated or torch.cuda.is_available()):
            raise CalculatorSetupError(
                f"device='{self._device}' was requested, but torch {torch.__version__} has no CUDA support. Dynamics "
                "on a GPU keeps positions and momenta in torch: install a CUDA build of it, or use device='cpu'."
            )
        device = 'cpu' if self._simulated else self._device  # the simulator works in the memory of the CPU
        return torch.tensor(np.asarray(values, float), dtype=torch.float64, device=device)

    def compute(self, positions):
        """Energies and forces for a tensor of positions on the device."""
        self._positions = positions
        there = self._cuda.to_device(positions.numpy()) if self._simulated else positions
        return tuple(self._tensor(x).clone() for x in self._forces.compute(there))  # the next call writes into them

    def predict(self, positions) -> list[Prediction]:
        """Prediction in NumPy arrays for NumPy positions."""
        if len(self.species) == 0:
            self._positions = np.zeros((0, 3))
            return [Prediction(np.zeros(0), np.zeros((0, 3)), np.zeros((0, 3, 3)))]
        if not self._settings['virials']:
            raise ValueError('this Evaluator has no virials on the GPU: use compute(), or make it with virials=True')
        from ..kernels.cuda.scan import on_gpu

        with on_gpu(self._settings['device']):
            there = self._cuda.to_device(np.ascontiguousarray(positions, float))
        energies, forces = self._forces.compute(there)
        self._positions = np.array(positions, float)
        return [Prediction(*(x.copy_to_host() for x in (energies, forces, self._forces.virials)))]

    def forget(self):
        """Build a new pair list in the next evaluation, as a restarted run does: the list sets the order of sums."""
        self._forces.forget()

    def coordination(self, cutoff):
        """Number of neighbors of each atom within ``cutoff`` at the last positions, as a tensor."""
        return self._tensor(self._forces.coordination(cutoff))

    def system(self, positions=None):
        """As for :class:`HostPlace`. Positions are copied, and the pair list is a separate one."""
        positions = self._positions if positions is None else positions
        positions = positions if isinstance(positions, np.ndarray) else positions.cpu().numpy()
        return self.species, positions, self.cell, pair_list(positions, self.cell, self.pbc, self._potential.cutoff)

    def _tensor(self, array):
        import torch

        if self._simulated:
            return torch.tensor(array.copy_to_host())
        return torch.as_tensor(array, device=self._device)
