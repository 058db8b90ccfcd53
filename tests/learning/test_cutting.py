import csv

import numpy as np
import pytest
from ase.io import read, write

from ase_mlffvv.cli import main
from ase_mlffvv.learning import cut
from ase_mlffvv.structures import column


@pytest.fixture(scope='module')
def frames():
    start = column(diameter=4, height=6, box=8)
    rng = np.random.default_rng(0)
    out = []
    for time in range(2):
        atoms = start.copy()
        atoms.positions += rng.normal(scale=0.05 + 0.1 * time, size=atoms.positions.shape)
        atoms.info['time'] = float(time)
        out.append(atoms)
    return out


def test_cut_command(frames, tmp_path, capsys):
    write(tmp_path / 'run.extxyz', frames)
    command = ['cut', str(tmp_path / 'run.extxyz'), '-o', str(tmp_path / 'cuts'), '--select', 'change', '--number',
               '2', '--atoms', '60', '--threads', '1']  # fmt: skip
    assert main(command) == 0
    assert '2 cut-outs' in capsys.readouterr().out
    out = read(tmp_path / 'cuts' / 'cut_outs.extxyz', ':')
    assert len(out) == 2
    for atoms in out:
        assert atoms.arrays['core'].dtype == bool
        assert atoms.arrays['parent_index'][0] == atoms.info['centre']
        assert atoms.info['frame'] == 1
        assert atoms.info['time'] == 1.0
        assert atoms.info['parent'].endswith('run.extxyz')
        assert np.array(atoms.info['rotation']).shape == (3, 3)
    rows = list(csv.DictReader((tmp_path / 'cuts' / 'cut_outs.csv').read_text().splitlines()))
    assert [int(row['centre']) for row in rows] == [atoms.info['centre'] for atoms in out]
    assert (tmp_path / 'cuts' / 'cut_outs.png').stat().st_size > 5000
    written = (tmp_path / 'cuts' / 'cut_outs.extxyz').stat().st_mtime_ns
    assert main(command) == 0  # complete: nothing is computed again
    assert (tmp_path / 'cuts' / 'cut_outs.extxyz').stat().st_mtime_ns == written
    command[command.index('60')] = '70'
    assert main(command) == 1
    assert 'size: 60 before, 70 now' in capsys.readouterr().err


def test_no_candidates_leave_no_cut_outs(frames, tmp_path):
    with pytest.raises(ValueError, match=r'no atom of 2 frames has a grade above 1: the largest is'):
        cut(frames, tmp_path / 'cuts', number=2, size=60)
    assert not (tmp_path / 'cuts' / 'cut_outs.extxyz').exists()
