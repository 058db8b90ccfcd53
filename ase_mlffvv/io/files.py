"""Writing of files that appear only when they are complete, and that never replace a file of the user unasked."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

from .identity import digest_of, plain

CHECKSUM = 'checksum'  # entry of a JSON file: the digest of the others
SIGNED = 2  # format of JSON files from which on they have a checksum
_DESCRIPTOR = re.compile(r'(?:/proc/(\d+)(?:/task/\d+)?|/dev)/fd/(\d+)')  # /dev/fd is a link on Linux only


@contextmanager
def complete(path):
    """Context manager that yields a temporary path to write to; at the end of the block, its content goes to ``path``.

    A regular file, or the target of a symbolic link, is replaced atomically once the new content is on disk. After an
    error, it remains unchanged. Devices, pipes and ``/dev/stdout`` are written to, and never replaced.

    Parameters
    ----------
    path : path

    Raises
    ------
    IsADirectoryError
        If ``path`` is a folder.
    """
    through = is_special(path)
    if through:
        with tempfile.TemporaryDirectory() as folder:
            temporary = Path(folder) / Path(path).name
            yield temporary
            with open(temporary, 'rb') as file, _opened(path) as out:
                shutil.copyfileobj(file, out)
        return
    path = Path(os.path.realpath(path))
    if path.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    if path.is_dir():
        raise IsADirectoryError(f"'{path}' is a folder; give the name of a file")
    temporary = path.with_name(f'.{path.name}.{os.getpid()}-{secrets.token_hex(3)}.part')
    try:
        yield temporary
        with open(temporary, 'rb+') as file:
            os.fsync(file.fileno())
        with suppress(OSError):  # a new file has the mode of a new file
            temporary.chmod(stat.S_IMODE(path.stat().st_mode))
        os.replace(temporary, path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def save_text(path, text):
    """Write a text file atomically; see :func:`complete`."""
    with complete(path) as temporary:
        temporary.write_text(text, encoding='utf-8', newline='')


def save_figure(figure, path, dpi=150):
    """Write a figure of matplotlib atomically, in the format that the name ends in; PNG if it has no ending."""
    with complete(path) as temporary:
        figure.savefig(temporary, dpi=dpi, format=Path(path).suffix.lstrip('.') or 'png')


def save_json(path, data, *, checksum=False, unsigned=()):
    """Write a dict to a JSON file atomically, with one line for each entry.

    With ``checksum``, a first entry ``format`` (2 unless given) and a last entry ``checksum`` are added, which
    :func:`load_json` verifies. The checksum does not cover the entries named in ``unsigned``.
    """
    if checksum:
        data = plain({'format': SIGNED, **data})
        data[CHECKSUM] = _checksum(data, unsigned)
    lines = [f' {json.dumps(k)}: {json.dumps(v, ensure_ascii=False, allow_nan=False)}' for k, v in data.items()]
    save_text(path, '{\n' + ',\n'.join(lines) + '\n}\n')


def load_json(path, error=ValueError, remedy='', *, unsigned=()):
    """Read a JSON file that contains a dict of finite numbers, text, lists and dicts.

    An entry ``checksum`` is verified and left out of the result. It must exist if the entry ``format`` is 2 or more.

    Parameters
    ----------
    path : path
    error : type
        Exception that is raised if the file is damaged.
    remedy : str
        What to do in this case, for the message.
    unsigned : sequence of str
        As for :func:`save_json`.

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    """

    def refuse(constant):
        raise ValueError(f'it contains {constant}')

    try:
        data = json.loads(Path(path).read_bytes().decode('utf-8'), parse_constant=refuse)
        if not isinstance(data, dict):
            raise ValueError(f'it contains {type(data).__name__}, expected a dict')
        found, number = data.pop(CHECKSUM, None), data.get('format', 1)
        if found is None and not (isinstance(number, int) and number < SIGNED):
            raise ValueError('its checksum is missing')
        if found is not None and found != _checksum(data, unsigned):
            raise ValueError('its content does not match its checksum, so that it was changed after it was written')
    except json.JSONDecodeError as reason:
        raise error(f"'{path}' is damaged, or is not JSON: {reason}. {remedy}".rstrip()) from None
    except (ValueError, RecursionError) as reason:
        raise error(f"'{path}' is damaged: {reason}. {remedy}".rstrip()) from None
    return data


def _checksum(data, unsigned):
    return digest_of({name: value for name, value in data.items() if name not in unsigned})


def refuse_existing(path, overwrite=False, inputs=()):
    """Raise FileExistsError if writing to ``path`` would destroy a file.

    Call this function before the work begins, so that a mistake is reported at once.

    Parameters
    ----------
    path : path
        Output path. Devices and pipes may always be written to.
    overwrite : bool
        Whether an existing file may be replaced.
    inputs : sequence of str or path
        Input files, which may have the form ``name@index`` as in ``ase.io.read``. The output must not be one of them,
        even with ``overwrite``. Entries that are not files, such as names of potentials, are ignored.
    """
    path = Path(path)
    if not path.exists() or is_special(path):
        return
    names = {str(name) for name in inputs} | {str(name).rpartition('@')[0] for name in inputs}
    if any(os.path.isfile(name) and path.samefile(name) for name in names):
        raise FileExistsError(f"the output '{path}' is one of the files to read; give another name for the output")
    if path.is_dir():
        raise FileExistsError(f"'{path}' is a folder; give the name of a file")
    if not overwrite:
        raise FileExistsError(
            f"'{path}' exists already; give another name, or --overwrite (overwrite=True in Python) to replace it"
        )


def is_special(path):
    """Whether ``path`` is, or links to, a device, pipe or open file, which is written to rather than replaced."""
    if _descriptor(path):
        return True
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _descriptor(path):
    """(process, descriptor) of the open file to which ``path`` refers, as ``/dev/stdout`` does; otherwise None."""
    path = os.path.abspath(path)
    for _ in range(40):
        path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        found = _DESCRIPTOR.fullmatch(path)
        if found:
            return int(found[1] or os.getpid()), int(found[2])
        if not os.path.islink(path):
            return None
        path = os.path.join(os.path.dirname(path), os.readlink(path))
    return None


def _opened(path):
    """Open a special file for writing; open files of this process keep their position, because a log may share them."""
    process, number = _descriptor(path) or (None, None)
    if process == os.getpid():
        for stream in (sys.stdout, sys.stderr):
            with suppress(AttributeError, ValueError):  # None, or closed
                stream.flush()
        return open(os.dup(number), 'wb')
    return open(path, 'wb')


def _sync_folder(folder):
    """Flush the new name of a file to disk, if the system supports this."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
