"""Grade and committee: their definition, their calibration, and that far structures are flagged."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111
from ase.calculators.calculator import CalculatorSetupError
from ase.calculators.emt import EMT

from ase_mlffvv import VVCalculator, VVSpec, fit
from ase_mlffvv.calculators import CommitteeCalculator
from ase_mlffvv.errors import DatasetError, ExtrapolationError, ExtrapolationWarning
from ase_mlffvv.fitting import Dataset, add_uncertainty, reliability
from ase_mlffvv.fitting.projector import Projector
from ase_mlffvv.fitting.rows import Columns
from ase_mlffvv.model import VVPotential
from recipes.fit_li_pbe_1 import mlearn

from ..conftest import shared

DENSITY = VVSpec('Cu', cutoff=4.6, two_body=0, three_body=(0, 0), density=(4, 2), degree=(5, 3), projection='none',
                 terms=0)  # fmt: skip
COSINE = VVSpec('Cu', cutoff=4.6, two_body=6, three_body=(2, 2), terms=12)


def labelled(atoms):
    atoms = atoms.copy()
    atoms.calc = EMT()
    atoms.info['REF_energy'] = atoms.get_potential_energy()
    atoms.arrays['REF_forces'] = atoms.get_forces()
    atoms.calc = None
    return atoms


def crystals(n, seed, amplitude=0.12):
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(n):
        atoms = bulk('Cu', cubic=True, a=3.6 * rng.uniform(0.98, 1.02)) * (2, 2, 2)
        atoms.positions += rng.normal(size=atoms.positions.shape) * amplitude
        frames.append(labelled(atoms))
    return frames


@pytest.fixture(scope='module', params=[DENSITY, COSINE], ids=['density', 'cosine'])
def potential(request):
    return fit(crystals(12, 0), request.param, validation=crystals(4, 1), progress=False)[0]


def outliers():
    perfect = bulk('Cu', cubic=True) * (2, 2, 2)
    close = perfect.copy()
    close.positions[1] += 0.4 * (close.positions[0] - close.positions[1])
    interstitial = perfect + Atoms('Cu', [[0.9, 0.9, 0.9]])
    vacancy = perfect.copy()
    del vacancy[0]
    hot = perfect.copy()
    hot.rattle(0.6, seed=3)
    return {
        'lone atom': Atoms('Cu'),
        'dimer': Atoms('Cu2', [[0, 0, 0], [0, 0, 1.5]]),
        'compressed': bulk('Cu', cubic=True, a=3.6 * 0.8),
        'expanded': bulk('Cu', cubic=True, a=3.6 * 1.25),
        'two atoms too close': close,
        'interstitial': interstitial,
        'very hot': hot,
        'surface': fcc111('Cu', (2, 2, 3), a=3.6, vacuum=6.0),
    }


def test_draws_have_the_covariance_of_the_definition(potential):
    """The mean square of x . draws is scale^2 x (X^T X)^-1 x, and the grade is its root over the largest."""
    frames = crystals(12, 0)
    many = add_uncertainty(potential, frames, held_out=crystals(4, 1), n_draws=3000)
    projector, columns = Projector(potential), Columns(potential.blocks)
    X = np.concatenate([columns.evaluate(frame, *projector(frame))[0]
                        for frame in Dataset(frames, 'Cu', potential.cutoff)])  # fmt: skip
    leverage = np.sqrt(np.einsum('ia,ab,ib->i', X, np.linalg.pinv(X.T @ X, rcond=1e-9, hermitian=True), X))
    calc = VVCalculator(many)
    found = [calc.uncertainty(atoms, forces=False) for atoms in frames]
    deviation = np.concatenate([one['energies'] for one in found])
    ratio = deviation / leverage
    assert ratio.std() < 0.05 * ratio.mean()
    grade = np.concatenate([one['grade'] for one in found])
    assert grade.max() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(grade, deviation / deviation.max(), rtol=1e-6)


def test_engine_equals_the_definition(potential):
    """Fast grade and force deviations against draws as coefficients of the torch definition."""
    draws = potential.uncertainty[0].draws
    for atoms in (crystals(1, 5)[0], fcc111('Cu', (2, 2, 2), a=3.6, vacuum=5.0), Atoms('Cu3', np.eye(3) * 2.4)):
        calc = VVCalculator(potential, on_extrapolation='ignore')
        found = calc.uncertainty(atoms)
        energies, forces = [], []
        for k in range(draws.shape[1]):
            block = replace(potential.blocks[0], coefficients=draws[:, k])
            member = VVCalculator(replace(potential, blocks=(block,), pair_term=None, uncertainty=None), engine='torch')
            result = member.evaluate_many([atoms])[0]
            energies.append(result['energies'])
            forces.append(result['forces'])
        energies, forces = np.array(energies), np.array(forces)[:16]
        np.testing.assert_allclose(found['energies'], np.sqrt((energies**2).mean(axis=0)), rtol=1e-7, atol=1e-12)
        assert found['energy'] == pytest.approx(np.sqrt((energies.sum(axis=1) ** 2).mean()), rel=1e-7)
        np.testing.assert_allclose(found['forces'], np.sqrt((forces**2).sum(axis=2).mean(axis=0)), rtol=1e-6, atol=1e-9)


def test_outliers_are_flagged_and_known_structures_are_not(potential):
    calc = VVCalculator(potential, on_extrapolation='ignore')
    for name, atoms in outliers().items():
        assert calc.uncertainty(atoms, forces=False)['grade'].max() > 1, name
    grades = np.concatenate([calc.uncertainty(atoms, forces=False)['grade'] for atoms in crystals(6, 9)])
    assert (grades > 1).mean() < 0.1  # twelve structures are few
    assert grades.max() < 3


def test_calibrated_on_held_out_structures(potential):
    found = reliability(potential, crystals(5, 11))
    assert 0.6 < np.sqrt((found.actual**2).mean() / (found.predicted**2).mean()) < 1.6
    x, y = found.bins(5)
    assert len(x) == len(y) == 5
    assert (np.diff(x) > 0).all()
    assert 'rank correlation' in str(found)


def test_reliability_plot(potential, tmp_path):
    reliability(potential, crystals(2, 4)).plot(tmp_path / 'r.png')
    assert (tmp_path / 'r.png').stat().st_size > 5000
    bare = crystals(1, 0)
    del bare[0].arrays['REF_forces']
    with pytest.raises(DatasetError, match='no structure has forces'):
        reliability(potential, bare)


def test_warns_once_stops_or_ignores(potential):
    outside = outliers()['two atoms too close']
    outside.calc = VVCalculator(potential, check_interval=1)
    with pytest.warns(ExtrapolationWarning, match=r'surroundings of \d+ of 32 atoms .* grade up to'):
        outside.get_potential_energy()
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        outside.rattle(0.01)
        outside.get_potential_energy()  # only once
        outside.calc = VVCalculator(potential, on_extrapolation='ignore')
        outside.get_potential_energy()
        inside = crystals(1, 0)[0]
        inside.calc = VVCalculator(potential, on_extrapolation='stop')
        inside.get_potential_energy()
    outside.calc = VVCalculator(potential, on_extrapolation='stop')
    with pytest.raises(ExtrapolationError, match='label such structures') as caught:
        outside.get_forces()
    assert caught.value.grade.shape == (32,)


def test_check_interval(potential):
    atoms = crystals(1, 0)[0]
    atoms.calc = VVCalculator(potential, on_extrapolation='stop', check_interval=3)
    atoms.get_forces()
    atoms.positions[1] += 0.4 * (atoms.positions[0] - atoms.positions[1])
    atoms.get_forces()  # second of three: not looked at
    atoms.rattle(1e-4)
    atoms.get_forces()
    atoms.rattle(1e-4)
    with pytest.raises(ExtrapolationError):
        atoms.get_forces()


def test_without_uncertainty(potential):
    bare = replace(potential, uncertainty=None)
    atoms = outliers()['expanded']
    atoms.calc = VVCalculator(bare)
    atoms.get_potential_energy()  # nothing to warn from
    with pytest.raises(CalculatorSetupError, match='has no uncertainty'):
        atoms.calc.uncertainty()
    with pytest.raises(CalculatorSetupError, match='has no uncertainty'):
        VVCalculator(bare, on_extrapolation='stop')
    with pytest.raises(CalculatorSetupError, match="'warn', 'stop' or 'ignore', got 'panic'"):
        VVCalculator(bare, on_extrapolation='panic')
    with pytest.raises(DatasetError, match='has no uncertainty'):
        reliability(bare, crystals(1, 0))
    assert 'grade' not in CommitteeCalculator([bare, potential]).uncertainty(atoms)


def test_file_keeps_it(potential, tmp_path):
    potential.save(tmp_path / 'p.vv')
    again = VVPotential.load(tmp_path / 'p.vv')
    atoms = crystals(1, 2)[0]
    one, two = (VVCalculator(p).uncertainty(atoms) for p in (potential, again))
    for name in one:
        np.testing.assert_allclose(one[name], two[name], rtol=1e-3)  # draws are stored in single precision
    assert again.digest() == VVPotential.load(tmp_path / 'p.vv').digest()
    with pytest.raises(ValueError, match='the uncertainty of Cu is of'):
        VVPotential(potential.elements, potential.features, potential.blocks, uncertainty=(
            type(potential.uncertainty[0])(potential.uncertainty[0].draws[:-1], 1.0),))  # fmt: skip


def test_file_keeps_a_function_that_the_training_set_hardly_knows(potential, tmp_path):
    """Its draws exceed single precision; infinite ones would make a file that cannot be read."""
    first, *others = potential.uncertainty
    draws = first.draws.copy()
    draws[0] = 1e39
    replace(potential, uncertainty=(replace(first, draws=draws), *others)).save(tmp_path / 'p.vv')
    np.testing.assert_array_equal(VVPotential.load(tmp_path / 'p.vv').uncertainty[0].draws, draws)


def test_ranks_errors_on_a_kind_that_was_not_in_training():
    """Fitted to bulk lithium and vacancies, asked for surfaces: larger deviations go with larger errors."""
    folder = shared('data/li')
    frames = mlearn(folder / 'mlearn_li_train.xyz') + mlearn(folder / 'mlearn_li_test.xyz')
    surfaces = [atoms for atoms in frames if atoms.info['group'] == 'Surface']
    known = [atoms for atoms in frames if atoms.info['group'] != 'Surface']
    weights = {'energy': 100, 'forces': 1, 'stress': 50}
    potential, _ = fit(known[::2], VVSpec.recipe('fast', 'Li'), weights=weights, ridge=1e-8, validation=known[1::10],
                       progress=False)  # fmt: skip
    inside, outside = reliability(potential, known[3::10]), reliability(potential, surfaces)
    assert len(surfaces) == 13
    assert outside.rank_correlation > 0.55  # 0.64 with all known structures in the fit
    assert (outside.grade > 1).sum() > 50
    assert (inside.grade > 1).mean() < 0.01
    assert 0.8 < np.sqrt((inside.actual**2).mean() / (inside.predicted**2).mean()) < 1.25


def test_same_bits_with_any_number_of_threads(potential):
    """The grade stands in trajectories, which a run that goes on has to repeat to the last digit."""
    atoms = crystals(1, 7)[0] * (2, 2, 2)
    found = [VVCalculator(potential, threads=n).uncertainty(atoms, forces=False)['grade'] for n in (1, 2, 3)]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
