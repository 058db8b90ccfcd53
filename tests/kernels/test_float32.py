"""Features in float32: as close to float64 as said, derivatives of the energy, momentum and repeats as in float64.

Documented bound: 3e-5 of the largest number of each kind. Float32 has 24 bits, 6e-8; the random models of the tests
amplify it to 1e-5 (the shipped potentials to 5e-7 of the largest force, 0.004 meV/Å).
"""

import numpy as np
import pytest

from ase_mlffvv.errors import CalculatorSetupError
from ase_mlffvv.kernels.cpu.engine import NumbaEngine

from ..systems import zoo
from ..toys import random_potential
from .test_engines import POTENTIALS, evaluate

BOUND = 3e-5
CASES = [
    pytest.param(POTENTIALS[label], atoms, id=f'{label} - {name}')
    for label in ('density', 'density, two elements')
    for name, atoms in zoo(POTENTIALS[label].elements).items()
]


def engine(potential, threads=1):
    return NumbaEngine(potential, threads, dtype='float32')


@pytest.mark.parametrize(('potential', 'atoms'), CASES)
def test_close_to_float64(potential, atoms):
    want = evaluate(NumbaEngine(potential, 1), atoms, potential)
    for threads, skin in ((1, 0.0), (2, 0.7)):
        got = evaluate(engine(potential, threads), atoms, potential, skin)
        for name, a, b in zip(want._fields, got, want):
            assert a.dtype == np.float64
            np.testing.assert_allclose(a, b, rtol=0, atol=BOUND * max(1.0, np.abs(b).max(initial=0)), err_msg=name)


def test_is_float32():
    """The error is that of float32: neither nothing, nor more."""
    potential = POTENTIALS['density']
    atoms = zoo()['slab']
    want, got = (evaluate(e, atoms, potential) for e in (NumbaEngine(potential, 1), engine(potential)))
    error = np.abs(got.forces - want.forces).max() / np.abs(want.forces).max()
    assert 1e-9 < error < BOUND


@pytest.mark.parametrize('name', ['slab', 'wire', 'cluster'])
def test_derivatives(name):
    potential = POTENTIALS['density']
    atoms = zoo()[name]
    found = evaluate(engine(potential), atoms, potential)
    rng = np.random.default_rng(0)
    h = 5e-3  # round-off of the energy, 1e-6 of it, over h
    for _ in range(3):
        u = rng.normal(size=atoms.positions.shape)
        e = []
        for k in (-2, -1, 1, 2):
            moved = atoms.copy()
            moved.positions += k * h * u / np.abs(u).max()
            e.append(evaluate(engine(potential), moved, potential).energies.sum())
        slope = (e[0] - 8 * e[1] + 8 * e[2] - e[3]) / (12 * h)
        scale = np.abs(found.forces * u / np.abs(u).max()).sum()
        assert -(found.forces * u / np.abs(u).max()).sum() == pytest.approx(slope, abs=5e-4 * scale)


@pytest.mark.parametrize('label', ['density', 'density, two elements'])
def test_momentum_is_conserved_and_virial_symmetric(label):
    potential = POTENTIALS[label]
    for atoms in zoo(potential.elements).values():
        found = evaluate(engine(potential, 2), atoms, potential)
        scale = np.abs(found.forces).max(initial=1.0)
        np.testing.assert_allclose(found.forces.sum(axis=0), 0, atol=1e-12 * scale)  # sums in float64
        np.testing.assert_allclose(found.virials, found.virials.transpose(0, 2, 1), atol=1e-12 * scale)


@pytest.mark.parametrize('threads', [1, 2])
def test_repeats_bit_by_bit(threads):
    potential = POTENTIALS['density, two elements']
    atoms = zoo(potential.elements)['slab']
    first, again = (evaluate(engine(potential, threads), atoms, potential) for _ in range(2))
    for a, b in zip(first, again):
        np.testing.assert_array_equal(a, b)


def test_choices_that_are_refused():
    with pytest.raises(CalculatorSetupError, match='cosine2.*float32'):
        NumbaEngine(random_potential(), dtype='float32')
    with pytest.raises(CalculatorSetupError, match="'float16'"):
        NumbaEngine(POTENTIALS['density'], dtype='float16')
