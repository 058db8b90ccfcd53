"""Methods whose acceptance is a number: what is right passes, what is wrong does not."""

import numpy as np
import pytest
from ase.build import bulk
from mlffvv_analysis import coordination_numbers

from ase_mlffvv import VVCalculator
from ase_mlffvv.structures import column, training_cell
from ase_mlffvv.studies.claims import methods
from ase_mlffvv.studies.claims.methods import m11, m12, m13, m14

for package in ('ovito', 'sklearn'):
    pytest.importorskip(package, reason='the extra analysis is not installed')


def shaken(atoms, amplitude=0.12):
    atoms.positions += np.random.default_rng(0).normal(scale=amplitude, size=(len(atoms), 3))
    return atoms


def test_crystals_are_told_apart():
    crystal = bulk('Li', 'bcc', a=3.44, cubic=True) * (5, 5, 5)
    assert m11([shaken(crystal.copy(), 0.05)]).result == 'supported'
    verdict = m11([shaken(crystal, 0.6)])
    assert [c.result for c in verdict.criteria] == ['supported'] * 3 + ['not supported', 'reported']


def test_neighbors_and_classes(monkeypatch):
    needle = shaken(column(diameter=3, height=4, box=6))
    assert (m12([needle], most=40).result, m13([needle]).result) == ('supported', 'supported')
    assert m12([]).result == 'undecided'
    monkeypatch.setattr(methods, 'coordination_numbers', lambda atoms, cutoff: np.zeros(len(atoms)))
    assert m12([needle], most=40).result == 'not supported'


def test_the_map_of_the_training_cell(monkeypatch):
    cell = shaken(training_cell(), 0.05)
    cell.arrays['local_energy'] = VVCalculator(threads=1).get_potential_energies(cell)
    silhouette, energies, same, told = m14(cell).criteria
    assert same.result == 'supported'
    assert told.result == 'reported'
    assert silhouette.estimate.value > 0
    assert energies.estimate.value > 0.5
    maps = iter([features_of(cell), np.zeros((len(cell), 2))])  # another map the second time
    monkeypatch.setattr(methods, 'embed', lambda features, seed: next(maps))
    cell.arrays['local_energy'] = -cell.arrays['local_energy']
    assert [c.result for c in m14(cell).criteria][1:3] == ['not supported'] * 2


def features_of(cell):
    """A map whose clusters are the coordination numbers."""
    return np.column_stack([coordination_numbers(cell), np.zeros(len(cell))]).astype(float)
