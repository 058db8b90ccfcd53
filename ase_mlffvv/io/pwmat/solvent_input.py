"""Input of the implicit solvent, IN.SOLVENT."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from ...errors import PWmatFileError
from .keywords import key_lines, read_keys, upper_keys
from .text import reading, replacing, whole_lines

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO


KEYS = (
    'SOLVENT_TYPE', 'DIELECTRIC_CONST', 'SURFACE_TENSION', 'PRESSURE', 'RHOMAX_DIELECTRIC', 'RHOMIN_DIELECTRIC',
    'DIELECTRIC_MODEL', 'RHOMAX_CAVITY', 'RHOMIN_CAVITY', 'POISSON_BOLTZMANN', 'DEBY_AKK0', 'RHOMAX_DEBY',
    'RHOMIN_DEBY', 'POISSON_MIX_SCHEME', 'POISSON_MIX_COEFF', 'POISSON_ERROR',
)  # fmt: skip
_PARAM_CHARGE = re.compile(r'PARAM_CHARGE\.[1-9]\d*')


def read_solvent_input(file: str | Path | TextIO) -> dict:
    """Settings of the implicit solvent in IN.SOLVENT.

    Parameters
    ----------
    file : path or text file

    Returns
    -------
    dict
        Values by key in upper case, see :func:`.etot_input.read_etot_input`; PARAM_CHARGE.n are three numbers. Units
        as in the file: dyn/cm for SURFACE_TENSION, GPa for PRESSURE, electrons/Bohr^3 for densities, 1/Bohr^2 for
        DEBY_AKK0. The other spelling of the latter, AKK0_DEBY, is read as DEBY_AKK0.

    Raises
    ------
    PWmatFileError
        A line is not ``KEY = value``, a key stands twice, or the two spellings contradict each other.
    """
    with reading(file) as (text, name):
        settings = read_keys(whole_lines(text, name), 0, name)
    other = _one_spelling(settings)
    if other is not None:
        raise PWmatFileError(
            f'{name}: expected DEBY_AKK0 and AKK0_DEBY, two spellings of one setting, to be equal, found '
            f'{settings["DEBY_AKK0"]} and {other}. Remove one of them.'
        )
    return settings


def write_solvent_input(file: str | Path | TextIO, settings: dict) -> None:
    """Write IN.SOLVENT.

    Parameters
    ----------
    file : path or text file
        A file of this name is replaced only when the new one is complete.
    settings : dict
        As :func:`read_solvent_input` returns it; keys in any case, None is left out. DEBY_AKK0 is written in both
        spellings, since the manual uses both.

    Raises
    ------
    ValueError
        A key is not one of the solvent model (PWmat would pass over it in silence), PARAM_CHARGE is not three numbers,
        or the two spellings of DEBY_AKK0 contradict each other.
    """
    settings = upper_keys(settings)
    other = _one_spelling(settings)
    if other is not None:
        raise ValueError(f'DEBY_AKK0 {settings["DEBY_AKK0"]} and AKK0_DEBY {other} are one setting; give it once')
    for key, value in settings.items():
        if _PARAM_CHARGE.fullmatch(key):
            if not isinstance(value, tuple | list) or len(value) != 3:
                raise ValueError(f'{key} must be three numbers, got {value!r}')
        elif key not in KEYS:
            close = get_close_matches(key, [*KEYS, 'PARAM_CHARGE.1'], 1)
            hint = f'; did you mean {close[0]}?' if close else f'; keys are {", ".join(KEYS)}, PARAM_CHARGE.n'
            raise ValueError(f'IN.SOLVENT has no key {key}{hint}')
    if 'DEBY_AKK0' in settings:
        settings['AKK0_DEBY'] = settings['DEBY_AKK0']
    with replacing(file) as out:
        out.writelines(key_lines(settings, separator=', '))


def _one_spelling(settings):
    """Move AKK0_DEBY to DEBY_AKK0; returns its value where the two contradict each other."""
    other = settings.pop('AKK0_DEBY', None)
    if other is None or settings.setdefault('DEBY_AKK0', other) == other:
        return None
    return other
