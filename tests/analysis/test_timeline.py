"""From trajectories to tables: streamed, parallel, resumed, and refused where they make no sense."""

import tracemalloc

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import Trajectory, read, write
from mlffvv_analysis import timeline as timelines
from mlffvv_analysis.frame import Frame, Settings
from mlffvv_analysis.observables import OBSERVABLES, row
from mlffvv_analysis.stream import frames
from mlffvv_analysis.timeline import timeline

from ase_mlffvv.errors import CheckpointError, StructureFileError
from ase_mlffvv.jobs.folder import locked
from ase_mlffvv.structures import add_adatoms, column

pandas = pytest.importorskip('pandas', reason='the extra analysis is not installed')


def trajectory(path, count=6, start=0, energies=True):
    """A column whose upper half slides along x by 0.5 Å a frame and sinks; appended to a file."""
    needle = column(diameter=4, height=8, box=8)
    rng = np.random.default_rng(0)
    upper = needle.get_tags() * (needle.positions[:, 2] > 22) == 1
    for k in range(start + count):
        frame = needle.copy()
        frame.positions += rng.normal(scale=0.12, size=(len(frame), 3))
        frame.positions[upper] += [0.5 * k, 0, -0.3 * k]
        frame.wrap()
        if energies:
            frame.arrays['local_energy'] = -1.9 + 0.3 * (frame.get_tags() == 1) + 0 * frame.positions[:, 0]
        frame.info['time_ps'] = 0.2 * k
        if k >= start:
            write(path, frame, format='extxyz', append=k > 0)
    return needle, upper


def test_a_timeline_tells_what_was_built(tmp_path):
    path = tmp_path / 'run.extxyz'
    needle, upper = trajectory(path)
    table = timeline(path, progress=False)
    assert list(table['frame']) == list(range(6))
    np.testing.assert_allclose(table['time_ps'], 0.2 * np.arange(6))
    share = upper.sum() / (needle.get_tags() == 1).sum()
    np.testing.assert_allclose(table['dx_column_A'], 0.5 * share * np.arange(6), atol=0.03)
    np.testing.assert_allclose(table['dz_column_A'], -0.3 * share * np.arange(6), atol=0.03)
    assert table['top_slide_azimuth_deg'].iloc[-1] == pytest.approx(0, abs=3)
    assert table['height_A'].iloc[0] - table['height_A'].iloc[-1] == pytest.approx(1.5, abs=0.4)
    assert table['e_surface_eV'].iloc[-1] == pytest.approx(-1.6)
    assert table['ptm_bcc_column'].iloc[0] == 1
    assert (table['n_grains'] >= 1).all()
    assert table['top_rotation_z_deg'].abs().max() < 2
    for name in table.columns.drop(['frame', 'step', 'n_surface', 'detached']):
        assert name in ('aspect', 'convexity', 'grade_max') or any(unit in name for unit in (
            '_A', '_eV', '_K', '_ps', '_deg', 'fraction', 'share', 'n_', 'cn', 'acna', 'ptm', 'largest'
        )), name  # fmt: skip


def test_processes_give_the_same_table(tmp_path):
    path = tmp_path / 'run.extxyz'
    trajectory(path, 4)
    names = ('coordination', 'motion', 'phase')
    one = timeline(path, observables=names, progress=False)
    two = timeline(path, observables=names, processes=2, progress=False)
    pandas.testing.assert_frame_equal(one, two)
    memory = timeline(read(path, ':'), observables=names, progress=False)
    pandas.testing.assert_frame_equal(one, memory)


