"""A vector type for compiled code: 64 bytes, which are 8 float64 or 16 float32 numbers.

Without this type, the compiler leaves short loops over arrays scalar, or checks at run time whether the arrays overlap.
With it, each operation acts on a whole vector in either precision, and intermediate results stay in registers. Numbers
in formulas are converted to the precision of the vectors: a Python float does not promote float32.
"""

from __future__ import annotations

import operator

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.typeconv import Conversion
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, lower_cast, models, register_model

_BYTES = 64
_FLAGS = ('contract', 'reassoc', 'nsz', 'arcp')
_INT = ir.IntType(32)


class Vector(types.Type):
    """Numba type of a vector of float64 or float32."""

    def __init__(self, dtype, lanes=None):
        self.dtype, self.lanes = dtype, lanes or _BYTES * 8 // dtype.bitwidth
        super().__init__(name=f'vector of {self.lanes} {dtype}')

    def can_convert_from(self, context, other):
        """Numbers fill all lanes."""
        return Conversion.safe if isinstance(other, types.Number) else None


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, ir.VectorType(manager.lookup(kind.dtype).get_value_type(), kind.lanes))


@lower_cast(types.Number, Vector)
def _fill(context, builder, kind, vector, number):
    number = context.cast(builder, number, kind, vector.dtype)
    undefined = ir.Constant(context.get_value_type(vector), ir.Undefined)
    first = builder.insert_element(undefined, number, ir.Constant(_INT, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_INT, vector.lanes), None))


class _Operation(AbstractTemplate):
    def generic(self, args, kws):
        kinds = [a for a in args if isinstance(a, Vector)]
        numbers = [a for a in args if isinstance(types.unliteral(a), types.Number)]
        if kinds and len(kinds) + len(numbers) == len(args) and len(set(kinds)) == 1:
            return signature(kinds[0], *(kinds[0] for _ in args))
        return None


def _operation(*functions, build):
    for function in functions:
        infer_global(function)(type('_Operation', (_Operation,), {}))

        @lower_builtin(function, Vector, Vector)
        def lower(context, builder, sig, args):
            return getattr(builder, build)(*args, flags=_FLAGS)


_operation(operator.add, operator.iadd, build='fadd')
_operation(operator.sub, operator.isub, build='fsub')
_operation(operator.mul, operator.imul, build='fmul')
_operation(operator.truediv, operator.itruediv, build='fdiv')


def _address(context, builder, array_type, array, index_type, index, lanes):
    """Pointer to the numbers at ``index``, a row or (row, which vector of it), as to one vector of ``lanes``."""
    view = context.make_array(array_type)(context, builder, value=array)
    if isinstance(index_type, types.BaseTuple):
        kinds, index = list(index_type), cgutils.unpack_tuple(builder, index)
    else:
        kinds, index = [index_type], [index]
    index = [context.cast(builder, i, kind, types.int64) for i, kind in zip(index, kinds)]
    start = builder.mul(index[-1], ir.Constant(ir.IntType(64), lanes))
    if len(index) == 2:
        start = builder.add(start, builder.mul(index[0], cgutils.unpack_tuple(builder, view.shape)[1]))
    element = context.get_value_type(array_type.dtype)
    return builder.bitcast(builder.gep(view.data, [start]), ir.VectorType(element, lanes).as_pointer())


def _convert(context, builder, value, from_dtype, to_dtype):
    """The same vector in another precision."""
    if from_dtype == to_dtype:
        return value
    to = ir.VectorType(context.get_value_type(to_dtype), value.type.count)
    return (builder.fptrunc if from_dtype.bitwidth > to_dtype.bitwidth else builder.fpext)(value, to)


def _align(array_type):
    return array_type.dtype.bitwidth // 8


@intrinsic
def load(typing_context, array, index):
    """Vector at ``array[index]`` of a C-contiguous array (n, lanes), without a bounds check.

    In an array (n, lanes m), the index (row, k) gives the vector that starts at ``array[row, lanes k]``.
    """
    kind = Vector(array.dtype)

    def generate(context, builder, sig, args):
        where = _address(context, builder, array, args[0], index, args[1], kind.lanes)
        return builder.load(where, align=_align(array))

    return kind(array, index), generate


@intrinsic
def load_as(typing_context, like, array, index):
    """As :func:`load`, but with the length and precision of another vector, or of the vectors of another array."""
    kind = like if isinstance(like, Vector) else Vector(like.dtype)

    def generate(context, builder, sig, args):
        where = _address(context, builder, array, args[1], index, args[2], kind.lanes)
        return _convert(context, builder, builder.load(where, align=_align(array)), array.dtype, kind.dtype)

    return kind(like, array, index), generate


@intrinsic
def store(typing_context, array, index, vector):
    """Write a vector to where :func:`load` reads it, in the precision of the array; a number fills all lanes."""
    kind = vector if isinstance(vector, Vector) else Vector(array.dtype)

    def generate(context, builder, sig, args):
        where = _address(context, builder, array, args[0], index, args[1], kind.lanes)
        builder.store(_convert(context, builder, args[2], kind.dtype, array.dtype), where, align=_align(array))
        return context.get_dummy_value()

    return types.void(array, index, kind), generate


