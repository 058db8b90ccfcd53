"""Text of PWmat files: opening and replacing files, Fortran numbers, errors that name file and line."""

from __future__ import annotations

import bz2
import gzip
import lzma
import math
import os
import re
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from ase.io.formats import get_compression

from ...errors import PWmatFileError
from ..files import complete

_OPEN = {'gz': gzip.open, 'bz2': bz2.open, 'xz': lzma.open, None: open}
_LOST_E = re.compile(r'([+-]?(?:\d+\.?\d*|\.\d+))([+-]\d{3})')


@contextmanager
def reading(file):
    """(text file, name for messages): a path is opened, compressed or not; an open file is left open."""
    if hasattr(file, 'read'):
        yield file, str(getattr(file, 'name', 'the open file'))
        return
    file = os.fspath(file)
    if not os.path.isfile(file):
        raise FileNotFoundError(f"no file '{file}' (working directory {Path.cwd()})")
    with _OPEN[get_compression(file)[1]](file, 'rt', encoding='utf-8', errors='replace') as text:
        try:
            yield text, file
        except (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:  # bz2 raises OSError for damaged files
                raise
            raise PWmatFileError(f'{file}: the compressed file is damaged ({error}). Copy it again.') from error


@contextmanager
def replacing(file):
    """Text file to write; a file given by its path is replaced only when it is complete (see :func:`.complete`)."""
    if hasattr(file, 'write'):
        yield file
        return
    opener = _OPEN[get_compression(os.path.basename(os.path.realpath(file)))[1]]
    with complete(file) as temporary, opener(temporary, 'wt', encoding='utf-8') as out:
        yield out


def appending(file):
    """A text file to add to."""
    return _OPEN[get_compression(os.path.basename(file))[1]](file, 'at', encoding='utf-8')


def number(token):
    """A Fortran real: also ``0.1D+02`` and ``0.14-320``, where the exponent pushed its letter out."""
    try:
        return float(token)
    except ValueError:
        lost = _LOST_E.fullmatch(token)
        return float(f'{lost[1]}E{lost[2]}' if lost else token.replace('D', 'E').replace('d', 'e'))


def quoted(line):
    """A line of a file, as errors show it."""
    return f"'{line.strip()[:80]}'"


def is_number(token):
    """Whether a token is a number, or the stars Fortran prints for one that does not fit."""
    try:
        number(token)
    except ValueError:
        return bool(token) and not token.strip('*')
    return True


class CutOff(PWmatFileError):
    """A file or frame ends before it is complete."""


def whole_lines(text, name):
    """Lines of a file, unless it may have been cut off within its last word.

    A last line without an end is accepted if its last word is a flag, which has a single character, or if it follows
    the line of dashes that ends a structure.

    Raises
    ------
    CutOff
    """
    lines = text.read().splitlines(keepends=True)
    last = lines[-1] if lines else '\n'
    words = last.split()
    flag = len(words) > 6 and len(words[-1]) == 1
    if words and not (flag or last.endswith('\n') or any(line.lstrip().startswith('-----') for line in lines)):
        raise CutOff(
            f'{Place(name, len(lines))}: expected the end of a line after {quoted(last)}, found the end of the file: '
            'the last word may be cut off. Copy the file again, or end the line if the file is whole.'
        )
    return [line.rstrip('\r\n') for line in lines]


class Place:
    """Where in a file something was read, to be named in errors.

    Parameters
    ----------
    name : str
    line : int, optional
        Counted from 1.
    """

    def __init__(self, name, line=None):
        self.name, self.line = name, line

    def at(self, line):
        return Place(self.name, line)

    def __str__(self):
        return self.name if self.line is None else f'{self.name} line {self.line}'

    def error(self, expected, found, what_to_do=''):
        return PWmatFileError(f'{self}: expected {expected}, found {found}. {what_to_do}'.rstrip())

    def numbers(self, tokens, expected):
        """Finite numbers of some tokens, as a list; ``expected`` says what they are."""
        values = []
        for token in tokens:
            if not is_number(token):
                raise self.error(expected, quoted(' '.join(tokens)))
            values.append(math.nan if token.startswith('*') else number(token))
        if not all(map(math.isfinite, values)):
            raise self.error(
                f'{expected}, all finite',
                quoted(' '.join(tokens)),
                'The calculation overflowed or failed here: leave this structure out, or calculate it again.',
            )
        return values

    def rows(self, lines, n, least, expected):
        """``n`` rows of equally many finite numbers, at least ``least``, as an array; words may follow them.

        Parameters
        ----------
        lines : sequence of str
            The first of them is on line ``self.line``.
        """
        try:  # the usual case, fast
            table = np.array([line.split() for line in lines[:n]], float)
        except ValueError:
            table = np.zeros(0)
        if table.ndim == 2 and len(table) == n and table.shape[1] >= least and np.isfinite(table).all():
            return table
        rows = []
        for k in range(n):
            place, what = self.at(self.line + k), f'row {k + 1} of {n} of {expected}'
            if k == len(lines):
                raise CutOff(f'{place}: expected {what}, found the end')
            tokens = lines[k].split('#')[0].replace(',', ' ').split()
            if len(tokens) < least or not is_number(tokens[0]):
                raise place.error(f'{what} ({least} numbers)', quoted(lines[k]))
            last = next((j for j in range(least, len(tokens)) if not is_number(tokens[j])), len(tokens))
            if any(re.search(r'\d', word) for word in tokens[last:]):
                raise place.error(f'{what}, numbers only', quoted(lines[k]))
            rows.append(place.numbers(tokens[:last], what))
            if len(rows[k]) != len(rows[0]):
                raise place.error(f'{what} with {len(rows[0])} numbers as the rows before', quoted(lines[k]))
        return np.array(rows)
