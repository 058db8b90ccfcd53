"""fit(): a known potential is found again, nothing depends on what must not matter, and bad data are named."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from ase_mlffvv import VVSpec, accuracy, fit
from ase_mlffvv.calculators import VVCalculator
from ase_mlffvv.errors import DatasetError, ElementError
from ase_mlffvv.fitting import train as train_module
from ase_mlffvv.fitting.prepare import prepare
from ase_mlffvv.fitting.supervised import active_directions
from ase_mlffvv.io.datasets import Labels, check_frames

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


@pytest.mark.parametrize('keep', [('energy', 'forces'), ('energy', 'forces', 'stress'), ('energies',)])
def test_known_potential_is_found_again(teacher, keep):
    """With the teacher's functions, least squares gives back its energies and forces on new structures."""
    frames = labelled(teacher, structures(), keep)
    test = labelled(teacher, structures(6, seed=9), ('energy', 'forces', 'stress', 'energies'))
    spec = replace(SPEC, terms=0)
    potential, report = fit(frames, spec, progress=False, ridge=1e-12, validation=test)
    full = _refit(teacher, frames)
    errors = accuracy(full, test)
    assert errors.mae('energy') < 1e-7
    assert errors.mae('forces') < 1e-6
    assert errors.mae('stress') < 1e-7
    assert report.validation.mae('forces') > 1e-3  # the linear functions alone cannot
    assert potential.blocks[0].n < 30


def _refit(teacher, frames):
    from ase_mlffvv.fitting.frames import Projector, make_frame
    from ase_mlffvv.fitting.normal import solve
    from ase_mlffvv.fitting.rows import Columns, FitWeights
    from ase_mlffvv.fitting.select import accumulate, with_coefficients
    from ase_mlffvv.io.datasets import labels_of

    data = [make_frame(a, np.zeros(len(a), int), teacher.cutoff, labels_of(a)) for a in frames]
    normal = accumulate(data, Projector(teacher), Columns(teacher.blocks), FitWeights())
    w, _ = solve(*normal.matrix(), 1e-14)
    return replace(teacher, blocks=with_coefficients(teacher.blocks, w))


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
    save = train_module._State.save

    def stop(self, blocks):
        save(self, blocks)
        calls.append(sum(len(block.terms) for block in blocks))
        if len(calls) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train_module._State, 'save', stop)
        with pytest.raises(KeyboardInterrupt):
            fit(frames, SPEC, progress=False, checkpoint=state)
    assert state.exists()
    resumed, report = fit(frames, SPEC, progress=False, checkpoint=state)
    assert any('resumed with' in note for note in report.notes)
    np.testing.assert_array_equal(resumed.blocks[0].terms, whole.blocks[0].terms)
    np.testing.assert_allclose(resumed.blocks[0].coefficients, whole.blocks[0].coefficients, rtol=1e-9)
    assert not state.exists()


def test_checkpoint_of_another_fit_is_not_used(teacher, tmp_path, caplog):
    frames = labelled(teacher, structures())
    state = tmp_path / 'a.vv.part'
    teacher.save(state)
    fit(frames, replace(SPEC, terms=2), progress=False, checkpoint=state)
    assert 'belongs to another fit' in caplog.text
    state.write_text('junk')
    fit(frames, replace(SPEC, terms=2), progress=False, checkpoint=state)
    assert 'ignoring the unreadable checkpoint' in caplog.text


def test_repulsion_starts_at_the_shortest_distance(teacher):
    frames = labelled(teacher, structures())
    potential, report = fit(frames, replace(SPEC, terms=2, repulsion=1.5), progress=False)
    shortest = min((atoms.get_all_distances(mic=True) + 9 * np.eye(len(atoms))).min() for atoms in frames)
    assert potential.pair.range == pytest.approx(shortest, abs=1e-9)
    assert any('repulsion below' in note for note in report.notes)
    without = replace(potential, pair=None)
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


def test_supervised_directions(teacher):
    """An energy that depends on one direction of feature space: that direction comes first."""
    block = teacher.blocks[0]
    v = np.random.default_rng(0).normal(size=block.n)
    coefficients = np.zeros_like(block.coefficients)
    coefficients[: block.n] = v
    one = replace(teacher, blocks=(replace(block, coefficients=coefficients),))
    data = prepare(structures(4), [Labels(0.0, None, None, None)] * 4, teacher, {})
    (found,) = active_directions(one, data)
    want = (block.projection * block.scale) @ v
    assert found.shape == block.projection.shape
    cosine = found[:, 0] @ want / np.linalg.norm(found[:, 0]) / np.linalg.norm(want)
    assert abs(cosine) == pytest.approx(1, abs=1e-9)


def test_supervised_fit(teacher):
    """The directions of the first fit are those of the result, as many as asked for, and the same again."""
    frames = labelled(teacher, structures())
    spec = replace(SPEC, components=4, projection='supervised')
    first, _ = fit(frames, replace(SPEC, terms=4), progress=False)
    (want,) = active_directions(first, prepare(frames, check_frames(frames), first, {}))
    one, two = (fit(frames, spec, progress=False)[0] for _ in range(2))
    np.testing.assert_allclose(one.blocks[0].projection, want[:, :4], rtol=1e-8)
    assert len(one.blocks[0].terms) == spec.terms
    assert one.digest() == two.digest()
