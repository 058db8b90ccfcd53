"""Files appear when they are complete."""

import pytest

from ase_mlffvv.io.files import complete


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
