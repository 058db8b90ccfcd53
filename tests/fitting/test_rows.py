"""Columns of the least-squares problem against the energies, forces and stresses they stand for."""

import numpy as np
import pytest

from ase_mlffvv.fitting.candidates import CandidateScores
from ase_mlffvv.fitting.dataset import make_frame
from ase_mlffvv.fitting.projector import Projector
from ase_mlffvv.fitting.rows import Columns, FitWeights, group_average, weighted_rows
from ase_mlffvv.fitting.select import change_along, residual_fields
from ase_mlffvv.io.datasets import Labels
from ase_mlffvv.neighbors import pair_list

from ..systems import cell_of, zoo
from ..toys import random_potential

ONE = random_potential(pair=None)
TWO = random_potential(('Li', 'Na'), shared=False, pair=None)


def labelled(potential, atoms, scale=1.0):
    """Frame with the potential's own energies, forces and stress as labels."""
    pairs = pair_list(atoms.positions, cell_of(atoms), atoms.pbc, potential.cutoff)
    p = potential.evaluate(potential.species(atoms.numbers), atoms.positions, cell_of(atoms), pairs)
    stress = None
    if atoms.cell.rank == 3:
        stress = p.virials.sum(axis=0)[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]] / atoms.cell.volume
    labels = Labels(scale * p.energies.sum(), scale * p.forces, scale * p.energies, stress)
    return make_frame(atoms, potential.species(atoms.numbers), potential.cutoff, labels)


DENSITY = random_potential(('Li', 'Na'), families=('density', 'cosine2'), pair=None)


@pytest.mark.parametrize('potential', [ONE, TWO, DENSITY], ids=['one element', 'two elements', 'density'])
@pytest.mark.parametrize('name', ['cubic', 'sheared', 'slab', 'wire', 'cluster', 'one atom'])
def test_columns_times_coefficients(potential, name):
    frame = labelled(potential, zoo(potential.elements)[name])
    columns = Columns(potential.blocks)
    w = np.concatenate([block.coefficients for block in potential.blocks])
    X, V, S = columns.evaluate(frame, *Projector(potential)(frame))
    np.testing.assert_allclose(X @ w, frame.labels.energies, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(-(V @ w), frame.labels.forces.ravel(), rtol=1e-9, atol=1e-10)
    if frame.labels.stress is not None:
        np.testing.assert_allclose(S @ w / frame.volume, frame.labels.stress, rtol=1e-9, atol=1e-12)
    rows, values = weighted_rows(frame, X, V, S, FitWeights(energy=3, forces=2, energies=0.5, stress=7))
    np.testing.assert_allclose(rows @ w, values, rtol=1e-9, atol=1e-9)


def test_weights_and_masks():
    frame = labelled(ONE, zoo()['cubic'])
    frame.labels.stress[[1, 4]] = np.nan
    X, V, S = Columns(ONE.blocks).evaluate(frame, *Projector(ONE)(frame))
    n = len(frame)
    rows, values = weighted_rows(frame, X, V, S, FitWeights(energy=5, forces=0, energies=0, stress=2))
    assert len(rows) == 1 + 4
    np.testing.assert_allclose(rows[0], 5 / n * X.sum(axis=0))
    assert values[0] == pytest.approx(5 / n * frame.labels.energy)
    assert np.isfinite(values).all()
    only = weighted_rows(frame, X, V, S, FitWeights(energy=0, forces=2, energies=0, stress=0))[0]
    np.testing.assert_allclose(only, -2 * V)
    with pytest.raises(ValueError, match='weight forces must be zero or positive'):
        FitWeights(forces=-1)


def test_group_average():
    frame = labelled(ONE, zoo()['thin'])
    W = group_average(frame, 2.5)
    np.testing.assert_allclose(W.sum(axis=1), 1)
    np.testing.assert_allclose(group_average(frame, 0.01), np.eye(len(frame)))
    d = labelled(ONE, zoo()['cluster'])
    assert group_average(d, 2.5)[0, 0] > group_average(d, 2.5)[0, 1:].max()


@pytest.mark.parametrize('cubic', [False, True])
def test_scores_are_projections_of_the_columns(cubic):
    """b of each candidate from matrix products equals its explicit row products with the residual."""
    frames = [labelled(ONE, zoo()[name], scale=1.3) for name in ('cubic', 'sheared', 'slab')]
    projector, block = Projector(ONE), ONE.blocks[0]
    weights = FitWeights(energy=3, forces=2, energies=0.7, stress=11)
    columns, w = Columns([block]), block.coefficients
    scores = CandidateScores(block, cubic)
    extra = np.array([(1, 2, 3, 0, 0), (2, 4, 1, 2, 0), (2, 3, 3, 3, 3)] + [(3, 4, 2, 1, 0), (3, 5, 5, 0, 0)] * cubic)
    wide = Columns([block], [extra])
    want, norm = 0, 0
    for frame in frames:
        g, J = projector(frame)
        r, u, strain = residual_fields(frame, columns, w, g, J, weights)
        scores.add_residual(g[:, : block.n], r, change_along(frame, J, u, strain))
        rows, values = weighted_rows(frame, *wide.evaluate(frame, g, J), weights)
        want = want + rows[:, columns.n :].T @ (values - rows[:, : columns.n] @ w)
        norm = norm + (rows[:, columns.n :] ** 2).sum(axis=0)
    single, pair, three = scores._sums['b']
    n_single, n_product = block.single.shape[1], block.product.shape[1]
    got = [single[2 * n_single + 3], pair[4 * n_product + 1, 2 * n_product], pair[3 * n_product + 3, 3 * n_product + 3]]
    if cubic:
        place = {tuple(row): k for k, row in enumerate(scores.cubic.tolist())}
        got += [three[1, place[4, 2]], three[0, place[5, 5]]]
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9 * np.abs(want).max())
    chosen = scores_with_norms(scores, frames, projector, block).best(7, extra[:1])
    assert len(chosen) == 7
    assert tuple(extra[0]) not in {tuple(row) for row in chosen.tolist()}
    assert len({tuple(row) for row in chosen.tolist()}) == 7


