"""One calculation: the work of a worker, and the record that it writes."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator, CalculationFailed, PropertyNotImplementedError, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from ..io.files import save_json
from .engines import find_engine
from .store import RESULT, save_structures

STRUCTURE = 'result.extxyz'
NEEDED = ('energy', 'forces')


@dataclass(frozen=True)
class Task:
    """A structure to compute.

    Parameters
    ----------
    atoms : Atoms
        Result of :func:`~.store.bare`.
    calculator : str or callable
    settings : dict
        Keyword arguments of the function that makes the calculator.
    safe : bool
        Whether this is the second attempt.
    directory : Path
        Directory of the structure. The calculator gets a folder inside it.
    facts : dict
        Further entries of the record.
    """

    atoms: Atoms
    calculator: object
    settings: dict
    safe: bool
    directory: Path
    facts: dict = field(default_factory=dict)


def compute(task: Task) -> dict:
    """Run the calculator, write the result, and return the record.

    No errors are raised, because not every exception can be sent to another process. A failure is reported as a record
    with ``status`` 'failed', ``reason`` and ``traceback``.
    """
    start = perf_counter()
    try:
        record = {'status': 'done', **task.facts, 'safe': task.safe, **_calculate(task)}
        record['seconds'] = round(perf_counter() - start, 3)
        save_structures(task.directory / STRUCTURE, [with_labels(task.atoms, record)])
        save_json(task.directory / RESULT, record, checksum=True)
        return record
    except (Exception, SystemExit) as error:  # some programs exit instead of raising an error
        return {'status': 'failed', 'reason': reason_of(error), 'traceback': traceback.format_exc()}


def reason_of(error):
    """Class and first line of the message of an error."""
    lines = str(error).strip().splitlines()
    return f'{type(error).__name__}: {lines[0]}' if lines else type(error).__name__


def _calculate(task):
    folder = task.directory / ('safe' if task.safe else 'run')
    if folder.exists():  # left by an interrupted attempt; incomplete files mislead programs
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    function, _ = find_engine(task.calculator)
    calc = function(task.atoms.copy(), safe=task.safe, directory=folder, **task.settings)
    if not isinstance(calc, BaseCalculator):
        raise TypeError(f'the function must return an ASE calculator, got {calc!r}')
    results = _results(calc, task.atoms.copy())
    if not any(folder.iterdir()):
        folder.rmdir()
    return {**results, **_provenance(calc)}


def _results(calc, atoms):
    """Labels as numbers that JSON can hold, from a single calculation if the calculator allows this."""
    optional = [name for name in ('energies', 'stress') if name in calc.implemented_properties]
    if atoms.cell.rank < 3 and 'stress' in optional:
        optional.remove('stress')
    atoms.calc = calc
    for names in ([*NEEDED, *optional], list(NEEDED)):
        try:
            calc.calculate(atoms, names, all_changes)
            break
        except NotImplementedError:  # e.g. there is no stress in this mode of the program
            if not optional or names == list(NEEDED):
                raise
    found = {}
    for name in (*NEEDED, 'free_energy', *optional):
        value = _known(calc, name, atoms)
        if value is None:
            if name in NEEDED:
                raise CalculationFailed(f'the calculator gave no {name}')
            continue
        value = np.asarray(value, float)
        shape = {'forces': (len(atoms), 3), 'energies': (len(atoms),), 'stress': (6,)}.get(name, ())
        if name == 'stress' and value.shape == (3, 3):
            value = full_3x3_to_voigt_6_stress(value)
        if value.shape != shape:
            raise CalculationFailed(f'the calculator gave {name} of shape {value.shape}, expected {shape}')
        if not np.isfinite(value).all():
            raise CalculationFailed(f'the calculator gave {name} with {(~np.isfinite(value)).sum()} values that are '
                                    'not finite numbers')  # fmt: skip
        found[name] = value.tolist()
    extra = _extra(calc, len(atoms))
    return {**found, 'extra': extra} if extra else found


def _extra(calc, n):
    """Labels for which ASE has no name: entries of the calculator's ``extra_results``, numbers or rows for atoms."""
    found = {}
    for name, value in (getattr(calc, 'extra_results', None) or {}).items():
        value = np.asarray(value, float)
        if value.ndim and len(value) != n:
            raise CalculationFailed(f'the calculator gave {name} of shape {value.shape} for {n} atoms')
        if not np.isfinite(value).all():
            raise CalculationFailed(f'the calculator gave {name} with values that are not finite numbers')
        found[name] = value.tolist()
    return found


def _known(calc, name, atoms):
    """An existing result, without a new calculation."""
    results = getattr(calc, 'results', None)
    if isinstance(results, dict):
        return results.get(name)
    try:
        return calc.get_property(name, atoms, allow_calculation=False)
    except PropertyNotImplementedError:
        return None


def _provenance(calc):
    package = type(calc).__module__.partition('.')[0]
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        version = ''
    parameters = json.loads(json.dumps(dict(calc.parameters or {}), default=str)) if hasattr(calc, 'parameters') else {}
    code = getattr(calc, 'code', '') or f'{package} {version}'.strip()  # a wrapper may name the program that it runs
    return {'code': code, 'class': type(calc).__name__, 'parameters': parameters}


def without_labels(atoms):
    """Copy of a structure without earlier labels."""
    atoms = atoms.copy()
    for store in (atoms.info, atoms.arrays):
        for key in [key for key in store if key.startswith(('REF_', 'label_'))]:
            del store[key]
    return atoms


def with_labels(atoms, record):
    """Copy of a structure with the labels and their origin."""
    atoms = without_labels(atoms)
    energy = record['energy']
    atoms.info['REF_energy'] = record.get('free_energy', energy)
    if record.get('free_energy', energy) != energy:
        atoms.info['label_energy'] = energy
    atoms.arrays['REF_forces'] = np.array(record['forces'])
    if 'energies' in record:
        atoms.arrays['REF_energies'] = np.array(record['energies'])
    if 'stress' in record:
        atoms.info['REF_stress'] = np.array(record['stress'])
    for name, value in record.get('extra', {}).items():
        store = atoms.arrays if np.ndim(value) else atoms.info
        store[f'REF_{name}'] = np.array(value) if np.ndim(value) else value
    for key in ('calculator', 'code', 'class', 'parameters', 'seconds', 'safe'):
        atoms.info[f'label_{key}'] = record[key]
    # because of the prefix, readers do not take a digest of digits for a number
    atoms.info['label_settings'] = f'sha256:{record["settings_hash"][:16]}'
    return atoms
