"""Standard streams that are closed, full or ASCII, and Ctrl-C before anything has begun."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ase.build import bulk
from ase.io import read, write

from ase_mlffvv.cli.streams import Tolerant, similar

pytestmark = pytest.mark.skipif(os.name != 'posix', reason='needs a POSIX shell')
ROOT = Path(__file__).parents[2]
PROGRAM = f'"{sys.executable}" -m ase_mlffvv.cli'
ASCII = {'LC_ALL': 'C', 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0'}


def shell(command, **environment):
    return subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, env={**os.environ, **environment})


def test_an_ascii_terminal():
    """The card of the model contains Å; the message of an error, the name of a file."""
    done = shell(f'{PROGRAM} info; {PROGRAM} info "Å³.vv"', **ASCII)
    assert done.returncode == 1
    assert b'meV/A' in done.stdout
    assert b"mlffvv info: '" in done.stderr
    assert b'does not exist' in done.stderr
    assert (done.stdout + done.stderr).isascii()


@pytest.mark.parametrize('stderr', ['2>&-', '2>/dev/full', '<&- >&- 2>&-'])
def test_messages_that_cannot_be_written_stop_nothing(tmp_path, stderr):
    if 'full' in stderr and not Path('/dev/full').exists():
        pytest.skip('there is no /dev/full')
    write(tmp_path / 'a.extxyz', [bulk('Li', cubic=True), bulk('Li', a=3.4, cubic=True)])
    done = shell(
        f'{PROGRAM} label {tmp_path}/a.extxyz -o {tmp_path}/l --calculator tests.faults.factories:morse {stderr}'
    )
    assert done.returncode == 0
    assert done.stderr == b''
    assert len(read(tmp_path / 'l' / 'labelled.extxyz', ':')) == 2
    for path in (tmp_path / 'l').rglob('*'):  # no message went into a file that took the place of the stream
        assert path.is_dir() or b'atom/s' not in path.read_bytes()


@pytest.mark.skipif(not Path('/dev/full').exists(), reason='there is no /dev/full')
def test_a_result_that_cannot_be_written_is_an_error():
    done = shell(f'{PROGRAM} info >/dev/full')
    assert done.returncode == 1
    assert done.stderr.decode().strip() == 'mlffvv info: [Errno 28] No space left on device'


@pytest.mark.parametrize(('module', 'message'), [
    ('ase_mlffvv.cli.program', ''),
    ('numpy', ''),
    ('ase_mlffvv.model.find', 'mlffvv info: stopped by Ctrl-C'),
])  # fmt: skip
def test_ctrl_c_while_modules_are_imported(module, message):
    """Half of the first second is spent on imports; the signal arrives during one of them."""
    script = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the tests run in the background
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Finder())
from ase_mlffvv.cli import main
sys.exit(main(['info']))
"""
    done = subprocess.run([sys.executable, '-c', script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 130
    assert done.stderr.strip() == message
    assert done.stdout == ''


def test_the_entry_point_stays_a_function():
    """Importing its module must not replace it, and importing the package must not import NumPy."""
    script = """
import sys
import ase_mlffvv.cli
assert 'numpy' not in sys.modules
import ase_mlffvv.cli.program
for _ in range(2):
    assert ase_mlffvv.cli.main(['info']) == 0
"""
    assert subprocess.run([sys.executable, '-c', script], cwd=ROOT, capture_output=True).returncode == 0


@pytest.mark.parametrize(('text', 'plain'), [
    ('3.45 Å', '3.45 A'), ('eV/Å³', 'eV/A3'), ('0–2 ps', '0-2 ps'), ('2 µs', '2 us'), ('Σ3', '?3'), ('é', 'e'),
])  # fmt: skip
def test_similar_characters(text, plain):
    import codecs

    codecs.register_error('similar', similar)
    assert text.encode('ascii', 'similar').decode() == plain


def test_a_tolerant_stream():
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, 'No space left on device')

        flush = write

    stream = Tolerant(Full())
    assert stream.write('abc') == 3
    assert not stream.isatty()
    kept = io.StringIO()
    print('abc', file=Tolerant(kept), flush=True)
    assert kept.getvalue() == 'abc\n'