def scores_with_norms(scores, frames, projector, block):
    rng = np.random.default_rng(0)
    for frame in frames:
        g, J = projector(frame)
        probes = [change_along(frame, J, rng.choice([-1.0, 1.0], (len(frame), 3)))[:, : block.n] for _ in range(2)]
        scores.add_norm(g[:, : block.n], probes, 1.0, 1.0)
    return scores


def test_force_norms_are_unbiased():
    frame = labelled(ONE, zoo()['slab'])
    projector, block = Projector(ONE), ONE.blocks[0]
    g, J = projector(frame)
    scores, rng = CandidateScores(block), np.random.default_rng(0)
    probes = [change_along(frame, J, rng.choice([-1.0, 1.0], (len(frame), 3)))[:, : block.n] for _ in range(3000)]
    scores.add_norm(g[:, : block.n], probes, 0.0, 4.0)
    extra = np.array([(1, 2, 3, 0, 0), (2, 4, 1, 2, 0)])
    wide = Columns([block], [extra])
    _, V, _ = wide.evaluate(frame, g, J)
    want = 4.0 * (V[:, wide.n :] ** 2).sum(axis=0)
    single, pair, _ = scores._sums['s']
    got = [single[2 * block.single.shape[1] + 3], pair[4 * block.product.shape[1] + 1, 2 * block.product.shape[1]]]
    np.testing.assert_allclose(got, want, rtol=0.15)


def test_potential_of_several_elements_has_its_own_columns():
    columns = Columns(TWO.blocks)
    frame = labelled(TWO, zoo(TWO.elements)['cubic'])
    X, _, _ = columns.evaluate(frame, *Projector(TWO)(frame))
    first = frame.system.species == 0
    assert not X[first, columns.own[1] :].any()
    assert not X[~first, : columns.own[1]].any()
