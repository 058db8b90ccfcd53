import numpy as np
import pytest

from ase_mlffvv import VVCalculator
from ase_mlffvv.errors import DatasetError
from ase_mlffvv.learning import cut_out
from ase_mlffvv.learning.verify import core_errors, deepest, grade_statistics, size_convergence
from ase_mlffvv.structures import column


@pytest.fixture(scope='module')
def parent():
    atoms = column(diameter=4, height=6, box=8)
    atoms.positions += np.random.default_rng(0).normal(scale=0.1, size=atoms.positions.shape)
    return atoms


@pytest.fixture(scope='module')
def labelled(parent):
    """Cut-outs with the labels of the model, forces of core and buffer shifted by 0.01 and 1 eV/Å."""
    calc = VVCalculator('li-pbe-2-fast', threads=1, on_extrapolation='ignore')
    frames = [cut_out(parent, i, size=60) for i in (len(parent) - 1, 300)]
    for atoms, found in zip(frames, calc.evaluate_many(frames)):
        core = atoms.arrays['core']
        atoms.arrays['REF_forces'] = found['forces'] + np.where(core, 0.01, 1.0)[:, None]
        atoms.arrays['REF_energies'] = found['energies'] + 5.0  # another zero
        atoms.arrays['REF_energies'][deepest(atoms, core)] += 0.003
        atoms.info['REF_energy'] = float(atoms.arrays['REF_energies'].sum())
    return frames


def test_errors_are_those_of_the_core(labelled):
    found = core_errors('li-pbe-2-fast', labelled)
    assert found['atoms'] == sum(a.arrays['core'].sum() for a in labelled)
    assert found['force_mae'] == pytest.approx(0.01)
    assert found['energy_mae'] == pytest.approx(0.003)


def test_missing_labels_and_cores(labelled):
    without = labelled[0].copy()
    del without.arrays['core']
    with pytest.raises(DatasetError, match='array core'):
        core_errors('li-pbe-2-fast', [without])
    with pytest.raises(DatasetError, match='no labelled cut-outs'):
        core_errors('li-pbe-2-fast', [])


def test_grades_of_a_run(parent):
    found = grade_statistics('li-pbe-2-fast', [parent, parent])
    grade = VVCalculator('li-pbe-2-fast').uncertainty(parent, forces=False)['grade']
    assert found['quantiles']['1.0'] == pytest.approx(grade.max())
    assert found['above_one'] == (grade > 1).mean()


def test_size_convergence(parent):
    found = size_convergence('li-pbe-2-fast', parent, 300, (60, 90), core=1)
    assert [row['n_core'] for row in found] == [1, 1]
    assert all(row['force_change'] < 0.3 for row in found)
