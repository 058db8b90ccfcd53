"""Surfaces, adatoms and grain boundaries where the answers are known."""

import itertools

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from matscipy.neighbours import neighbour_list

from ase_mlffvv import VVCalculator
from ase_mlffvv.properties import PropertyError, adatoms, boundaries, relaxing, surfaces
from ase_mlffvv.properties.reference import SURFACES

from .models import BOND, Bonds

A = 3.44
NEAR = 0.93 * A  # between first and second neighbors of bcc
bonds = relaxing.use(Bonds(NEAR))


@pytest.mark.parametrize('hkl', SURFACES)
def test_surface_energy_counts_broken_bonds(hkl):
    n = np.array([int(x) for x in hkl])
    n = n / np.linalg.norm(n)
    vectors = np.array(list(itertools.product((-A / 2, A / 2), repeat=3)))
    cut = sum(max(v @ n, 0) for v in vectors) * 2 / A**3  # per area
    slab = bonds(surfaces.slab(hkl, A))
    z = slab.positions[:, 2]
    assert np.ptp(z) > 20
    assert slab.pbc.all()
    found = surfaces.surface_energy(slab, bulk_energy=-4 * BOND)
    assert found == pytest.approx(cut * BOND / 2 * units.m**2 / units.J, rel=1e-9)


def test_order_of_surfaces():
    same = surfaces.compare_order(SURFACES)
    assert same['surface_mae'] == 0
    assert same['surface_spearman'] == pytest.approx(1)
    turned = surfaces.compare_order({hkl: 1 - e for hkl, e in SURFACES.items()})
    assert turned['surface_spearman'] == pytest.approx(-1)
    assert turned['surface_lowest'] == '111'
    assert turned['order'][-1] == '100'
    with pytest.raises(PropertyError, match='missing: 310'):
        surfaces.compare_order({hkl: e for hkl, e in SURFACES.items() if hkl != '310'})


@pytest.mark.parametrize(('face', 'hop', 'contacts'), [('100', 1.0, 4), ('110', np.sqrt(3) / 2, 2),
                                                        ('111', np.sqrt(2), 1)])  # fmt: skip
def test_adatoms_continue_the_crystal(face, hop, contacts):
    atoms, vector = adatoms.adatom(face, A)
    assert np.linalg.norm(vector) == pytest.approx(hop * A)
    assert vector[2] == pytest.approx(0, abs=1e-9)
    assert atoms.positions[-1, 2] > atoms.positions[:-1, 2].max() + 0.5
    i = neighbour_list('i', atoms, NEAR)
    assert (i == len(atoms) - 1).sum() >= contacts
    fixed = atoms.constraints[0].index
    assert 0 < len(fixed) < len(atoms) / 2
    assert atoms.positions[fixed, 2].max() < np.delete(atoms.positions, fixed, axis=0)[:, 2].min()


@pytest.mark.parametrize('name', boundaries.BOUNDARIES)
def test_bicrystals(name):
    atoms = boundaries.bicrystal(name, A)
    assert len(atoms) / atoms.get_volume() == pytest.approx(2 / A**3)
    i, d = neighbour_list('id', atoms, NEAR)
    assert d.min() > 0.44 * A  # before relaxation
    inside = abs(atoms.get_scaled_positions()[:, 2] - 0.25) < 0.1
    np.testing.assert_array_equal(np.bincount(i, minlength=len(atoms))[inside], 8)
    mirrored = atoms.copy()
    mirrored.positions[:, 2] *= -1
    mirrored.wrap(eps=1e-4)
    atoms.wrap(eps=1e-4)
    order = [np.lexsort(np.round(x.positions, 3).T) for x in (atoms, mirrored)]
    np.testing.assert_allclose(atoms.positions[order[0]], mirrored.positions[order[1]], atol=1e-6)


def test_a_mirror_of_the_crystal_is_no_boundary(monkeypatch):
    monkeypatch.setitem(boundaries.BOUNDARIES, 'none', ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], 3))
    attach = relaxing.use(VVCalculator())
    a = 3.4393
    bulk_energy = attach(bulk('Li', 'bcc', a=a)).get_potential_energy()
    energy, atoms, grid = boundaries.boundary_energy('none', a, bulk_energy, attach, shifts=(2, 1))
    assert energy == pytest.approx(0, abs=2e-3)
    assert len(atoms) == 12
    assert np.shape(grid) == (2, 1)
