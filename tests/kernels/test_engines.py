"""Every engine gives the numbers of the torch definition, and forces and stress are derivatives of the energy."""

from itertools import chain

import numpy as np
import pytest

from ase_mlffvv.errors import StructureError
from ase_mlffvv.kernels.cpu.engine import NumbaEngine
from ase_mlffvv.neighbors import pair_list
from ase_mlffvv.structures import column

from ..systems import cell_of, zoo
from ..toys import random_potential

POTENTIALS = {
    'one element': random_potential(),
    'unequal functions': random_potential(shared=False, cubic=False, pair=None),
    'two elements': random_potential(('Li', 'Na')),
    'density': random_potential(families=('density',)),
    'density, two elements': random_potential(('Li', 'Na'), families=('density',), seed=1),
    'density between cosines': random_potential(('Na', 'Li'), families=('cosine3', 'density', 'cosine2'), seed=2),
    'two elements, unequal functions': random_potential(('Na', 'Li'), shared=False, pair='original', seed=3),
}


def evaluate(engine, atoms, potential, skin=0.0):
    pairs = pair_list(atoms.positions, cell_of(atoms), atoms.pbc, potential.cutoff + skin)
    species = potential.species(atoms.numbers)
    return engine.evaluate(species, atoms.positions, cell_of(atoms), pairs)


CASES = {
    label: [pytest.param(potential, atoms, id=f'{label} - {name}') for name, atoms in zoo(potential.elements).items()]
    for label, potential in POTENTIALS.items()
}
ALL = list(chain(*CASES.values()))
# the original pair term jumps: see test_pwmlff
SMOOTH = list(chain(*(CASES[label] for label in list(POTENTIALS)[:-1])))


@pytest.mark.parametrize(('potential', 'atoms'), ALL)
def test_engines_agree(potential, atoms):
    want = evaluate(potential, atoms, potential)
    for threads, skin in ((1, 0.0), (2, 0.7)):
        got = evaluate(NumbaEngine(potential, threads), atoms, potential, skin)
        for name, a, b in zip(want._fields, got, want):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10 * max(1.0, np.abs(b).max(initial=0)), err_msg=name)


@pytest.mark.parametrize('engine', ['torch', 'numba'])
@pytest.mark.parametrize(('potential', 'atoms'), SMOOTH)
def test_derivatives(potential, atoms, engine):
    engine = potential if engine == 'torch' else NumbaEngine(potential, 1)

    def energy(positions, strain=None):
        moved = atoms.copy()
        moved.positions = positions
        if strain is not None:
            moved.set_cell(atoms.cell[:] @ strain)
            moved.positions = positions @ strain
        return evaluate(engine, moved, potential).energies.sum()

    found = evaluate(engine, atoms, potential)
    h = 1e-4
    rng = np.random.default_rng(0)
    for _ in range(3):  # directional derivatives, fourth order
        u = rng.normal(size=atoms.positions.shape)
        e = [energy(atoms.positions + k * h * u) for k in (-2, -1, 1, 2)]
        slope = (e[0] - 8 * e[1] + 8 * e[2] - e[3]) / (12 * h)
        scale = np.abs(found.forces * u).sum() + 1e-3
        assert -(found.forces * u).sum() == pytest.approx(slope, abs=1e-6 * scale)
    eps = rng.normal(size=(3, 3))
    e = [energy(atoms.positions, np.eye(3) + k * h * eps) for k in (-2, -1, 1, 2)]
    slope = (e[0] - 8 * e[1] + 8 * e[2] - e[3]) / (12 * h)
    virial = found.virials.sum(axis=0)
    assert (virial * eps).sum() == pytest.approx(slope, abs=1e-6 * (np.abs(found.virials).sum() + 1e-3))


def test_forces_sum_to_zero_and_virial_is_symmetric():
    potential = POTENTIALS['two elements']
    for atoms in zoo(potential.elements).values():
        found = evaluate(NumbaEngine(potential), atoms, potential)
        np.testing.assert_allclose(found.forces.sum(axis=0), 0, atol=1e-10)
        np.testing.assert_allclose(found.virials, found.virials.transpose(0, 2, 1), atol=1e-9)


def test_atoms_that_meet_while_a_list_is_kept():
    potential = POTENTIALS['one element']
    atoms = zoo()['cluster']
    pairs = pair_list(atoms.positions, cell_of(atoms), atoms.pbc, potential.cutoff + 1)
    atoms.positions[1] = atoms.positions[0]
    with pytest.raises(StructureError, match='two atoms came as close as'):
        NumbaEngine(potential).evaluate(np.zeros(len(atoms), int), atoms.positions, cell_of(atoms), pairs)


def test_empty_structure():
    potential = POTENTIALS['one element']
    empty = zoo()['cluster'][:0]
    for engine in (potential, NumbaEngine(potential)):
        found = evaluate(engine, empty, potential)
        assert found.energies.shape == (0,)
        assert found.forces.shape == (0, 3)


@pytest.mark.parametrize('label', ['one element', 'density, two elements'])
@pytest.mark.parametrize('order', ['layers', 'shuffled'])
def test_blocks_of_a_larger_structure(label, order):
    potential = POTENTIALS[label]
    atoms = column(diameter=4, height=10, box=10)
    atoms.rattle(0.1, seed=0)
    atoms.symbols[:] = [potential.elements[k % len(potential.elements)] for k in range(len(atoms))]
    if order == 'shuffled':
        atoms = atoms[np.random.default_rng(0).permutation(len(atoms))]
    want = evaluate(potential, atoms, potential)
    found = [evaluate(NumbaEngine(potential, threads), atoms, potential, skin)
             for threads, skin in ((1, 0.0), (2, 0.6), (3, 0.0))]  # fmt: skip
    for name, *got, b in zip(want._fields, *found, want):
        np.testing.assert_allclose(got[0], b, rtol=1e-10, atol=1e-10 * np.abs(b).max(), err_msg=name)
        for other in got[1:]:  # neither threads nor the history of the list change a bit
            np.testing.assert_array_equal(other, got[0], err_msg=name)
