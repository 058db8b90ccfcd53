"""Energies, forces and virials of models of density features on an NVIDIA GPU; imports numba.cuda."""

from __future__ import annotations

import numpy as np
from numba import cuda

from ...errors import check_centres
from ...model.potential import VVPotential
from ...model.prediction import Prediction
from .cells import code_bits, code_dtype
from .kernels import SLICE, DeviceSystem
from .model import SCRATCH, CudaModel, finish
from .scan import grid, on_gpu


class CudaEngine:
    """Evaluates one VVPotential of density features with fused CUDA kernels.

    In float64 it agrees with the torch definition to round-off, forces to 1e-10 eV/Å. In float32 the shipped models
    differ from that by less than 0.01 meV in each atomic energy and 0.01 meV/Å in each force (hot bulk and slabs on
    Numba's simulator). The same atoms and pairs give the same bits. Kernels are compiled for the potential in the first
    evaluation, which takes some ten seconds.

    Parameters
    ----------
    potential : VVPotential
        Its only feature family is ``density``; no pair term with ``minimum_image``.
    device : int
        Number of the GPU.
    scratch : int, bytes
        Device memory for intermediate results; atoms are evaluated in chunks that fit.
    dtype : {'float64', 'float32'}
        Precision of the arithmetic; results and sums over atoms are in float64 with both.

    Raises
    ------
    NotImplementedError
        Features or a pair term that the kernels do not have.
    """

    name = 'cuda'

    def __init__(self, potential: VVPotential, device: int = 0, scratch: int = SCRATCH, dtype: str = 'float64'):
        self.cutoff, self.device, self.dtype = potential.cutoff, device, dtype
        with on_gpu(device):
            self._model = CudaModel(potential, dtype, scratch=scratch)
        self._key, self._device_pairs = (None, None), None

    def evaluate(self, species, positions, cell, pairs, centres=None) -> Prediction:
        """See :func:`ase_mlffvv.model.definition.evaluate`; ``pairs`` may reach farther than the cutoff.

        The pair list stays on the device for the next call with the same object and the same centres.
        """
        n_atoms = len(positions)
        if centres is not None:
            centres = check_centres(centres, n_atoms)
        if n_atoms == 0 or (centres is not None and len(centres) == 0):
            return Prediction(np.zeros(n_atoms), np.zeros((n_atoms, 3)), np.zeros((n_atoms, 3, 3)))
        with on_gpu(self.device):
            system = self._system(species, positions, cell, pairs, centres)
            results = self._model.results(n_atoms)
            if centres is not None:
                results.energies.copy_to_device(np.zeros(n_atoms))
                results.virials.copy_to_device(np.zeros((n_atoms, 3, 3)))
            self._model.run(
                system, results, np.diff(pairs.first).max(initial=0), None if centres is None else len(centres)
            )
            forces = cuda.device_array((n_atoms, 3))
            finish[grid(n_atoms)](results.forces, system.order, forces)
            return Prediction(results.energies.copy_to_host(), forces.copy_to_host(), results.virials.copy_to_host())

    def _system(self, species, positions, cell, pairs, centres):
        """Atoms, the centres first, and pairs of centres on the device."""
        n_atoms = len(positions)
        order = np.arange(n_atoms)
        if centres is not None:
            order = np.concatenate([centres, np.setdiff1d(order, centres)])
        key = pairs, None if centres is None else centres.tobytes()
        if pairs is not self._key[0] or key[1] != self._key[1]:
            self._device_pairs = None  # frees the old copy first
            self._device_pairs = tuple(cuda.to_device(x) for x in _sliced(pairs, order, centres))
            self._key = key
        count, start, code = self._device_pairs
        padded = np.zeros((n_atoms, 4))
        padded[:, :3] = positions[order]
        return DeviceSystem(
            cuda.to_device(np.ascontiguousarray(species[order], np.int32)),
            cuda.to_device(padded),
            cuda.to_device(np.ascontiguousarray(pairs.shifts @ np.asarray(cell, float))),
            count,
            start,
            code,
            code_bits(n_atoms),
            cuda.to_device(order.astype(np.int32)),
        )


def _sliced(pairs, order, centres):
    """``count``, ``start`` and ``code`` of a DeviceSystem with atoms in this order from the pairs of centres."""
    n_atoms, n_pairs = len(order), np.diff(pairs.first)
    i, j, image, q = pairs.i, pairs.j, pairs.image, np.arange(len(pairs.j)) - np.repeat(pairs.first[:-1], n_pairs)
    if centres is not None:
        own = np.isin(np.arange(n_atoms), centres)
        n_pairs = np.where(own, n_pairs, 0)
        i, j, image, q = (x[own[pairs.i]] for x in (i, j, image, q))
        place = np.argsort(order)
        i, j = place[i], place[j]
    count = n_pairs[order]
    width = np.zeros(-(-n_atoms // SLICE) * SLICE, np.int64)
    width[:n_atoms] = count
    width = width.reshape(-1, SLICE).max(axis=1) * SLICE
    start = np.cumsum(width) - width
    dtype = code_dtype(n_atoms, len(pairs.shifts))
    code = np.zeros(max(1, width.sum()), dtype)
    code[start[i // SLICE] + q * SLICE + i % SLICE] = j + (image.astype(dtype) << code_bits(n_atoms))
    return count.astype(np.int32), start, code
