"""Energies and forces for molecular dynamics, with positions that stay on an NVIDIA GPU."""

from __future__ import annotations

from time import perf_counter

import numpy as np
from ase.calculators.calculator import CalculatorSetupError
from numba import cuda

from ...checks import check_number
from ...model.potential import VVPotential
from .cells import CellSearch, DevicePairs, place
from .kernels import SLICE, DeviceSystem, first_pair, pair_vector
from .model import SCRATCH, CudaModel, find_gpu, finish
from .scan import fill, grid, keep_largest, on_gpu

MOST_BLOCKS = 1024  # blocks of the reduction


class CudaForces:
    """Energies and forces of the same atoms in successive steps; only a few numbers per step leave the device.

    The pair list is built on the device for ``cutoff + skin`` and reused while it is complete, by the criterion of
    :class:`ase_mlffvv.neighbors.SkinList`. The last bits of results depend on the current positions and on those at the
    last build. Therefore a run that calls :meth:`forget` at each checkpoint continues exactly as one that restarts from
    it. Kernels are compiled for the potential in the first step, which takes about ten seconds.

    Parameters
    ----------
    potential : VVPotential
        Potential with ``density`` as its only feature family and without a pair term with ``minimum_image``.
    species : array_like, shape (n_atoms,), int
        Element of each atom: ``potential.species(atoms.numbers)``.
    cell : array_like, shape (3, 3), Å
        Rows are the cell vectors; those of non-periodic directions are ignored.
    pbc : array_like, shape (3,), bool
    skin : float, Å
    dtype : {'float32', 'float64'}
        Precision of the arithmetic; see :class:`.model.CudaModel`.
    device : int
        Number of the GPU.
    virials : bool
        Whether to compute virials.
    scratch : int, bytes
        Device memory for intermediate results; atoms are evaluated in chunks that fit.

    Attributes
    ----------
    energies : device array, shape (n_atoms,), float64, eV
        Atomic energies of the last step; forces and virials are also those of the last step.
    forces : device array, shape (n_atoms, 3), float64, eV/Å
    virials : device array, shape (n_atoms, 3, 3), float64, eV; or None
        As in :class:`ase_mlffvv.model.prediction.Prediction`; None if they are not computed.
    statistics : dict
        Numbers of ``builds`` and ``reuses``, and the ``seconds`` spent building.

    Raises
    ------
    CalculatorSetupError
        If there is no such GPU.
    NotImplementedError
        If the kernels do not support the features or the pair term.
    ValueError
        If there are no atoms, elements are unknown, the skin is negative, or the dtype is neither of the two.
    """

    def __init__(self, potential: VVPotential, species, cell, pbc, *, skin=0.5, dtype='float32', device=0,
                 virials=False, scratch=SCRATCH):  # fmt: skip
        if not find_gpu(device):
            raise CalculatorSetupError(
                f'Numba finds no CUDA device number {device}. Use VVCalculator on the CPU, or install the extra cuda '
                '(pip install ".[cuda]") on a machine with an NVIDIA GPU.'
            )
        check_number(skin, 'skin', 'Å', low=0)
        self.cutoff, self.skin, self.device, self.dtype = potential.cutoff, float(skin), device, dtype
        self.statistics = {'builds': 0, 'reuses': 0, 'seconds': 0.0}
        self._elements, self._with_virials = potential.elements, virials
        with on_gpu(device):
            self.model, self._search = CudaModel(potential, dtype, virials, scratch), CellSearch()
            self._largest = cuda.device_array(1)
        self.set_atoms(species, cell, pbc)

    def set_atoms(self, species, cell, pbc):
        """Other atoms, a cell (rows, Å) and its periodicity from the next step on, as in the constructor."""
        species = np.ascontiguousarray(species, np.int32)
        if species.ndim != 1 or len(species) == 0:
            raise ValueError(f'species must be one number per atom, got an array of shape {species.shape}')
        if species.min() < 0 or species.max() >= len(self._elements):
            raise ValueError(
                f'species must number the elements {", ".join(self._elements)} from 0, got {species.min()} to '
                f'{species.max()}; use potential.species(atoms.numbers)'
            )
        self.n_atoms, self.pbc = len(species), np.array(pbc, bool)
        self._pairs = None
        with on_gpu(self.device):
            self._species, self._sorted_species = cuda.to_device(species), cuda.device_array(self.n_atoms, np.int32)
            self._at = cuda.device_array((self.n_atoms, 4))
            self._built_at = cuda.device_array((self.n_atoms, 3))
            self._results = self.model.results(self.n_atoms)
            self.energies = self._results.energies
            self.virials = self._results.virials if self._with_virials else None
            self.forces = cuda.device_array((self.n_atoms, 3))
        self.set_cell(cell)

    def set_cell(self, cell):
        """Set the cell (rows, Å) for the following steps; the list is kept as long as it is complete."""
        cell = np.array(cell, float)
        if cell.shape != (3, 3):
            raise ValueError(f'cell must have shape (3, 3), got {cell.shape}')
        self.cell = np.where(self.pbc[:, None], cell, 0.0)
        self._set_strain()

    def forget(self):
        """Build a new list in the next step."""
        self._pairs = None

    def compute(self, positions):
        """Compute energies and forces.

        Parameters
        ----------
        positions : device array, shape (n_atoms, 3), float64, Å
            Array of Numba, CuPy, torch or any other library with ``__cuda_array_interface__``, written in the default
            stream. It is not modified.

        Returns
        -------
        energies, forces : device arrays
            See the attributes; the next step writes into the same arrays.

        Raises
        ------
        StructureError
            If positions are not finite, atoms are too close, or the periodic cell has no volume.
        TypeError, ValueError
            If positions are not on the device, or have a wrong shape or dtype.
        """
        with on_gpu(self.device):
            system = self._system(self._on_device(positions))
            self.model.run(system, self._results, self._pairs.widest)
            finish[grid(self.n_atoms)](self._results.forces, system.order, self.forces)
        return self.energies, self.forces

    def pairs(self) -> DevicePairs:
        """The current pair list, which is valid until the next step."""
        if self._pairs is None:
            raise ValueError('there is no pair list before the first step: call compute(positions)')
        return self._pairs

    def coordination(self, cutoff):
        """Number of neighbors of each atom closer than ``cutoff`` (Å) at the positions of the last step.

        Returns
        -------
        device array, shape (n_atoms,), int32

        Raises
        ------
        ValueError
            If the cutoff is larger than that of the potential, or there was no step yet.
        """
        if not 0 < cutoff <= self.cutoff:
            raise ValueError(f'the list holds neighbors up to {self.cutoff:g} Å, got a cutoff of {cutoff!r}')
        self.pairs()
        with on_gpu(self.device):
            out = cuda.device_array(self.n_atoms, np.int32)
            _coordination[grid(self.n_atoms)](self._device_system(), float(cutoff) ** 2, out)
        return out

    def _on_device(self, positions):
        if not getattr(positions, '__cuda_ndarray__', False):  # not an array of Numba
            if not hasattr(positions, '__cuda_array_interface__'):
                raise TypeError(
                    f'positions must be an array on the GPU, got {type(positions).__name__}; '
                    'numba.cuda.to_device(positions) copies an array there'
                )
            positions = cuda.as_cuda_array(positions)
        if positions.shape != (self.n_atoms, 3) or positions.dtype != np.float64 or not positions.is_c_contiguous():
            raise ValueError(
                f'positions must be contiguous, of shape ({self.n_atoms}, 3) and dtype float64, got {positions.shape}, '
                f'{positions.dtype}' + ('' if positions.is_c_contiguous() else ', not contiguous')
            )
        return positions

    def _system(self, positions):
        """DeviceSystem at these positions with a complete list."""
        if self._pairs is not None:
            self._place(positions)
            if self._is_complete(positions):
                self.statistics['reuses'] += 1
                return self._device_system()
        start = perf_counter()
        self._pairs = None
        try:
            self._pairs = self._search.build(positions, self.cell, self.pbc, self.cutoff + self.skin)
            self._built_cell = self.cell
            self._built_at.copy_to_device(positions)
            _gather[grid(self.n_atoms)](self._species, self._pairs.order, self._sorted_species)
            self._set_strain()
        except BaseException:  # Ctrl-C, too: a list without the rest is not kept
            self._pairs = None
            raise
        self._place(positions)
        cuda.synchronize()
        self.statistics['builds'] += 1
        self.statistics['seconds'] += perf_counter() - start
        return self._device_system()

    def _device_system(self):
        p = self._pairs
        return DeviceSystem(self._sorted_species, self._at, self._vectors, p.count, p.start, p.code, p.bits, p.order)

    def _set_strain(self):
        """Compute image vectors, and the strain since the list was built, from the cell."""
        if self._pairs is None:
            return
        old, new = self._built_cell, self.cell
        self._strain = np.eye(3)
        if not np.array_equal(old, new):
            if not self.pbc.all() or abs(np.linalg.det(new)) < 1e-12:
                self._pairs = None
                return
            self._strain = np.linalg.solve(old, new)
        with on_gpu(self.device):
            self._vectors = cuda.to_device(self._pairs.shifts @ new)
            self._device_cell, self._device_strain = cuda.to_device(new), cuda.to_device(self._strain)

    def _place(self, positions):
        place[grid(self.n_atoms)](positions, self._pairs.order, self._pairs.wrap, self._device_cell, self._at)

    def _is_complete(self, positions):
        """Whether no pair within the cutoff can be missing; False for NaN."""
        fill[1, 1](self._largest, 1, 0.0)
        blocks = min(grid(self.n_atoms)[0], MOST_BLOCKS)
        _largest_move[blocks, grid(MOST_BLOCKS)[1]](positions, self._built_at, self._device_strain, self._largest)
        moved = np.sqrt(self._largest.copy_to_host()[0])
        reach = (self.cutoff + self.skin) * np.linalg.svd(self._strain, compute_uv=False)[-1]
        return bool(reach - 2 * moved >= self.cutoff)


@cuda.jit
def _gather(values, order, out):
    k = cuda.grid(1)
    if k < len(order):
        out[k] = values[order[k]]


@cuda.jit
def _largest_move(positions, old, strain, largest):
    """Largest squared displacement in addition to the strain; infinity if a position is not finite."""
    most = 0.0
    for i in range(cuda.grid(1), positions.shape[0], cuda.gridsize(1)):
        x, y, z = old[i, 0], old[i, 1], old[i, 2]
        square = 0.0
        for c in range(3):
            moved = positions[i, c] - (x * strain[0, c] + y * strain[1, c] + z * strain[2, c])
            square += moved * moved
        if not square <= most:  # also true for NaN
            most = square if square > most else np.inf
    keep_largest(most, largest)


@cuda.jit
def _coordination(system, limit, out):
    i = cuda.grid(1)
    if i >= len(system.count):
        return
    near = 0
    start, x0, y0, z0 = first_pair(i, system)
    for q in range(system.count[i]):
        _, x, y, z = pair_vector(start + q * SLICE, x0, y0, z0, system)
        if x * x + y * y + z * z < limit:
            near += 1
    out[system.order[i]] = near
