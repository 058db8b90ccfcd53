"""fit(): a known potential is found again, nothing depends on what must not matter, and bad data are named."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from ase_mlffvv import VVSpec, accuracy, fit
from ase_mlffvv.calculators import VVCalculator
from ase_mlffvv.errors import CheckpointError, DatasetError, ElementError
from ase_mlffvv.fitting import Dataset
from ase_mlffvv.fitting import train as train_module
from ase_mlffvv.fitting.checkpoint import FitCheckpoint
from ase_mlffvv.fitting.supervised import active_directions

SPEC = VVSpec('Li', cutoff=4.2, two_body=8, three_body=(2, 2), single=6, terms=12, repulsion=0)


def structures(n=14, element='Li', seed=0):
    rng = np.random.default_rng(seed)
    frames = []
    for k in range(n):
        atoms = bulk('Li', 'bcc', a=3.3 + 0.02 * k, cubic=True) * (2, 1, 1)
        atoms.rattle(0.15, rng=rng)
        atoms.symbols[:] = element
        atoms.info['config_type'] = 'small' if k % 2 else 'large'
        frames.append(atoms)
    return frames


def labelled(potential, frames, keep=('energy', 'forces', 'stress')):
    calc = VVCalculator(potential)
    for atoms, results in zip(frames, calc.evaluate_many(frames)):
        for name in keep:
            store = atoms.arrays if name in ('forces', 'energies') else atoms.info
            store[f'REF_{name}'] = results[name]
    return frames


@pytest.fixture(scope='module')
def teacher():
    """A potential that lies in the space of SPEC: fitted to random labels."""
    frames = structures()
    rng = np.random.default_rng(1)
    for atoms in frames:
        atoms.info['REF_energy'] = rng.normal() - 2 * len(atoms)
        atoms.arrays['REF_forces'] = rng.normal(size=(len(atoms), 3))
    potential, _ = fit(frames, SPEC, progress=False, ridge=1e-4)
    return potential


def with_terms(potential, n, factor=1.0):
    """The linear functions of a potential and its first n terms, those with coefficients times a factor."""
    (block,) = potential.blocks
    coefficients = block.coefficients[: block.n + 1 + n].copy()
    coefficients[block.n + 1 :] *= factor
    block = replace(block, terms=block.terms[:n], coefficients=coefficients)
    return replace(potential, blocks=(block,), uncertainty=None)


KEEP = [('energy', 'forces'), ('energy', 'forces', 'stress'), ('energies',)]


@pytest.mark.parametrize('keep', KEEP)
def test_linear_potential_is_found_again(teacher, keep):
    """fit() gives back energies, forces and stresses of a potential in its space, on structures it has not seen."""
    master = with_terms(teacher, 0)
    test = labelled(master, structures(6, seed=9), ('energy', 'forces', 'stress', 'energies'))
    frames = labelled(master, structures(), keep)
    _, report = fit(frames, replace(SPEC, terms=0), progress=False, ridge=1e-13, validation=test)
    assert report.validation.mae('energy') < 1e-7
    assert report.validation.mae('forces') < 1e-6
    assert report.validation.mae('stress') < 1e-7
    assert report.validation.mae('energies') < 1e-6


@pytest.mark.parametrize('keep', KEEP)
def test_a_term_is_found_again(teacher, keep):
    """Selection finds the term of a potential that has one, and then nothing remains to be fitted."""
    master = with_terms(teacher, 1, 5.0)
    test = labelled(master, structures(6, seed=9), ('energy', 'forces', 'stress'))
    frames = labelled(master, structures(), keep)
    potential, report = fit(frames, SPEC, progress=False, ridge=1e-13, validation=test)
    assert master.blocks[0].terms[0].tolist() in potential.blocks[0].terms.tolist()
    assert report.validation.mae('energy') < 1e-6
    assert report.validation.mae('forces') < 1e-5
    assert report.validation.mae('stress') < 1e-6
    _, linear = fit(frames, replace(SPEC, terms=0), progress=False, validation=test)
    assert linear.validation.mae('forces') > 1e-2


def test_terms_lower_the_error_and_forces_are_gradients(teacher):
    rng = np.random.default_rng(3)
    frames = labelled(teacher, structures(20, seed=2))
    few, _ = fit(frames, replace(SPEC, terms=3), progress=False)
    many, report = fit(frames, replace(SPEC, terms=25, cubic=True), progress=False)
    linear, _ = fit(frames, replace(SPEC, terms=0), progress=False)
    mae = [accuracy(p, frames).rmse('forces') for p in (linear, few, many)]
    assert mae[0] > mae[1] > mae[2]
    assert len(many.blocks[0].terms) == 25
    assert report.n_functions == len(many.blocks[0].coefficients)
    atoms = frames[0].copy()
    atoms.calc = VVCalculator(many)
    f, u, h = atoms.get_forces(), rng.normal(size=(len(atoms), 3)), 1e-4
    e = []
    for s in (-h, h):
        moved = atoms.copy()
        moved.positions += s * u
        moved.calc = atoms.calc
        e.append(moved.get_potential_energy())
    assert -(f * u).sum() == pytest.approx((e[1] - e[0]) / (2 * h), rel=1e-5)


def test_order_and_seed(teacher):
    frames = labelled(teacher, structures())
    one, _ = fit(frames, SPEC, progress=False, seed=4)
    two, _ = fit(frames, SPEC, progress=False, seed=4)
    assert one.digest() == two.digest()
    three, _ = fit(frames[::-1], replace(SPEC, terms=0), progress=False)
    four, _ = fit(frames, replace(SPEC, terms=0), progress=False)
    atoms = frames[3].copy()
    energies = []
    for potential in (three, four):
        atoms.calc = VVCalculator(potential)
        energies.append(atoms.get_potential_energy())
    assert energies[0] == pytest.approx(energies[1], abs=1e-6)


def test_two_elements(teacher):
    """An alloy whose elements are the same species under two names."""
    frames = labelled(teacher, structures(20))
    for k, atoms in enumerate(frames):
        atoms.symbols[k % 3 :: 3] = 'Na'
    spec = replace(SPEC, elements=('Li', 'Na'), terms=5)
    potential, report = fit(frames, spec, progress=False)
    assert sum(len(block.terms) for block in potential.blocks) == 10
    assert report.train.mae('energy') < 0.02
    assert potential.elements == ('Li', 'Na')


def test_interrupted_fit_goes_on(teacher, tmp_path, monkeypatch):
    frames = labelled(teacher, structures())
    whole, _ = fit(frames, SPEC, progress=False)
    state = tmp_path / 'a.vv.part'
    calls = []
    save = FitCheckpoint.save

    def stop(self, blocks):
        save(self, blocks)
        calls.append(sum(len(block.terms) for block in blocks))
        if len(calls) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FitCheckpoint, 'save', stop)
        with pytest.raises(KeyboardInterrupt):
            fit(frames, SPEC, progress=False, checkpoint=state)
    assert state.exists()
    resumed, report = fit(frames, SPEC, progress=False, checkpoint=state)
    assert any('resumed with' in note for note in report.notes)
    np.testing.assert_array_equal(resumed.blocks[0].terms, whole.blocks[0].terms)
    np.testing.assert_allclose(resumed.blocks[0].coefficients, whole.blocks[0].coefficients, rtol=1e-9)
    assert not state.exists()


def test_other_files_are_no_checkpoints(teacher, tmp_path, monkeypatch):
    frames = labelled(teacher, structures())
    mine = tmp_path / 'mine.vv'
    teacher.save(mine)
    before = mine.read_bytes()
    with pytest.raises(CheckpointError, match='mine.vv. is not a checkpoint'):
        fit(frames, replace(SPEC, terms=2), progress=False, checkpoint=mine)
    assert mine.read_bytes() == before
    state = tmp_path / 'a.vv.part'
    with monkeypatch.context() as patch:
        patch.setattr(FitCheckpoint, 'remove', lambda self: None)
        fit(frames, replace(SPEC, terms=2), progress=False, checkpoint=state)
    before = state.read_bytes()
    with pytest.raises(CheckpointError, match='of another fit .*spec.terms: 2 before, 3 now'):
        fit(frames, replace(SPEC, terms=3), progress=False, checkpoint=state)
    with pytest.raises(CheckpointError, match='of another fit .the training data have changed'):
        fit(frames[1:], replace(SPEC, terms=2), progress=False, checkpoint=state)
    assert state.read_bytes() == before
    state.write_bytes(before[:-1])
    with pytest.raises(CheckpointError, match='is damaged or cut off'):
        fit(frames, replace(SPEC, terms=2), progress=False, checkpoint=state)
    assert state.read_bytes() == before[:-1]


def test_checkpoint_knows_data_that_terms_are_not_selected_on(teacher, tmp_path):
    frames = labelled(teacher, structures())
    state = _interrupted(frames, tmp_path / 'a.vv.part')
    with pytest.raises(CheckpointError, match='of another fit'):  # the 14th is not selected on, but has its components
        fit(frames[:13], replace(SPEC, terms=2), progress=False, checkpoint=state, stride=2)


def _interrupted(frames, state):
    """Checkpoint of a fit that was stopped after the selection."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_module, 'accumulate', lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            fit(frames, replace(SPEC, terms=2), progress=False, checkpoint=state, stride=2)
    return state


