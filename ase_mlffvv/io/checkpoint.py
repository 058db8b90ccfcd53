"""Checkpoints: named arrays and JSON data in one file, with a checksum and without pickle."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..errors import CheckpointError
from .files import complete

MAGIC = b'ase-mlffvv checkpoint 1\n'
_DIGEST = hashlib.sha256().digest_size


def save_checkpoint(path, kind, arrays, data, *, keep_previous=False):
    """Write a checkpoint, replacing an existing one atomically.

    The file consists of ``MAGIC``, the length of a JSON header (8 bytes, little-endian), the header, the arrays one
    after the other, and the SHA-256 digest of all these.

    Parameters
    ----------
    path : path
    kind : str
        Kind of job, such as ``'run'``.
    arrays : dict of str to array
        Arrays of numbers, booleans or text of fixed length.
    data : dict
        Data that can be converted to JSON.
    keep_previous : bool
        Whether to keep the previous checkpoint as ``<name>.previous``.

    Raises
    ------
    TypeError
        If an array contains Python objects, or ``data`` cannot be converted to JSON.
    """
    path, contiguous = Path(path), {}
    for name, array in arrays.items():
        array = np.asarray(array)
        if array.dtype.kind not in 'biufcSU':
            raise TypeError(f"array '{name}' of the checkpoint has dtype {array.dtype}; expected numbers or text")
        contiguous[name] = array.astype(array.dtype.newbyteorder('<'), order='C', copy=False)
    table = [[name, array.dtype.str, array.shape] for name, array in contiguous.items()]
    header = json.dumps({'kind': kind, 'data': data, 'arrays': table}, ensure_ascii=False).encode()
    parts = [MAGIC, len(header).to_bytes(8, 'little'), header, *(a.tobytes() for a in contiguous.values())]
    digest = hashlib.sha256()
    with complete(path) as temporary:
        with open(temporary, 'wb') as file:
            for part in parts:
                digest.update(part)
                file.write(part)
            file.write(digest.digest())
        if keep_previous and path.is_file():
            _keep(path)


def load_checkpoint(path, kind):
    """Read a checkpoint.

    Parameters
    ----------
    path : path
    kind : str
        Kind of job with which it was saved.

    Returns
    -------
    arrays : dict of str to ndarray
    data : dict

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    CheckpointError
        If the file is damaged, truncated, or not a checkpoint of this kind.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise CheckpointError(f"'{path}' is not a regular file, so not a checkpoint; give another name.")
    content = path.read_bytes()
    if not content.startswith(MAGIC):
        raise CheckpointError(
            f"'{path}' is not a checkpoint of this version of ase-mlffvv, or its beginning is damaged. It stays as it "
            'is; remove it to start anew, or give another name.'
        )
    end = len(content) - _DIGEST
    if end < len(MAGIC) + 8 or hashlib.sha256(memoryview(content)[:end]).digest() != content[end:]:
        raise CheckpointError(
            f"'{path}' is damaged or cut off: its content does not match its checksum. {_remedy(path)}"
        )
    try:
        found, arrays, data = _parsed(content, end)
    except Exception as error:  # of JSON and arrays; the checksum was right, so that something else wrote the file
        raise CheckpointError(
            f"'{path}' was not written by ase-mlffvv ({type(error).__name__}: {error}). {_remedy(path)}"
        ) from error
    if found != kind:
        raise CheckpointError(
            f"'{path}' is the checkpoint of another kind of job ('{found}', expected '{kind}'); give another name."
        )
    return arrays, data


def _parsed(content, end):
    """Kind, arrays and data of a checkpoint; raises errors if its parts do not fill it exactly."""
    start = len(MAGIC) + 8
    size = int.from_bytes(content[len(MAGIC) : start], 'little')
    header = json.loads(content[start : start + size])
    arrays, start = {}, start + size
    for name, dtype, shape in header['arrays']:
        dtype = np.dtype(dtype)
        if dtype.kind not in 'biufcSU' or min(shape, default=0) < 0:
            raise ValueError(f'array {name} has dtype {dtype} and shape {shape}')
        count = math.prod(shape)
        if start + count * dtype.itemsize > end:
            raise ValueError(f'array {name} of shape {shape} is longer than the file')
        arrays[name] = np.frombuffer(content, dtype, count, start).reshape(shape).copy()
        start += arrays[name].nbytes
    if start != end or not isinstance(header['data'], dict):
        raise ValueError('its parts do not fill it')
    return header['kind'], arrays, header['data']


def previous(path):
    """Path under which the previous checkpoint is kept."""
    path = Path(path)
    return path.with_name(f'{path.name}.previous')


def _keep(path):
    """Keep the file that will be replaced under a second name."""
    spare = path.with_name(f'.{path.name}.previous.{os.getpid()}.part')
    spare.unlink(missing_ok=True)
    try:
        os.link(path, spare)
    except OSError:  # a file system without hard links
        shutil.copyfile(path, spare)
    try:
        os.replace(spare, previous(path))
    finally:
        with suppress(OSError):
            spare.unlink(missing_ok=True)


def _remedy(path):
    if previous(path).exists():
        return f"To continue from the checkpoint before, rename '{previous(path)}' to '{path.name}'."
    return 'Put back a copy of it, or remove it to start anew.'
