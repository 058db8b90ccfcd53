"""An uncertainty that refit() updates is that of all structures, old and new."""

from dataclasses import replace

import numpy as np
import pytest

from ase_mlffvv import VVCalculator, VVSpec, fit
from ase_mlffvv.errors import DatasetError
from ase_mlffvv.fitting import NormalMatrix, add_uncertainty, normal_matrix, refit
from ase_mlffvv.fitting import surroundings as surroundings_module
from ase_mlffvv.model import VVPotential

from .test_uncertain import COSINE, DENSITY, crystals

OLD, NEW, TEST = crystals(10, 0), crystals(5, 1, 0.2), crystals(3, 2)


@pytest.fixture(scope='module', params=[DENSITY, COSINE], ids=['density', 'cosine'])
def start(request):
    return fit(OLD, request.param, validation=TEST, progress=False)


def uncertainties(potential, frames):
    calc = VVCalculator(potential, on_extrapolation='ignore')
    found = [calc.uncertainty(atoms) for atoms in frames]
    return {name: np.concatenate([np.atleast_1d(one[name]) for one in found]) for name in found[0]}


def assert_same_uncertainty(one, two, rtol=1e-6):
    frames = [*OLD[:3], *NEW, *TEST]
    found = [uncertainties(potential, frames) for potential in (one, two)]
    for name in found[0]:
        np.testing.assert_allclose(found[0][name], found[1][name], rtol=rtol, err_msg=name)


@pytest.mark.parametrize('kept', [1000, 30])
def test_refit_gives_the_uncertainty_of_all_structures(start, monkeypatch, kept):
    """Grades and standard deviations are those that add_uncertainty() finds from old and new structures."""
    monkeypatch.setattr(surroundings_module, '_KEPT', kept)
    potential, _ = start
    normal = normal_matrix(potential, OLD, progress=False)
    assert len(normal.known.rows[0]) == min(kept, 320)
    found, _ = refit(potential, NEW, normal=normal, uncertainty=True, validation=TEST, progress=False)
    assert_same_uncertainty(found, add_uncertainty(found, OLD + NEW, held_out=TEST))
    grade = uncertainties(found, OLD + NEW)['grade']
    assert grade.max() == pytest.approx(1, abs=1e-6)
    before = uncertainties(potential, NEW)['grade']
    assert before.max() > 1.05  # they were new


def test_rounds_of_refit(start, tmp_path):
    """The normal matrix goes from round to round in a file, and the uncertainty in the potential's."""
    potential, report = start
    for part in (NEW[:2], NEW[2:]):
        report.normal.save(tmp_path / 'n.npz')
        normal = NormalMatrix.load(tmp_path / 'n.npz')
        potential, report = refit(potential, part, normal=normal, validation=TEST, progress=False)
        assert report.normal is not None
    assert_same_uncertainty(potential, add_uncertainty(potential, OLD + NEW, held_out=TEST))
    potential.save(tmp_path / 'p.vv')
    again = VVPotential.load(tmp_path / 'p.vv')
    assert_same_uncertainty(potential, again, rtol=1e-3)  # draws are stored in single precision
    report.normal.check(again)
    assert repr(report.normal).startswith(f'NormalMatrix({report.n_functions} functions, ')


def test_report_of_a_fit_has_its_normal_matrix(start):
    potential, report = start
    again = normal_matrix(potential, OLD, progress=False)
    scale = np.abs(again.matrix).max()
    np.testing.assert_allclose(report.normal.matrix, again.matrix, atol=1e-12 * scale)
    np.testing.assert_allclose(report.normal.known.gram[0], again.known.gram[0], rtol=1e-12)
    assert report.normal.functions == again.functions
    assert 'normal' not in report.to_dict()


def test_sums_and_shares(start):
    potential, report = start
    parts = [normal_matrix(potential, frames, progress=False) for frames in (OLD[:4], OLD[4:])]
    both = parts[0] + parts[1]
    scale = np.abs(both.matrix).max()
    np.testing.assert_allclose(both.matrix, report.normal.matrix, atol=1e-12 * scale)
    one, two = (refit(potential, NEW, normal=normal, validation=TEST, progress=False)[0]
                for normal in (both, report.normal))  # fmt: skip
    assert_same_uncertainty(one, two)
    less = 0.25 * both
    np.testing.assert_allclose(less.matrix, 0.25 * both.matrix)
    assert less.known is both.known
    with pytest.raises(ValueError, match='factor of a normal matrix must be zero or positive and finite, got -1'):
        -1 * both


def test_what_refit_knows_without_a_normal_matrix(start):
    potential, report = start
    found, new = refit(potential, NEW, progress=False)
    assert found.uncertainty is None
    assert new.normal is None
    found, new = refit(potential, OLD + NEW, uncertainty=True, progress=False)
    assert_same_uncertainty(found, add_uncertainty(found, OLD + NEW))
    assert any('scaled to the errors of the structures of this refit' in note for note in new.notes)
    found, _ = refit(potential, NEW, normal=report.normal, uncertainty=False, progress=False)
    assert found.uncertainty is None


def test_bound_of_atoms_that_were_not_kept(start, monkeypatch, caplog):
    """Where all kept atoms became ordinary, grades are too large rather than too small, and a warning says so."""
    monkeypatch.setattr(surroundings_module, '_KEPT', 2)
    potential, _ = start
    normal = normal_matrix(potential, OLD, progress=False)
    found, _ = refit(potential, NEW * 3, normal=normal, validation=TEST, progress=False)
    truth = add_uncertainty(found, OLD + NEW * 3, held_out=TEST)
    one, two = (uncertainties(p, OLD)['grade'] for p in (found, truth))
    assert (one >= two * (1 - 1e-6)).all()
    known = replace(normal.known, rows=(normal.known.rows[0][:0],), bound=(1e3,))
    refit(potential, NEW, normal=replace(normal, known=known), validation=TEST, progress=False)
    assert 'grades of Cu may be up to' in caplog.text


def test_wrong_input(start, tmp_path):
    _, report = start
    other, _ = fit(NEW, VVSpec('Cu', cutoff=4.6, two_body=5, three_body=(0, 0), terms=2), progress=False)
    with pytest.raises(DatasetError, match='belongs to other functions'):
        refit(other, NEW, normal=report.normal, progress=False)
    path = tmp_path / 'n.npz'
    report.normal.save(path)
    data = path.read_bytes()
    middle = len(data) // 2
    for damaged in (data[:middle], data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]):
        path.write_bytes(damaged)
        with pytest.raises(DatasetError, match=r'n.npz. is not a normal matrix or is damaged'):
            NormalMatrix.load(path)
    np.savez(path, a=np.zeros(3))
    with pytest.raises(DatasetError, match='is not a normal matrix'):
        NormalMatrix.load(path)
    with pytest.raises(FileNotFoundError):
        NormalMatrix.load(tmp_path / 'absent.npz')
