"""The folder of a labelling job: its identity, its structures, and finished results."""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write

from ..io.files import complete, load_json
from ..jobs.folder import JobFolder

log = logging.getLogger(__name__)

JOB, RESULT, ERROR = 'label.json', 'result.json', 'error.txt'
LABELLED, FAILED, TABLE = 'labelled.extxyz', 'failed.extxyz', 'labels.csv'
ORIGIN = ('calculator', 'code', 'class', 'parameters', 'seconds', 'safe', 'settings_hash')  # entries of a record
WRITES = (LABELLED, FAILED, TABLE, f'*-*/{RESULT}')


def save_structures(path, frames):
    """Replace an extxyz file in a single step."""
    with complete(path) as temporary:
        write(temporary, frames, format='extxyz')


def bare(atoms):
    """Copy of a structure with only the data that the calculator and :func:`hash_of` use.

    These are elements, positions, cell, periodicity, initial charges and magnetic moments. Constraints are omitted
    because they would set forces to zero.
    """
    out = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    for name in ('initial_charges', 'initial_magmoms'):
        if atoms.has(name):
            out.set_array(name, atoms.get_array(name))
    return out


def hash_of(atoms, settings_hash):
    """Digest of the settings and of a structure to 1e-8 Å, which is the precision of extxyz files."""
    digest = hashlib.sha256(settings_hash.encode())
    digest.update(np.asarray(atoms.numbers, '<i8').tobytes() + np.asarray(atoms.pbc, '<i8').tobytes())
    values = [atoms.positions, atoms.cell[:]]
    values += [atoms.get_array(name) for name in ('initial_charges', 'initial_magmoms') if atoms.has(name)]
    for value in values:
        digest.update(str(value.shape).encode() + np.rint(np.asarray(value) * 1e8).astype('<i8').tobytes())
    return digest.hexdigest()


def identity_of(name, settings):
    """Calculator and settings, which must be equal for labels to be comparable, including contents of named files.

    Raises
    ------
    TypeError
        JSON cannot hold a setting.
    """
    out = {'calculator': name}
    for key, value in sorted(settings.items()):
        try:
            out[key] = json.loads(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError):
            raise TypeError(
                f'setting {key}={value!r} cannot be kept with the labels: use numbers, text, lists or dicts of these'
            ) from None
        if isinstance(value, str) and value and Path(value).is_file():
            out[f'content of {key}'] = hashlib.sha256(Path(value).read_bytes()).hexdigest()[:16]
    return out


@contextmanager
def job_folder(folder, identity, code, overwrite=False):
    """Hold the folder of a labelling job during a block; :class:`.JobFolder` describes which folders are refused.

    Parameters
    ----------
    folder : path
    identity : dict
        Result of :func:`identity_of`.
    code : str or None
        Digest of the source of the calculator's function. A folder with a different digest is refused as well.
    overwrite : bool
    """
    with JobFolder(folder, JOB, identity, what='labels', writes=WRITES, overwrite=overwrite) as job:
        before = job.entries.get('code')
        if before and code and before != code:
            if not overwrite:
                raise ValueError(
                    f"the text of '{identity['calculator']}' has changed since '{folder}' was begun. Labels of "
                    'different settings must not be mixed: give another folder, or undo the change. If the change '
                    f'does not touch the numbers, delete the entry "code" in {job.path / JOB}.'
                )
            job.begin()
        if job.entries.get('code') != code:
            job.save(code=code)
        yield job


def find_records(folder):
    """Directories of the structures by short hash."""
    return {p.name.rpartition('-')[2]: p for p in sorted(folder.resolve().iterdir()) if p.is_dir() and '-' in p.name}


def read_record(directory, digest, n_atoms):
    """Record of a structure that is labelled or has failed; None if it is not finished or its record is damaged."""
    path = directory / RESULT
    try:
        record = load_json(path)
        reason = _fault(record, digest, n_atoms)
        if reason:
            raise ValueError(f"'{path}' is damaged: {reason}.")
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        log.warning('%s The structure is computed again.', error)
        return None
    return record


def _fault(record, digest, n_atoms):
    """What is wrong with a record, or None. Records of earlier versions have no checksum."""
    if record.get('hash') != digest:
        return 'it belongs to another structure'
    if record.get('status') == 'failed':
        return None if isinstance(record.get('reason'), str) else 'the reason of the failure is missing'
    if record.get('status') != 'done':
        return f'its status is {record.get("status")!r}'
    missing = [name for name in ORIGIN if name not in record]
    if missing:
        return f'{", ".join(missing)} is missing'
    shapes = {'energy': (), 'forces': (n_atoms, 3), 'seconds': (), 'free_energy': (), 'energies': (n_atoms,),
              'stress': (6,)}  # fmt: skip
    for name, shape in shapes.items():
        if name not in record and name not in ('energy', 'forces', 'seconds'):
            continue
        try:
            value = np.array(record.get(name), float)
        except (TypeError, ValueError):
            return f'{name} is not numeric'
        if value.shape != shape or not np.isfinite(value).all():
            return f'{name} must be finite numbers of shape {shape}'
    extra = record.get('extra', {})
    if not isinstance(extra, dict) or any(np.shape(v) and np.shape(v)[0] != n_atoms for v in extra.values()):
        return 'extra must be numbers, or rows for all atoms'
    return None
