"""Adatoms keep their distance, and one adatom continues the crystal."""

import numpy as np
import pytest
from ase.build import bulk
from ase.neighborlist import neighbor_list

from ase_mlffvv.structures import ADATOM, adatom_slab, add_adatoms, column, training_cell

A = 3.44
NEAR = 0.93 * A  # between first and second neighbors of bcc


@pytest.mark.parametrize('where', ['top', 'side', 'column', 'all'])
def test_adatoms_do_not_overlap(where):
    clean = column(diameter=4, height=5, box=8)
    atoms = add_adatoms(clean, 0.15, where=where, seed=1)
    n = len(clean)
    assert len(atoms) > n
    assert (atoms.get_tags()[n:] == ADATOM).all()
    np.testing.assert_array_equal(atoms.positions[:n], clean.positions)
    d = atoms.get_all_distances(mic=True) + 9 * np.eye(len(atoms))
    assert d[n:].min() > 2.9 - 1e-6
    assert d[n:].min(axis=1).max() < 2.9 + 1e-6  # each touches the surface
    z = atoms.positions[n:, 2]
    top = clean.positions[:, 2].max()
    if where == 'top':
        assert (z > top).all()
    if where == 'side':
        assert (z <= top).all()


def test_adatoms_by_number_and_seed():
    clean = column(diameter=4, height=4, box=8)
    one, two, other = (add_adatoms(clean, number=5, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(one.positions, two.positions)
    assert not np.allclose(one.positions, other.positions)
    assert len(add_adatoms(clean, 0.0)) == len(clean)
    slab = bulk('Li', cubic=True) * (3, 3, 3)
    slab.center(vacuum=8, axis=2)
    assert len(add_adatoms(slab, number=3, where='all')) == len(slab) + 3


@pytest.mark.parametrize(
    ('face', 'hop', 'contacts'), [('100', 1.0, 4), ('110', np.sqrt(3) / 2, 2), ('111', np.sqrt(2), 1)]
)
def test_one_adatom_continues_the_crystal(face, hop, contacts):
    atoms, vector = adatom_slab(face, A)
    assert np.linalg.norm(vector) == pytest.approx(hop * A)
    assert vector[2] == pytest.approx(0, abs=1e-9)
    assert atoms.positions[-1, 2] > atoms.positions[:-1, 2].max() + 0.5
    assert (neighbor_list('i', atoms, NEAR) == len(atoms) - 1).sum() >= contacts
    fixed = atoms.constraints[0].index
    assert 0 < len(fixed) < len(atoms) / 2
    assert atoms.positions[fixed, 2].max() < np.delete(atoms.positions, fixed, axis=0)[:, 2].min()
    again = atoms.copy()
    again.positions[-1] += vector
    again.set_constraint()
    assert neighbor_list('d', again, 4).min() == pytest.approx(A * np.sqrt(3) / 2)


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda: add_adatoms(training_cell()), 'either coverage'),
        (lambda: add_adatoms(training_cell(), 0.1, where='moon'), 'where must be'),
        (lambda: add_adatoms(bulk('Li'), 0.1), "use where='all'"),
        (lambda: add_adatoms(training_cell(), number=500), 'of 500 adatoms fit'),
        (lambda: adatom_slab('210'), "face must be one of 100, 110, 111, got '210'"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()
