"""Slabs have the faces, layers and distances of the crystal they are cut from."""

import itertools

import numpy as np
import pytest
from ase.neighborlist import neighbor_list

from ase_mlffvv.structures import facet_family, miller, slab, step

A = 3.44
NEAR = 0.93 * A  # between first and second neighbors of bcc


def heights(atoms):
    return np.unique(np.round(atoms.positions[:, 2], 3))


@pytest.mark.parametrize('hkl', ['100', '110', '111', '210', '211', '310', '321'])
@pytest.mark.parametrize('layers', [None, 8, 12])
def test_two_faces_cut_the_bonds_that_cross_them(hkl, layers):
    n = np.array(miller(hkl)) / np.linalg.norm(miller(hkl))
    vectors = np.array(list(itertools.product((-A / 2, A / 2), repeat=3)))
    cut = sum(max(v @ n, 0) for v in vectors) * 2 / A**3  # bonds per area
    atoms = slab(hkl, A, layers=layers, vacuum=7.0)
    face = np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1]))
    missing = 8 * len(atoms) - len(neighbor_list('i', atoms, NEAR))
    assert missing == pytest.approx(2 * cut * face)
    z = atoms.positions[:, 2]
    assert z.min() == pytest.approx(7.0)
    assert atoms.cell[2, 2] - z.max() == pytest.approx(7.0)
    assert abs(atoms.cell[2, :2]).max() < 1e-9
    assert atoms.pbc.all()
    if layers is None:
        assert np.ptp(z) > 20
    else:
        assert len(heights(atoms)) == layers


def test_repeated_slabs_of_other_elements():
    one, four = (slab('211', 2.87, 'Fe', layers=6, repeat=repeat) for repeat in ((1, 1), (2, 2)))
    assert len(four) == 4 * len(one)
    assert set(four.symbols) == {'Fe'}
    np.testing.assert_allclose(four.cell.lengths(), one.cell.lengths() * [2, 2, 1])
    assert len(slab('110', layers=5, repeat=(2, 3))) == 30


@pytest.mark.parametrize(('face', 'layers'), [('100', 1), ('100', 2), ('110', 2)])
def test_steps(face, layers):
    flat = slab(face, A, layers=6, repeat=(4, 2), vacuum=6)
    stepped = step(flat, layers)
    assert len(flat) - len(stepped) == layers * 4
    assert len(heights(stepped)) == 6
    above = stepped.positions[:, 2] > heights(flat)[-layers] - 0.1
    assert (stepped.get_scaled_positions()[above, 0] <= 0.45).all()
    assert len(step(flat, layers, start=0.7)) > len(stepped)


def test_facet_families():
    assert [len(facet_family(hkl)) for hkl in ('100', '110', '111', '210', '321')] == [6, 12, 8, 24, 48]
    assert (0, -1, 0) in facet_family('100')
    assert miller((3, 1, 0)) == miller('310') == (3, 1, 0)


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda: miller('abc'), "three Miller indices such as '310', got 'abc'"),
        (lambda: miller('000'), "got '000'"),
        (lambda: miller(None), 'got None'),
        (lambda: slab('10'), 'three Miller indices'),
        (lambda: slab('210', layers=5), '210 slabs have an even number of atomic layers, got 5; use 6'),
        (lambda: slab('100', layers=0), 'layers must be a whole number of 1 or more, got 0'),
        (lambda: step(slab('100', layers=3), 3), 'layers must be between 1 and 2 for this slab, got 3'),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()
