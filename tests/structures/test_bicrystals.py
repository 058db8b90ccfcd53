"""Bicrystals are crystals with two boundaries."""

import numpy as np
import pytest
from ase.build import bcc100, bcc110
from ase.neighborlist import neighbor_list

from ase_mlffvv.structures import TILT_BOUNDARIES, stacked_bicrystal, tilt_bicrystal

A = 3.44
NEAR = 0.93 * A  # between first and second neighbors of bcc


@pytest.mark.parametrize('name', TILT_BOUNDARIES)
def test_two_grains_that_are_mirror_images(name):
    atoms = tilt_bicrystal(name, A)
    assert len(atoms) / atoms.get_volume() == pytest.approx(2 / A**3)
    i, d = neighbor_list('id', atoms, NEAR)
    assert d.min() > 0.44 * A  # before relaxation
    inside = abs(atoms.get_scaled_positions()[:, 2] - 0.25) < 0.1
    np.testing.assert_array_equal(np.bincount(i, minlength=len(atoms))[inside], 8)
    mirrored = atoms.copy()
    mirrored.positions[:, 2] *= -1
    mirrored.wrap(eps=1e-4)
    atoms.wrap(eps=1e-4)
    order = [np.lexsort(np.round(x.positions, 3).T) for x in (atoms, mirrored)]
    np.testing.assert_allclose(atoms.positions[order[0]], mirrored.positions[order[1]], atol=1e-6)


def test_sizes_and_shifts_of_tilt_bicrystals():
    atoms = tilt_bicrystal('twin_112', A, repeat=(2, 3), periods=1)
    usual = tilt_bicrystal('twin_112', A)
    assert len(atoms) == 3 * len(usual)
    np.testing.assert_allclose(atoms.cell.lengths(), usual.cell.lengths() * [2, 3, 0.5])
    assert neighbor_list('d', atoms, 4).min() == pytest.approx(A * np.sqrt(2 / 3), abs=1e-3)  # across the boundary
    moved = tilt_bicrystal('twin_112', A, shift=(0.5, 0.25))
    change = moved.positions - usual.positions
    assert (abs(change).max(axis=1) > 0).sum() * 2 == len(usual) - 2 * (usual.positions[:, 2] < 1e-3).sum()
    np.testing.assert_allclose(change.max(axis=0), usual.cell.lengths() * [0.5, 0.25, 0])


def test_one_crystal_on_another():
    lower, upper = bcc100('Li', (2, 3, 3), a=A), bcc110('Li', (2, 4, 3), a=A, orthogonal=True)
    atoms = stacked_bicrystal(lower, upper, gap=2.5)
    assert len(atoms) == len(lower) + len(upper)
    z = np.unique(np.round(atoms.positions[:, 2], 3))
    gaps = np.diff([*z, atoms.cell[2, 2]])
    np.testing.assert_allclose(gaps, [A / 2, A / 2, 2.5, A / np.sqrt(2), A / np.sqrt(2), 2.5], atol=1e-3)
    np.testing.assert_allclose(atoms.cell.lengths()[:2], (lower.cell.lengths() + upper.cell.lengths())[:2] / 2)
    assert neighbor_list('d', atoms, 4).min() > 2.4


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda: tilt_bicrystal('sigma7'), "the boundary must be one of twin_112, gb_310, gb_210, got 'sigma7'"),
        (lambda: stacked_bicrystal(bcc100('Li', (1, 1, 3), a=A), bcc110('Li', (1, 1, 3), a=A)), 'must be a rectangle'),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()
