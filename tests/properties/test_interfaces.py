"""Surfaces and grain boundaries where the answers are known."""

import itertools

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from mlffvv_analysis.surfaces import surface_energy

from ase_mlffvv import VVCalculator
from ase_mlffvv.properties import PropertyError, boundaries, relaxing, surfaces
from ase_mlffvv.properties.reference import SURFACES
from ase_mlffvv.structures import TILT_BOUNDARIES, slab

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
    found = surface_energy(bonds(slab(hkl, A)), bulk_energy=-4 * BOND)
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


def test_a_mirror_of_the_crystal_is_no_boundary(monkeypatch):
    monkeypatch.setitem(TILT_BOUNDARIES, 'none', ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], 3))
    attach = relaxing.use(VVCalculator())
    a = 3.4393
    bulk_energy = attach(bulk('Li', 'bcc', a=a)).get_potential_energy()
    energy, atoms, grid = boundaries.boundary_energy('none', a, bulk_energy, attach, shifts=(2, 1))
    assert energy == pytest.approx(0, abs=2e-3)
    assert len(atoms) == 12
    assert np.shape(grid) == (2, 1)
