"""Times are those of the trajectory or of the user; without them, the axis is the step or the frame."""

import re

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import iread, write
from mlffvv_analysis.report import report
from mlffvv_analysis.timeline import timeline
from mlffvv_analysis.times import Clock, axis_of, when

from ase_mlffvv.structures import column

pandas = pytest.importorskip('pandas', reason='the extra analysis is not installed')
MOTION = {'observables': ('motion',), 'progress': False}


def frames(count=4, **info):
    """Frames that slide by 0.5 Å, each with the values of ``info`` times its number."""
    out = []
    for k in range(count):
        atoms = bulk('Li', cubic=True) * (3, 3, 3)
        atoms.positions[:, 0] += 0.5 * k
        atoms.info = {name: value * k for name, value in info.items()}
        out.append(atoms)
    return out


@pytest.mark.parametrize(('info', 'options', 'unit', 'values'), [
    ({}, {}, 'frame', [0, 1, 2, 3]),
    ({}, {'frame_time_ps': 0.5}, 'ps', [0, 0.5, 1, 1.5]),
    ({'time_ps': 0.1}, {}, 'ps', [0, 0.1, 0.2, 0.3]),
    ({'time_ps': 0.1, 'step': 50}, {'frame_time_ps': 0.5}, 'ps', [0, 0.5, 1, 1.5]),
    ({'time_fs': 100}, {}, 'ps', [0, 0.1, 0.2, 0.3]),
    ({'timestep': 100}, {}, 'step', [0, 100, 200, 300]),
    ({'timestep': 100}, {'timestep_fs': 2.0}, 'ps', [0, 0.2, 0.4, 0.6]),
    ({'step': 10}, {}, 'step', [0, 10, 20, 30]),
    ({'timestep': 0}, {}, 'frame', [0, 1, 2, 3]),  # not the number of a step
])  # fmt: skip
def test_axis(info, options, unit, values):
    table = timeline(frames(**info), **options, **MOTION)
    axis = axis_of(table)
    assert axis.unit == unit
    np.testing.assert_allclose(axis.values, values)
    assert table['time_ps'].notna().all() == (unit == 'ps')
    assert axis.label == ('time (ps)' if unit == 'ps' else unit)


def test_times_that_make_no_sense():
    later = frames(time_ps=0.1)
    with pytest.raises(ValueError, match=r'frame 4 has 0 ps, the frame before 0.3 ps. Times must increase.*frame-time'):
        timeline([*later, *later], **MOTION)
    with pytest.raises(ValueError, match='frame 2 has no time, the frame before 0.1 ps'):
        timeline([*later[:2], *frames()], **MOTION)
    assert len(timeline([*later, *later], frame_time_ps=0.1, **MOTION)) == 8
    with pytest.raises(ValueError, match='frame 0: the time step was given, but the frame does not contain the number'):
        timeline(frames(), timestep_fs=2.0, **MOTION)
    with pytest.raises(ValueError, match="time_ps must be a number, got 'noon'"):
        timeline([Atoms('Li', info={'time_ps': 'noon'})], **MOTION)
    for value in (0, -1.0, np.nan, np.inf, 'a', True):
        with pytest.raises(ValueError, match='frame_time_ps must be positive'):
            Clock(frame_time_ps=value)
    with pytest.raises(ValueError, match='not both'):
        Clock(1.0, 2.0)


def test_a_dump_of_lammps(tmp_path):
    lines = []
    for k in range(3):
        lines += ['ITEM: TIMESTEP', str(1000 * k), 'ITEM: NUMBER OF ATOMS', '2', 'ITEM: BOX BOUNDS pp pp pp', '0 9',
                  '0 9', '0 9', 'ITEM: ATOMS id element x y z', f'1 Li {0.5 * k} 0 0', '2 Li 0 0 3']  # fmt: skip
    (tmp_path / 'run.dump').write_text('\n'.join(lines) + '\n')
    source = list(iread(tmp_path / 'run.dump', ':', format='lammps-dump-text'))
    assert axis_of(timeline(source, **MOTION)).unit == 'step'
    np.testing.assert_allclose(timeline(source, timestep_fs=1.5, **MOTION)['time_ps'], [0, 1.5, 3])


def few(frame):
    raise ValueError('few atoms')


def test_the_page_never_takes_a_frame_for_a_picosecond(tmp_path, monkeypatch):
    monkeypatch.setattr('mlffvv_analysis.figures.map_figure', few)  # the slowest figure has no times
    needle = column(diameter=3, height=3, box=6)
    source = []
    for k in range(3):
        atoms = needle.copy()
        atoms.rattle(0.1, seed=k)
        atoms.positions[atoms.get_tags() == 1, 0] += k
        source.append(atoms)
    write(tmp_path / 'a.extxyz', source)
    page = report(tmp_path / 'a.extxyz', tmp_path / 'r', ovito=False, progress=False, pictures=2).read_text()
    text = re.sub(r'<(script|style).*?</\1>', '', page, flags=re.S)
    assert 'frame 0 to frame 2; the trajectory has no times, so that rates are per frame' in text
    assert 'Å/frame' in text
    assert ' ps' not in text.replace('--frame-time', '')


def test_text():
    assert when(Atoms()) == 'time unknown'
    assert when(Atoms(info={'time_ps': 3.14})) == '3.1 ps'
    assert when(Atoms(info={'when': 'frame 7', 'time_ps': 3.14})) == 'frame 7'
    axis = axis_of(pandas.DataFrame({'frame': [0, 1, 2], 'time_ps': [np.nan] * 3, 'step': [0.0, 50, 150]}))
    assert (axis.tell(50), axis.window) == ('step 50', 750)
