"""Lattices, elastic constants, phonons and vacancies where the answers are known."""

import sys

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from ase_mlffvv import VVCalculator
from ase_mlffvv.properties import PropertyError, elastic, lattice, phonons, relaxing, vacancy

from .models import Wave, WithoutStress, neighbors_only

emt = relaxing.use(EMT())


@pytest.fixture(scope='module')
def copper():
    return lattice.relaxed_phase('fcc', emt, 'Cu', a=2.86)


def test_copper_of_effective_medium_theory(copper):
    """3.59 Å and 134 GPa are what ASE's EMT gives for copper."""
    a, ratio = lattice.lattice_constants('fcc', copper)
    assert a == pytest.approx(3.590, abs=0.003)
    assert ratio is None
    eos = lattice.equation_of_state(copper)
    assert eos['volume'] == pytest.approx(copper.get_volume(), rel=1e-3)
    assert eos['bulk_modulus'] == pytest.approx(134, abs=3)
    c = elastic.elastic_constants(emt(bulk('Cu', a=a, cubic=True)))
    assert (c['C11'] + 2 * c['C12']) / 3 == pytest.approx(eos['bulk_modulus'], rel=0.02)


def test_elastic_constants_are_second_derivatives_of_the_energy(copper):
    a, _ = lattice.lattice_constants('fcc', copper)
    atoms = emt(bulk('Cu', a=a, cubic=True))
    found = elastic.elastic_constants(emt(atoms.copy()))

    def energy(strain):
        moved = emt(atoms.copy())
        moved.set_cell(atoms.cell @ (np.eye(3) + strain), scale_atoms=True)
        return moved.get_potential_energy() / atoms.get_volume() / units.GPa

    e = 0.005
    for name, mode in (('C11', np.diag([1.0, 0, 0])), ('C44', np.array([[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]])),
                       ('Cprime', np.diag([0.5, -0.5, 0]))):  # fmt: skip
        curvature = (energy(e * mode) + energy(-e * mode) - 2 * energy(0 * mode)) / e**2
        # of (e/2, -e/2, 0) the energy is C' e^2 / 2 as well
        assert found[name] == pytest.approx(curvature, rel=0.03), name


def test_cauchy_relation_of_a_pair_potential():
    """C12 = C44 for pair forces at zero pressure, where each atom is a centre of symmetry."""
    attach = relaxing.use(LennardJones(epsilon=0.2, sigma=2.7, rc=8.0, smooth=True))
    a, _ = lattice.lattice_constants('fcc', lattice.relaxed_phase('fcc', attach, a=3.4))
    c = elastic.elastic_constants(attach(bulk('Li', 'fcc', a=a, cubic=True)))
    assert c['C12'] == pytest.approx(c['C44'], rel=0.01)
    assert c['C11'] > c['C12']


def test_stress_by_differences():
    atoms = bulk('Li', 'bcc', a=3.5, cubic=True)
    atoms.positions[0] += 0.1
    with_stress, without = relaxing.use(VVCalculator())(atoms.copy()), relaxing.use(WithoutStress())(atoms.copy())
    np.testing.assert_allclose(without.get_stress(), with_stress.get_stress(), atol=1e-6)
    np.testing.assert_allclose(without.get_forces(), with_stress.get_forces())


def test_a_relaxation_that_does_not_end():
    atoms = relaxing.use(VVCalculator())(bulk('Li', 'bcc', a=3.44, cubic=True) * 2)
    atoms.rattle(0.2, seed=1)
    with pytest.raises(PropertyError, match='did not converge in 4 steps: the largest force'):
        relaxing.relax(atoms, fmax=1e-9, steps=2)


def test_barrier_of_a_wave():
    atoms = bulk('Li', 'sc', a=Wave.period) * (3, 1, 1)
    attach = relaxing.use(Wave())
    initial, final = attach(atoms.copy()), attach(atoms.copy())
    final.positions[-1, 0] += Wave.period
    height, path = relaxing.barrier(initial, final, attach, images=3)
    assert height == pytest.approx(Wave.height, rel=1e-3)
    assert path[0] == 0
    assert path[-1] == pytest.approx(0, abs=1e-9)
    lower = attach(final.copy())
    lower.positions[-1, 0] -= Wave.period / 2  # downhill from the top: no climb
    assert relaxing.barrier(lower, initial, attach, images=3)[0] == pytest.approx(0, abs=1e-6)


def test_vacancy_of_a_pair_potential():
    """Unrelaxed, it costs the cohesive energy; relaxation gains a little."""
    spacing = 3.0
    attach = relaxing.use(neighbors_only(spacing))
    crystal = attach(bulk('Li', 'fcc', a=spacing * np.sqrt(2), cubic=True) * (3, 3, 3))
    cohesive = -crystal.get_potential_energy() / len(crystal)
    energy, relaxed = vacancy.vacancy_energy(crystal, attach)
    assert len(relaxed) == len(crystal) - 1
    assert 0.9 * cohesive < energy <= cohesive + 1e-9


def test_vacancy_hop_of_lithium():
    attach = relaxing.use(VVCalculator())
    crystal = attach(bulk('Li', 'bcc', a=3.44, cubic=True) * (3, 3, 3))
    energy, path = vacancy.migration_barrier(crystal, attach)
    assert 0.01 < energy < 0.15
    assert path[-1] == pytest.approx(0, abs=1e-5)  # both ends are the same structure
    assert energy == pytest.approx(max(path))


def test_phonons_of_nearest_neighbor_springs():
    """At X of fcc the frequencies are (4k/m)^1/2, twice, and (8k/m)^1/2."""
    pytest.importorskip('phonopy')
    spacing = 3.0
    attach = relaxing.use(neighbors_only(spacing))
    atoms = attach(bulk('Li', 'fcc', a=spacing * np.sqrt(2)))
    phonopy = phonons.force_constants(atoms, attach, width=8.0)
    k = 72 * 0.1 / spacing**2  # second derivative of a Lennard-Jones potential at its minimum
    x = atoms.cell.bandpath('GX', npoints=2).kpts[-1]
    found = phonons.frequencies(phonopy, [x])[0]
    thz = np.sqrt(np.array([4, 4, 8]) * k / atoms.get_masses()[0]) * units.fs * 1e3 / (2 * np.pi)
    np.testing.assert_allclose(found, thz, rtol=2e-3)


def test_imaginary_phonons_are_told():
    pytest.importorskip('phonopy')
    spacing = 3.0
    attach = relaxing.use(neighbors_only(spacing))
    atoms = attach(bulk('Li', 'bcc', a=spacing * 2 / np.sqrt(3)))
    with pytest.raises(PropertyError, match='imaginary phonons: bcc is not stable'):
        phonons.dispersion(atoms, phonons.force_constants(atoms, attach, width=8.0))


def test_without_phonopy(monkeypatch):
    monkeypatch.setitem(sys.modules, 'phonopy', None)
    with pytest.raises(PropertyError, match=r'pip install "ase-mlffvv\[validate\]"'):
        phonons.force_constants(bulk('Li'), None)
