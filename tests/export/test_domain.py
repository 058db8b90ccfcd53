"""Domains with ghosts: their results are those of the whole structure."""

from itertools import pairwise

import numpy as np
import pytest
from ase.build import bulk

from ase_mlffvv.engines.evaluator import Evaluator
from ase_mlffvv.errors import StructureError
from ase_mlffvv.export.lammps.domain import Domain
from ase_mlffvv.model.find import find_potential
from ase_mlffvv.structures import column

from ..systems import cell_of, zoo
from ..toys import random_potential

FAST = find_potential('li-pbe-2-fast')


def split(atoms, reach, n=2):
    """Own atoms of ``n`` slices along x, and their ghosts: tags and positions for each slice."""
    images = [(n_x, n_y, n_z) for n_x in range(-9, 10) for n_y in range(-9, 10) for n_z in range(-9, 10)]
    images = np.array([s for s in images if not np.any(np.array(s)[~atoms.pbc])])
    cell, home = cell_of(atoms), atoms.get_positions(wrap=True)
    everywhere = (home[None] + (images @ cell)[:, None]).reshape(-1, 3)
    tags = np.tile(np.arange(len(atoms)), len(images))
    first = np.repeat((images == 0).all(axis=1), len(atoms))
    edges = np.linspace(home[:, 0].min() - 1e-9, home[:, 0].max() + 1e-9, n + 1)
    for low, high in pairwise(edges):
        own = np.flatnonzero(first & (everywhere[:, 0] >= low) & (everywhere[:, 0] < high))
        if len(own) == 0:
            yield tags[:0], np.zeros((0, 3)), 0
            continue
        box = everywhere[own].min(axis=0) - reach, everywhere[own].max(axis=0) + reach
        near = ((everywhere >= box[0]) & (everywhere <= box[1])).all(axis=1)
        near[own] = False
        index = np.concatenate([own, np.flatnonzero(near)])
        yield tags[index], everywhere[index], len(own)


def compare(potential, atoms, **settings):
    whole = Evaluator(potential, atoms.numbers, atoms.cell, atoms.pbc)
    want, species = whole.evaluate(atoms.positions), potential.species(atoms.numbers)
    seen, virial = 0, np.zeros((3, 3))
    for tags, positions, n_own in split(atoms, 2 * potential.cutoff + 2.4):
        domain = Domain(potential, **settings)
        found, own = domain.evaluate(tags, species[tags], positions, n_own), tags[:n_own]
        virial += found.virial
        for name in ('energies', 'forces'):
            scale = max(1.0, np.abs(getattr(want, name)).max())
            np.testing.assert_allclose(
                getattr(found, name), getattr(want, name)[own], rtol=0, atol=1e-11 * scale, err_msg=name
            )
        np.testing.assert_array_equal(domain.coordination(3.45), whole.coordination(3.45)[own])
        if potential.uncertainty is not None:
            np.testing.assert_allclose(domain.grade(), whole.uncertainty()['grade'][own], rtol=1e-9)
        seen += n_own
    assert seen == len(atoms)
    scale = max(1.0, np.abs(want.virials).max())
    np.testing.assert_allclose(virial, want.virials.sum(axis=0), rtol=0, atol=1e-10 * scale)


@pytest.mark.parametrize('name', zoo())
def test_zoo(name):
    compare(random_potential(('Li', 'Na'), families=('density', 'cosine2')), zoo(('Li', 'Na'))[name], threads=1)


def test_column():
    atoms = column(diameter=3, height=4, box=6)
    atoms.rattle(0.05, seed=0)
    compare(FAST, atoms, threads=1)


def test_the_list_is_kept_until_an_atom_moves_or_comes():
    atoms = bulk('Li', cubic=True) * 3
    atoms.rattle(0.1, seed=1)
    domain = Domain(FAST, threads=1)
    tags, positions, n_own = next(split(atoms, domain.reach))
    species = np.zeros(len(tags), int)
    first = domain.evaluate(tags, species, positions, n_own)
    moved = positions + 0.05
    np.testing.assert_allclose(domain.evaluate(tags, species, moved, n_own).forces, first.forces, atol=1e-10)
    assert domain.statistics == {'builds': 1, 'reuses': 1}
    other = np.concatenate([np.arange(n_own)[::-1], np.arange(n_own, len(tags))])  # another order of the same atoms
    found = domain.evaluate(tags[other], species, moved[other], n_own)
    np.testing.assert_allclose(found.forces[::-1], first.forces, atol=1e-10)
    assert domain.statistics == {'builds': 2, 'reuses': 1}
    domain.evaluate(tags[other], species, moved[other] + 0.3, n_own)
    assert domain.statistics == {'builds': 3, 'reuses': 1}


def test_an_empty_domain():
    domain = Domain(random_potential())
    found = domain.evaluate([3, 4], [0, 0], np.array([[0.0, 0, 0], [0, 0, 3]]), 0)
    assert [len(found.energies), len(found.forces)] == [0, 0]
    assert not found.virial.any()
    assert len(domain.coordination(3.0)) == 0


def test_too_few_ghosts_would_be_noticed():
    """The comparison above can fail."""
    atoms = column(diameter=3, height=4, box=6)
    tags, positions, n_own = next(split(atoms, FAST.cutoff))
    found = Domain(FAST, threads=1).evaluate(tags, np.zeros(len(tags), int), positions, n_own)
    want = Evaluator(FAST, atoms.numbers, atoms.cell, atoms.pbc).evaluate(atoms.positions)
    assert np.abs(found.forces - want.forces[tags[:n_own]]).max() > 1e-3


def test_what_is_refused():
    with pytest.raises(ValueError, match='minimum images'):
        Domain(random_potential(('Na', 'Li'), shared=False, pair='original'))
    with pytest.raises(ValueError, match='skin must be'):
        Domain(FAST, skin=0.0)
    with pytest.raises(StructureError, match='positions of atoms 8 are not finite'):
        Domain(FAST).evaluate([7, 8], [0, 0], np.array([[0, 0, 0], [0, np.nan, 0]]), 2)
    with pytest.raises(StructureError, match='coincide'):
        Domain(FAST).evaluate([7, 8], [0, 0], np.zeros((2, 3)), 2)


def test_an_own_atom_becomes_a_ghost():
    """Tags in the same order, with another number of own atoms."""
    domain, positions = Domain(FAST, threads=1), np.array([[0.0, 0, 0], [0, 0, 3.0], [0, 3.0, 0]])
    both = domain.evaluate([1, 2, 3], [0] * 3, positions, 2)
    one = domain.evaluate([1, 2, 3], [0] * 3, positions, 1)
    assert domain.statistics == {'builds': 2, 'reuses': 0}
    np.testing.assert_allclose(one.forces, both.forces[:1], rtol=0, atol=1e-12)
