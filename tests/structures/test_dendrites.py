"""Dendrites on their substrate have the atoms that the paper counts."""

import numpy as np
import pytest
from mlffvv_analysis import coordination_numbers

from ase_mlffvv.structures import COLUMN, SUBSTRATE, column, cuboid, freeze_bottom, training_cell


def layers(atoms, tag):
    z = np.round(atoms.positions[atoms.get_tags() == tag, 2], 3)
    return np.unique(z, return_counts=True)[1].tolist()


def test_training_cell_of_the_paper():
    atoms = training_cell()
    assert len(atoms) == 230
    assert layers(atoms, SUBSTRATE) == [36] * 5
    assert layers(atoms, COLUMN) == [12, 13, 12, 13]
    np.testing.assert_allclose(atoms.cell.cellpar(), [6 * 3.44, 6 * 3.44, 9 * 3.44, 90, 90, 90])
    assert atoms.pbc.all()


def test_column_of_the_paper():
    atoms = column()
    assert len(atoms) == 9145
    assert (atoms.get_tags() == SUBSTRATE).sum() == 5120
    assert (atoms.get_tags() == COLUMN).sum() == 4025
    np.testing.assert_allclose(atoms.cell.lengths() / 3.44, 32)


@pytest.mark.parametrize('face', ['100', '110'])
def test_cuboids(face):
    atoms = cuboid(face, side=6, height=5, box=14)
    axis = 7 * 3.44
    x, y = (atoms.positions[atoms.get_tags() == COLUMN, :2] - axis).T
    if face == '110':
        x, y = (x + y) / np.sqrt(2), (x - y) / np.sqrt(2)
    assert np.abs([x, y]).max() <= 3 * 3.44 + 1e-6
    assert np.abs(x).max() > 2.5 * 3.44
    # every side face is flat: many atoms share the outermost coordinate
    assert np.isclose(x, x.max()).sum() > 10


def test_it_is_bcc_everywhere():
    atoms = column(diameter=6, height=6, box=10, a=3.40)
    inside = coordination_numbers(atoms, 3.0) == 8
    assert inside.sum() > 300
    assert coordination_numbers(atoms, 3.0).max() == 8
    d = atoms.get_all_distances(mic=True) + 9 * np.eye(len(atoms))
    assert d.min() == pytest.approx(3.40 * np.sqrt(3) / 2)


def test_sizes_are_parameters():
    small = column(diameter=3, height=2.5, box=6, substrate_layers=2, vacuum=8, a=3.5, element='Na')
    assert set(small.symbols) == {'Na'}
    assert layers(small, COLUMN)[0] > 0
    assert len(layers(small, COLUMN)) == 5
    assert small.cell[2, 2] / 3.5 == pytest.approx((2 + 5 - 1) / 2 + 8)


def test_frozen_layers():
    atoms = training_cell()
    frozen = freeze_bottom(atoms, 2)
    assert len(atoms.constraints) == 0
    assert len(frozen.constraints[0].index) == 72
    assert len(freeze_bottom(atoms, thickness=1.8).constraints[0].index) == 72
    assert len(freeze_bottom(atoms, 9).constraints[0].index) == 230
    assert freeze_bottom(atoms, 0).constraints == []


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda: column(diameter=10, box=10), 'use a box of 12 or more'),
        (lambda: column(diameter=-1), 'diameter must be positive'),
        (lambda: column(height=0), 'height must be 0.5 or more'),
        (lambda: column(a=0), 'a must be 0.1 or more'),
        (lambda: cuboid('111'), "face must be '100' or '110'"),
        (lambda: freeze_bottom(training_cell(), 10), 'has 9'),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()
