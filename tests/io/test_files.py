"""Files appear when they are complete."""

import os
import stat
import subprocess
import sys

import pytest

from ase_mlffvv.io.files import complete, refuse_existing, save_json, save_text

linux = pytest.mark.skipif(sys.platform != 'linux', reason='devices are those of Linux')


def test_takes_the_place_only_when_complete(tmp_path):
    path = tmp_path / 'file.txt'
    path.write_text('old')

    def fails():
        with complete(path) as temporary:
            temporary.write_text('half')
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert path.read_text() == 'old'
    with complete(path) as temporary:
        temporary.write_text('new')
        assert path.read_text() == 'old'
    assert path.read_text() == 'new'
    assert list(tmp_path.iterdir()) == [path]


def test_follows_links(tmp_path):
    (tmp_path / 'file').write_text('old')
    (tmp_path / 'link').symlink_to(tmp_path / 'file')
    with complete(tmp_path / 'link') as temporary:
        temporary.write_text('new')
    assert (tmp_path / 'link').is_symlink()
    assert (tmp_path / 'file').read_text() == 'new'


def test_links_may_dangle_but_not_go_in_circles(tmp_path):
    (tmp_path / 'link').symlink_to('new')
    save_text(tmp_path / 'link', 'x')
    assert (tmp_path / 'new').read_text() == 'x'
    (tmp_path / 'a').symlink_to('b')
    (tmp_path / 'b').symlink_to('a')
    with pytest.raises(OSError, match='symbolic link'):
        save_text(tmp_path / 'a', 'x')
    with pytest.raises(IsADirectoryError, match='is a folder'):
        save_text(tmp_path, 'x')


def test_the_mode_is_kept(tmp_path):
    path = tmp_path / 'file'
    save_text(path, 'a')
    before = path.stat().st_mode
    (tmp_path / 'plain').touch()
    assert before == (tmp_path / 'plain').stat().st_mode
    path.chmod(0o640)
    save_text(path, 'b')
    assert path.stat().st_mode & 0o777 == 0o640


@linux
def test_devices_are_written_to():
    save_text('/dev/null', 'x')
    assert stat.S_ISCHR(os.stat('/dev/null').st_mode)
    with pytest.raises(OSError, match='No space left'):
        save_text('/dev/full', 'x')
    assert stat.S_ISCHR(os.stat('/dev/full').st_mode)


@linux
@pytest.mark.parametrize('name', ['/dev/stdout', '/dev/fd/1', '/proc/self/fd/1', 'link'])
def test_the_output_of_the_program(tmp_path, name):
    """The data stands among what is printed, whether to a pipe or to a file."""
    if name == 'link':
        name = tmp_path / 'link'
        name.symlink_to('/dev/stdout')
    code = f"from ase_mlffvv.io.files import save_text; print('a'); save_text({str(name)!r}, 'b\\n'); print('c')"
    out = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert out.stdout == 'a\nb\nc\n'
    with open(tmp_path / 'out', 'w') as file:
        subprocess.run([sys.executable, '-c', code], stdout=file, check=True)
    assert (tmp_path / 'out').read_text() == 'a\nb\nc\n'


@linux
def test_pipes_are_written_to(tmp_path):
    os.mkfifo(tmp_path / 'pipe')
    with open(tmp_path / 'out', 'w') as out:
        reader = subprocess.Popen(['cat', tmp_path / 'pipe'], stdout=out)
    save_text(tmp_path / 'pipe', 'x' * 200_000)
    assert reader.wait(timeout=20) == 0
    assert (tmp_path / 'out').read_text() == 'x' * 200_000
    assert (tmp_path / 'pipe').is_fifo()


def test_what_would_destroy_a_file_is_refused(tmp_path):
    path, link = tmp_path / 'm.vv', tmp_path / 'link'
    refuse_existing(path)
    path.write_text('mine')
    link.symlink_to(path)
    for name in (path, link):
        with pytest.raises(FileExistsError, match=r'exists already.*--overwrite \(overwrite=True in Python\)'):
            refuse_existing(name)
        refuse_existing(name, overwrite=True)
        with pytest.raises(FileExistsError, match='is one of the files to read'):
            refuse_existing(name, overwrite=True, inputs=['none', path])
        with pytest.raises(FileExistsError, match='is one of the files to read'):
            refuse_existing(name, inputs=[f'{path}@0:10'])
    with pytest.raises(FileExistsError, match='is a folder'):
        refuse_existing(tmp_path, overwrite=True)
    for device in ('/dev/null', '/dev/stdout'):
        refuse_existing(device)


def test_json_has_a_line_for_each_entry(tmp_path):
    save_json(tmp_path / 'a.json', {'a': [1, 2], 'b': {'c': 'Å'}})
    assert (tmp_path / 'a.json').read_text() == '{\n "a": [1, 2],\n "b": {"c": "Å"}\n}\n'
    with pytest.raises(ValueError, match='JSON'):
        save_json(tmp_path / 'a.json', {'a': float('nan')})
