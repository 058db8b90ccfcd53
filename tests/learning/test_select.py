import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.calculator import CalculatorSetupError

from ase_mlffvv import VVCalculator
from ase_mlffvv.fitting import add_uncertainty
from ase_mlffvv.learning.select import change_rows, grade_rows, select
from ase_mlffvv.model import find_potential
from ase_mlffvv.structures import column


def hot(atoms, seed, amplitude=0.12):
    atoms = atoms.copy()
    atoms.positions += np.random.default_rng(seed).normal(scale=amplitude, size=atoms.positions.shape)
    return atoms


@pytest.fixture(scope='module')
def crystal_potential():
    """The fast potential with the grade of one that saw nothing but bcc."""
    potential = find_potential('li-pbe-2-fast')
    calc = VVCalculator(potential, threads=1, on_extrapolation='ignore')
    frames = [hot(bulk('Li', 'bcc', a=a, cubic=True) * (3, 3, 3), k) for k, a in enumerate((3.38, 3.44, 3.5) * 3)]
    rng = np.random.default_rng(0)
    for atoms, results in zip(frames, calc.evaluate_many(frames)):
        atoms.info['REF_energy'] = results['energy']
        atoms.arrays['REF_forces'] = results['forces'] + rng.normal(scale=0.01, size=results['forces'].shape)
    return add_uncertainty(potential, frames)


def with_island():
    """Hot bcc lithium with a ball of fcc in the middle, and the mask of the ball."""
    atoms = hot(bulk('Li', 'bcc', a=3.44, cubic=True) * (12, 12, 12), 5)
    middle = atoms.cell.sum(axis=0) / 2
    island = bulk('Li', 'fcc', a=4.33, cubic=True) * (10, 10, 10)
    island.positions += middle - island.cell.sum(axis=0) / 2
    island = hot(island[np.linalg.norm(island.positions - middle, axis=1) < 8.5], 6)
    atoms = atoms[np.linalg.norm(atoms.positions - middle, axis=1) > 9.8]
    n = len(atoms)
    return atoms + island, np.linalg.norm((atoms + island).positions - middle, axis=1) < 12.0, n


def test_planted_island_is_selected(crystal_potential):
    atoms, foreign, _ = with_island()
    assert foreign.mean() < 0.15
    chosen = select([hot(bulk('Li', 'bcc', a=3.44, cubic=True) * (8, 8, 8), 9), atoms], crystal_potential, 10,
                    limit=0.5, apart=5.0)  # fmt: skip
    assert len(chosen) == 10
    assert sum(c.frame == 1 and foreign[c.atom] for c in chosen) >= 9


def test_strained_neck_is_selected():
    start = hot(column(diameter=6, height=14, box=10), 1)
    later = hot(start, 2, 0.03)
    z = later.positions[:, 2]
    neck = (np.abs(z - 32) < 5) & (start.get_tags() == 1)
    later.positions[neck, :2] = 17.2 + 0.82 * (later.positions[neck, :2] - 17.2)
    chosen = select([later], 'li-pbe-2-fast', 10, by='change', start=start, apart=3.0)
    assert sum(np.abs(z[c.atom] - 32) < 5 + 3.44 for c in chosen) >= 9
    assert neck.mean() < 0.2


def test_each_choice_is_new(crystal_potential):
    atoms, _, _ = with_island()
    chosen = select([atoms, atoms.copy()], crystal_potential, 12, limit=0.5)
    novelty = [c.novelty for c in chosen]
    assert novelty == sorted(novelty, reverse=True)
    assert chosen[0].novelty == pytest.approx(chosen[0].value)
    assert chosen[-1].novelty < chosen[-1].value
    assert len({c.atom for c in chosen}) == 12  # not the same atom in the copy of the frame
    for a in chosen:
        for b in chosen:
            if a is not b and a.frame == b.frame:
                assert atoms.get_distance(a.atom, b.atom, mic=True) >= 7.0


def test_rows_are_grades_and_changes():
    potential = find_potential('li-pbe-2-fast')
    atoms = hot(column(diameter=3, height=3, box=5), 0)
    y = grade_rows([atoms], potential)[0]
    grade = VVCalculator(potential).uncertainty(atoms, forces=False)['grade']
    assert np.linalg.norm(y, axis=1) == pytest.approx(grade, rel=1e-10)
    assert np.abs(change_rows([atoms], atoms, potential)[0]).max() == 0


@pytest.mark.parametrize(
    ('settings', 'words'),
    [
        ({'limit': 1e6}, 'no atom of 1 frames has a grade above 1e.06: the largest is'),
        ({'by': 'colour'}, 'colour'),
        ({'number': 0}, 'number'),
        ({'by': 'change', 'start': bulk('Li', cubic=True)}, 'does not belong to the start with 2'),
        ({'frames': []}, 'no frames'),
    ],
)
def test_errors(settings, words):
    settings = {'frames': [bulk('Li', cubic=True) * (4, 4, 4)], **settings}
    with pytest.raises(ValueError, match=words):
        select(**settings)


def test_a_model_without_uncertainty():
    from tests.toys import random_potential

    with pytest.raises(CalculatorSetupError, match='no uncertainty'):
        select([bulk('Li', cubic=True)], random_potential())
