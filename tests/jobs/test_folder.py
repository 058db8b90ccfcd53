"""The folder of a job: only for this job, only for one process, and never at the cost of other files."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from ase_mlffvv.io.files import save_json
from ase_mlffvv.jobs.folder import LOCK, JobFolder, differences, locked, read_job

SETTINGS = {'cutoff': 3.4, 'names': ('a', 'b'), 'thermostat': {'kind': 'csvr', 'taut': 500.0}}


def folder(path, identity=SETTINGS, **options):
    return JobFolder(path, 'job.json', identity, what='a test job', **options)


def test_the_same_job_continues(tmp_path):
    path = tmp_path / 'new' / 'job'
    with folder(path) as job:
        assert job.begun
        assert job.entries == {}
        job.save(done=3)
    with folder(path) as again:
        assert not again.begun
        assert again.entries == {'done': 3}
        assert again.digest == job.digest
    with folder(path, None) as whatever:
        assert whatever.identity == json.loads(json.dumps(SETTINGS))
        assert whatever.digest == job.digest
    data = json.loads((path / 'job.json').read_text())
    assert data['format'] == 2
    assert data['version']
    assert data['sha256'] == job.digest


def test_other_settings_are_named(tmp_path):
    with folder(tmp_path) as job:
        job.save(done=3)
    other = {'cutoff': 3.6, 'names': ['a', 'b'], 'thermostat': {'kind': 'csvr', 'taut': 100.0}, 'seed': 1}
    with pytest.raises(ValueError, match='holds a test job with other settings') as error, folder(tmp_path, other):
        pass
    for text in ('cutoff: 3.4 before, 3.6 now', 'seed: not given before, 1 now',
                 'thermostat.taut: 500.0 before, 100.0 now', '--overwrite'):  # fmt: skip
        assert text in str(error.value)
    assert 'names' not in str(error.value)
    with folder(tmp_path) as same:
        assert same.entries == {'done': 3}
    assert differences({'a': 1}, {'a': 1.0}) == []
    with pytest.raises(TypeError, match='finite numbers'):
        folder(tmp_path, {'a': float('nan')})


def test_overwriting_removes_only_what_the_job_writes(tmp_path):
    with folder(tmp_path) as job:
        job.save(done=3)
    (tmp_path / 'table.csv').write_text('old')
    (tmp_path / 'notes.txt').write_text('mine')
    with folder(tmp_path, {'cutoff': 4}, writes=['table.csv'], overwrite=True) as job:
        assert job.begun
        assert job.entries == {}
        assert not (tmp_path / 'table.csv').exists()
    assert (tmp_path / 'notes.txt').read_text() == 'mine'
    with folder(tmp_path, {'cutoff': 4}, writes=['notes.txt'], overwrite=True) as job:
        assert not job.begun, 'the same job continues'
    assert (tmp_path / 'notes.txt').exists()


def test_a_new_job_only(tmp_path):
    with folder(tmp_path, new=True) as job:
        assert job.begun
    with pytest.raises(FileExistsError, match='already holds a test job'), folder(tmp_path, new=True):
        pass
    with folder(tmp_path, new=True, overwrite=True) as job:
        assert job.begun


@pytest.mark.parametrize('name', ['trajectory.extxyz', 'index.html', 'settings.json'])
def test_folders_of_something_else_are_left_alone(tmp_path, name):
    (tmp_path / name).write_text('mine')
    with pytest.raises(FileExistsError, match=rf'does not hold a test job \(job.json is missing; found {name}\)'):
        folder(tmp_path).__enter__()
    assert [p.name for p in tmp_path.iterdir()] == [name]
    with folder(tmp_path, overwrite=True) as job:
        assert job.begun
    assert (tmp_path / name).read_text() == 'mine'
    with pytest.raises(FileNotFoundError, match='other.json is missing'):
        JobFolder(tmp_path, 'other.json', None, what='x').__enter__()
    with pytest.raises(FileExistsError, match='is a file'):
        folder(tmp_path / name).__enter__()


def test_many_files_are_not_all_listed(tmp_path):
    for k in range(9):
        (tmp_path / f'{k}.txt').touch()
    with pytest.raises(FileExistsError, match=r'found 0.txt, 1.txt, 2.txt, 3.txt, 4.txt, \.\.\.\)'):
        folder(tmp_path).__enter__()


def test_hidden_files_do_not_count(tmp_path):
    (tmp_path / '.DS_Store').touch()
    with folder(tmp_path) as job:
        assert job.begun


def test_damaged_and_newer_files_are_refused(tmp_path):
    with folder(tmp_path):
        pass
    path = tmp_path / 'job.json'
    good = path.read_text()
    for text, error, message in (
        ('["tea"]', FileExistsError, 'does not describe a test job'),
        (good[:30], FileExistsError, 'is damaged'),
        (good.replace('3.4', '3.5'), FileExistsError, 'does not match its checksum'),
    ):
        path.write_text(text)
        for identity in (SETTINGS, None):
            with pytest.raises(error, match=message):
                folder(tmp_path, identity).__enter__()
        assert path.read_text() == text
    save_json(path, {'format': 3, 'identity': {}}, checksum=True)
    with pytest.raises(ValueError, match=r'has format 3; this version \(.*\) reads up to 2'):
        read_job(tmp_path, 'job.json', 'a test job')
    with folder(tmp_path, overwrite=True) as job:
        assert job.begun


def test_remains_of_a_killed_process_are_removed(tmp_path):
    with folder(tmp_path):
        (tmp_path / 'inner').mkdir()
        (tmp_path / '.table.csv.123-abcdef.part').write_text('half')
        (tmp_path / 'inner' / '.result.json.123-abcdef.part').write_text('half')
    with folder(tmp_path):
        assert not list(tmp_path.rglob('.*.part'))


def test_errors_free_the_folder(tmp_path):
    with pytest.raises(RuntimeError), folder(tmp_path):
        raise RuntimeError
    with folder(tmp_path) as job:
        assert not job.begun


OTHER = """
import sys, time
from ase_mlffvv.jobs.folder import JobFolder
with JobFolder(sys.argv[1], 'job.json', {'a': 1}, what='a test job'):
    print('in', flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that works in the folder."""
    process = subprocess.Popen([sys.executable, '-c', OTHER, tmp_path], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'in\n'
    yield process
    process.kill()
    process.communicate()


def test_a_second_process_is_told_who_works_there(tmp_path, other):
    with pytest.raises(FileExistsError, match='another job works in') as error:
        folder(tmp_path, {'a': 1}).__enter__()
    assert re.search(rf'process {other.pid} on \S+, since \d{{4}}-\d\d-\d\d .*-c', str(error.value))
    with pytest.raises(FileExistsError, match='another job works in'):
        folder(tmp_path, {'a': 2}, overwrite=True).__enter__()


@pytest.mark.skipif(not hasattr(signal, 'SIGKILL'), reason='needs POSIX signals')
def test_a_killed_process_frees_the_folder(tmp_path, other):
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    for _ in range(100):  # the system may take a moment
        try:
            with folder(tmp_path, {'a': 1}) as job:
                assert not job.begun
            return
        except FileExistsError:
            time.sleep(0.05)
    pytest.fail('the lock is still held')


def test_two_objects_of_one_process(tmp_path):
    with folder(tmp_path), pytest.raises(FileExistsError, match=f'process {os.getpid()} on'):
        folder(tmp_path).__enter__()
    with locked(tmp_path / LOCK, 'it'):
        pass
    assert not list(tmp_path.glob('*.holder'))


def test_file_systems_without_locks_are_reported(tmp_path, monkeypatch, caplog):
    def refuse(self):
        raise NotImplementedError('no locks')

    monkeypatch.setattr('ase_mlffvv.jobs.folder.FileLock.acquire', refuse)
    with folder(tmp_path) as job:
        assert job.begun
    assert 'do not start a second job there' in caplog.text


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / 'file').touch()
    with pytest.raises(NotADirectoryError, match='cannot write into .*: Not a directory. Give a folder'):
        folder(tmp_path / 'file' / 'job').__enter__()

    def refuse(dir):
        raise PermissionError(13, 'Permission denied', str(dir))

    monkeypatch.setattr('tempfile.TemporaryFile', refuse)  # root may write anywhere
    with pytest.raises(PermissionError, match='cannot write into .*: Permission denied. Give a folder'):
        folder(tmp_path / 'job').__enter__()


def test_it_is_cheap_to_import():
    code = 'import sys, ase_mlffvv.jobs.folder; print(" ".join(sys.modules))'
    modules = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout.split()
    assert not {'torch', 'numba', 'matplotlib', 'scipy', 'mlffvv_analysis'} & set(modules)
