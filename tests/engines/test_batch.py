"""Many structures in one call: the results are those of single calls."""

import numpy as np
import pytest
from ase.build import bulk

from ase_mlffvv import VVCalculator
from ase_mlffvv.calculators import CommitteeCalculator
from ase_mlffvv.engines import batch
from ase_mlffvv.engines.evaluator import Evaluator
from ase_mlffvv.errors import ElementError, StructureError
from ase_mlffvv.kernels.cpu.engine import NumbaEngine

from ..systems import zoo
from ..toys import random_potential

POTENTIALS = {
    'density': random_potential(('Li', 'Na'), families=('density',), seed=1),
    'all features': random_potential(('Li', 'Na'), families=('cosine3', 'density', 'cosine2'), seed=2),
    'minimum images': random_potential(('Na', 'Li'), shared=False, pair='original', seed=3),
}


def many():
    return list(zoo(('Li', 'Na')).values()) * 2


def same(found, want):
    for name, values in want.items():
        scale = max(1.0, np.abs(values).max(initial=0))
        np.testing.assert_allclose(found[name], values, rtol=0, atol=1e-12 * scale, err_msg=name)


@pytest.mark.parametrize('label', POTENTIALS)
def test_zoo(label, monkeypatch):
    """All kinds of periodicity in a few calls; a pair term with minimum images needs a call for each structure."""
    calls, evaluate = [], NumbaEngine.evaluate

    def count(self, *args):
        calls.append(len(args[1]))
        return evaluate(self, *args)

    settings = {'on_extrapolation': 'ignore', 'threads': 2}
    singly, calc = (VVCalculator(POTENTIALS[label], **settings) for _ in range(2))
    monkeypatch.setattr(batch, 'LARGEST', 50)
    monkeypatch.setattr(NumbaEngine, 'evaluate', count)
    found = calc.evaluate_many(many())
    batches = list(calls)
    if label == 'minimum images':
        assert batches == [len(atoms) for atoms in many()]
    else:
        assert len(batches) < len(many()) / 3
        assert max(batches) <= 50
    for atoms, results in zip(many(), found):
        atoms.calc = singly
        atoms.get_forces()
        assert set(results) == set(singly.results)
        same(results, singly.results)


def test_torch_and_committee():
    frames = many()[:6]
    for calc in (
        VVCalculator(POTENTIALS['density'], engine='torch', on_extrapolation='ignore'),
        CommitteeCalculator([POTENTIALS['density'], POTENTIALS['all features']]),
    ):
        for atoms, results in zip(frames, calc.evaluate_many(frames)):
            atoms.calc = calc
            atoms.get_forces()
            same(results, calc.results)


def test_largest_and_nothing():
    calc = VVCalculator(POTENTIALS['density'], on_extrapolation='ignore')
    assert calc.evaluate_many([]) == []
    systems = [([0], np.zeros((n, 3))) for n in (3, 4, 2, 9, 1)]
    assert [[len(s[1]) for s in b] for b in batch._batches(systems, 6)] == [[3], [4, 2], [9], [1]]
    assert [len(b) for b in batch._batches(systems, 0)] == [1] * 5


def test_bad_structures():
    evaluator = Evaluator(POTENTIALS['density'])
    good = bulk('Li', cubic=True)
    with pytest.raises(ElementError, match='contains Cu'):
        list(evaluator.evaluate_many([(x.numbers, x.positions, x.cell, x.pbc) for x in (good, bulk('Cu'))]))
    with pytest.raises(StructureError, match='coincide'):
        list(evaluator.evaluate_many([([3, 3], np.zeros((2, 3)), np.zeros((3, 3)), False)]))
