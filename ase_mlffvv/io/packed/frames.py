"""Reader and writer of packed trajectories: items of ASE's ULM container, arrays compressed with zlib.

An item is a frame. Positions are whole multiples of a stated precision, other real arrays have single precision;
integers have the smallest type that holds them. Bytes of equal significance stand together, which compresses better.
Frames are appended, and the count of frames in the file's header grows when a frame is complete.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import ulm

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any


TAG = 'mlffvv-packed'
VERSION = 1
HEADER = 48  # bytes in front of the items, which hold their number and where their index stands


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
    """
    if not precision > 0:
        raise ValueError(f'precision must be positive (Å), got {precision!r}')
    scaled = np.rint(atoms.positions / precision)
    if not np.abs(scaled).max(initial=0.0) < 2**31:  # False for NaN, too
        raise ValueError(
            f'positions reach {np.abs(atoms.positions).max():g} Å and cannot be stored with a precision of '
            f'{precision:g} Å; give a larger one'
        )
    arrays = {name: _narrow(a) for name, a in atoms.arrays.items() if name not in ('positions', 'momenta')}
    arrays['positions'] = scaled.astype(np.int32)
    energy = atoms.calc.results.get('energy') if atoms.calc is not None else None
    with ulm.open(path, 'a', tag=TAG) as file:
        file.write(
            version=VERSION, n_atoms=len(atoms), precision=precision, cell=atoms.cell[:].tolist(),
            pbc=atoms.pbc.tolist(), info=dict(atoms.info), energy=None if energy is None else float(energy),
            arrays={name: [a.dtype.str, list(a.shape)] for name, a in arrays.items()},
        )  # fmt: skip
        for name, a in arrays.items():
            file.write(f'packed_{name}', _pack(a))


def read_frame(file: Any, index: int) -> Atoms:
    """Frame ``index`` of an open :class:`ase.io.ulm.Reader` as Atoms."""
    item = file[index]
    if item.version > VERSION:
        raise OSError(f'this packed trajectory has version {item.version}, newer than {VERSION}: update ase-mlffvv')
    arrays = {}
    for name, (dtype, shape) in item.arrays.items():
        arrays[name] = _unpack(getattr(item, f'packed_{name}'), dtype, shape)
    atoms = Atoms(numbers=arrays.pop('numbers').astype(int), positions=arrays.pop('positions') * item.precision,
                  cell=item.cell, pbc=item.pbc, info=item.info)  # fmt: skip
    for name, a in arrays.items():
        atoms.set_array(name, a.astype(np.int64 if a.dtype.kind in 'iu' else float if a.dtype.kind == 'f' else a.dtype))
    if item.energy is not None:
        atoms.calc = SinglePointCalculator(atoms, energy=item.energy)
    return atoms


def read_mlffvv_packed(filename: str | Path, index: int | slice = -1) -> Iterator[Atoms]:
    """Frames of a packed trajectory, one at a time; called by :func:`ase.io.read`."""
    if os.path.getsize(filename) < HEADER:
        return
    with ulm.Reader(str(filename)) as file:
        numbers = range(len(file))
        chosen = numbers[index] if isinstance(index, slice) else [numbers[index]]
        for k in chosen:
            yield read_frame(file, k)


def write_mlffvv_packed(
    filename: str | Path, images: Atoms | Iterable[Atoms], append: bool = False, precision: float = 1e-4
) -> None:
    """Write structures; called by :func:`ase.io.write`."""
    if not append:
        Path(filename).unlink(missing_ok=True)
    for atoms in [images] if isinstance(images, Atoms) else images:
        append_frame(filename, atoms, precision)


def header(path):
    """What :func:`cut` needs to go back to the present state of the file: its header, as hexadecimal digits."""
    with open(path, 'rb') as file:
        return file.read(HEADER).hex()


def cut(path, size, header):
    """Remove what was appended after the file had ``size`` bytes and this :func:`header`."""
    with open(path, 'rb+') as file:
        file.truncate(size)
        file.write(bytes.fromhex(header))


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
    return np.frombuffer(zlib.compress(planes.tobytes(), 1), np.uint8)


def _unpack(data, dtype, shape):
    dtype = np.dtype(dtype).newbyteorder('<')
    planes = np.frombuffer(zlib.decompress(data.tobytes()), np.uint8).reshape(dtype.itemsize, -1)
    a = np.ascontiguousarray(planes.T).reshape(-1).view(dtype)
    if dtype.kind == 'i' and len(shape) == 2:
        return np.cumsum(a.reshape(shape[1], shape[0]), axis=1, dtype=dtype).T.copy()
    return a.reshape(shape)
