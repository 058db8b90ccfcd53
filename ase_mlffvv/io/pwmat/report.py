"""Result of a calculation, REPORT."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...errors import PWmatFileError
from .keywords import parse_value
from .text import Place, quoted, reading

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO


_VALUES = {
    'energy': re.compile(r'\s*E_tot\(eV\)\s*=\s*(\S+)(?:\s+(\S+))?'),
    'fermi_level': re.compile(r'\s*E_Fermi\(eV\)\s*=\s*(\S+)'),
    'entropy_term': re.compile(r'\s*-TS\s*=\s*(\S+)'),
    'scf_iterations': re.compile(r'\s*iter\s*=\s*(\d+)'),
    'time': re.compile(r'\s*total computation time\s*\(sec\)\s*=\s*(\S+)'),
}
_REASON = re.compile(r'\s*ending_scf_reason\s*=\s*(.*)')
_SETTING = re.compile(r'\s*([A-Z][A-Z0-9_.]*)\s*=\s*(\S.*)')


def read_report(file: str | Path | TextIO) -> dict:
    """Result of the last self-consistent calculation in REPORT.

    Parameters
    ----------
    file : path or text file

    Returns
    -------
    dict
        ``energy`` (eV, E_tot of the last iteration) and ``energy_change`` (eV, from the iteration before). Where the
        file has them: ``fermi_level`` (eV), ``entropy_term`` (eV, -TS), ``scf_iterations``, ``ending_scf_reason`` (str)
        with ``converged`` (whether that is a tolerance), ``time`` (s), and ``settings`` (the echo of etot.input, see
        :func:`.etot_input.read_etot_input`).

    Raises
    ------
    PWmatFileError
        The file has no energy, or one that is not a number.
    """
    result: dict = {}
    settings: dict | None = {}
    with reading(file) as (text, name):
        for k, line in enumerate(text, 1):
            if not line.endswith('\n'):
                break  # its last number may be cut off
            if 'end of etot.input report' in line:
                result['settings'], settings = settings, None
            elif settings is not None and (setting := _SETTING.match(line)):
                settings[setting[1]] = parse_value(setting[2].split('#')[0])
            for key, pattern in _VALUES.items():
                found = pattern.match(line)
                if found:
                    if key == 'energy' and line[found.end() :].strip():
                        raise Place(name, k).error('E_tot and its change, two numbers', quoted(line))
                    value = Place(name, k).numbers([t for t in found.groups() if t], f'the {key}')
                    result[key] = int(value[0]) if key == 'scf_iterations' else value[0]
                    if key == 'scf_iterations':  # what an earlier calculation ended with is not of this one
                        for old in ('ending_scf_reason', 'converged', 'fermi_level', 'entropy_term'):
                            result.pop(old, None)
                    if key == 'energy':
                        result.pop('energy_change', None)
                        result.update(zip(['energy_change'], value[1:]))
            reason = _REASON.match(line)
            if reason and not (reason[1].isascii() and reason[1].strip().isprintable()):
                raise Place(name, k).error('the reason of the end, as text', quoted(line))
            if reason:
                result['ending_scf_reason'] = reason[1].strip()
                result['converged'] = reason[1].strip().lower().startswith('tol')
    if 'energy' not in result:
        raise PWmatFileError(
            f"{name}: expected a line 'E_tot(eV) = ...', found none. The calculation ended before its first iteration; "
            'see the end of the file and the output of the job.'
        )
    return result
