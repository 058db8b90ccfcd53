"""refit(): changed coefficients are found again, what the data do not say stays, differences are learned as such."""

from dataclasses import replace

import numpy as np
import pytest

from ase_mlffvv import accuracy
from ase_mlffvv.calculators import VVCalculator
from ase_mlffvv.errors import DatasetError, ElementError
from ase_mlffvv.fitting import FitWeights, differences, normal_matrix, refit

from .test_fit import labelled, structures, teacher  # noqa: F401

ALL = ('energy', 'forces', 'energies', 'stress')


@pytest.fixture
def pupil(teacher):  # noqa: F811
    """The teacher with other coefficients."""
    (block,) = teacher.blocks
    noise = 1 + 0.1 * np.random.default_rng(5).normal(size=len(block.coefficients))
    return replace(teacher, blocks=(replace(block, coefficients=block.coefficients * noise),))


def test_coefficients_are_found_again(teacher, pupil):  # noqa: F811
    frames = labelled(teacher, structures(), ('energy', 'forces', 'stress'))
    test = labelled(teacher, structures(4, seed=3), ALL)
    before = accuracy(pupil, test)
    potential, report = refit(pupil, frames, ridge=1e-10, validation=test, progress=False)
    assert before.mae('forces') > 1e-3
    assert report.validation.mae('forces') < 1e-6
    assert report.validation.mae('energy') < 1e-7
    assert potential.blocks[0].terms is pupil.blocks[0].terms
    assert potential.card['frames'] == len(frames)


def test_ridge_holds_back(teacher, pupil):  # noqa: F811
    frames = labelled(teacher, structures(), ('energy', 'forces'))
    settings = {'weights': {'energy': 0.0}, 'new_zero': False, 'progress': False}
    errors = [refit(pupil, frames, ridge=r, **settings)[1].train.rmse('forces') for r in (1e6, 1e-1, 1e-6)]
    unchanged, _ = refit(pupil, frames, ridge=1e12, **settings)
    np.testing.assert_allclose(unchanged.blocks[0].coefficients, pupil.blocks[0].coefficients, rtol=1e-9)
    assert errors[0] > errors[1] > errors[2]


def test_normal_matrix_is_the_joint_fit(teacher, pupil):  # noqa: F811
    """Old data at their least squares enter by their normal matrix as if they were there."""
    weights = FitWeights(energy=10.0, stress=0.0)
    settings = {'weights': weights, 'ridge': 1e-13, 'new_zero': False, 'progress': False}
    old = labelled(teacher, structures(8, seed=11), ('energy', 'forces'))
    rng = np.random.default_rng(3)
    for atoms in old:
        atoms.arrays['REF_forces'] += 0.05 * rng.normal(size=(len(atoms), 3))
    new = labelled(pupil, structures(8, seed=12), ('energy', 'forces'))
    start, _ = refit(teacher, old, **settings)
    joint, _ = refit(start, old + new, **settings)
    short, _ = refit(start, new, normal=normal_matrix(start, old, weights=weights, progress=False), **settings)
    np.testing.assert_allclose(short.blocks[0].coefficients, joint.blocks[0].coefficients, rtol=1e-4)
    assert np.abs(short.blocks[0].coefficients / start.blocks[0].coefficients - 1).max() > 1e-2


def test_another_zero_of_energy(teacher):  # noqa: F811
    frames = labelled(teacher, structures(), ALL)
    for atoms in frames:
        atoms.info['REF_energy'] += 200.0 * len(atoms)
        atoms.arrays['REF_energies'] += 200.0
    potential, report = refit(teacher, frames, progress=False)
    assert report.train.mae('energy') < 1e-9
    assert report.train.mae('forces') < 1e-9
    assert potential.blocks[0].coefficients[potential.blocks[0].n] == pytest.approx(
        teacher.blocks[0].coefficients[teacher.blocks[0].n] + 200
    )


def test_differences(teacher, pupil):  # noqa: F811
    """A correction from one reference to another is added to a potential that agrees with neither."""
    calc = VVCalculator(teacher)
    frames = structures(5)
    labels = [labelled(p, [a.copy() for a in frames], ALL) for p in (pupil, teacher)]
    for atoms in labels[1]:
        del atoms.info['REF_stress']  # known to one only
    for atoms, other, made in zip(*labels, differences(teacher, *labels)):
        results = calc.evaluate_many([atoms])[0]
        assert made.info['REF_energy'] == pytest.approx(
            results['energy'] + atoms.info['REF_energy'] - other.info['REF_energy']
        )
        for name in ('forces', 'energies'):
            expected = results[name] + atoms.arrays[f'REF_{name}'] - other.arrays[f'REF_{name}']
            np.testing.assert_allclose(made.arrays[f'REF_{name}'], expected, atol=1e-10)
        assert 'REF_stress' not in made.info
        assert made.info['config_type'] == atoms.info['config_type']


def test_wrong_input(teacher):  # noqa: F811
    frames = labelled(teacher, structures(4), ('energy',))
    with pytest.raises(DatasetError, match='4 structures need as many references, got 3'):
        differences(teacher, frames, frames[1:])
    with pytest.raises(DatasetError, match='structure 0 and its reference differ'):
        differences(teacher, frames, frames[::-1])
    with pytest.raises(ElementError, match='Na'):
        refit(teacher, labelled(teacher, structures(2), ('energy',)) + _sodium(), progress=False)
    with pytest.raises(DatasetError, match='no energy, forces'):
        refit(teacher, structures(2), progress=False)


def _sodium():
    frames = structures(1, 'Na')
    frames[0].info['REF_energy'] = 0.0
    return frames