def test_repulsion_starts_at_the_shortest_distance(teacher):
    frames = labelled(teacher, structures())
    potential, report = fit(frames, replace(SPEC, terms=2, repulsion=1.5), progress=False)
    shortest = min((atoms.get_all_distances(mic=True) + 9 * np.eye(len(atoms))).min() for atoms in frames)
    assert potential.pair_term.range == pytest.approx(shortest, abs=1e-9)
    assert any('repulsion below' in note for note in report.notes)
    without = replace(potential, pair_term=None)
    dimer = Atoms('Li2', [[0, 0, 0], [0, 0, 0.75 * shortest]])
    extra = [VVCalculator(p).evaluate_many([dimer])[0]['energy'] for p in (potential, without)]
    assert extra[0] - extra[1] == pytest.approx(1.5, rel=1e-9)


def test_validation_group_weights_and_card(teacher):
    frames = labelled(teacher, structures())
    potential, report = fit(
        frames, replace(SPEC, terms=2), validation=0.25, group_weights={'small': 3.0}, progress=False
    )
    assert len(report.validation.groups) == 4
    assert len(report.train.groups) == 10
    assert potential.card['spec'] == replace(SPEC, terms=2).to_dict()
    text = str(report)
    for word in ('training set', 'validation set', 'small (', 'large (', 'condition number', 'forces (meV/Å)'):
        assert word in text
    again = VVSpec.from_dict(potential.card['spec'])
    assert again == replace(SPEC, terms=2)
    with pytest.raises(DatasetError, match='group_weights names groups without structures: tiny'):
        fit(frames, SPEC, group_weights={'tiny': 1}, progress=False)
    with pytest.raises(ValueError, match='validation must be a share'):
        fit(frames, SPEC, validation=1.5, progress=False)


