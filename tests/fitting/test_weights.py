"""Weights of atoms and of total energies: zero is as good as no label, others scale residuals."""

from dataclasses import replace

import numpy as np
import pytest
from ase.io import write

from ase_mlffvv import VVCalculator, accuracy, fit
from ase_mlffvv.errors import CheckpointError, DatasetError
from ase_mlffvv.fitting import Dataset, FitWeights, add_uncertainty, refit, reliability
from ase_mlffvv.fitting import train as train_module
from ase_mlffvv.fitting.labels import energy_constants
from ase_mlffvv.fitting.projector import Projector
from ase_mlffvv.fitting.rows import Columns, weighted_rows
from ase_mlffvv.fitting.select import accumulate, change_along, residual_fields
from ase_mlffvv.io.datasets import read_frames, weights_of

from .test_fit import SPEC, labelled, structures, teacher  # noqa: F401
from .test_uncertain import COSINE, crystals

ALL = ('energy', 'forces', 'energies', 'stress')
WEIGHTS = FitWeights(energy=3.0, forces=2.0, energies=0.7, stress=11.0)


def weighted(frames, outside=0.0):
    """Weight 1 on the first half of the atoms, and less on the others."""
    for atoms in frames:
        each = np.ones(len(atoms))
        each[len(atoms) // 2 :] = outside
        atoms.arrays['weight'] = each
    return frames


def rows_of(potential, atoms, weights=WEIGHTS):
    (frame,) = Dataset([atoms], 'Li', potential.cutoff)
    return weighted_rows(frame, *Columns(potential.blocks).evaluate(frame, *Projector(potential)(frame)), weights)


@pytest.mark.parametrize('width', [0.0, 2.5])
def test_rows(teacher, width):  # noqa: F811
    """Rows: the energy, three force components an atom, atomic energies, stress."""
    plain = labelled(teacher, structures(1), ALL)[0]
    rows, values = rows_of(teacher, plain, replace(WEIGHTS, group_width=width))
    atoms = plain.copy()
    atoms.arrays['weight'] = np.array([1.0, 0.0, 0.25, 1.0])
    atoms.info['energy_weight'] = 0.5
    found = rows_of(teacher, atoms, replace(WEIGHTS, group_width=width))
    factor = np.concatenate([[0.5], np.repeat([1.0, 0.25, 1.0], 3), [1.0, 0.25, 1.0], np.ones(6)])
    use = np.r_[0, 1:4, 7:13, 13, 15:17, 17:23]
    np.testing.assert_allclose(found[0], rows[use] * factor[:, None], rtol=1e-13)
    np.testing.assert_allclose(found[1], values[use] * factor, rtol=1e-13)
    atoms.info['energy_weight'] = 0.0
    assert len(rows_of(teacher, atoms)[1]) == len(found[1]) - 1


def test_weight_zero_leaves_equations_out(teacher):  # noqa: F811
    """Labels of weight zero have no influence: not on the terms, the coefficients, the errors in the report."""
    frames = weighted(labelled(teacher, structures(20), ('energy', 'forces', 'energies')))
    junk = [atoms.copy() for atoms in frames]
    rng = np.random.default_rng(0)
    for atoms in junk:
        atoms.arrays['REF_forces'][2:] += rng.normal(size=(2, 3))
        atoms.arrays['REF_energies'][2:] -= 3.0
    one, two = (fit(part, SPEC, progress=False) for part in (frames, junk))
    np.testing.assert_array_equal(one[0].blocks[0].terms, two[0].blocks[0].terms)
    np.testing.assert_array_equal(one[0].blocks[0].coefficients, two[0].blocks[0].coefficients)
    assert one[1].n_rows == 20 * (1 + 2 * 3 + 2)
    for name in ('energy', 'forces', 'energies'):
        np.testing.assert_array_equal(one[1].train.errors(name), two[1].train.errors(name))
    assert len(two[1].train.errors('forces')) == 20 * 6
    (block,) = one[0].blocks  # least squares without the equations, by other means
    B, y = zip(*(rows_of(one[0], atoms.copy(), FitWeights()) for atoms in frames))
    B, y = np.concatenate(B), np.concatenate(y)
    np.testing.assert_allclose(B.T @ (B @ block.coefficients - y), 0, atol=1e-3 * np.abs(B.T @ y).max())
    left, _ = refit(teacher, junk, ridge=1e-10, progress=False)
    errors = accuracy(left, frames)
    assert errors.mae('forces') < 1e-6


def test_energy_weight_zero(teacher):  # noqa: F811
    """A total energy of weight zero may be anything; also for the constants of the elements."""
    frames = labelled(teacher, structures(), ('energy', 'forces'))
    wrong = [atoms.copy() for atoms in frames]
    for atoms in (*frames[::3], *wrong[::3]):
        atoms.info['energy_weight'] = 0.0
    for atoms in wrong[::3]:
        atoms.info['REF_energy'] += 1e3
    one, two = (fit(part, SPEC, progress=False) for part in (frames, wrong))
    np.testing.assert_array_equal(one[0].blocks[0].coefficients, two[0].blocks[0].coefficients)
    assert len(two[1].train.errors('energy')) == 14 - 5
    data = Dataset(wrong, 'Li', SPEC.cutoff)
    kept = [atoms.info['REF_energy'] / len(atoms) for k, atoms in enumerate(wrong) if k % 3]
    assert energy_constants(data, 1)[0] == pytest.approx(np.mean(kept))


@pytest.mark.parametrize('width', [0.0, 2.5])
def test_scores_of_candidates(teacher, width):  # noqa: F811
    """The projections of the selection are those of the weighted rows."""
    weights = replace(WEIGHTS, group_width=width)
    atoms = labelled(teacher, structures(1), ALL)[0]
    atoms.arrays['REF_forces'] += 0.3
    atoms.arrays['REF_energies'] *= 1.1
    atoms.arrays['weight'] = np.array([1.0, 0.0, 0.25, 1.0])
    atoms.info.update(energy_weight=0.5, weight=0.8)
    (frame,) = Dataset([atoms], 'Li', teacher.cutoff)
    columns, w = Columns(teacher.blocks), teacher.blocks[0].coefficients
    g, J = Projector(teacher)(frame)
    r, u, strain = residual_fields(frame, columns, w, g, J, weights)
    X, dX = columns.evaluate(frame, g, J)[0], change_along(frame, J, u, strain)
    rows, values = weighted_rows(frame, *columns.evaluate(frame, g, J), weights)
    want = rows.T @ (values - rows @ w)
    n = teacher.blocks[0].n
    found = r @ X[:, :n] + dX.sum(axis=0)
    np.testing.assert_allclose(found, want[:n], rtol=1e-9, atol=1e-9 * np.abs(want).max())


def test_small_weights_are_not_known_surroundings():
    """Atoms of weight below 0.1 guide the fit, but the grade does not count them."""
    frames = crystals(8, 0)
    potential, _ = fit(frames, COSINE, progress=False)
    odd = crystals(2, 5, 0.3)
    few = add_uncertainty(potential, frames + weighted(odd, 0.05), held_out=frames)
    core = [atoms.copy() for atoms in odd]
    grade = [VVCalculator(few, on_extrapolation='ignore').uncertainty(a, forces=False)['grade'] for a in core]
    grade = np.array(grade)
    assert grade[:, :16].max() <= 1 + 1e-6
    assert grade[:, 16:].max() > 1.1
    every = add_uncertainty(potential, frames + weighted(odd, 0.1), held_out=frames)
    grade = [VVCalculator(every, on_extrapolation='ignore').uncertainty(a, forces=False)['grade'] for a in core]
    assert np.max(grade) == pytest.approx(1, abs=1e-6)
    found = reliability(few, weighted(odd, 0.0))
    assert len(found.predicted) == len(found.actual) == len(found.grade) == 2 * 16


def test_without_known_surroundings():
    """Where no atom of an element weighs 0.1, all count; where there is no atom, that is an error."""
    frames = crystals(5, 0)
    potential, _ = fit(frames, COSINE, progress=False)
    light = [atoms.copy() for atoms in frames]
    for atoms in light:
        atoms.info['weight'] = 0.01
    found = add_uncertainty(potential, light)
    np.testing.assert_array_equal(found.uncertainty[0].draws, potential.uncertainty[0].draws)
    two = [atoms.copy() for atoms in frames]
    for atoms in two:
        atoms.symbols[::4] = 'Ag'
    alloy, _ = fit(two, replace(COSINE, elements=('Ag', 'Cu')), progress=False)
    with pytest.raises(DatasetError, match='no structure contains Ag, so nothing is known about its uncertainty'):
        add_uncertainty(alloy, frames)


def test_checkpoint_with_other_weights(teacher, tmp_path, monkeypatch):  # noqa: F811
    """A fit that was interrupted continues only with the weights it had."""
    state = tmp_path / 'a.vv.part'
    frames = weighted(labelled(teacher, structures()), 0.25)

    def stop(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train_module, 'accumulate', stop)  # after the selection
        with pytest.raises(KeyboardInterrupt):
            fit(frames, SPEC, progress=False, checkpoint=state)
    saved = state.read_bytes()
    _, report = fit(frames, SPEC, progress=False, checkpoint=state)
    assert any('resumed with 12 terms' in note for note in report.notes)
    for other in (weighted([a.copy() for a in frames], 0.5), [a.copy() for a in frames]):
        other[0].info['energy_weight'] = 2.0
        state.write_bytes(saved)
        with pytest.raises(CheckpointError, match='of another fit'):
            fit(other, SPEC, progress=False, checkpoint=state)


def test_normal_equations_of_equal_weights(teacher):  # noqa: F811
    """An array of equal weights on forces alone is the same as another weight of all forces."""
    frames = labelled(teacher, structures(4), ('forces',))
    columns, projector = Columns(teacher.blocks), Projector(teacher)
    plain = accumulate(Dataset(frames, 'Li', 4.2), projector, columns, FitWeights(forces=0.6)).matrix()
    for atoms in frames:
        atoms.arrays['weight'] = np.full(len(atoms), 0.3)
    found = accumulate(Dataset(frames, 'Li', 4.2), projector, columns, FitWeights(forces=2.0)).matrix()
    for a, b in zip(plain, found):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12 * np.abs(a).max())


