"""Files of numbered records, each with a checksum, to which records are only appended.

A record is a head, the content, the SHA-256 digest of both, and the head again, by which the last record is found from
the end of the file. The head consists of ``MARK``, the number of the record (uint32), the number of bytes of the
content (uint64) and the CRC-32 of these (uint32), little-endian. A damaged length is therefore not mistaken for a
record that is still being written: such a record has an intact head and ends with the file.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
import warnings
import zlib
from pathlib import Path

from ...errors import TrajectoryError, TrajectoryWarning

log = logging.getLogger(__name__)
MAGIC = b'mlffvv-packed 2\n'
OLD_MAGIC = b'- of Ulmmlffvv-packed'  # version 1
MARK = b'\nREC'
_HEAD = struct.Struct('<4sIQI')
_DIGEST = hashlib.sha256().digest_size
_AROUND = 2 * _HEAD.size + _DIGEST  # bytes of a record besides its content
REMEDY = 'Copy the file again from its source'


class Records:
    """Records of an open file.

    Heads are read when they are needed, so that the records in front of a damaged one can be read.

    Parameters
    ----------
    file : binary file
    name : str
        Name of the file in messages.

    Raises
    ------
    TrajectoryError
        The file does not consist of records.
    """

    def __init__(self, file, name):
        self._file, self._name = file, name
        self._size, self._places, self._complete = os.fstat(file.fileno()).st_size, [], False
        file.seek(0)
        begin = file.read(len(MAGIC))
        if begin == OLD_MAGIC[: len(MAGIC)]:
            raise TrajectoryError(
                f"'{name}' is a packed trajectory of version 1, which had no checksums and is no longer read. Convert "
                'it with the version of ase-mlffvv that wrote it: ase convert old.vvtraj new.extxyz'
            )
        if not MAGIC.startswith(begin):
            raise TrajectoryError(
                f"'{name}' is not a packed trajectory, or its beginning is damaged: it begins with {begin!r}. {REMEDY}."
            )
        self._end = len(MAGIC)  # of the last record found so far

    def __len__(self):
        """Number of complete records. An incomplete last one is left out with a warning."""
        while self._find():
            pass
        return len(self._places)

    @property
    def end(self):
        """Number of bytes up to the end of the last complete record; 0 for a file without any."""
        return self._end if len(self) else 0

    def has(self, number):
        """Whether there is a complete record of this number; later ones are not looked for."""
        while len(self._places) <= number:
            if not self._find():
                return False
        return True

    def read(self, number):
        """Content of a record.

        Raises
        ------
        TrajectoryError
            The record is damaged.
        """
        start, size = self._places[number]
        self._file.seek(start)
        data = self._file.read(size)
        digest = hashlib.sha256(memoryview(data)[: -_DIGEST - _HEAD.size]).digest()
        if data[-_DIGEST - _HEAD.size :] != digest + data[: _HEAD.size]:
            raise TrajectoryError(
                f"'{self._name}': frame {number} (bytes {start} to {start + size}) is damaged: its content does not "
                f"match its checksum. {REMEDY}; the other frames can be read (ase.io.read(..., '{number + 1}:'))."
            )
        return data[_HEAD.size : -_DIGEST - _HEAD.size]

    def _find(self):
        """Find the next record; returns False at the end of the file."""
        if self._complete:
            return False
        left = self._size - self._end
        self._file.seek(self._end)
        head = self._file.read(_HEAD.size)
        found = _size_of(head, len(self._places))
        if len(head) == _HEAD.size and found is None:
            k = len(self._places)
            before = f"; the {k} frames before it can be read (ase.io.read(..., ':{k}'))" if k else ''
            raise TrajectoryError(
                f"'{self._name}': frame {k} (at byte {self._end}) is damaged: its beginning does not match its "
                f'checksum. {REMEDY}{before}.'
            )
        if found is None or found > left:
            self._complete = True
            if left > 0 and self._places:
                warnings.warn(
                    f"'{self._name}': frame {len(self._places)} (at byte {self._end}) is cut off and left out",
                    TrajectoryWarning,
                    stacklevel=4,
                )
            return False
        self._places.append((self._end, found))
        self._end += found
        return True


def append_record(path, content):
    """Append a record; the file is made if it does not exist or is empty.

    An incomplete record at the end, left by a process that was killed, is removed.

    Raises
    ------
    TrajectoryError
        The file does not consist of records, or is damaged.
    """
    path = Path(path)
    with open(path, 'r+b' if path.exists() else 'xb') as file:
        size = os.fstat(file.fileno()).st_size
        number = _number_of_last(file, size) + 1 if size else 0
        if size and number == 0:
            with warnings.catch_warnings():
                warnings.simplefilter('ignore', TrajectoryWarning)
                records = Records(file, path)
                number, end = len(records), records.end
            if end != size:
                log.warning("'%s': frame %d was incomplete (%d bytes) and is replaced", path, number, size - end)
                file.truncate(end)
                size = end
        head = _HEAD.pack(MARK, number, len(content), 0)[:-4]
        head += struct.pack('<I', zlib.crc32(head))
        digest = hashlib.sha256(head)
        digest.update(content)
        file.seek(size)
        file.write((b'' if size else MAGIC) + head + content + digest.digest() + head)


def _size_of(head, number):
    """Bytes of the record of this number that begins with ``head``; None if this is not such a head."""
    if len(head) < _HEAD.size:
        return None
    mark, found, size, crc = _HEAD.unpack(head)
    return size + _AROUND if (mark, found, crc) == (MARK, number, zlib.crc32(head[:-4])) else None


def _number_of_last(file, size):
    """Number of the last record if the file ends with a complete one, otherwise -1."""
    if size < len(MAGIC) + _AROUND:
        return -1
    file.seek(size - _HEAD.size)
    head = file.read(_HEAD.size)
    number = int.from_bytes(head[4:8], 'little')
    length = _size_of(head, number)
    if length is None or length > size - len(MAGIC):
        return -1
    file.seek(size - length)
    return number if file.read(_HEAD.size) == head else -1
