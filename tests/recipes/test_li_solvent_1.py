"""Structures of the solvent set are what their names say."""

import numpy as np
import pytest
from ase.neighborlist import neighbor_list

from ase_mlffvv import VVCalculator
from ase_mlffvv.datasets import solvent_set
from recipes import li_solvent_1


def test_twin_is_a_cheap_boundary():
    """Coherent Sigma 3 {112} boundaries of lithium cost about 0.03 J/m^2 in other potentials."""
    twin = li_solvent_1.twin()
    energy = VVCalculator().evaluate_many([twin])[0]['energy'] + 1.899 * len(twin)
    area = np.linalg.norm(np.cross(twin.cell[0], twin.cell[1]))
    assert 0.01 < energy / (2 * area) * 16.0218 < 0.06
    assert neighbor_list('d', twin, 4).min() == pytest.approx(3.44 * np.sqrt(2 / 3), abs=1e-3)


@pytest.mark.parametrize('family', [li_solvent_1.crystals, li_solvent_1.vacancies, li_solvent_1.slabs,
                                    li_solvent_1.adatoms, li_solvent_1.steps, li_solvent_1.boundaries,
                                    li_solvent_1.needles])  # fmt: skip
def test_sizes_and_distances(family):
    made = list(family(np.random.default_rng(0)))
    assert len(made) >= 9
    for name, temperature, atoms in made:
        assert 16 <= len(atoms) <= 60, name
        assert 0 < temperature < 1000
        assert atoms.pbc.all()
        assert neighbor_list('d', atoms, 4).min() > 2.4, name


def test_the_committed_structures_come_out_again():
    """The first of the recipe, which depend on builders, model, integrator and the order of random numbers."""
    rng, calc = np.random.default_rng(0), VVCalculator('li-pbe-1')
    made = [li_solvent_1.thermal(atoms, t, calc, rng) for (_, t, atoms), _ in zip(li_solvent_1.crystals(rng), range(3))]
    stored, _ = solvent_set.in_both_media()
    for atoms in made:
        same = [other for other in stored if len(other) == len(atoms)]
        assert min(np.abs(atoms.positions - other.positions).max() for other in same) < 1e-7


@pytest.mark.parametrize(
    ('family', 'mean', 'product'),
    [
        ('crystals', 2.569990426412, -179.5548432955),
        ('vacancies', 4.305512313788, -9.9198206203),
        ('slabs', 5.353344311304, 151.5424398006),
        ('adatoms', 5.218952816062, 45.1673090020),
        ('steps', 5.701872539163, -13.7092507758),
        ('boundaries', 3.870055574260, 29.8237323945),
        ('needles', 6.909642346209, 20.2175499875),
    ],
)
def test_structures_before_the_dynamics(family, mean, product):
    """Every position enters these numbers, which are those of the committed set."""
    frames = [atoms for _, _, atoms in getattr(li_solvent_1, family)(np.random.default_rng(0))]
    points = np.concatenate([np.vstack([atoms.positions, atoms.cell[:]]) for atoms in frames])
    order = np.sin(np.arange(points.size)).reshape(points.shape)
    assert (points.mean(), (points * order).sum()) == pytest.approx((mean, product), abs=1e-7)


def test_thermal_displacements_are_repeatable():
    atoms, calc = li_solvent_1.twin(), VVCalculator()
    a, b = (li_solvent_1.thermal(atoms, 300, calc, np.random.default_rng(1), steps=20) for _ in range(2))
    np.testing.assert_array_equal(a.positions, b.positions)
    assert 0.02 < np.sqrt(((a.positions - atoms.positions) ** 2).mean()) < 0.5
