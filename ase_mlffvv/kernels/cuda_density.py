"""Energies, forces and virials of models of density features on an NVIDIA GPU; imports numba.cuda."""

from __future__ import annotations

import math
import warnings

import numpy as np
from numba import cuda
from numba.core.errors import NumbaPerformanceWarning

from ..errors import StructureError
from ..model.potential import Prediction, VVPotential
from .cuda_kernels import TOO_CLOSE, DeviceSystem, Results, Scratch, neighbour_kernels, products
from .tables import feature_tables, pair_tables, vv_tables

BLOCK = 64  # threads; one per atom


class CudaEngine:
    """Evaluates one VVPotential of density features with fused CUDA kernels, in float64.

    It agrees with the torch definition to round-off. Forces are summed with atomic additions, whose order varies, so
    repeated evaluations differ in the last bits.

    Parameters
    ----------
    potential : VVPotential
        Its only feature family is ``density``; no pair term with ``minimum_image``.
    device : int
        Number of the GPU.
    scratch : int, bytes
        Device memory for intermediate results; atoms are evaluated in chunks that fit.

    Raises
    ------
    NotImplementedError
        Features or a pair term that the kernels do not have.
    """

    name = 'cuda'

    def __init__(self, potential: VVPotential, device: int = 0, scratch: int = 2**29):
        reason = unsupported(potential)
        if reason:
            raise NotImplementedError(reason)
        self.cutoff, self.device = potential.cutoff, device
        tables, vv = feature_tables(potential).density, vv_tables(potential)
        moments, g, gauss = int(tables.first[-1]), vv.origin.shape[1] + 1, vv.single.shape[1]
        self._rows = Scratch(moments, moments, g, g, gauss, gauss)
        self._chunk = max(1, scratch // (8 * sum(self._rows)))
        self._kernels = neighbour_kernels(tables.radial.shape[2])
        with cuda.gpus[device]:
            self._tables = [_upload(part) for part in (tables, vv, pair_tables(potential))]
        self._pairs = self._device_pairs = self._scratch = None

    def evaluate(self, species, positions, cell, pairs) -> Prediction:
        """See :func:`ase_mlffvv.model.definition.evaluate`; ``pairs`` may reach farther than the cutoff.

        The pair list stays on the device for the next call with the same object.
        """
        n_atoms = len(positions)
        if n_atoms == 0:
            return Prediction(np.zeros(0), np.zeros((0, 3)), np.zeros((0, 3, 3)))
        with cuda.gpus[self.device], warnings.catch_warnings():
            warnings.simplefilter('ignore', NumbaPerformanceWarning)  # small structures do not fill a GPU
            system = self._system(species, positions, cell, pairs)
            results = Results(
                cuda.device_array(n_atoms),
                cuda.to_device(np.zeros((n_atoms, 3))),
                cuda.device_array((n_atoms, 3, 3)),
                cuda.to_device(np.array([np.inf])),
            )
            self._run(n_atoms, system, results)
            energies, forces, virials, closest = (x.copy_to_host() for x in results)
        if closest[0] < TOO_CLOSE:
            raise StructureError(
                f'two atoms came as close as {math.sqrt(closest[0]):.1e} Å. Use a shorter time step, or check the '
                'start.'
            )
        return Prediction(energies, forces, virials)

    def _system(self, species, positions, cell, pairs):
        """Atoms and pairs on the device."""
        if pairs is not self._pairs:
            self._pairs = self._device_pairs = None  # frees the old copy first
            self._device_pairs = tuple(cuda.to_device(np.ascontiguousarray(x)) for x in _pair_arrays(pairs))
            self._pairs = pairs
        first, neighbour, image = self._device_pairs
        return DeviceSystem(
            cuda.to_device(np.ascontiguousarray(species, np.int32)),
            cuda.to_device(np.ascontiguousarray(positions, float)),
            cuda.to_device(np.ascontiguousarray(pairs.shifts @ np.asarray(cell, float))),
            first,
            neighbour,
            image,
        )

    def _run(self, n_atoms, system, results):
        tables, vv, pair = self._tables
        moments, slopes = self._kernels
        chunk = min(self._chunk, n_atoms)
        if self._scratch is None or self._scratch.A.shape[1] < chunk:
            self._scratch = None
            self._scratch = Scratch(*(cuda.device_array((rows, chunk)) for rows in self._rows))
        scratch = self._scratch
        limit = self.cutoff * self.cutoff
        for begin in range(0, n_atoms, chunk):
            count = min(chunk, n_atoms - begin)
            threads = min(BLOCK, count)
            grid = -(-count // threads), threads
            moments[grid](begin, count, limit, tables, system, scratch, results.closest)
            products[grid](begin, count, tables, vv, system.species, scratch, results.energies)
            slopes[grid](begin, count, limit, tables, pair, system, scratch, results)


def find_gpu(device: int = 0) -> bool:
    """Whether numba.cuda finds, or simulates, a GPU of this number."""
    return bool(cuda.is_available()) and device < len(cuda.gpus)


def unsupported(potential: VVPotential) -> str:
    """Why the CUDA kernels cannot evaluate this potential; empty where they can."""
    names = [family.name for family in potential.features]
    if names != ['density']:
        return f"engine='cuda' evaluates models of density features alone, the model has {', '.join(names)}"
    if potential.pair is not None and potential.pair.minimum_image:
        return "engine='cuda' has no pair term with minimum_image"
    return ''


def _pair_arrays(pairs):
    return pairs.first, pairs.j, pairs.image.astype(np.int32)


def _upload(tables):
    """NamedTuple with its arrays on the device; integers in four bytes."""
    arrays = [x.astype(np.int32) if getattr(x, 'dtype', None) == np.int64 else x for x in tables]
    return type(tables)(*(cuda.to_device(np.ascontiguousarray(x)) if isinstance(x, np.ndarray) else x for x in arrays))
