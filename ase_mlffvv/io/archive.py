"""Archives: a zip of ``header.json`` and plain ``.npy`` arrays with a checksum of the whole file, without pickle."""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from pathlib import Path

import numpy as np

from .files import complete

_MARK = b'sha256:'
_SEAL = len(_MARK) + 64  # bytes of the comment with which a sealed zip file ends
UNPACKED = (64 * 2**20, 100)  # largest unpacked size: bytes, plus this many times the size of the file


class Unsealed(ValueError):
    """The archive is damaged: its content does not match its checksum, or the checksum is missing."""


def save_archive(path, header, arrays):
    """Write an archive. The file appears at ``path`` only when it is complete; equal content gives equal bytes.

    Parameters
    ----------
    path : path
    header : dict
        Data that JSON can hold.
    arrays : dict of str to ndarray
        Arrays of numbers, booleans or text of fixed length.

    Raises
    ------
    TypeError
        JSON cannot hold the header, or an array contains Python objects.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as archive:
        _add(archive, 'header.json', json.dumps(header, indent=1, ensure_ascii=False).encode())
        for name, array in arrays.items():
            _add(archive, f'{name}.npy', _to_npy(name, array))
        archive.comment = bytes(_SEAL)
    content = buffer.getvalue()[:-_SEAL]
    with complete(path) as temporary:
        temporary.write_bytes(content + _seal(content))


def load_archive(path, *, sealed=True):
    """Read an archive.

    Parameters
    ----------
    path : path
        A regular file.
    sealed : bool
        Whether to refuse an archive without a checksum. One with a wrong checksum is always refused.

    Returns
    -------
    header : dict
    arrays : dict of str to ndarray
    sealed : bool
        Whether the archive has a checksum.

    Raises
    ------
    Unsealed
        The content does not match the checksum.
    Exception
        Whatever the readers of zip files, JSON and arrays raise for a file that is not an archive. Callers turn all of
        these into the error of their format.
    """
    content = Path(path).read_bytes()
    found = content[-_SEAL:].startswith(_MARK)
    if found and _seal(content[:-_SEAL]) != content[-_SEAL:]:
        raise Unsealed('the content does not match its checksum')
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        size, most = sum(member.file_size for member in members), UNPACKED[0] + UNPACKED[1] * len(content)
        if size > most:
            raise ValueError(f'its members unpack to {size / 2**20:.0f} MiB, more than {most / 2**20:.0f} MiB')
        header = json.loads(archive.read('header.json'))
        if not isinstance(header, dict):
            raise TypeError(f'header.json is {type(header).__name__}, not a dict')
        names = [member.filename for member in members if member.filename.endswith('.npy')]
        arrays = {name.removesuffix('.npy'): _from_npy(name, archive.read(name)) for name in names}
    if sealed and not found:
        raise Unsealed('its checksum is missing')
    return header, arrays, found


def _seal(content):
    return _MARK + hashlib.sha256(content).hexdigest().encode()


def _add(archive, name, data):
    member = zipfile.ZipInfo(name)  # without the time of day
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o644 << 16
    archive.writestr(member, data)


def _to_npy(name, array):
    array = np.ascontiguousarray(array)
    if array.dtype.kind not in 'biufcSU':
        raise TypeError(f"array '{name}' has dtype {array.dtype}; expected numbers or text")
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _from_npy(name, data):
    """Array of an npy file in memory, whose declared shape is compared with its size before memory is allocated."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
    shape, fortran_order, dtype = read_header(stream)
    start = stream.tell()
    declared = math.prod(shape) * dtype.itemsize
    if dtype.kind not in 'biufcSU' or min(shape, default=0) < 0 or declared != len(data) - start:
        raise ValueError(f'{name} declares {dtype} of shape {shape}, but holds {len(data) - start} bytes')
    array = np.frombuffer(data, dtype, math.prod(shape), start)
    return array.reshape(shape, order='F' if fortran_order else 'C').copy()
