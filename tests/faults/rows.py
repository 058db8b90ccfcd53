"""Rows of the tables of faults: a call, the exception it must raise, and words that the message must hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from ase_mlffvv.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable

NAN, INF = float('nan'), float('inf')

POSITIVE = (NAN, INF, 0, -1.5, 'a', None)
NOT_NEGATIVE = (NAN, INF, -1.5, 'a', None)
FINITE = (NAN, INF, 'a', None)
COUNT = (NAN, INF, 0, -3, 1.5, 'a', None)  # 1 or more
NATURAL = (NAN, INF, -3, 1.5, 'a', None)  # 0 or more
SEED = (NAN, -1, 1.5, 'a', 2**70)
CHOICE = ('other', 3, ['x'])
FLAG = ('yes', 1, None)


class Row(NamedTuple):
    """One fault."""

    name: str
    call: Callable[[], Any]
    error: type
    words: tuple


def row(name, call, error, *words):
    """A fault with a call that has no arguments."""
    return Row(name, call, error, words)


def door(name, call, values, word=None, error=SettingError):
    """Faults of one argument: ``call(value)`` for each bad value; the message must hold ``word`` and the value."""
    word = name.split()[-1] if word is None else word
    return [Row(f'{name}={value!r}', lambda v=value: call(v), error, (word, shown(value))) for value in values]


def optional(values):
    """Bad values of an argument that may be None."""
    return tuple(value for value in values if value is not None)


def shown(value):
    """Text of a value in a message."""
    return str(value) if isinstance(value, float) else repr(value)


def table(rows):
    """Parametrise a test over rows."""
    names = [row.name for row in rows]
    assert len(set(names)) == len(names), 'two rows have the same name'
    return pytest.mark.parametrize('row', rows, ids=names)


def refuses(row):
    """Check that a row raises its error, with all words in the message."""
    with pytest.raises(row.error) as caught:
        row.call()
    message = str(caught.value)
    missing = [word for word in row.words if word not in message]
    assert not missing, f'{missing} not in: {message}'