def test_bad_training_sets(teacher):
    frames = labelled(teacher, structures(3))
    with pytest.raises(DatasetError, match='contains no structures'):
        fit([], SPEC, progress=False)
    bare = structures(2)
    bare[1].arrays['force'] = np.zeros((4, 3))
    with pytest.raises(DatasetError, match=r"frame 0 \('large'\): no energy, forces or atomic energies"):
        fit(bare, SPEC, progress=False)
    broken = labelled(teacher, structures(3))
    broken[2].arrays['REF_forces'][1, 0] = np.nan
    with pytest.raises(DatasetError, match=r"frame 2 \('large'\): forces is not finite \(entries 1\)"):
        fit(broken, SPEC, progress=False)
    broken[2].info['REF_stress'] = np.zeros(5)
    broken[2].arrays['REF_forces'][1, 0] = 0
    with pytest.raises(DatasetError, match=r'stress must have shape \(6,\), got \(5,\)'):
        fit(broken, SPEC, progress=False)
    with pytest.raises(ElementError, match='fitted for Na; the structure contains Li'):
        fit(frames, replace(SPEC, elements=('Na',)), progress=False)
    with pytest.raises(DatasetError, match='no structure contains Na'):
        fit(frames, replace(SPEC, elements=('Li', 'Na')), progress=False)


def test_one_atom_structures():
    """Isolated atoms and one-atom cells have constant or few features; the fit copes."""
    frames = [bulk('Li', 'bcc', a=a) for a in np.linspace(3.2, 3.8, 9)]
    for atoms in frames:
        atoms.info['REF_energy'] = -1.9 + 0.5 * (atoms.cell.volume / 20.3 - 1) ** 2
    potential, report = fit(frames, replace(SPEC, terms=4), progress=False)
    assert report.train.mae('energy') < 1e-3
    assert np.isfinite(potential.blocks[0].coefficients).all()


def one_direction(teacher):
    """The teacher with an energy that depends on one direction of feature space, and this direction."""
    (block,) = teacher.blocks
    v = np.random.default_rng(0).normal(size=block.n)
    coefficients = np.zeros_like(block.coefficients)
    coefficients[: block.n] = v
    direction = (block.projection * block.scale) @ v
    return replace(teacher, blocks=(replace(block, coefficients=coefficients),)), direction


def cosine(a, b):
    return abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b)


def test_supervised_directions(teacher):
    """An energy that depends on one direction of feature space: that direction comes first."""
    one, direction = one_direction(teacher)
    (found,) = active_directions(one, Dataset(labelled(one, structures(4)), 'Li', teacher.cutoff))
    assert found.shape == teacher.blocks[0].projection.shape
    assert cosine(found[:, 0], direction) == pytest.approx(1, abs=1e-9)


def test_supervised_fit(teacher):
    """One component is enough for an energy that depends on one direction, and it is that direction."""
    one, direction = one_direction(teacher)
    frames, test = labelled(one, structures()), labelled(one, structures(4, seed=9))
    spec = replace(SPEC, components=1, projection='supervised', terms=0)
    found, report = fit(frames, spec, progress=False, ridge=1e-12, validation=test)
    assert found.blocks[0].projection.shape[1] == 1
    assert cosine(found.blocks[0].projection[:, 0], direction) == pytest.approx(1, abs=1e-9)
    assert report.validation.mae('forces') < 1e-6
    _, plain = fit(frames, replace(spec, projection='pca'), progress=False, ridge=1e-12, validation=test)
    assert plain.validation.mae('forces') > 1e-2


def test_supervised_fit_is_repeated(teacher):
    frames = labelled(teacher, structures())
    spec = replace(SPEC, components=4, projection='supervised')
    one, two = (fit(frames, spec, progress=False)[0] for _ in range(2))
    assert one.blocks[0].projection.shape[1] == 4
    assert len(one.blocks[0].terms) == spec.terms
    assert one.digest() == two.digest()
