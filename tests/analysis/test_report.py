"""Pictures and the report: what a user gets from one command."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import read, write
from mlffvv_analysis import render as rendering
from mlffvv_analysis.colours import limits_of, rgb
from mlffvv_analysis.figures import band_figure, map_figure, shape_figure, snapshots
from mlffvv_analysis.frame import Frame
from mlffvv_analysis.keyframes import choose_frames, keyframes
from mlffvv_analysis.render import RenderingUnavailable, available, camera, cut, movie, render
from mlffvv_analysis.report import report
from mlffvv_analysis.statistics import band
from mlffvv_analysis.timeline import timeline
from mlffvv_analysis.times import time_text

from ase_mlffvv.cli import main
from ase_mlffvv.structures import column

from ..pages.test_page import tags
from .test_timeline import trajectory


@pytest.fixture
def vulkan():
    if reason := available():
        pytest.skip(f'OVITO cannot draw here: {reason}')


def picture(path):
    from matplotlib.image import imread

    return imread(path)[..., :3]


def test_the_command_leaves_a_report(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr('mlffvv_analysis.figures.available', lambda: 'no driver (test)')
    monkeypatch.setattr('mlffvv_analysis.report_page.available', lambda: 'no driver (test)')
    trajectory(tmp_path / 'run.extxyz', 5)
    out = tmp_path / 'report'
    command = ['analyse', str(tmp_path / 'run.extxyz'), '-o', str(out), '--processes', '1', '--pictures', '2']
    assert main(command) == 0
    assert str(out / 'index.html') in capsys.readouterr().out
    page = (out / 'index.html').read_text()
    found = tags(page)
    assert sum(tag == 'img' for tag, _ in found) == 3
    assert not [a for _, a in found for key in ('src', 'href') if not a.get(key, '#').startswith(('data:', '#'))]
    assert any('height goes from' in a.get('alt', '') or 'height over' in a.get('alt', '') for _, a in found)
    for text in ('height over substrate (Å)', 'OVITO cannot draw here: no driver (test)', '0.00 ps to 0.80 ps'):
        assert text in page
    for name in ('snapshots', 'profiles', 'morphology', 'phases', 'stages', 'shape', 'map'):
        assert picture(out / f'{name}.png').std() > 0.02
    assert len(read(out / 'coloured.extxyz', ':')) == 2
    lines = (out / 'timeline.csv').read_text().splitlines()
    assert len(lines) == 6
    import pandas

    pandas.testing.assert_frame_equal(pandas.read_parquet(out / 'timeline.parquet'),
                                      timeline(tmp_path / 'run.extxyz', progress=False))  # fmt: skip


def test_a_page_of_someone_else_stays(tmp_path, capsys):
    write(tmp_path / 'a.extxyz', bulk('Li', cubic=True) * (3, 3, 3))
    out = tmp_path / 'q'
    out.mkdir()
    (out / 'index.html').write_text('mine')
    (out / 'style.css').write_text('mine')
    command = ['analyse', str(tmp_path / 'a.extxyz'), '-o', str(out), '--processes', '1', '--pictures', '1']
    assert main(command) == 1
    assert 'does not hold a report (report.json is missing; found index.html, style.css)' in capsys.readouterr().err
    assert sorted(p.name for p in out.iterdir()) == ['index.html', 'style.css']
    assert (out / 'index.html').read_text() == 'mine'
    assert main([*command, '--overwrite']) == 0
    assert 'a.extxyz' in (out / 'index.html').read_text()
    assert (out / 'style.css').read_text() == 'mine'
    capsys.readouterr()
    assert main([*command, '--cutoff', '3.6']) == 1
    assert 'settings.cutoff: 3.45 before, 3.6 now' in capsys.readouterr().err
    assert main(['analyse', str(out / 'coloured.extxyz'), *command[2:], '--overwrite']) == 1
    assert 'is one of the files to read' in capsys.readouterr().err
    assert main([*command, '--cutoff', '3.6', '--overwrite']) == 0


def test_errors_on_the_command_line_are_one_line(tmp_path, capsys):
    assert main(['analyse', str(tmp_path / 'none.extxyz')]) == 1
    assert 'there is no trajectory' in capsys.readouterr().err
    write(tmp_path / 'a.extxyz', bulk('Li'))
    bad = ['--cutoff', '-1', '-o', str(tmp_path / 'r'), '--processes', '1']
    assert main(['analyse', str(tmp_path / 'a.extxyz'), *bad]) == 1
    assert 'cutoff must be positive' in capsys.readouterr().err


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, 'pandas', None)
    with pytest.raises(ImportError, match=r'needs pandas.*pip install "ase-mlffvv\[analysis\]"'):
        timeline([bulk('Li')], progress=False)
    monkeypatch.setitem(sys.modules, 'ovito', None)
    with pytest.raises(ImportError, match=r'needs ovito.*pip install "ase-mlffvv\[analysis\]"'):
        Frame(bulk('Li')).acna  # noqa: B018


def test_a_report_of_one_crystal_without_tags_or_energies(tmp_path):
    write(tmp_path / 'a.extxyz', bulk('Li', cubic=True) * (3, 3, 3))
    page = report(tmp_path / 'a.extxyz', tmp_path / 'r', ovito=False, progress=False)
    assert 'no atomic energies' in page.read_text()
    with pytest.raises(ValueError, match='pictures must be'):
        report(tmp_path / 'a.extxyz', tmp_path / 'r', pictures=0)
    with pytest.raises(ValueError, match='frames to show must lie from 0 to 0'):
        report(tmp_path / 'a.extxyz', tmp_path / 'r', pictures=[3], progress=False)


def test_keyframes_know_their_displacements(tmp_path):
    _, upper = trajectory(tmp_path / 'run.extxyz', 5)
    picked = keyframes(tmp_path / 'run.extxyz', [0, 4])
    np.testing.assert_allclose(picked[1].displacements[upper].mean(axis=0), [2, 0, -1.2], atol=0.1)
    assert picked[1].reference is picked[0].reference


def test_frames_are_chosen_where_something_happens():
    n = 200
    t = np.arange(n)
    rng = np.random.default_rng(1)
    kink = np.clip((t - 15) / 35, 0, 1) * 20 + rng.normal(0, 0.3, n)  # bends from 15 to 50, then rests
    grains = np.where((t > 120) & (t < 130), 5.0, 1.0)
    table = {'frame': t, 'kink_deg': kink, 'n_grains': grains, 'height_A': 80 - 0.01 * t, 'dxy_all_A': np.sqrt(t)}
    chosen = choose_frames(table, 8)
    assert list(chosen) == sorted(chosen)
    assert len(chosen) == 8
    assert {chosen[0], chosen[n - 1]} == {'first', 'last'}
    assert sum(5 <= k <= 60 for k in chosen) >= 3  # evenly spaced frames would show one or two
    assert 'most grains' in chosen.values()
    assert any(120 <= k <= 130 for k in chosen)
    assert choose_frames(table, 1) == {n - 1: 'last'}
    assert choose_frames({'frame': [0, 1]}, 8) == {0: 'first', 1: 'last'}
    assert len(choose_frames({'frame': t}, 5)) == 5
    with pytest.raises(ValueError, match='count must be 1 or more'):
        choose_frames(table, 0)


def test_times_have_the_decimals_that_they_need():
    assert [time_text(0.04, span) for span in (200, 1, 0.1, 0.01)] == ['0.0 ps', '0.04 ps', '0.040 ps', '0.0400 ps']


def test_colours():
    values = np.array([3, 1, 0])
    assert len(np.unique(rgb('phase', values), axis=0)) == 3
    np.testing.assert_array_equal(rgb('grain', np.array([0])), rgb('grain', np.array([8])))
    scale = rgb('local_energy', np.array([0.0, 1.0, np.nan]), (0, 1))
    assert scale[1].sum() > scale[0].sum()
    assert limits_of('coordination') == (2, 14)
    assert limits_of('local_energy', np.full(4, 2.0)) == (2, 3)
    assert limits_of('x', np.full(4, np.nan)) == (0, 1)


def test_cameras_and_cuts():
    needle = column(diameter=4, height=6, box=8)
    view = camera(needle, 'side', aspect=2.0)
    assert np.linalg.norm(view.direction) == pytest.approx(1)
    assert view.height >= np.ptp(needle.positions[:, 2]) / 2
    half = cut(needle, needle.positions.mean(axis=0), (1, 0, 0))
    assert half.positions[:, 0].max() <= needle.positions[:, 0].mean() + 1e-6
    assert 0 < len(half) < len(needle)
    with pytest.raises(ValueError, match='view must be one of'):
        camera(needle, 'behind')


def test_where_ovito_cannot_draw(monkeypatch, tmp_path):
    monkeypatch.setattr(rendering, 'available', lambda: 'no Vulkan.')
    atoms = Frame(bulk('Li', cubic=True)).coloured()
    with pytest.raises(RenderingUnavailable, match=r'cannot draw here: no Vulkan\..*libvulkan1'):
        render(atoms, tmp_path / 'a.png')
    with pytest.raises(ValueError, match="no array 'x'"):
        render(atoms, tmp_path / 'a.png', 'x')


@pytest.mark.usefixtures('vulkan')
def test_ovito_draws_what_it_should(tmp_path):
    atoms = Atoms('Li3', [[0, 0, 0], [0, 0, 20], [0, 5, 40]])
    atoms.arrays['phase'] = np.array([3, 1, 2])
    render(atoms, tmp_path / 'a.png', 'phase', view='front', size=(120, 240))
    image = picture(tmp_path / 'a.png')
    assert image.shape == (240, 120, 3)
    thirds = [image[k * 80 : (k + 1) * 80].reshape(-1, 3) for k in range(3)]
    colours = [part[(part.max(axis=1) - part.min(axis=1)) > 0.2].mean(axis=0) for part in thirds]
    assert [int(c.argmax()) for c in colours] == [0, 1, 2]  # hcp red above, fcc green, bcc blue below
    paths = movie([atoms, atoms], tmp_path / 'movie', size=(60, 60))
    assert (picture(paths[0]) == picture(paths[1])).all()


@pytest.mark.usefixtures('vulkan')
def test_snapshots_by_ovito():
    figure = snapshots([Frame(column(diameter=3, height=4, box=6))], ovito=True)
    assert all(axes.images for axes in figure.axes[:2])


def test_figures_of_frames(tmp_path):
    first = Frame(column(diameter=4, height=5, box=7))
    figure, score = map_figure(first, most=200)
    assert score > 0.2
    assert figure.axes[0].collections
    table = timeline([first.atoms, first.atoms], frame_time_ps=1.0, progress=False)
    assert len(shape_figure(table, [first]).axes) == 6
    t = np.arange(10.0)
    band_figure({'250 K': band([t, t], [t, t + 1]), '350 K': band([t], [t])}, 'height (Å)', tmp_path / 'b.png')
    assert (tmp_path / 'b.png').exists()
