"""Checks of arguments where they enter the package: a message names the argument, its range and the value received."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from ase.data import atomic_numbers as ATOMIC_NUMBERS

from .errors import ElementError, SettingError, some

LARGEST_SEED = 2**63 - 1
LONGEST_TIMESTEP = 100.0  # fs; longer than the period of any vibration of lithium (80 fs and more)
HIGHEST_TEMPERATURE = 1e5  # K


def check_number(
    value: Any, name: str, unit: str = '', *, above=None, low=None, high=None, error=SettingError
) -> float:
    """Return a finite number within a range as a float.

    Parameters
    ----------
    value : object
    name, unit : str
        For the message.
    above, low, high : float, optional
        The number must be greater than ``above``, and not less than ``low`` or greater than ``high``.
    error : type of exception

    Raises
    ------
    SettingError
        The value is not such a number. Text and bool are not numbers.
    """
    number = _as_float(value)
    if number is None or not _within(number, above, low, high):
        unit = f' ({unit})' if unit else ''
        raise error(f'{name} must be {_range(above, low, high)}{unit}, got {_shown(value)}')
    return number


def check_whole(value: Any, name: str, unit: str = '', *, low=None, high=None, error=SettingError) -> int:
    """Return a whole number within a range as an int; ``5.0`` counts as whole. See :func:`check_number`."""
    number = _as_float(value)
    if number is None or number != round(number) or not _within(number, None, low, high):
        what = f'a whole number of {unit}' if unit else 'a whole number'
        if low is not None and high is not None:
            what += f' from {low:g} to {high:g}'
        elif low is not None:
            what += f', {low:g} or more' if unit else f' of {low:g} or more'
        raise error(f'{name} must be {what}, got {_shown(value)}')
    return int(value)


def check_seed(value: Any, name: str = 'seed') -> int:
    """Return the seed of a random number generator, a whole number from 0 to 2**63 - 1."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and 0 <= value <= LARGEST_SEED:
        return int(value)
    raise SettingError(f'{name} must be a whole number from 0 to 2**63 - 1, got {_shown(value)}')


def check_choice(value: Any, name: str, choices, error=SettingError):
    """Return a value that is one of several words."""
    if not isinstance(value, str) or value not in choices:
        raise error(f'{name} must be one of {", ".join(map(str, choices))}, got {_shown(value)}')
    return value


def check_element(value: Any, name: str = 'element') -> str:
    """Return a chemical symbol."""
    if not isinstance(value, str) or value not in ATOMIC_NUMBERS or value == 'X':
        raise SettingError(f"{name} must be a chemical symbol such as 'Li', got {_shown(value)}")
    return value


def check_atomic_numbers(numbers: Any) -> np.ndarray:
    """Return atomic numbers, shape (n_atoms,), if they are in the table of elements (0 is the unknown element X).

    Raises
    ------
    ElementError
        They are not whole numbers, or outside of the table. The message lists the atoms.
    """
    numbers, last = np.asarray(numbers), len(ATOMIC_NUMBERS) - 1
    if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in 'iu'):
        raise ElementError(f'atomic numbers must be whole numbers, one per atom, got {_shown(numbers)}')
    outside = np.flatnonzero((numbers < 0) | (numbers > last))
    if len(outside):
        raise ElementError(
            f'atomic numbers must be whole numbers from 0 to {last}, got {numbers[outside[0]]} (atoms {some(outside)})'
        )
    return numbers


def check_flag(value: Any, name: str) -> bool:
    """Return a bool."""
    if not isinstance(value, bool | np.bool_):
        raise SettingError(f'{name} must be True or False, got {_shown(value)}')
    return bool(value)


def check_array(
    value: Any, name: str, shape, unit: str = '', *, above=None, low=None, finite=True, error=SettingError
) -> np.ndarray:
    """Return an array of (finite) numbers of a shape, in which None stands for any length.

    Raises
    ------
    SettingError
        The values are not numbers, have another shape, or are not finite or outside of the range.
    """
    unit = f' ({unit})' if unit else ''
    try:
        array = np.asarray(value)
        if array.dtype.kind not in 'iuf':
            raise TypeError
        array = array.astype(float)
    except (TypeError, ValueError):
        raise error(f'{name} must be numbers{unit} of shape {_shape(shape)}, got {_shown(value)}') from None
    if len(array.shape) != len(shape) or any(n not in (None, m) for n, m in zip(shape, array.shape)):
        raise error(f'{name} must have shape {_shape(shape)}{unit}, got {array.shape}')
    with np.errstate(invalid='ignore'):
        good = np.isfinite(array) | (not finite)
        good &= True if above is None else array > above
        good &= True if low is None else array >= low
    if not good.all():
        bad = np.argwhere(~good)
        entries = f' (entries {some(np.unique(bad[:, 0]))})' if array.ndim else ''
        raise error(f'{name} must be {_range(above, low, None)}{unit}, got {array[tuple(bad[0])]:g}{entries}')
    return array


def check_timestep(value: Any, name: str = 'timestep') -> float:
    """Return a time step of molecular dynamics, fs."""
    return check_number(value, name, 'fs', above=0, high=LONGEST_TIMESTEP)


def check_temperature(value: Any, name: str = 'temperature', error=SettingError) -> float:
    """Return a temperature, K."""
    return check_number(value, name, 'K', above=0, high=HIGHEST_TEMPERATURE, error=error)


def check_threads(value: Any) -> int | None:
    """Return a number of threads, or None for all processors."""
    return None if value is None else check_whole(value, 'threads', low=1, high=4096)


def _as_float(value):
    """The value as a finite float; None if it is no such number."""
    if isinstance(value, str | bytes | bool | np.bool_) or np.ndim(value) != 0:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _within(number, above, low, high):
    return (above is None or number > above) and (low is None or number >= low) and (high is None or number <= high)


def _range(above, low, high):
    """The range of a number in words."""
    if above == 0 or low == 0:
        text = 'positive' if above == 0 else 'zero or positive'
    elif above is not None or low is not None:
        text = f'greater than {above:g}' if above is not None else f'{low:g} or more'
    else:
        text = 'a number'
    return f'{text} and {"finite" if high is None else f"at most {high:g}"}'


def _shape(shape):
    return f'({", ".join("n" if n is None else str(n) for n in shape)}{"," if len(shape) == 1 else ""})'


def _shown(value):
    """Short text of a value."""
    if isinstance(value, np.ndarray) and value.size > 6:
        return f'an array of shape {value.shape}'
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= 80 else f'{text[:77]}...'