@intrinsic
def filled(typing_context, like, number):
    """Vector with ``number`` in all lanes, in the precision of an array."""
    kind = Vector(like.dtype)
    return kind(like, kind), lambda context, builder, sig, args: args[1]


@intrinsic
def broadcast(typing_context, array, i, j):
    """Vector with ``array[i, j]`` of a C-contiguous array (n, lanes) in all lanes. No bounds check."""
    kind = Vector(array.dtype)

    def generate(context, builder, sig, args):
        data = context.make_array(array)(context, builder, value=args[0]).data
        where = builder.add(builder.mul(args[1], ir.Constant(ir.IntType(64), kind.lanes)), args[2])
        number = builder.load(builder.gep(data, [where]))
        return _fill(context, builder, array.dtype, kind, number)

    return kind(array, types.int64, types.int64), generate


@intrinsic
def width(typing_context, array):
    """Number of lanes of a vector in the precision of an array; a constant in compiled code."""
    lanes = Vector(array.dtype).lanes
    return types.int64(array), lambda context, builder, sig, args: ir.Constant(ir.IntType(64), lanes)


@intrinsic
def between(typing_context, like, first, begin, end):
    """Vector with 1 in lanes k with ``begin <= first + k < end`` and 0 elsewhere, in the precision of an array."""
    kind = Vector(like.dtype)

    def generate(context, builder, sig, args):
        whole = ir.VectorType(ir.IntType(64), kind.lanes)
        vector = Vector(types.int64, kind.lanes)
        first, begin, end = (_fill(context, builder, types.int64, vector, n) for n in args[1:])
        place = builder.add(first, ir.Constant(whole, list(range(kind.lanes))))
        inside = builder.and_(builder.icmp_signed('>=', place, begin), builder.icmp_signed('<', place, end))
        return builder.uitofp(inside, context.get_value_type(kind))

    return kind(like, types.int64, types.int64, types.int64), generate


@intrinsic
def wide(typing_context, x):
    """The same vector in float64."""
    kind = Vector(types.float64, x.lanes)
    return kind(x), lambda context, builder, sig, args: _convert(context, builder, args[0], x.dtype, types.float64)


def _elementwise(name):
    @intrinsic
    def function(typing_context, x):
        def generate(context, builder, sig, args):
            kind, label = args[0].type, f'llvm.{name}.v{x.lanes}f{x.dtype.bitwidth}'
            callee = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind]), label)
            return builder.call(callee, args)

        return x(x), generate

    return function


root, floor = _elementwise('sqrt'), _elementwise('floor')


@intrinsic
def at_least(typing_context, x, number):
    """The larger of each lane and a number."""

    def generate(context, builder, sig, args):
        return builder.select(builder.fcmp_ordered('<', *args), args[1], args[0])

    return x(x, x), generate


@intrinsic
def power_of_two(typing_context, n):
    """2^n for whole numbers n within the range of the exponent."""
    bits, bias, fraction = (64, 1023, 52) if n.dtype == types.float64 else (32, 127, 23)

    def generate(context, builder, sig, args):
        kind = ir.VectorType(ir.IntType(bits), n.lanes)
        whole = builder.add(builder.fptosi(args[0], kind), ir.Constant(kind, [bias] * n.lanes))
        return builder.bitcast(builder.shl(whole, ir.Constant(kind, [fraction] * n.lanes)), args[0].type)

    return n(n), generate


def _halves(context, builder, vectors):
    """Reduce vectors to one, by repeatedly adding the even and odd lanes of pairs of vectors."""
    while len(vectors) > 1:
        n = vectors[0].type.count
        even, odd = (ir.Constant(ir.VectorType(_INT, n), list(range(k, 2 * n, 2))) for k in (0, 1))
        vectors = [
            builder.fadd(builder.shuffle_vector(a, b, even), builder.shuffle_vector(a, b, odd), flags=_FLAGS)
            for a, b in zip(vectors[::2], vectors[1::2])
        ]
    return vectors[0]


@intrinsic
def lane_sums(typing_context, array, row, stride):
    """Vector of sums: lane k is the sum of the numbers in row ``row + k stride`` of an array (n, lanes)."""
    kind = Vector(array.dtype)

    def generate(context, builder, sig, args):
        vectors = []
        for k in range(kind.lanes):
            index = builder.add(args[1], builder.mul(args[2], ir.Constant(ir.IntType(64), k)))
            where = _address(context, builder, array, args[0], types.int64, index, kind.lanes)
            vectors.append(builder.load(where, align=_align(array)))
        return _halves(context, builder, vectors)

    return kind(array, types.int64, types.int64), generate


@intrinsic
def total(typing_context, x):
    """Sum of the lanes of a vector."""

    def generate(context, builder, sig, args):
        value, n = args[0], x.lanes
        while n > 1:
            n //= 2
            parts = (
                builder.shuffle_vector(value, value, ir.Constant(ir.VectorType(_INT, n), list(range(k, k + n))))
                for k in (0, n)
            )
            value = builder.fadd(*parts, flags=_FLAGS)
        return builder.extract_element(value, ir.Constant(_INT, 0))

    return x.dtype(x), generate


@njit(forceinline=True)
def add(out, i, value):
    """``out[i] += value``, a vector."""
    store(out, i, load_as(value, out, i) + value)
