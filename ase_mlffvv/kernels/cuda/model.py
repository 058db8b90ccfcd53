"""A model with density features on an NVIDIA GPU: tables, compiled kernels and working memory; imports numba.cuda."""

from __future__ import annotations

import math

import numpy as np
from numba import cuda

from ...errors import StructureError
from ...model.potential import VVPotential
from ..shared.tables import feature_tables, pair_tables, vv_tables
from .kernels import LARGEST, TOO_CLOSE, UNITS, Results, Scratch, product_kernel
from .neighbors import neighbor_kernels
from .polynomial import polynomial, polynomial_kernel
from .scan import BLOCK, grid

SCRATCH = 2**26  # bytes: enough atoms in a chunk to occupy a GPU, but few enough to stay in its cache
DTYPES = ('float64', 'float32')


_COMPILED = {}


def _compiled(key, make, most=16):
    """Compiled kernels cached under this key, because compilation takes seconds, or new ones from ``make``."""
    if key not in _COMPILED:
        while len(_COMPILED) >= most:
            del _COMPILED[next(iter(_COMPILED))]
        _COMPILED[key] = make()
    return _COMPILED[key]


class CudaModel:
    """Evaluation of one potential for atoms and pairs that are stored on the device.

    Parameters
    ----------
    potential : VVPotential
        See :func:`unsupported`.
    dtype : {'float64', 'float32'}
        Precision of moments and pair forces. With either, pair vectors are computed and energies are summed in float64,
        and forces are summed as integers.
    virials : bool
        Whether to compute virials.
    scratch : int, bytes
        Device memory for intermediate results; atoms are evaluated in chunks that fit.

    Raises
    ------
    NotImplementedError
        If the kernels do not support the features or the pair term.
    ValueError
        If the dtype is neither of the two.
    """

    def __init__(self, potential: VVPotential, dtype='float64', virials=True, scratch=SCRATCH):
        reason = unsupported(potential)
        if reason:
            raise NotImplementedError(reason)
        if dtype not in DTYPES:
            raise ValueError(f'dtype must be one of {", ".join(DTYPES)}, got {dtype!r}')
        tables, vv, pair = feature_tables(potential).density, vv_tables(potential), pair_tables(potential)
        g, gauss = vv.origin.shape[1] + 1, vv.single.shape[1]
        self._rows = Scratch(tables.first[-1], tables.first[-1], g, g, max(1, gauss), max(1, gauss))
        self._dtypes = Scratch(dtype, dtype, *['float64'] * 4)
        size = sum(int(rows) * np.dtype(kind).itemsize for rows, kind in zip(self._rows, self._dtypes))
        self.chunk = max(1, scratch // size)
        self.chunk -= self.chunk % BLOCK if self.chunk > BLOCK else 0  # whole slices of the list per chunk
        self.virials, self._real = virials, np.dtype(dtype).type
        single = dtype == 'float32'
        key = potential.digest(), single, virials
        kernels = _compiled(key, lambda: neighbor_kernels(tables, pair, single, virials))
        if vv.n.max() > 0:
            self.kernels = *kernels, product_kernel(single, len(tables.one), len(tables.two))
            self._tables = upload(tables, dtype), upload(vv, 'float64')
        else:
            self.kernels = *kernels, polynomial_kernel(single)
            whole = polynomial(tables, vv)
            self._tables = (upload(whole, dtype)._replace(constant=cuda.to_device(whole.constant)),)
        self._scratch = None

    def results(self, n_atoms):
        """Allocate device memory for the results of this number of atoms."""
        return Results(
            cuda.device_array(n_atoms),
            cuda.device_array((n_atoms, 4), np.int64),
            cuda.device_array((n_atoms if self.virials else 1, 3, 3)),
            cuda.device_array(2),
        )

    def run(self, system, results, widest, n_centres=None):
        """Fill ``results`` for a DeviceSystem whose atoms have up to ``widest`` pairs.

        With ``n_centres`` only the energies of its first atoms count, and those of the others are not written.

        Raises
        ------
        StructureError
            If atoms come too close to each other; see :func:`check`.
        """
        n_atoms = len(system.species)
        n_centres = n_atoms if n_centres is None else n_centres
        moments, slopes, products = self.kernels
        chunk = min(self.chunk, n_centres)
        if self._scratch is None or self._scratch.A.shape[1] < chunk:
            self._scratch = None
            self._scratch = Scratch(*(cuda.device_array((n, chunk), t) for n, t in zip(self._rows, self._dtypes)))
        scratch = self._scratch
        start[grid(n_atoms)](results)
        bound = self._real(LARGEST / (widest + 1))
        for begin in range(0, n_centres, chunk):
            count = min(chunk, n_centres - begin)
            moments[grid(count)](begin, count, system, scratch.A, results.trouble)
            products[grid(count)](begin, count, *self._tables, system, scratch, results.energies)
            slopes[grid(count)](begin, count, bound, system, scratch.W, results)
        check(results.trouble.copy_to_host())


@cuda.jit
def start(results):
    """Set sums to zero."""
    i = cuda.grid(1)
    if i < results.forces.shape[0]:
        for a in range(4):
            results.forces[i, a] = 0
    if i == 0:
        results.trouble[0], results.trouble[1] = math.inf, 0.0


@cuda.jit
def finish(integers, order, forces):
    """Convert forces to eV/Å and to the order of the caller."""
    i = cuda.grid(1)
    if i < len(order):
        for a in range(3):
            forces[order[i], a] = integers[i, a] / UNITS


def check(trouble):
    """Raise :class:`StructureError` if the kernels reported atoms that are too close, or an invalid pair force."""
    closest, force = trouble
    if closest < TOO_CLOSE:
        raise StructureError(
            f'two atoms came as close as {math.sqrt(closest):.1e} Å. Use a shorter time step, or check the start.'
        )
    if force > 0:
        raise StructureError(
            f'the force between two atoms is beyond {force:.1e} eV/Å, or not a number. They came too close, or the '
            'model fails for this structure. Use a shorter time step, or check the start.'
        )


def find_gpu(device: int = 0) -> bool:
    """Whether numba.cuda finds, or simulates, a GPU with this number."""
    return bool(cuda.is_available()) and device < len(cuda.gpus)


def unsupported(potential: VVPotential) -> str:
    """Reason why the CUDA kernels cannot evaluate this potential; an empty string if they can."""
    names = [family.name for family in potential.features]
    if names != ['density']:
        return f"engine='cuda' evaluates models of density features alone, the model has {', '.join(names)}"
    if potential.pair_term is not None and potential.pair_term.minimum_image:
        return "engine='cuda' has no pair term with minimum_image"
    return ''


def upload(tables, dtype):
    """NamedTuple with its arrays on the device; integers have four bytes, and empty arrays become a single zero."""
    kinds = {'f': dtype, 'i': np.int32}

    def part(x):
        if not isinstance(x, np.ndarray):
            return x
        x = x if x.size else np.zeros(np.maximum(x.shape, 1), x.dtype)
        return cuda.to_device(np.ascontiguousarray(x, kinds[x.dtype.kind]))

    return type(tables)(*(part(x) for x in tables))
