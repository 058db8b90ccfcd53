"""Energies, forces and virials of some centre atoms: those of disjoint groups add up to the whole."""

import numpy as np
import pytest

from ase_mlffvv.kernels.cpu.engine import NumbaEngine
from ase_mlffvv.model.find import find_potential, shipped
from ase_mlffvv.neighbors import pair_list
from ase_mlffvv.structures import column

from ..systems import cell_of, zoo
from ..toys import random_potential

POTENTIALS = {
    'cosines': random_potential(('Li', 'Na')),
    'original pair term': random_potential(('Na', 'Li'), shared=False, pair='original', seed=3),
    'density': random_potential(('Li', 'Na'), families=('density',), seed=1),
    'no pair term': random_potential(families=('density',), pair=None),
    'all features': random_potential(families=('cosine3', 'density', 'cosine2'), seed=2),
    **{name: find_potential(name) for name in shipped()},
}
ENGINES = {'torch': lambda potential: potential, 'numba': lambda potential: NumbaEngine(potential, 2)}


def system(potential, atoms):
    pairs = pair_list(atoms.positions, cell_of(atoms), atoms.pbc, potential.cutoff + 0.3)
    return potential.species(atoms.numbers), atoms.positions, cell_of(atoms), pairs


def groups(n_atoms, n_groups=7):
    """Disjoint random groups that cover all atoms; some are empty where there are few atoms."""
    rng = np.random.default_rng(n_atoms)
    group = rng.permutation(np.arange(n_atoms) % n_groups)
    return [rng.permutation(np.flatnonzero(group == k)) for k in range(n_groups)]


def check_sums(engine, args, tolerance=1e-12):
    whole = engine.evaluate(*args)
    n_atoms = len(whole.energies)
    parts = []
    for centres in groups(n_atoms):
        part = engine.evaluate(*args, centres=centres)
        others = np.setdiff1d(np.arange(n_atoms), centres)
        np.testing.assert_array_equal(part.energies[others], 0)
        np.testing.assert_array_equal(part.virials[others], 0)
        parts.append(part)
    for name, want, found in zip(whole._fields, whole, zip(*parts)):
        scale = max(1.0, *(np.abs(x).max(initial=0) for x in (want, *found)))
        np.testing.assert_allclose(sum(found), want, rtol=0, atol=tolerance * scale, err_msg=name)


CASES = [
    (label, engine, name)
    for label in POTENTIALS
    for engine in ENGINES
    for name in zoo()
    if engine == 'numba' or label not in shipped() or name in ('thin', 'mixed', 'one atom')  # torch takes its time
]


@pytest.mark.parametrize(('label', 'engine', 'name'), CASES)
def test_groups_add_up(label, engine, name):
    potential = POTENTIALS[label]
    atoms = zoo(potential.elements)[name]
    check_sums(ENGINES[engine](potential), system(potential, atoms))


@pytest.mark.parametrize('label', ['cosines', 'density', 'li-pbe-2-fast'])
def test_groups_of_a_larger_structure(label):
    """Several blocks of atoms on threads."""
    potential = POTENTIALS[label]
    atoms = column(diameter=4, height=10, box=10)
    atoms.rattle(0.05, seed=0)
    check_sums(NumbaEngine(potential, 2), system(potential, atoms))


@pytest.mark.parametrize('engine', ENGINES)
def test_forces_of_centres_are_derivatives(engine):
    """Forces act on neighbors of the centres, too, and are those of the centres' energies."""
    potential, atoms = POTENTIALS['density'], zoo(('Li', 'Na'))['cluster']
    species, positions, cell, pairs = system(potential, atoms)
    engine, centres, h = ENGINES[engine](potential), [4, 1], 1e-4
    found = engine.evaluate(species, positions, cell, pairs, centres=centres)
    assert np.abs(found.forces[[0, 2, 3, 5]]).max() > 1e-3
    u = np.random.default_rng(0).normal(size=positions.shape)
    e = [engine.evaluate(species, positions + k * h * u, cell, pairs, centres=centres).energies.sum()
         for k in (-2, -1, 1, 2)]  # fmt: skip
    slope = (e[0] - 8 * e[1] + 8 * e[2] - e[3]) / (12 * h)
    assert -(found.forces * u).sum() == pytest.approx(slope, rel=1e-7)


@pytest.mark.parametrize('engine', ENGINES)
def test_all_centres_are_no_restriction(engine):
    potential, atoms = POTENTIALS['density'], zoo(('Li', 'Na'))['slab']
    args, engine = system(potential, atoms), ENGINES[engine](potential)
    for a, b in zip(engine.evaluate(*args, centres=np.arange(len(atoms))), engine.evaluate(*args)):
        np.testing.assert_array_equal(a, b)
    for values in engine.evaluate(*args, centres=[]):
        np.testing.assert_array_equal(values, 0)


@pytest.mark.parametrize('engine', ENGINES)
@pytest.mark.parametrize(
    ('centres', 'message'),
    [
        ([0, 6, 7, 9], 'numbers of atoms from 0 to 5, got 6, 7, 9'),
        ([-1], 'numbers of atoms from 0 to 5, got -1'),
        ([2, 1, 2], 'must be different atoms, got 2 more than once'),
        ([0.0, 1.0], r'must be a list of numbers of atoms \(integers\), got float64'),
        (np.arange(6) < 2, 'got bool of shape .*flatnonzero'),
        ([[0, 1]], r'got int64 of shape \(1, 2\)'),
    ],
)
def test_bad_centres(engine, centres, message):
    potential, atoms = POTENTIALS['no pair term'], zoo()['cluster']
    with pytest.raises(ValueError, match=message):
        ENGINES[engine](potential).evaluate(*system(potential, atoms), centres=centres)
