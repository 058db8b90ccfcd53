"""Standard streams in any state: closed, full, or of a terminal that knows ASCII only."""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from contextlib import suppress

ERRORS = 'mlffvv'  # name of the error handler of encodings


def prepare():
    """Make the standard streams usable.

    A stream that was closed is connected to the null device; otherwise, the next file that is opened would take its
    place and receive its text. Characters that a terminal lacks are written as similar ones. Messages that cannot be
    written are lost, but never stop the work.
    """
    for number in range(3):  # in this order, because each takes the lowest free descriptor
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115 (it stays open)
    codecs.register_error(ERRORS, similar)
    for name in ('stdout', 'stderr'):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, 'w', encoding='utf-8'))  # noqa: SIM115
        else:
            with suppress(AttributeError, ValueError):  # a stream of a test or a notebook
                stream.reconfigure(errors=ERRORS)
    if not isinstance(sys.stderr, Tolerant):
        sys.stderr = Tolerant(sys.stderr)


class Tolerant:
    """A stream whose messages are lost if they cannot be written."""

    def __init__(self, stream):
        self._stream = stream

    def write(self, text):
        """Write if possible."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self):
        """Flush if possible."""
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name):
        return getattr(self._stream, name)


def similar(error):
    """Replace characters that an encoding lacks: Å by A, ³ by 3, – by -, others by a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    out = []
    for character in error.object[error.start : error.end]:
        plain = {'–': '-', '—': '-', '−': '-', '·': '.', '×': 'x', 'µ': 'u', 'μ': 'u', '’': "'"}.get(
            character, character
        )
        plain = unicodedata.normalize('NFKD', plain).encode('ascii', 'ignore').decode()
        out.append(plain or '?')
    return ''.join(out), error.end
