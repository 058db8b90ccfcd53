"""Description of a run as data: its structure, calculator, model and the versions of the packages."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from ase.constraints import FixAtoms
from ase.io.jsonio import encode

from ..calculators import CommitteeCalculator, VVCalculator

PACKAGES = ('ase-mlffvv', 'ase', 'numpy', 'numba', 'torch')
FIXED = ('precision', 'engine', 'skin', 'check_interval', 'on_extrapolation')  # no restart changes these


def describe_structure(atoms, source=None):
    """Number of atoms, formula, frozen atoms, origin of a structure, and a checksum of its arrays and cell.

    Parameters
    ----------
    atoms : Atoms
    source : dict, optional
        How the structure was built, or the file from which it was read.
    """
    digest = hashlib.sha256(encode([c.todict() for c in atoms.constraints]).encode())
    for name, array in sorted({**atoms.arrays, 'cell': atoms.cell[:], 'pbc': atoms.pbc}.items()):
        digest.update(f'{name} {array.dtype.str} {array.shape}'.encode() + array.tobytes())
    frozen = [c.index for c in atoms.constraints if isinstance(c, FixAtoms)]
    return {
        'source': source or {'given': 'Atoms'},
        'n_atoms': len(atoms),
        'formula': str(atoms.symbols.formula.format('hill')),
        'n_frozen': len(np.unique(np.concatenate(frozen))) if frozen else 0,
        'sha256': digest.hexdigest(),
    }


def describe_file(path):
    """Name and checksum of a file. ASE's notation ``file@index`` is allowed."""
    path = str(path)
    name = Path(path) if Path(path).exists() else Path(path.rpartition('@')[0])
    digest = hashlib.sha256(name.read_bytes()).hexdigest() if name.is_file() else None
    return {'file': os.path.abspath(path), 'sha256': digest}


def describe_calculator(calc):
    """Settings of a calculator that stay the same during a run; threads, device and model may change."""
    if isinstance(calc, VVCalculator):
        kind = CommitteeCalculator if isinstance(calc, CommitteeCalculator) else VVCalculator
        return {'kind': kind.__name__, **{name: calc.parameters[name] for name in FIXED}}
    parameters = dict(getattr(calc, 'parameters', None) or {})
    return {'kind': f'{type(calc).__module__}.{type(calc).__qualname__}',
            'parameters': {str(k): v for k, v in parameters.items() if _is_plain(v)}}  # fmt: skip


def describe_machine(calc):
    """Model (name and SHA-256), device and threads of a calculator; each is None if the calculator has none."""
    if not isinstance(calc, VVCalculator):
        return {'model': None, 'device': None, 'threads': None}
    committee = isinstance(calc, CommitteeCalculator)
    potentials = calc.members if committee else [calc.potential]
    names = calc.parameters['model'] if committee else [calc.parameters['model']]
    models = [{'name': os.path.abspath(name) if Path(name).exists() else name, 'sha256': potential.digest()}
              for name, potential in zip(names, potentials)]  # fmt: skip
    return {'model': models if committee else models[0], 'device': calc.parameters['device'],
            'threads': calc.parameters['threads']}  # fmt: skip


def make_calculator(calculator, machine, model=None):
    """Make the VVCalculator that the descriptions specify.

    Parameters
    ----------
    calculator : dict
        Result of :func:`describe_calculator`.
    machine : dict
        Result of :func:`describe_machine`.
    model : str or path, optional
        Model to use instead of that of ``machine``.

    Raises
    ------
    ValueError
        The calculator is of another kind, or the model of that name has changed.
    """
    if calculator['kind'] != 'VVCalculator':
        raise ValueError(
            f'the run was made with a calculator of kind {calculator["kind"]}: continue it with '
            'ase_mlffvv.jobs.resume(folder, calculator) in Python'
        )
    stored = machine['model']
    if model is None and stored['name'].startswith('VVPotential '):
        raise ValueError(
            f'the run was started with a potential that has no file ({stored["name"]}); name the potential to continue '
            'with by --model (model=... in Python)'
        )
    calc = VVCalculator(model or stored['name'], device=machine['device'], threads=machine['threads'],
                        **{name: calculator[name] for name in FIXED})  # fmt: skip
    if model is None and calc.potential.digest() != stored['sha256']:
        raise ValueError(
            f'the run was started with another potential (sha256 {stored["sha256"][:12]}...) than {stored["name"]} is '
            'now; name the potential to continue with by --model (model=... in Python)'
        )
    return calc


def describe_versions():
    """Versions of Python and of the packages on which a run depends; None for those that are not installed."""
    found = {'python': platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def _is_plain(value):
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
