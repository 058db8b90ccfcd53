"""The folder of a labelling job: what belongs to it, and what is finished."""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write

from ..io.files import complete
from ..jobs.folder import JobFolder

log = logging.getLogger(__name__)

JOB, RESULT, ERROR = 'label.json', 'result.json', 'error.txt'
LABELLED, FAILED, TABLE = 'labelled.extxyz', 'failed.extxyz', 'labels.csv'
WRITES = (LABELLED, FAILED, TABLE, f'*-*/{RESULT}')


def save_structures(path, frames):
    """Replace an extxyz file all at once."""
    with complete(path) as temporary:
        write(temporary, frames, format='extxyz')


def bare(atoms):
    """The part of a structure that counts: what the calculator sees and what :func:`hash_of` reads.

    Elements, positions, cell, periodicity, initial charges and magnetic moments; no constraints, which would zero
    forces.
    """
    out = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    for name in ('initial_charges', 'initial_magmoms'):
        if atoms.has(name):
            out.set_array(name, atoms.get_array(name))
    return out


def hash_of(atoms, settings_hash):
    """Digest of a structure to 1e-8 Å, as extxyz files hold it, and of the settings."""
    digest = hashlib.sha256(settings_hash.encode())
    digest.update(np.asarray(atoms.numbers, '<i8').tobytes() + np.asarray(atoms.pbc, '<i8').tobytes())
    values = [atoms.positions, atoms.cell[:]]
    values += [atoms.get_array(name) for name in ('initial_charges', 'initial_magmoms') if atoms.has(name)]
    for value in values:
        digest.update(str(value.shape).encode() + np.rint(np.asarray(value) * 1e8).astype('<i8').tobytes())
    return digest.hexdigest()


def identity_of(name, settings):
    """What makes labels comparable: calculator and settings; a file that a setting names counts with its content.

    Raises
    ------
    TypeError
        A setting cannot be written down.
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
    """The folder of a labelling job, for the length of a block; see :class:`.JobFolder` for what is refused.

    Parameters
    ----------
    folder : path
    identity : dict
        Of :func:`identity_of`.
    code : str or None
        Digest of the text of the calculator's function. A text that has changed is refused as well.
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
    """Directories of structures by short hash."""
    return {p.name.rpartition('-')[2]: p for p in sorted(folder.resolve().iterdir()) if p.is_dir() and '-' in p.name}


def read_record(directory, digest):
    """Record of a finished structure, done or failed; None where it is not finished."""
    path = directory / RESULT
    try:
        record = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        return None
    except ValueError:
        log.warning("'%s' is damaged; the structure is computed again", path)
        return None
    return record if record.get('hash') == digest else None
