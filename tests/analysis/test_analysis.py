import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from mlffvv_analysis import coordination_numbers, height, surface_and_bulk
from mlffvv_analysis.plots import draw_atoms, run_summary

from ase_mlffvv.structures import column

from .. import brute
from ..systems import cell_of, zoo


@pytest.mark.parametrize('name', sorted(zoo()))
def test_coordination_is_exact(name):
    atoms = zoo()[name]
    got = coordination_numbers(atoms, 3.45)
    if name == 'unwrapped':
        atoms.wrap()
    want = [len(brute.neighbors(atoms.positions, cell_of(atoms), atoms.pbc, i, 3.45)) for i in range(len(atoms))]
    np.testing.assert_array_equal(got, want)


def test_perfect_crystals():
    assert set(coordination_numbers(bulk('Li', 'bcc', a=3.44, cubic=True))) == {14}
    assert set(coordination_numbers(bulk('Li', 'bcc', a=3.46, cubic=True))) == {8}
    assert set(coordination_numbers(bulk('Li', 'fcc', a=4.33, cubic=True))) == {12}
    assert coordination_numbers(Atoms()).shape == (0,)
    with pytest.raises(ValueError, match='cutoff must be positive'):
        coordination_numbers(bulk('Li'), 0)


def test_surface_and_bulk():
    numbers = np.array([0, 7, 8, 9, 14])
    for cn8, surface in (('bulk', [1, 1, 0, 0, 0]), ('surface', [1, 1, 1, 0, 0]), ('exclude', [1, 1, 0, 0, 0])):
        s, b = surface_and_bulk(numbers, cn8)
        np.testing.assert_array_equal(s, np.array(surface, bool))
        assert not (s & b).any()
        assert (s | b).all() == (cn8 != 'exclude')
    with pytest.raises(ValueError, match='cn8 must be'):
        surface_and_bulk(numbers, 'other')


def test_height():
    needle = column(diameter=4, height=6, box=8)
    assert height(needle) == pytest.approx(6 * 3.44, abs=0.1)
    assert height(needle, needle.get_tags() == 0) == height(needle)
    away = needle.copy()
    away.positions[-1, 2] += 40  # one atom that left does not count
    assert height(away) == pytest.approx(height(needle), abs=0.1)
    slab = bulk('Li', cubic=True) * (2, 2, 3)
    assert height(slab) == pytest.approx(2.5 * bulk('Li', cubic=True).cell[0, 0], abs=1e-9)
    assert height(Atoms()) == 0


def test_pictures(tmp_path):
    from matplotlib.figure import Figure

    needle = column(diameter=3, height=3, box=6)
    needle.arrays['coordination'] = coordination_numbers(needle)
    axes = Figure().subplots()
    draw_atoms(axes, needle, needle.arrays['coordination'])
    discs = axes.collections[0]
    assert len(discs.get_offsets()) == 3 * len(needle)
    table = {name: [0.0, 1.0] for name in ('time_ps', 'temperature_K', 'height_A', 'surface_fraction',
                                          'mean_coordination')}  # fmt: skip
    run_summary(needle, needle, table, tmp_path / 'a.png', 'title')
    assert (tmp_path / 'a.png').stat().st_size > 20_000


def test_draws_nothing_of_an_empty_structure():
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    scale = draw_atoms(axes, Atoms(), np.zeros(0))
    assert [len(discs.get_offsets()) for discs in axes.collections] == [0]
    assert scale.get_clim() == (0, 1)
    assert not axes.axison


def test_hidden_atoms_are_left_out_of_large_structures(monkeypatch):
    """The picture stays the same but for some edges."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from mlffvv_analysis import plots

    atoms = bulk('Li', cubic=True, a=3.44) * 10
    atoms.rattle(0.1, seed=0)
    pictures, counts = [], []
    for large in (10**6, 0):
        monkeypatch.setattr(plots, 'LARGE', large)
        figure = Figure(figsize=(3, 3))
        axes = figure.add_axes([0, 0, 1, 1])
        plots.draw_atoms(axes, atoms, np.arange(len(atoms)))
        axes.set(xlim=(-25, 25), ylim=(-25, 25))
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        pictures.append(np.asarray(canvas.buffer_rgba())[..., :3].astype(int))
        counts.append(len(axes.collections[0].get_offsets()))
    assert counts[1] < 0.7 * counts[0]
    assert (np.abs(pictures[0] - pictures[1]).max(axis=2) > 40).mean() < 0.01