def test_files_and_impossible_weights(teacher, tmp_path):  # noqa: F811
    path = tmp_path / 'w.extxyz'
    frames = weighted(labelled(teacher, structures(2), ('energy', 'forces')), 0.25)
    frames[1].info.update(weight=0.5, energy_weight=2.0)
    write(path, frames)
    one, two = map(weights_of, read_frames(path))
    assert (one.structure, one.energy) == (1.0, 1.0)
    assert (two.structure, two.energy) == (0.5, 2.0)
    np.testing.assert_array_equal(two.atoms, [1, 1, 0.25, 0.25])

    def refused(match, where, value):
        atoms = frames[0].copy()
        if where == 'atoms':
            atoms.arrays['weight'] = np.array(value)
        else:
            atoms.info[where] = value
        with pytest.raises(DatasetError, match=match):
            Dataset([frames[1], atoms], 'Li', 4.2)
        write(path, [frames[1], atoms])
        with pytest.raises(DatasetError, match=match):
            read_frames(path)

    refused(
        r'frame 1: the array weight must be finite and not negative, got -1 \(entries 2\)', 'atoms', [1, 1, -1, 0.0]
    )
    refused(r'frame 1: the array weight must be finite .*got nan \(entries 0\)', 'atoms', [np.nan, 1, 1, 0])
    refused('frame 1: the array weight is zero for all atoms', 'atoms', np.zeros(4))
    refused('frame 1: energy_weight must be finite and not negative, got -2', 'energy_weight', -2.0)
    refused('frame 1: weight must be finite and not negative, got inf', 'weight', np.inf)
    refused("frame 1: weight must be a number, got 'heavy'", 'weight', 'heavy')
    refused(r'frame 1: energy_weight must have shape \(\), got \(2,\)', 'energy_weight', np.ones(2))
