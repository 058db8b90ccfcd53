"""Methods whose acceptance is a number: what is right passes, what is wrong does not."""

import numpy as np
import pytest
from ase.build import bulk

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
    assert [c.result for c in verdict.criteria] == ['supported'] * 3 + ['not supported']


def test_neighbors_and_classes(monkeypatch):
    needle = shaken(column(diameter=3, height=4, box=6))
    assert (m12([needle], most=40).result, m13([needle]).result) == ('supported', 'supported')
    assert m12([]).result == 'undecided'
    monkeypatch.setattr(methods, 'coordination_numbers', lambda atoms, cutoff: np.zeros(len(atoms)))
    assert m12([needle], most=40).result == 'not supported'


def test_the_map_of_the_training_cell():
    cell = shaken(training_cell(), 0.05)
    cell.arrays['local_energy'] = VVCalculator(threads=1).get_potential_energies(cell)
    verdict = m14(cell)
    assert {c.name: c.result for c in verdict.criteria}['two maps of one seed are equal'] == 'supported'
    assert verdict.criteria[1].estimate.value > 0.5
    cell.arrays['local_energy'] = -cell.arrays['local_energy']
    assert m14(cell).criteria[1].result == 'not supported'
