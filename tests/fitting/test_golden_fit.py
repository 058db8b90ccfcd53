"""Our fit against the stored results of the original programs: centres, normal equations, predictions."""

import numpy as np
import pytest

from ase_mlffvv.fitting.centres import adaptive_gaussians, principal_components, scaling
from ase_mlffvv.fitting.dataset import make_frame
from ase_mlffvv.fitting.normal import solve
from ase_mlffvv.fitting.projector import Projector
from ase_mlffvv.fitting.rows import Columns, FitWeights
from ase_mlffvv.fitting.select import accumulate, with_coefficients
from ase_mlffvv.io.datasets import labels_of
from ase_mlffvv.model import VVPotential

from ..golden import GOLDEN, golden_frames


@pytest.fixture(scope='module')
def golden():
    folder = GOLDEN / 'one_element'
    potential = VVPotential.from_pwmlff(folder)
    frames = [
        make_frame(atoms, np.zeros(len(atoms), int), potential.cutoff, labels_of(atoms))
        for atoms in golden_frames(folder)
    ]
    return folder, potential, frames


def test_centres_of_out_xp(golden):
    """From the positions in MOVEMENT: features, components, scaling, adaptive centres."""
    _, potential, frames = golden
    block = potential.blocks[0]
    f = np.concatenate([Projector(potential).features(frame) for frame in frames])
    shift, scale = scaling(f @ block.projection)
    np.testing.assert_allclose(shift * scale, block.shift * block.scale, rtol=0, atol=1e-7)  # in standard deviations
    np.testing.assert_allclose(scale, block.scale, rtol=1e-7)
    g = (f @ block.projection - shift) * scale
    np.testing.assert_allclose(adaptive_gaussians(g, 4), block.product[:-1], atol=1e-12)
    np.testing.assert_allclose(adaptive_gaussians(g, 20, relax_to=4), block.single[:-1], atol=1e-12)


def test_components(golden):
    """Our principal directions are those stored, up to sign; the original loses the last one."""
    _, potential, frames = golden
    f = np.concatenate([Projector(potential).features(frame) for frame in frames])
    ours, stored = principal_components(f), potential.blocks[0].projection
    n = stored.shape[1]
    sign = np.sign((ours[:, :n] * stored).sum(axis=0))
    np.testing.assert_allclose(ours[:, :n] * sign, stored, rtol=0, atol=1e-5 * np.abs(stored).max())


def test_normal_equations_and_predictions(golden):
    folder, potential, frames = golden
    weights = FitWeights(
        energies=np.sqrt(0.3), energy=np.sqrt(0.5), forces=np.sqrt(0.5), per_atom=False, group_width=2.5
    )
    A, b = accumulate(frames, Projector(potential), Columns(potential.blocks), weights).matrix()
    stored = potential.blocks[0].coefficients
    residual = (A + 1e-4 * np.eye(len(b))) @ stored - b
    assert np.linalg.norm(residual) / np.linalg.norm(b) < 1e-8
    w, condition = solve(A, b, ridge=0.0, ridge_absolute=1e-4)
    assert condition > 1e5
    (block,) = with_coefficients(potential.blocks, w)
    fitted = VVPotential(potential.elements, potential.features, (block,))
    predicted = np.loadtxt(folder / 'fread_dfeat' / 'energyVV.pred.1')[:, 1]
    energies = np.concatenate([_energies(fitted, frame) for frame in frames])
    np.testing.assert_allclose(energies, predicted, rtol=0, atol=1e-6)


def _energies(potential, frame):
    return potential.evaluate(frame.system.species, frame.system.positions, frame.system.cell, frame.pairs).energies
