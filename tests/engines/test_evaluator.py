"""One owner of engine, pair list and grade, for one structure after another."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from ase.build import bulk

from ase_mlffvv import CommitteeCalculator, VVCalculator
from ase_mlffvv.engines import grade
from ase_mlffvv.engines.evaluator import Evaluator
from ase_mlffvv.engines.grade import GradeWatch
from ase_mlffvv.errors import ElementError, ExtrapolationError, StructureError
from ase_mlffvv.kernels.cpu.engine import NumbaEngine
from ase_mlffvv.model.find import find_potential
from ase_mlffvv.neighbors import pair_list

from ..systems import cell_of, zoo
from ..toys import random_potential

TOY = random_potential(('Li', 'Na'))


def fresh(potential, atoms):
    """What an engine of its own gives for a list of its own."""
    pairs = pair_list(atoms.positions, cell_of(atoms), atoms.pbc, potential.cutoff)
    return NumbaEngine(potential).evaluate(potential.species(atoms.numbers), atoms.positions, cell_of(atoms), pairs)


def test_one_structure_after_another():
    evaluator = Evaluator(TOY)
    assert evaluator.evaluate(np.zeros((0, 3))).forces.shape == (0, 3)
    for atoms in zoo(TOY.elements).values():
        evaluator.set_atoms(atoms.numbers, atoms.cell, atoms.pbc)
        for _ in range(2):
            atoms.positions += 0.01
            for a, b in zip(evaluator.evaluate(atoms.positions), fresh(TOY, atoms)):
                np.testing.assert_array_equal(a, b)
            _, forces = evaluator.compute(atoms.positions)
            np.testing.assert_array_equal(forces, fresh(TOY, atoms).forces)
        assert evaluator.coordination(3.0).shape == (len(atoms),)
    assert evaluator.statistics['reuses'] >= len(zoo())


def test_elements_change_while_the_list_stays():
    atoms = zoo(TOY.elements)['slab']
    evaluator = Evaluator(TOY, atoms.numbers, atoms.cell, atoms.pbc)
    evaluator.evaluate(atoms.positions)
    atoms.symbols[:] = atoms.symbols[::-1]
    evaluator.set_atoms(atoms.numbers, atoms.cell, atoms.pbc)
    np.testing.assert_array_equal(evaluator.evaluate(atoms.positions).energies, fresh(TOY, atoms).energies)
    assert evaluator.statistics['builds'] == 1


def test_several_potentials_share_a_list():
    members = [random_potential(('Li', 'Na')), random_potential(('Na', 'Li'), seed=2, cutoff=5.0)]
    atoms = zoo(TOY.elements)['cluster']
    evaluator = Evaluator(members, atoms.numbers, atoms.cell, atoms.pbc)
    for potential, found in zip(members, evaluator.evaluate_all(atoms.positions)):
        np.testing.assert_allclose(found.forces, fresh(potential, atoms).forces, atol=1e-12)
    assert evaluator.statistics['builds'] == 1


def test_fresh_leaves_the_list_alone():
    atoms, other = zoo(TOY.elements)['slab'], zoo(TOY.elements)['wire']
    evaluator = Evaluator(TOY, atoms.numbers, atoms.cell, atoms.pbc)
    evaluator.evaluate(atoms.positions)
    aside = evaluator.fresh()
    aside.set_atoms(other.numbers, other.cell, other.pbc)
    np.testing.assert_array_equal(aside.evaluate(other.positions).forces, fresh(TOY, other).forces)
    assert aside.engine is evaluator.engine
    np.testing.assert_array_equal(evaluator.evaluate(atoms.positions).forces, fresh(TOY, atoms).forces)
    assert evaluator.statistics['builds'] == evaluator.statistics['reuses'] == 1


def test_errors():
    with pytest.raises(ElementError, match='the structure contains O'):
        Evaluator(TOY, [8], np.eye(3), False)
    evaluator = Evaluator(TOY)
    with pytest.raises(StructureError, match='has no volume'):
        evaluator.set_atoms([3], np.zeros((3, 3)), True)
    with pytest.raises(StructureError, match='the cell .* values that are not finite'):
        evaluator.set_atoms([3], np.full((3, 3), np.nan), True)
    with pytest.raises(ValueError, match='skin must be zero or positive'):
        Evaluator(TOY, skin=-1.0)


def test_uncertainty_makes_its_engines_once(monkeypatch):
    made = []

    class Counted(grade.UncertaintyEngine):
        def __init__(self, *args):
            made.append('uncertainty')
            super().__init__(*args)

    def make_engine(potential, *args):
        made.append('member')
        return NumbaEngine(potential)

    monkeypatch.setattr(grade, 'UncertaintyEngine', Counted)
    monkeypatch.setattr('ase_mlffvv.engines.evaluator.make_engine', make_engine)
    calc, atoms = VVCalculator(), bulk('Li', cubic=True)
    atoms.calc = calc
    atoms.get_forces()  # looks at the grade
    found = [calc.uncertainty(atoms) for _ in range(3)]
    assert sorted(made) == ['member'] * 16 + ['uncertainty']
    np.testing.assert_array_equal(found[0]['forces'], found[2]['forces'])
    assert set(calc.uncertainty(forces=False)) == {'grade', 'energies', 'energy'}
    statistics = calc.engine_info()['pair_list']
    assert (statistics['builds'], statistics['reuses']) == (1, 0)


def test_watch():
    atoms = bulk('Li', cubic=True)
    atoms.set_cell(0.6 * atoms.cell[:], scale_atoms=True)
    potential = find_potential()
    evaluator = Evaluator(potential, atoms.numbers, atoms.cell, atoms.pbc, watch=GradeWatch(potential, 'stop'))
    evaluator.evaluate(atoms.positions)
    with pytest.raises(ExtrapolationError, match='outside of the training data'):
        evaluator.check_grade()


def rattled(n=240):
    """Structures of different elements, sizes, cells and periodicity."""
    kinds = [atoms for atoms in zoo(TOY.elements).values() if len(atoms) > 1]
    for k in range(n):
        atoms = kinds[k % len(kinds)].copy()
        atoms.rattle(0.03, seed=k)
        yield atoms


@pytest.mark.parametrize('kind', ['one potential', 'committee', 'unpickled', 'copied'])
def test_threads_share_a_calculator(kind):
    calc = CommitteeCalculator([TOY, TOY]) if kind == 'committee' else VVCalculator(TOY)
    calc = {'unpickled': lambda x: pickle.loads(pickle.dumps(x)), 'copied': copy.deepcopy}.get(kind, lambda x: x)(calc)
    want = []
    for atoms in rattled():
        atoms.calc = VVCalculator(calc.members[0] if kind == 'committee' else TOY)
        want.append((atoms.get_potential_energy(), atoms.get_forces()))
    frames = list(rattled())
    for atoms in frames:
        atoms.calc = calc

    def compute(atoms):
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        return energy, forces, calc.evaluate_many([atoms], ['energy'])[0]['energy']

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(compute, frames))
    for (energy, forces, again), (e, f) in zip(found, want):
        assert energy == again == e
        np.testing.assert_array_equal(forces, f)


def test_threads_share_an_engine():
    engine, frames = NumbaEngine(TOY, threads=2), list(rattled(80))

    def forces(atoms):
        pairs = pair_list(atoms.positions, cell_of(atoms), atoms.pbc, TOY.cutoff, 1)
        return engine.evaluate(TOY.species(atoms.numbers), atoms.positions, cell_of(atoms), pairs).forces

    want = [forces(atoms) for atoms in frames]
    with ThreadPoolExecutor(8) as pool:
        for a, b in zip(pool.map(forces, frames), want):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize('copied', [copy.copy, copy.deepcopy, lambda calc: pickle.loads(pickle.dumps(calc))])
def test_copies_of_a_calculator(copied):
    atoms = zoo(TOY.elements)['slab']
    atoms.calc = VVCalculator(TOY)
    want = atoms.get_forces()
    atoms.calc = copied(atoms.calc)
    atoms.positions += 0.0
    np.testing.assert_array_equal(atoms.get_forces(), want)
    atoms.rattle(0.01)
    assert np.abs(atoms.get_forces() - want).max() > 1e-6
