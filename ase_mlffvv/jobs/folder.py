"""Folders of long jobs: each belongs to one job, and only one process at a time works in it.

Jobs write their files with :func:`ase_mlffvv.io.files.complete`, and the states from which they continue with
:func:`ase_mlffvv.io.checkpoint.save_checkpoint`.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shlex
import socket
import sys
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from .. import __version__
from ..io.files import load_json, save_json
from ..io.identity import differences, digest_of, digest_of_file, plain

log = logging.getLogger(__name__)
LOCK = '.lock'
FORMAT = 2  # 1: no checksum of the entries besides the identity
UNSIGNED = ('code',)  # entries that a user may remove, see ase_mlffvv.labelling.store.job_folder
FILES = 'files'  # entry with the checksums of finished files
OVERWRITE = '--overwrite (overwrite=True in Python)'
_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, getattr(errno, 'ENOTSUP', None), getattr(errno, 'EOPNOTSUPP', None)}
LEFT_OVER = '.*-??????.part'  # temporary files of io.files.complete, left by a process that was killed


class JobFolder:
    """The folder of one job, held by this process within a ``with`` block.

    The identity is a dict of settings that defines the job; it is stored in a JSON file in the folder. The same job
    can be opened again at any time; another job is refused.

    Parameters
    ----------
    path : path
        A folder that is new, empty (except for hidden files), or holds this job from an earlier call.
    file : str
        Name of the JSON file with the identity, by which folders of this kind are recognized. It may contain further
        entries.
    identity : dict or None
        Settings that JSON can hold. None uses the identity stored in the folder, which must exist.
    what : str
        Description of the contents of such a folder for messages, e.g. ``'labels'`` or ``'a run'``.
    writes : sequence of str
        Names or glob patterns of the files that a job of this kind writes. If ``overwrite`` begins a new job in a
        folder that is not empty, these files are removed; all others stay.
    new : bool
        Also refuse a folder that already holds this same job.
    overwrite : bool
        Begin a new job even if the folder holds another job or unrelated files.

    Attributes
    ----------
    path : Path
    identity : dict
    digest : str
        SHA-256 of the identity. Checkpoints contain it, so that one of another job is recognized.
    entries : dict
        Further entries of the file, as last read or saved.
    begun : bool
        Whether this call began the job; False if an earlier call did.

    Raises
    ------
    FileExistsError
        The path is a file; the folder holds something else, a damaged identity or (with ``new``) this same job; or
        another process is working in it.
    ValueError
        The folder holds a job with different settings, which the message lists, or was written by a newer version.
    FileNotFoundError
        ``identity`` is None and the folder holds no job.
    TypeError
        JSON cannot hold the identity.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with JobFolder(folder, 'job.json', {'cutoff': 3.4}, what='an analysis') as job:
    ...     job.begun
    True
    >>> with JobFolder(folder, 'job.json', {'cutoff': 3.6}, what='an analysis') as job:  # doctest: +ELLIPSIS
    ...     pass
    Traceback (most recent call last):
    ValueError: '...' holds an analysis with other settings (cutoff: 3.4 before, 3.6 now)...
    """

    def __init__(self, path, file, identity, *, what, writes=(), new=False, overwrite=False):
        self.path, self.file, self.what, self.writes = Path(path), file, what, tuple(writes)
        self.identity = None if identity is None else plain(identity)
        self._new, self._overwrite = new, overwrite
        self.entries, self.begun = {}, False
        self._held = ExitStack()

    @property
    def digest(self):
        return digest_of(self.identity)

    def __enter__(self):
        self._check()  # a folder that is refused remains unchanged
        with self._held:
            with _writing(self.path):
                self.path.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=self.path):
                    pass  # report it now, not after hours of work
            self._held.enter_context(locked(self.path / LOCK, f"'{self.path}'"))
            found = self._check()
            if found is None:
                self.begin()
            else:
                self.identity, self.entries = found
                for pattern in (LEFT_OVER, f'*/{LEFT_OVER}'):
                    for left in self.path.glob(pattern):
                        left.unlink(missing_ok=True)
            self._held = self._held.pop_all()
        return self

    def __exit__(self, *_):
        self._held.close()

    def begin(self):
        """Remove the files that the earlier job wrote, and begin anew.

        The identity is removed first, so that the folder belongs to no job until the removal is complete.
        """
        for pattern in (self.file, *self.writes):
            for path in self.path.glob(pattern):
                if path.is_file() or path.is_symlink():
                    path.unlink()
        self.begun = True
        self.save()

    def save(self, **entries):
        """Write the file of the identity with further entries, which replace the earlier ones."""
        data = {'format': FORMAT, 'version': __version__, 'identity': self.identity, 'sha256': self.digest, **entries}
        save_json(self.path / self.file, data, checksum=True, unsigned=UNSIGNED)
        self.entries = entries

    def sign(self, path):
        """Store the checksum of a finished file of the folder, so that :meth:`verified` notices later changes."""
        name = path.relative_to(self.path).as_posix()
        self.save(**{**self.entries, FILES: {**self.entries.get(FILES, {}), name: digest_of_file(path)}})

    def verified(self, path, function, *args):
        """``function(path, *args)``, unless the file was changed after :meth:`sign`.

        Raises
        ------
        FileExistsError
            The file was changed or damaged.
        """
        expected = self.entries.get(FILES, {}).get(path.relative_to(self.path).as_posix())
        if expected is not None and digest_of_file(path) != expected:
            raise FileExistsError(
                f"'{path}' was changed or damaged after it was written: it does not match its checksum in "
                f'{self.file}. Put it back, or remove it to compute it again.'
            )
        return function(path, *args)

    def _check(self):
        """Identity and entries of the job to continue, or None for a new job."""
        if self.path.exists() and not self.path.is_dir():
            raise FileExistsError(f"'{self.path}' is a file; give the name of a folder")
        try:
            found = read_job(self.path, self.file, self.what)
        except FileNotFoundError:
            if self.identity is None:
                raise
            others = sorted(p.name for p in self.path.iterdir() if p.name[0] != '.') if self.path.exists() else []
            if others and not self._overwrite:
                more = ', ...' if len(others) > 5 else ''
                raise FileExistsError(
                    f"'{self.path}' is not empty and does not hold {self.what} ({self.file} is missing; found "
                    f'{", ".join(others[:5])}{more}). Give a new folder, or {OVERWRITE} to write into this one.'
                ) from None
            return None
        except (FileExistsError, ValueError):
            if self._overwrite and self.identity is not None:
                return None
            raise
        if self.identity is None:
            return found
        changes = differences(found[0], self.identity)
        if self._overwrite and (changes or self._new):
            return None
        if changes:
            raise ValueError(
                f"'{self.path}' holds {self.what} with other settings ({'; '.join(changes)}). They must not be mixed: "
                f'give another folder, the settings of before, or {OVERWRITE} to begin anew.'
            )
        if self._new:
            raise FileExistsError(
                f"'{self.path}' already holds {self.what}. Give another folder, or {OVERWRITE} to begin anew."
            )
        return found


def read_job(path, file, what):
    """Identity and further entries of the job in a folder.

    Raises
    ------
    FileNotFoundError
        The folder holds no such job.
    FileExistsError
        The file is damaged or does not describe a job.
    ValueError
        The file was written by a newer version.
    """
    path = Path(path) / file
    if not path.is_file():
        raise FileNotFoundError(f"'{path.parent}' does not hold {what}: {file} is missing")
    remedy = f'It does not describe {what}: undo the change, or give a new folder, or {OVERWRITE}.'
    entries = load_json(path, FileExistsError, remedy, unsigned=UNSIGNED)
    entries.pop('version', None)
    digest, identity, number = (entries.pop(name, None) for name in ('sha256', 'identity', 'format'))
    if not isinstance(identity, dict) or not isinstance(number, int) or number < 1:
        raise FileExistsError(f"'{path}' is damaged. {remedy}")
    if number > FORMAT:
        raise ValueError(f"'{path}' has format {number}; this version ({__version__}) reads up to {FORMAT}. "
                         'Update ase-mlffvv.')  # fmt: skip
    if digest is not None and digest != digest_of(identity):
        raise FileExistsError(
            f"'{path}' was changed or damaged: the settings in it do not match their checksum. Undo the change, or "
            f'give a new folder, or {OVERWRITE}.'
        )
    return identity, entries


@contextmanager
def locked(path, what):
    """Keep other processes out of a block; the system releases the lock when this process ends for any reason.

    Parameters
    ----------
    path : path
        The lock file. A second file beside it names the process that holds the lock.
    what : str
        Description of what is locked, for the message.

    Raises
    ------
    FileExistsError
        Another process holds the lock; the message names it.
    """
    path = Path(path)
    holder, lock = path.with_name(f'{path.name}.holder'), FileLock(path, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise FileExistsError(f'another job works in {what} now{_told(holder)}; wait for it, or stop it') from None
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
        log.warning('%s cannot be locked (%s): do not start a second job there', what, error)
        yield
        return
    try:
        save_json(holder, {'pid': os.getpid(), 'host': socket.gethostname(),
                           'since': datetime.now().isoformat(' ', 'seconds'),
                           'command': shlex.join(sys.argv)[:200]})  # fmt: skip
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def _told(holder):
    """Description of the process that holds a lock, for a message; empty until that process has written it."""
    try:
        who = json.loads(holder.read_text(encoding='utf-8'))
        return f' (process {who["pid"]} on {who["host"]}, since {who["since"]}: {who["command"]})'
    except (OSError, ValueError, KeyError, TypeError):
        return ''


@contextmanager
def _writing(folder):
    """Let errors of the operating system say what could not be written."""
    try:
        yield
    except OSError as error:
        message = f"cannot write into '{folder}': {error.strerror}. Give a folder that can be written."
        raise type(error)(error.errno, message) from None