def test_a_growing_trajectory_is_gone_on_with(tmp_path, monkeypatch):
    path, table = tmp_path / 'run.extxyz', tmp_path / 'out' / 'timeline.csv'
    trajectory(path, 3)
    names = ('motion', 'shape')
    assert len(timeline(path, table, observables=names, progress=False)) == 3
    trajectory(path, 2, start=3)
    whole = path.read_bytes()
    with open(path, 'ab') as file:
        file.write(whole[: len(whole) // 20])  # a frame that is being written
    computed = []
    monkeypatch.setattr('mlffvv_analysis.timeline.row', lambda *a: computed.append(1) or row(*a))
    grown = timeline(path, table, observables=names, progress=False)
    assert len(grown) == 5
    assert len(computed) == 2
    assert len(timeline(path, table, observables=names, progress=False)) == 5
    assert len(computed) == 2
    fresh = timeline(path, observables=names, progress=False)
    pandas.testing.assert_frame_equal(grown, fresh)
    pandas.testing.assert_frame_equal(pandas.read_csv(table), fresh)
    computed.clear()
    trajectory(path, 2)  # restarted from a checkpoint, which cuts what comes after it: from the first frame
    assert len(timeline(path, table, observables=names, progress=False)) == 2
    assert len(computed) == 2


def test_other_tables_are_not_replaced(tmp_path, monkeypatch):
    path, table = tmp_path / 'run.extxyz', tmp_path / 'timeline.csv'
    trajectory(path, 2)
    options = {'observables': ('motion',), 'progress': False}
    table.write_text('mine')
    with pytest.raises(FileExistsError, match='timeline.csv. exists already'):
        timeline(path, table, **options)
    assert table.read_text() == 'mine'
    assert sorted(p.name for p in tmp_path.iterdir() if p.name[0] != '.') == ['run.extxyz', 'timeline.csv']
    assert len(timeline(path, table, overwrite=True, **options)) == 2
    written = table.read_bytes()
    with pytest.raises(ValueError, match=r'settings.cutoff: 3.45 before, 3.6 now.*overwrite'):
        timeline(path, table, settings=Settings(cutoff=3.6), **options)
    with pytest.raises(ValueError, match='observables: .*motion.* before, .*shape.* now'):
        timeline(path, table, **{**options, 'observables': ('motion', 'shape')})
    write(tmp_path / 'other.extxyz', bulk('Li', cubic=True) * (2, 2, 2))
    with pytest.raises(ValueError, match='from another trajectory .first frame: '):
        timeline(tmp_path / 'other.extxyz', table, **options)
    with pytest.raises(FileExistsError, match='exists already'):
        timeline(bulk('Li'), table, **options)  # cannot be continued
    with pytest.raises(FileExistsError, match='is one of the files to read'):
        timeline(path, path, overwrite=True, **options)
    assert table.read_bytes() == written
    state = tmp_path / 'timeline.state'
    state.write_bytes(state.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match='is damaged or cut off'):
        timeline(path, table, **options)
    computed = []
    monkeypatch.setattr('mlffvv_analysis.timeline.row', lambda *a: computed.append(1) or row(*a))
    assert len(timeline(path, table, overwrite=True, **options)) == len(computed) == 2
    assert len(timeline(path, table, overwrite=True, **options)) == len(computed) == 2, 'the same job continues'


def test_a_second_process_is_kept_from_the_table(tmp_path):
    path, table = tmp_path / 'run.extxyz', tmp_path / 'timeline.csv'
    trajectory(path, 1)
    with locked(tmp_path / '.timeline.csv.lock', 'it'), pytest.raises(FileExistsError, match='another job works in'):
        timeline(path, table, observables=('motion',), progress=False)
    assert not table.exists()


def test_killed_between_the_first_table_and_its_state(tmp_path, monkeypatch):
    path, table = tmp_path / 'run.extxyz', tmp_path / 'timeline.csv'
    trajectory(path, 2)
    saved, save = [], timelines.save_checkpoint

    def stop(*args):
        if saved:
            raise KeyboardInterrupt
        saved.append(save(*args))

    with monkeypatch.context() as patch:
        patch.setattr(timelines, 'save_checkpoint', stop)
        with pytest.raises(KeyboardInterrupt):
            timeline(path, table, observables=('motion',), progress=False)
    assert table.exists()
    assert len(timeline(path, table, observables=('motion',), progress=False)) == 2


def test_an_interrupted_analysis_goes_on_from_what_was_saved(tmp_path, monkeypatch):
    path, table = tmp_path / 'run.extxyz', tmp_path / 'timeline.csv'
    trajectory(path, 3)
    timeline(path, table, observables=('motion',), progress=False)
    before = pandas.read_csv(table)
    pandas.concat([before, before]).to_csv(table, index=False)  # the table was written, the state not yet
    trajectory(path, 1, start=3)
    assert list(timeline(path, table, observables=('motion',), progress=False)['frame']) == [0, 1, 2, 3]


def test_memory_does_not_grow_with_the_number_of_frames(tmp_path):
    atoms = bulk('Li', cubic=True) * (6, 6, 6)

    def peak(count):
        source = (atoms.copy() for _ in range(count))
        tracemalloc.start()
        timeline(source, observables=('motion',), progress=False)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(2)
    assert peak(120) < peak(10) + 110 * 20_000  # a frame's positions alone are 10 kB, a row 5


def test_adatoms_and_missing_energies(tmp_path, caplog):
    needle = add_adatoms(column(diameter=4, height=4, box=7), number=5)
    later = needle.copy()
    later.positions[needle.get_tags() == 2] += [0, 3.0, 4.0]
    table = timeline([needle, later], frame_time_ps=0.5, progress=False)
    np.testing.assert_allclose(table['adatom_msd_A2'], [0, 25])
    np.testing.assert_allclose(table['time_ps'], [0, 0.5])
    assert table['e_surface_eV'].isna().all()
    assert 'no atomic energies' in caplog.text


def test_settings():
    needle = column(diameter=4, height=4, box=7, a=3.46)
    assert row(Frame(needle, Settings(cn8='exclude')), ['coordination'])['cn8_fraction'] > 0.2
    mesh = Frame(needle, Settings(surface='mesh'))
    assert not (mesh.surface & mesh.bulk).any()
    assert 100 < mesh.surface.sum() < len(needle)
    with pytest.raises(ValueError, match='surface must be one of coordination, mesh'):
        Settings(surface='x')
    with pytest.raises(ValueError, match='cn8 must be'):
        Settings(cn8='x')


def test_coloured_frames_open_in_ase(tmp_path):
    needle, _ = trajectory(tmp_path / 'run.extxyz', 1)
    frame = Frame(read(tmp_path / 'run.extxyz', 0))
    write(tmp_path / 'coloured.extxyz', frame.coloured())
    back = read(tmp_path / 'coloured.extxyz')
    for name in ('coordination', 'phase', 'phase_acna', 'grain', 'class', 'displacement', 'local_energy'):
        assert back.arrays[name].shape == (len(needle),)
    np.testing.assert_array_equal(back.arrays['grain'], frame.grains[0])
    np.testing.assert_array_equal(back.get_tags(), needle.get_tags())


@pytest.mark.parametrize('name', ['run.traj', 'run.vvtraj'])
def test_other_formats_that_grow(tmp_path, name, monkeypatch):
    trajectory(tmp_path / 'run.extxyz', 5, energies=False)
    images = read(tmp_path / 'run.extxyz', ':')
    path, table = tmp_path / name, tmp_path / 't.csv'
    write(path, images[:3])
    computed = []
    monkeypatch.setattr('mlffvv_analysis.timeline.row', lambda *a: computed.append(1) or row(*a))
    assert len(timeline(path, table, observables=('motion',), progress=False)) == 3
    if name.endswith('.traj'):
        with Trajectory(path, 'a') as out:  # write(append=True) replaces
            for atoms in images[3:]:
                out.write(atoms)
    else:
        write(path, images[3:], append=True)
    grown = timeline(path, table, observables=('motion',), progress=False)
    assert len(computed) == 5
    expected = timeline(tmp_path / 'run.extxyz', observables=('motion',), progress=False)
    np.testing.assert_allclose(grown['dxy_column_A'], expected['dxy_column_A'], atol=1e-3)
    assert len(list(frames(path, skip=4))) == 1
    assert len(list(frames(bulk('Li')))) == 1


@pytest.mark.parametrize(('source', 'message'), [
    ([], 'no complete frame'),
    ([Atoms()], 'frame 0 has no atoms'),
    ([bulk('Li'), bulk('Li') * (2, 1, 1)], 'frame 1: the number of atoms changed from 1 to 2'),
    ([Atoms('Li', pbc=True)], 'no cell vector'),
    ([Atoms('Li', [[0, 0, np.inf]])], 'NaN or infinite'),
])  # fmt: skip
def test_trajectories_that_make_no_sense(source, message):
    with pytest.raises(ValueError, match=message):
        timeline(source, progress=False)


def test_more_that_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match='there is no trajectory'):
        timeline(tmp_path / 'none.extxyz', progress=False)
    (tmp_path / 'empty.extxyz').touch()
    with pytest.raises(StructureFileError, match='is empty'):
        timeline(tmp_path / 'empty.extxyz', progress=False)
    (tmp_path / 'bad.extxyz').write_text('2\n\nLi 0 0 0\nLi 0 0 3\nx\n')
    with pytest.raises(StructureFileError, match='expected a number of atoms'):
        timeline(tmp_path / 'bad.extxyz', progress=False)
    with pytest.raises(ValueError, match='unknown observables'):
        timeline([bulk('Li')], observables=('height',), progress=False)
    with pytest.raises(ValueError, match='processes must be'):
        timeline([bulk('Li')], processes=0, progress=False)


@pytest.mark.parametrize('atoms', [bulk('Li', a=2.0), Atoms('Li2', [[0, 0, 0], [1.3, 1.4, 1.6]], cell=[2.7, 3.1, 3.3],
                         pbc=True), Atoms('Li'), Atoms('Li4', np.eye(4)[:, :3])])  # fmt: skip
def test_thin_and_small_structures_have_all_columns(atoms):
    numbers = row(Frame(atoms), OBSERVABLES)
    assert numbers['n_grains'] == 0
    assert numbers['height_A'] >= 0
