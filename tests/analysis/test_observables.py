"""Columns that the claims about dendrites need: classes with counts, domains, twins, slides, feet, adatoms, grades."""

import numpy as np
import pandas
import pytest
from mlffvv_analysis.foot import foot_width
from mlffvv_analysis.frame import Frame, Settings
from mlffvv_analysis.observables import adatoms, energy, grade, grain, motion, shape
from mlffvv_analysis.slides import angle_to_110, slide_between, slides

from ase_mlffvv.structures import add_adatoms, column

from .crystals import twin

pytest.importorskip('ovito', reason='the extra analysis is not installed')


def needle(**sizes):
    atoms = column(**{'diameter': 4, 'height': 6, 'box': 8, **sizes})
    atoms.positions += np.random.default_rng(0).normal(scale=0.05, size=(len(atoms), 3))
    return atoms


def test_energies_with_counts():
    """The classes of the column are counted, and their means times numbers give its energy."""
    atoms = needle()
    atoms.arrays['local_energy'] = -1.9 + 0.01 * atoms.positions[:, 2]
    frame = Frame(atoms, Settings(min_grain=20))
    found = energy(frame)
    numbers = {name: found[f'n_{name}_column'] for name in ('interior', 'boundary', 'subsurface', 'bulk')}
    surface = (frame.surface & frame.column).sum()
    assert numbers['bulk'] == numbers['interior'] + numbers['boundary'] + numbers['subsurface']
    assert numbers['bulk'] + surface == frame.column.sum()
    total = found['e_surface_eV'] * surface + found['e_bulk_eV'] * numbers['bulk']
    assert total == pytest.approx(atoms.arrays['local_energy'][frame.column].sum())
    assert np.isnan(found['e_top_minus_bottom_grain_eV']), 'there is one grain'


def test_a_twin_is_described():
    """The coherent twin of a bicrystal: 70.5 degrees about ⟨110⟩ and the plane {112}, which lies flat."""
    found = grain(Frame(twin(), Settings(min_grain=20)))
    assert found['n_twins'] >= 1
    assert found['twin_angle_deg'] == pytest.approx(70.53, abs=1)
    assert found['twin_plane_off_deg'] < 2
    assert found['twin_trace_deg'] == pytest.approx(0, abs=1)
    assert found['largest_bcc_share'] == pytest.approx(0.5, abs=0.1)


def test_one_crystal_is_one_grain():
    """However warm its surface is: no criterion on the share of the largest grain is out of reach."""
    atoms = column(diameter=8, height=8, box=12)
    atoms.positions += np.random.default_rng(0).normal(scale=0.2, size=(len(atoms), 3))
    found = grain(Frame(atoms))
    assert found['largest_bcc_share'] > 0.95
    assert found['top_misorientation_deg'] < 2
    assert found['bottom_misorientation_deg'] < 2


def test_slides_are_in_the_plane_of_the_substrate():
    assert angle_to_110([1, 1, -5]) == pytest.approx(0)
    assert angle_to_110([-2, 2, 0]) == pytest.approx(0)
    assert angle_to_110([0, 3, 1]) == pytest.approx(45)
    assert angle_to_110([1, 0.5, 0]) == pytest.approx(45 - np.degrees(np.arctan(0.5)))
    assert np.isnan(angle_to_110([0, 0, 1]))
    time = np.arange(0, 60, 0.5)
    xy = np.interp(time, [0, 20, 40, 60], [0, 10, 10, 20])
    turned = np.where(time > 40, 1.0, 0.0)
    table = pandas.DataFrame({'time_ps': time, 'dxy_all_A': xy, 'top_dx_A': xy, 'top_dy_A': xy - turned * (xy - 10),
                              'top_dz_A': 0 * xy})  # fmt: skip
    pytest.importorskip('ruptures')
    found = slides(table)
    assert [s.stage.plateau for s in found] == [False, True, False]
    assert found[0].direction == (1, 1, 0)
    assert found[0].off_110 == pytest.approx(0, abs=1)
    assert found[2].direction == (1, 0, 0)
    assert found[2].off_110 == pytest.approx(45, abs=6)
    np.testing.assert_allclose(slide_between(time, xy[:, None], 10.25, 30), [10 - 5.125])


def test_the_top_is_that_of_the_first_frame():
    """Its displacement counts the same atoms, wherever they have gone."""
    first = Frame(needle())
    moved = np.zeros((len(first.atoms), 3))
    moved[first.regions['top']] = [3, -1, -20]
    atoms = first.atoms.copy()
    atoms.positions += moved
    found = motion(Frame(atoms, None, moved, first))
    assert [found[f'top_d{k}_A'] for k in 'xyz'] == pytest.approx([3, -1, -20])


def test_the_foot_broadens_where_it_does():
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.uniform(-10, 10, (4000, 2)), rng.uniform(0.5, 6, 4000)])
    assert foot_width(points, 0, (1, 0)) == pytest.approx(19.6, abs=0.3)
    assert foot_width(points, 0, (1, 1)) == pytest.approx(foot_width(points, 0, (3, -3)), abs=0.6)
    points[:, :2] += np.outer(np.sign(points[:, 0] + points[:, 1]), [3, 3])
    assert foot_width(points, 0, (1, 1)) - foot_width(points, 0, (1, -1)) == pytest.approx(6 * np.sqrt(2), abs=0.8)
    assert np.isnan(foot_width(points[:9], 0, (1, 0)))
    assert np.isnan(foot_width(points, 50, (1, 0)))
    with pytest.raises(ValueError, match='direction must have a length'):
        foot_width(points, 0, (0, 0))
    found = shape(Frame(needle(diameter=6, box=10)))
    assert found['foot_110_A'] == pytest.approx(found['foot_100_A'], abs=3)


def test_adatoms_are_followed():
    """Carried along with their surroundings they do not diffuse; lifted off they are detached."""
    atoms = add_adatoms(needle(), number=6, seed=1)
    first = Frame(atoms)
    mine = atoms.get_tags() == 2
    carried = adatoms(Frame(atoms, None, np.full((len(atoms), 3), 2.0), first))
    assert carried['adatom_msd_A2'] == pytest.approx(12)
    assert carried['adatom_relative_msd_A2'] == pytest.approx(0, abs=1e-9)
    numbers, others = first.coordination[mine], first.surface & first.column & ~mine
    assert carried['adatom_cn'] == numbers.mean()
    assert carried['cn_terrace'] == first.coordination[others].mean()
    assert carried['adatom_incorporated_share'] == (numbers >= carried['cn_terrace']).mean()
    assert (carried['adatom_bulk_share'], carried['adatom_detached_share']) == ((numbers >= 8).mean(), 0)
    moved = np.where(mine[:, None], [0.0, 0, 3], 0)
    assert adatoms(Frame(atoms, None, moved, first))['adatom_relative_msd_A2'] == pytest.approx(9)
    lifted = atoms.copy()
    lifted.positions[np.flatnonzero(mine)[0], 2] = lifted.cell[2, 2] - 8  # in the middle of the empty space
    assert adatoms(Frame(lifted, None, None, first))['adatom_detached_share'] == pytest.approx(1 / 6)
    assert 'adatom_cn' not in motion(Frame(needle()))


def test_grades_are_told_where_they_are_known():
    atoms = needle()
    assert np.isnan(grade(Frame(atoms))['extrapolated_share'])
    atoms.arrays['grade'] = np.where(np.arange(len(atoms)) < 5, 1.5, 0.2)
    assert grade(Frame(atoms)) == {'grade_max': 1.5, 'extrapolated_share': 5 / len(atoms)}
