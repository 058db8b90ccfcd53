"""Pressure, g(r) and coexistence where the answers are known."""

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk

from ase_mlffvv import VVCalculator
from ase_mlffvv.properties import PropertyError, expansion, liquid, melting, relaxing

from .models import Bonds

free = relaxing.use(Bonds(0.1))  # no interaction at all


def test_pressure_of_an_ideal_gas():
    atoms = free(bulk('Li', 'bcc', a=3.5, cubic=True) * (4, 4, 4))
    found, error = expansion.mean_pressure(atoms, 300.0, 1000, 500, 2.0, np.random.default_rng(0))
    expected = len(atoms) * units.kB * 300 / atoms.get_volume()
    assert found == pytest.approx(expected, rel=0.03)
    assert error < 0.05 * expected


def test_expansion_from_pressures(monkeypatch):
    """Pressures that are linear in the lattice constant give back the expansion they were made with."""

    def known(atoms, temperature, steps, settle, timestep, rng, bar=None):
        a = atoms.cell.lengths()[0] / 2
        return slope * (a - 3.5 * (1 + 50e-6 * (temperature - 300))), 1e-5

    monkeypatch.setattr(expansion, 'mean_pressure', known)
    slope = -0.06
    found = expansion.expansion(free, 3.46, cells=2)
    assert found['expansion'] == pytest.approx(50e-6)
    assert found['length'] == pytest.approx(3.5)
    assert 0 < found['error'] < 2e-6
    slope = 0.06
    with pytest.raises(PropertyError, match='the pressure increases with the volume'):
        expansion.expansion(free, 3.46, cells=2)
    slope = -0.06
    with pytest.raises(PropertyError, match='no lattice constant near 3.200'):
        expansion.expansion(free, 3.2, cells=2)


def test_expansion_of_lithium_roughly():
    found = expansion.expansion(relaxing.use(VVCalculator()), 3.4393, cells=2, settle=50, steps=150)
    assert 3.44 < found['length'] < 3.55
    assert 0 < found['error'] < 1e-3
    assert np.shape(found['pressures']) == (2, 2)


def test_g_of_random_points_is_one():
    rng = np.random.default_rng(0)
    frames = [Atoms('Li400', rng.random((400, 3)) * 15, cell=[15] * 3, pbc=True) for _ in range(20)]
    r, g = liquid.radial_distribution(frames, bins=30)
    np.testing.assert_allclose(g[5:], 1, atol=0.05)
    assert r[-1] < 7.5


def test_first_peak():
    r = np.linspace(0, 8, 200)
    position, height = liquid.first_peak(r, 1 + 1.5 * np.exp(-((r - 3.03) ** 2) / 0.1))
    assert position == pytest.approx(3.03, abs=0.01)
    assert height == pytest.approx(2.5, abs=0.05)


def test_a_crystal_is_no_liquid():
    with pytest.raises(PropertyError, match='not a liquid at 470 K'):
        liquid.liquid(relaxing.use(VVCalculator()), cells=2, melt=1, settle=10, sample=100)


def test_share_of_crystal():
    cells = (4, 4, 6)
    atoms = bulk('Li', 'bcc', a=3.5, cubic=True) * cells
    atoms.rattle(0.2, seed=0)
    assert melting.solid_share(atoms, cells) == 1
    rng = np.random.default_rng(0)
    upper = atoms.get_scaled_positions()[:, 2] > 0.49
    atoms.positions[upper, :2] = rng.random((upper.sum(), 2)) * 14
    assert melting.solid_share(atoms, cells) == pytest.approx(0.5)


def test_coexistence_tells_when_all_is_crystal():
    with pytest.raises(PropertyError, match='from 100 K, everything became crystal, so the melting point is above'):
        melting.coexistence(relaxing.use(VVCalculator()), 3.4393, guess=100.0, cells=(3, 3, 6), melt=2, settle=20,
                            sample=120)  # fmt: skip
