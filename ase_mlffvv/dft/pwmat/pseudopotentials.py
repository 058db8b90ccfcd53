"""Pseudopotential files of elements."""

from __future__ import annotations

import re
from pathlib import Path

from ase.calculators.calculator import CalculatorSetupError
from ase.data import atomic_numbers


def find_pseudopotentials(symbols, folder, given=None) -> dict:
    """Find a UPF file for each element.

    Parameters
    ----------
    symbols : sequence of str
        Elements, in the order in which they first occur in the structure.
    folder : path
    given : dict, optional
        Files by element, relative to the folder or absolute. For each other element the folder must contain exactly one
        file whose name has the element as a part: ``Li.SG15.PBE.UPF``, ``ONCV.PWM.Li.UPF``, ``Li_ONCV_PBE-1.2.upf``.

    Returns
    -------
    dict
        Paths by element, in the order of ``symbols``.

    Raises
    ------
    CalculatorSetupError
        A file is missing, or several match. The message names the folder and the files in it.
    """
    folder, given = Path(folder).expanduser(), given or {}
    unknown = sorted(set(given) - set(atomic_numbers))
    if unknown:
        raise CalculatorSetupError(f'pseudopotentials names {", ".join(map(str, unknown))}, which are no elements')
    files = sorted(p for p in folder.glob('*') if p.suffix.lower() == '.upf') if folder.is_dir() else []
    found = {}
    for symbol in symbols:
        if symbol in given:
            fitting = [folder / Path(given[symbol]).expanduser()]
            fitting = [path for path in fitting if path.is_file()]
            what = f"no pseudopotential file '{given[symbol]}' for {symbol}"
        else:
            fitting = [path for path in files if _element(path.stem) == symbol]
            what = f'no pseudopotential for {symbol}'
        if not fitting:
            there = f'it has {", ".join(p.name for p in files[:10])}' if files else 'it has no UPF files'
            there = there if folder.is_dir() else 'there is no such folder'
            raise CalculatorSetupError(
                f"{what} in '{folder.resolve()}' ({there}). Set pseudo_dir or pseudopotentials={{'{symbol}': file}}, "
                'or pseudo_dir in the section [pwmat] of the configuration file of ASE.'
            )
        if len(fitting) > 1:
            raise CalculatorSetupError(
                f"several pseudopotentials for {symbol} in '{folder.resolve()}': {', '.join(p.name for p in fitting)}. "
                f"Choose with pseudopotentials={{'{symbol}': '{fitting[0].name}'}}."
            )
        found[symbol] = fitting[0]
    return found


def _element(stem):
    """First part of a file name that is the symbol of an element."""
    return next((part for part in re.split(r'[._-]', stem) if part in atomic_numbers and part != 'X'), None)
