"""Settings given by a user, checked against the tables of keywords."""

from __future__ import annotations

import re
from difflib import get_close_matches
from numbers import Integral, Real

import numpy as np
from ase.calculators.calculator import CalculatorSetupError

from .keywords import ARGUMENT, ETOT, RELAXOPT, Keyword

KINDS = {
    'bool': 'True or False',
    'int': 'a whole number',
    'float': 'a number',
    'str': 'a word',
    'numbers': 'numbers',
    'switch': 'True or False, or a tuple that begins with it',
}


def check_settings(given, table=ETOT, where='etot.input') -> dict:
    """Check settings, and return them under the names of PWmat.

    Parameters
    ----------
    given : dict
        Settings by name, in upper or lower case; ``_`` may stand for a dot: ``ecut``, ``ENERGY_DECOMP``, ``out_stress``
        for OUT.STRESS. Values of None are left out.
    table : sequence of Keyword
    where : str
        File described by the table, for messages.

    Raises
    ------
    CalculatorSetupError
        A name is not in the table, is set by another argument, or occurs twice; or a value is not of the right kind.
    """
    known = {_plain(keyword.name): keyword for keyword in table}
    settings = {}
    for name, value in given.items():
        plain = _plain(name)
        keyword = known.get(plain) or known.get(re.sub(r'\d+$', '#', plain))
        if keyword is None or '#' in plain:
            raise CalculatorSetupError(_unknown(name, known, where))
        key = keyword.name
        if key.endswith('#'):
            key = key[:-1] + plain[len(key) - 1 :]
        if key in settings:
            raise CalculatorSetupError(f'{key} is given twice')
        if value is not None:
            settings[key] = _checked(key, keyword, value)
    return settings


def _plain(name):
    return str(name).upper().replace('.', '_')


def _unknown(name, known, where):
    plain = _plain(name)
    if where == 'etot.input':
        for key, argument in ARGUMENT.items():
            if re.fullmatch(_plain(key).replace('#', r'\d+'), plain):
                return f'{name}: PWmat writes {key} from {argument}; do not set it as a keyword'
    shown = re.sub(r'\d+$', '#', plain)
    close = get_close_matches(plain, known, 1, 0.5) or get_close_matches(shown, known, 1, 0.5)
    if close:
        hint = f'did you mean {known[close[0]].name}?'
    else:
        hint = 'see ase_mlffvv.dft.pwmat.keywords for all that can be set'
    return f'{name} is not a keyword of {where}; {hint}'


def _checked(key, keyword: Keyword, value):
    """The value in plain Python types."""
    kind, values = keyword.kind, keyword.values
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    good = {
        'bool': isinstance(value, bool),
        'int': isinstance(value, Integral) and not isinstance(value, bool),
        'float': _is_number(value),
        'str': isinstance(value, str) and bool(value.strip()),
    }.get(kind, True)
    if kind == 'str' and good:
        value = value.strip()
        value = value.upper() if values else value
    if kind in ('numbers', 'switch'):
        several = list(value) if isinstance(value, list | tuple) else [value]
        head, tail = ([], several) if kind == 'numbers' else (several[:1], several[1:])
        good = all(map(_is_number, tail)) and all(isinstance(x, bool) for x in head)
        good = good and values[0] <= len(tail) <= values[1]
        value = tuple(several) if len(several) > 1 else several[0] if several else None
    elif values:
        good = good and value in values
    if not good:
        raise CalculatorSetupError(f'{key} must be {_expected(keyword)}, got {value!r}')
    return value


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool) and bool(np.isfinite(value))


def _expected(keyword):
    text, values = KINDS[keyword.kind], keyword.values
    if keyword.kind in ('numbers', 'switch'):
        count = f'{values[0]}' if values[0] == values[1] else f'{values[0]} to {values[1]}'
        text = f'{count} numbers' if keyword.kind == 'numbers' else f'{text} and has {count} numbers after it'
    elif values:
        text = f'one of {", ".join(map(str, values))}'
    return f'{text} ({keyword.unit})' if keyword.unit else text


def check_options(given, table):
    """Settings of IN.RELAXOPT or IN.MDOPT."""
    return check_settings(given, table, 'IN.RELAXOPT' if table is RELAXOPT else 'IN.MDOPT')
