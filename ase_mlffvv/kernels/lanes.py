"""Vector operations on rows of LANES numbers: ``out[i] += weight a[j] b[k] ...`` as single instructions.

The compiler leaves loops over so few numbers scalar, because it cannot exclude that the rows overlap; these tell it.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 8
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_FLAGS = ('contract', 'reassoc', 'nsz', 'arcp')


def _row(context, builder, array_type, array, index):
    """Pointer to row ``index`` of a C-contiguous array (n, LANES)."""
    data = context.make_array(array_type)(context, builder, value=array).data
    start = builder.mul(index, ir.Constant(ir.IntType(64), LANES))
    return builder.bitcast(builder.gep(data, [start]), _VECTOR.as_pointer())


def _add(signature, factors):
    """Code generator of ``out[i] += weight`` times the rows of the other (array, index) pairs."""

    def generate(context, builder, signature, args):
        kinds = signature.args
        index = [context.cast(builder, args[k], kinds[k], types.int64) for k in (1, *range(4, 3 + 2 * factors, 2))]
        weight = context.cast(builder, args[2], kinds[2], types.float64)
        value = ir.Constant(_VECTOR, ir.Undefined)
        for lane in range(LANES):
            value = builder.insert_element(value, weight, ir.Constant(ir.IntType(32), lane))
        for k in range(factors):
            row = _row(context, builder, kinds[3 + 2 * k], args[3 + 2 * k], index[1 + k])
            value = builder.fmul(value, builder.load(row, align=8), flags=_FLAGS)
        out = _row(context, builder, kinds[0], args[0], index[0])
        builder.store(builder.fadd(builder.load(out, align=8), value, flags=_FLAGS), out, align=8)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def add(typing_context, out, i, weight, a, j):
    """``out[i] += weight a[j]``; arrays (n, LANES) of float64, C-contiguous. No bounds check."""
    return _add(types.void(out, i, weight, a, j), 1)


@intrinsic
def add_product(typing_context, out, i, weight, a, j, b, k):
    """``out[i] += weight a[j] b[k]``, as :func:`add`."""
    return _add(types.void(out, i, weight, a, j, b, k), 2)


@intrinsic
def add_triple(typing_context, out, i, weight, a, j, b, k, c, m):
    """``out[i] += weight a[j] b[k] c[m]``, as :func:`add`."""
    return _add(types.void(out, i, weight, a, j, b, k, c, m), 3)
