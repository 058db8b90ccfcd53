"""Reader and writer of packed trajectories: a file of :mod:`.records` with one frame in each.

The content of a record is the length of a JSON header (uint32), the header, and arrays compressed with zlib. Positions
are whole multiples of a stated precision, other real arrays have single precision; integers have the smallest type
that holds them. Bytes of equal significance stand together, which compresses better.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io.jsonio import decode, encode

from ...errors import TrajectoryError
from ..files import complete
from .records import REMEDY, Records, append_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def append_frame(path: str | Path, atoms: Atoms, precision: float = 1e-4) -> None:
    """Append a structure to a packed trajectory; the file is made where there is none.

    Parameters
    ----------
    path : path
    atoms : Atoms
        Kept are numbers, positions, cell, pbc, other per-atom arrays but momenta, ``info`` (JSON-able), and the energy
        of its calculator's results. Constraints are not.
    precision : float, Å
        Of the positions.

    Raises
    ------
    ValueError
        The precision is not positive, or positions or cell are not finite or too large for it.
    TypeError
        An array is not of numbers, or ``info`` cannot be stored.
    TrajectoryError
        The file is damaged or is not a packed trajectory.
    """
    append_record(path, _packed(atoms, precision))


def read_mlffvv_packed(filename: str | Path, index: int | slice = -1) -> Iterator[Atoms]:
    """Frames of a packed trajectory, one at a time; called by :func:`ase.io.read`.

    Raises
    ------
    TrajectoryError
        A frame is damaged, or the file is empty or is not a packed trajectory. An incomplete last frame is left out,
        with a TrajectoryWarning.
    IndexError
        There is no frame of this number.
    """
    wanted = index if isinstance(index, slice) else slice(index, index + 1 or None)
    with open(filename, 'rb') as file:
        records = Records(file, filename)
        if not records.has(0):
            raise TrajectoryError(f"'{filename}' has no complete frame. {REMEDY}, or remove it.")
        start, stop, step = wanted.start or 0, wanted.stop, wanted.step or 1
        if min(start, step, 0 if stop is None else stop) < 0:
            numbers: Iterable = range(*wanted.indices(len(records)))
        else:
            numbers = _as_far_as(records, start, math.inf if stop is None else stop, step)
        k = None
        for k in numbers:
            yield _frame(records.read(k), f"'{filename}': frame {k}")
        if k is None and start and stop is None:  # ase.io.read asks in this way for a frame of a number
            raise IndexError(f"'{filename}' has {len(records)} frames, there is no frame {start}")


def write_mlffvv_packed(
    filename: str | Path, images: Atoms | Iterable[Atoms], append: bool = False, precision: float = 1e-4
) -> None:
    """Write structures; called by :func:`ase.io.write`. A file is replaced only when the new one is complete."""
    images = [images] if isinstance(images, Atoms) else images
    if append:
        for atoms in images:
            append_frame(filename, atoms, precision)
        return
    with complete(filename) as temporary:
        temporary.touch()
        for atoms in images:
            append_frame(temporary, atoms, precision)


def _as_far_as(records, number, stop, step):
    while number < stop and records.has(number):
        yield number
        number += step


def _packed(atoms, precision):
    """Content of the record of a structure."""
    if not precision > 0:
        raise ValueError(f'precision must be positive (Å), got {precision!r}')
    scaled = np.rint(atoms.positions / precision)
    if not np.abs(scaled).max(initial=0.0) < 2**31:  # False for NaN, too
        raise ValueError(
            f'positions reach {np.abs(atoms.positions).max():g} Å and cannot be stored with a precision of '
            f'{precision:g} Å; give a larger one'
        )
    if not np.isfinite(atoms.cell[:]).all():
        raise ValueError(f'the cell contains values that are not finite: {atoms.cell[:].tolist()}')
    arrays = {name: _narrow(a) for name, a in atoms.arrays.items() if name not in ('positions', 'momenta')}
    arrays['positions'] = scaled.astype(np.int32)
    energy = atoms.calc.results.get('energy') if atoms.calc is not None else None
    packed = {name: _pack(a) for name, a in arrays.items()}
    header = encode({
        'n_atoms': len(atoms), 'precision': precision, 'cell': atoms.cell[:].tolist(), 'pbc': atoms.pbc.tolist(),
        'info': dict(atoms.info), 'energy': None if energy is None else float(energy),
        'arrays': [[name, a.dtype.str, list(a.shape), len(packed[name])] for name, a in arrays.items()],
    }).encode()  # fmt: skip
    return b''.join([len(header).to_bytes(4, 'little'), header, *packed.values()])


def _frame(content, where):
    """Structure of a record. Its checksum was right, so that errors mean that something else wrote it."""
    try:
        start = 4 + int.from_bytes(content[:4], 'little')
        header, arrays = decode(content[4:start].decode(), False), {}
        for name, dtype, shape, size in header['arrays']:
            if not shape or shape[0] != header['n_atoms']:
                raise ValueError(f'array {name} has shape {shape} for {header["n_atoms"]} atoms')
            arrays[name] = _unpack(content[start : start + size], dtype, shape)
            start += size
        atoms = Atoms(numbers=arrays.pop('numbers').astype(int), positions=arrays.pop('positions') *
                      header['precision'], cell=header['cell'], pbc=header['pbc'], info=header['info'])  # fmt: skip
        for name, a in arrays.items():
            wide = np.int64 if a.dtype.kind in 'iu' else float if a.dtype.kind == 'f' else a.dtype
            atoms.set_array(name, a.astype(wide))
        if header['energy'] is not None:
            atoms.calc = SinglePointCalculator(atoms, energy=float(header['energy']))
        return atoms
    except Exception as error:
        raise TrajectoryError(
            f'{where} cannot be understood ({type(error).__name__}: {error}). It was written by another program or a '
            'newer version of ase-mlffvv.'
        ) from error


def _narrow(a):
    if a.dtype.kind == 'f':
        return a.astype(np.float32)
    if a.dtype.kind in 'iu' and a.size:
        return a.astype(np.result_type(np.min_scalar_type(a.min()), np.min_scalar_type(a.max())))
    if a.dtype.kind not in 'iub':
        raise TypeError(f'arrays of type {a.dtype} cannot be stored in a packed trajectory; use extxyz')
    return a


def _pack(a):
    a = np.ascontiguousarray(a.astype(a.dtype.newbyteorder('<')))
    if a.dtype.kind == 'i' and a.ndim == 2:  # differences of successive atoms are smaller than their positions
        a = np.diff(a, axis=0, prepend=np.zeros((1, a.shape[1]), a.dtype)).T.copy()
    planes = a.reshape(-1).view(np.uint8).reshape(-1, a.dtype.itemsize).T
    return zlib.compress(planes.tobytes(), 1)


def _unpack(data, dtype, shape):
    dtype = np.dtype(dtype).newbyteorder('<')
    if dtype.kind not in 'iufb' or min(shape) < 0:
        raise ValueError(f'an array has dtype {dtype} and shape {shape}')
    size, stream = math.prod(shape) * dtype.itemsize, zlib.decompressobj()
    unpacked = stream.decompress(data, size + 1)  # not more than what the frame declares
    if len(unpacked) != size:
        raise ValueError(f'an array of {dtype} and shape {shape} needs {size} bytes, found {len(unpacked)}')
    planes = np.frombuffer(unpacked, np.uint8).reshape(dtype.itemsize, -1)
    a = np.ascontiguousarray(planes.T).reshape(-1).view(dtype)
    if dtype.kind == 'i' and len(shape) == 2:
        return np.cumsum(a.reshape(shape[1], shape[0]), axis=1, dtype=dtype).T.copy()
    return a.reshape(shape)
