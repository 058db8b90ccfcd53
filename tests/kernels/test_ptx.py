"""CUDA kernels compile for GPUs, without one: what the simulator accepts, the compiler may refuse.

Needs the extra cuda.
"""

import numpy as np
import pytest

from ase_mlffvv.kernels.shared.tables import feature_tables, pair_tables, vv_tables
from ase_mlffvv.model.find import find_potential

from .simulate import density_potential

pytest.importorskip('numba_cuda', reason='the extra cuda is not installed')


@pytest.fixture
def compiled(monkeypatch):
    """Function that gives the PTX of a kernel for arguments like these; it runs on this generation and later ones."""
    from numba import cuda, typeof

    class Device:
        compute_capability = 8, 0

    monkeypatch.setattr('numba.cuda.dispatcher.get_current_device', lambda: Device)  # asked by device functions

    def compile_for(kernel, *args):
        ptx, _ = cuda.compile_ptx(kernel.py_func, tuple(typeof(x) for x in args), cc=Device.compute_capability)
        assert '.entry' in ptx
        return ptx

    return compile_for


def floats(*shape, dtype=np.float64):
    return np.zeros(shape or 1, dtype)


def ints(*shape):
    return np.zeros(shape or 1, np.int32)


def longs(*shape):
    return np.zeros(shape or 1, np.int64)


def device_system(code):
    from ase_mlffvv.kernels.cuda.kernels import DeviceSystem

    return DeviceSystem(ints(), floats(1, 4), floats(1, 3), ints(), longs(), np.zeros(1, code), 5, ints())


def of_dtype(tables, dtype):
    kinds = {'f': dtype, 'i': np.int32}
    return tables._replace(
        **{k: x.astype(kinds[x.dtype.kind]) for k, x in tables._asdict().items() if isinstance(x, np.ndarray)}
    )


@pytest.mark.parametrize(
    ('model', 'dtype', 'code', 'virials'),
    [
        ('li-pbe-2-fast', np.float32, np.int32, False),
        ('li-pbe-2-fast', np.float64, np.int32, True),
        ('li-pbe-2-accurate', np.float32, np.int32, False),
        ('two elements', np.float32, np.int64, True),
        ('two elements', np.float64, np.int32, False),
    ],
)
def test_models(compiled, model, dtype, code, virials):
    from ase_mlffvv.kernels.cuda.kernels import Results, Scratch, product_kernel
    from ase_mlffvv.kernels.cuda.neighbors import neighbor_kernels
    from ase_mlffvv.kernels.cuda.polynomial import polynomial, polynomial_kernel

    shipped, single = model.startswith('li-'), dtype == np.float32
    potential = find_potential(model) if shipped else density_potential(model)
    tables, vv, pair = feature_tables(potential).density, vv_tables(potential), pair_tables(potential)
    system, column = device_system(code), floats(1, 1, dtype=dtype)
    results = Results(floats(), longs(1, 4), floats(1, 3, 3), floats())
    scratch = Scratch(column, column, *[floats(1, 1)] * 4)
    moments, slopes = neighbor_kernels(tables, pair, single, virials)
    found = compiled(moments, 0, 1, system, column, floats())
    if shipped and single:
        assert '.local' not in found  # moments stay in registers
        assert 'fma.rn.f64' not in found
    assert 'atom.global.add.u64' in compiled(slopes, 0, 1, dtype(1), system, column, results)
    if shipped:
        whole = polynomial(tables, vv)
        p = of_dtype(whole, dtype)._replace(constant=whole.constant)
        compiled(polynomial_kernel(single), 0, 1, p, system, scratch, floats())
    else:
        args = of_dtype(tables, dtype), of_dtype(vv, np.float64), system, scratch, floats()
        compiled(product_kernel(single, len(tables.one), len(tables.two)), 0, 1, *args)


def test_lists_and_sums(compiled):
    from ase_mlffvv.kernels.cuda import (
        cells as cuda_cells,
    )
    from ase_mlffvv.kernels.cuda import (
        forces as cuda_forces,
    )
    from ase_mlffvv.kernels.cuda import (
        model as cuda_model,
    )
    from ase_mlffvv.kernels.cuda import (
        scan as cuda_scan,
    )
    from ase_mlffvv.kernels.cuda.kernels import Results

    bins = cuda_cells.Bins(floats(3, 3), floats(3, 3), floats(3), floats(3), ints(3), ints(3), ints(3), ints(3))
    at, positions = floats(1, 4), floats(1, 3)
    compiled(cuda_cells._extent, positions, floats(3, 3), floats(3), floats(3), ints())
    compiled(cuda_cells._assign, positions, bins, ints(1, 3), ints(), ints())
    compiled(cuda_cells._order, ints(), longs(), ints(), ints())
    compiled(cuda_cells._sort, 1, longs(), ints())
    compiled(cuda_cells.place, positions, ints(), ints(1, 3), floats(3, 3), at)
    compiled(cuda_cells._widths, ints(), ints(), ints())
    for code in (ints(), longs()):
        for kernel in (cuda_cells._count, cuda_cells._write):
            compiled(kernel, at, ints(), ints(), longs(), bins, positions, 1.0, 5, ints(), longs(), code)
    for values in (ints(), longs()):
        compiled(cuda_scan._chunk_sums, values, 1, longs())
        compiled(cuda_scan._chunk_scan, values, 1, longs(), longs())
    compiled(cuda_scan.fill, ints(), 1, 0)
    compiled(cuda_scan.fill, floats(), 1, 0.0)
    compiled(cuda_forces._gather, ints(), ints(), ints())
    compiled(cuda_forces._largest_move, positions, positions, floats(3, 3), floats())
    compiled(cuda_forces._coordination, device_system(np.int32), 1.0, ints())
    compiled(cuda_model.start, Results(floats(), longs(1, 4), floats(1, 3, 3), floats()))
    compiled(cuda_model.finish, longs(1, 4), ints(), positions)
