"""The folder of a labelling job: what belongs to it, what is finished, and writing without half-written files."""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write

from .. import __version__
from ..io.files import complete

log = logging.getLogger(__name__)

FORMAT = 1
JOB, RESULT, ERROR, LOCK = 'label.json', 'result.json', 'error.txt', '.lock'
LABELLED, FAILED, TABLE = 'labelled.extxyz', 'failed.extxyz', 'labels.csv'


def save_text(path, text):
    """Replace a file all at once, when the new one is on the disk."""
    with complete(path) as temporary:
        temporary.write_text(text, encoding='utf-8', newline='')


def save_json(path, data):
    """Replace a JSON file all at once; one line for each entry."""
    lines = [f' {json.dumps(k)}: {json.dumps(v, ensure_ascii=False, allow_nan=False)}' for k, v in data.items()]
    save_text(path, '{\n' + ',\n'.join(lines) + '\n}\n')


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


def digest_of(identity):
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def open_folder(folder, identity, code):
    """Create the folder of a job, or make sure that it belongs to this one.

    Raises
    ------
    FileExistsError
        It holds something else.
    ValueError
        It holds labels of other settings, which are named.
    """
    path = folder / JOB
    if not path.exists():
        if folder.exists() and not folder.is_dir():
            raise FileExistsError(f"'{folder}' is a file; give a new folder for the labels")
        found = sorted(p.name for p in folder.iterdir() if p.name[0] != '.') if folder.exists() else []
        if found:
            raise FileExistsError(
                f"'{folder}' is not empty and holds no labels ({JOB} is missing; found {', '.join(found[:5])}). Give a "
                'new folder.'
            )
        with _writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            save_json(path, {'format': FORMAT, 'version': __version__, 'identity': identity, 'code': code})
        return
    try:
        job = json.loads(path.read_text(encoding='utf-8'))
        before, number = job['identity'], job['format']
    except (ValueError, KeyError, TypeError):
        raise FileExistsError(f"'{path}' is not the file of a labelling job. Give a new folder.") from None
    if number > FORMAT:
        raise ValueError(f"'{path}' has format {number}; this version ({__version__}) reads up to {FORMAT}. "
                         'Update ase-mlffvv.')  # fmt: skip
    changes = [f'{key}: {_show(before, key)} before, {_show(identity, key)} now'
               for key in sorted({*before, *identity}) if before.get(key, ...) != identity.get(key, ...)]  # fmt: skip
    if changes:
        raise ValueError(
            f"'{folder}' holds labels of other settings ({'; '.join(changes)}). They must not be mixed: give another "
            'folder, or the settings of before.'
        )
    if job.get('code') and code and job['code'] != code:
        raise ValueError(
            f"the text of '{identity['calculator']}' has changed since '{folder}' was begun. Labels of different "
            'settings must not be mixed: give another folder, or undo the change. If the change does not touch the '
            f'numbers, delete the entry "code" in {path}.'
        )
    if job.get('code') != code:
        save_json(path, {**job, 'code': code})


@contextmanager
def _writing(folder):
    try:
        yield
    except OSError as error:
        raise type(error)(
            f"cannot write into '{folder}': {error.strerror}. Give a folder that can be written."
        ) from None


def _show(identity, key):
    return json.dumps(identity[key], ensure_ascii=False) if key in identity else 'not given'


@contextmanager
def locked(folder):
    """Keep a second job out of the folder. The system removes the lock when the process ends in any way."""
    with _writing(folder), tempfile.TemporaryFile(dir=folder):
        pass  # told now, not after the first calculation
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with open(folder / LOCK, 'w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileExistsError(f"another job works in '{folder}' now; wait for it, or stop it") from None
        except OSError as error:
            log.warning("'%s' cannot be locked (%s): do not start a second job there", folder, error)
        yield


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
