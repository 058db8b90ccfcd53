"""Lines of ``KEY = value``, as etot.input, IN.SOLVENT and the echo in REPORT have them."""

from __future__ import annotations

import re

import numpy as np

from .text import Place, is_number, number, quoted


def parse_value(text):
    """Value of a setting: bool, int, float, str or a tuple of these."""
    tokens = text.replace(',', ' ').split()
    values = tuple(_one(token) for token in tokens)
    return values[0] if len(values) == 1 else values


def _one(token):
    plain = token.strip('.').upper()
    if plain in ('T', 'TRUE', 'F', 'FALSE'):
        return plain.startswith('T')
    if re.fullmatch(r'[+-]?\d+', token):
        return int(token)
    return number(token) if is_number(token) and re.match(r'[-+.\d]', token) else token


def read_keys(lines, start, name):
    settings, seen = {}, {}
    for k in range(start, len(lines)):
        line = lines[k].split('#')[0].strip()
        if not line:
            continue
        key, equals, value = (part.strip() for part in line.partition('='))
        place, key = Place(name, k + 1), key.upper()
        if not equals or not re.fullmatch(r'[A-Z][\w.]*', key) or not value:
            raise place.error('KEY = value', quoted(line))
        if key in settings:
            raise place.error(f'{key} once', f'it a second time, after line {seen[key]}', 'Remove one of them.')
        settings[key], seen[key] = parse_value(value), k + 1
    return settings


def upper_keys(settings):
    upper = {key.upper(): value for key, value in settings.items() if value is not None}
    if len(upper) < sum(value is not None for value in settings.values()):
        raise ValueError(f'a key is given twice, in upper and lower case: {", ".join(sorted(settings))}')
    return upper


def key_lines(settings, separator=' '):
    return [f'{key} = {_text(key, value, separator)}\n' for key, value in settings.items()]


def _text(key, value, separator):
    if isinstance(value, tuple | list):
        # a switch and its parameters (ENERGY_DECOMP = T, 2) are documented with commas, rows of numbers without
        separator = ', ' if value and isinstance(value[0], bool | np.bool_) else separator
        return separator.join(_text(key, v, separator) for v in value)
    if isinstance(value, bool | np.bool_):
        return 'T' if value else 'F'
    text = repr(float(value)) if isinstance(value, float) else str(value)
    if not text.strip() or re.search(r'[#\n=]', text) or text in ('nan', 'inf', '-inf'):
        raise ValueError(f'{key} cannot be written as {value!r}')
    return text
