"""A Dataset is built once and gives what lists of structures give; stages report what they do."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from ase_mlffvv import accuracy, fit
from ase_mlffvv.errors import DatasetError, ElementError
from ase_mlffvv.fitting import Dataset, add_uncertainty, normal_matrix, refit, reliability
from ase_mlffvv.fitting import dataset as dataset_module
from ase_mlffvv.neighbors import pair_list

from .test_fit import SPEC, labelled, structures, teacher  # noqa: F401

FEW = replace(SPEC, terms=4)


@pytest.fixture
def frames(teacher):  # noqa: F811
    return labelled(teacher, structures())


@pytest.fixture
def built(monkeypatch):
    """Structures whose pair lists were built."""
    found = []

    def counted(positions, *args):
        found.append(positions)
        return pair_list(positions, *args)

    monkeypatch.setattr(dataset_module, 'pair_list', counted)
    return found


@pytest.mark.parametrize('projection', ['pca', 'supervised'])
def test_fit_builds_each_pair_list_once(frames, built, projection):
    spec = replace(FEW, projection=projection)
    potential, _ = fit(frames[:8], spec, validation=frames[8:], progress=False)
    assert len(built) == len(frames)
    data = Dataset(frames, 'Li', SPEC.cutoff)
    assert len(built) == 2 * len(frames)
    again, report = fit(data[:8], spec, validation=data[8:], progress=False)
    refit(again, data, normal=report.normal, validation=0.3, progress=False)
    normal_matrix(again, data, progress=False)
    add_uncertainty(again, data, held_out=data[:3])
    accuracy(again, data)
    reliability(again, data[:2])
    assert len(built) == 2 * len(frames)
    assert again.digest() == potential.digest()


def test_lists_and_data_sets_give_the_same(frames, teacher):  # noqa: F811
    far = Dataset(frames, ['Li'], SPEC.cutoff + 1.0)  # lists may reach farther
    one, first = fit(frames, FEW, validation=0.3, group_weights={'small': 2.0}, progress=False)
    two, second = fit(far, FEW, validation=0.3, group_weights={'small': 2.0}, progress=False)
    np.testing.assert_allclose(two.blocks[0].coefficients, one.blocks[0].coefficients, rtol=1e-9)
    assert first.validation.groups == second.validation.groups
    np.testing.assert_allclose(second.validation.errors('forces'), first.validation.errors('forces'), atol=1e-9)


def test_parts(frames):
    data = Dataset(frames, 'Li', 4.2)
    assert len(data) == len(list(data)) == len(frames)
    assert repr(data) == 'Dataset(14 structures, 56 atoms of Li, cutoff 4.2 Å)'
    assert isinstance(data[::3], Dataset)
    assert data[::3][1].pairs is data[3].pairs
    assert [frame.group for frame in data.subset([4, 1])] == ['large', 'small']
    heavy = data.weighted({'small': 3.0})
    assert [frame.weight for frame in heavy[:3]] == [1.0, 3.0, 1.0]
    assert heavy[1].pairs is data[1].pairs
    with pytest.raises(ValueError, match='14 structures need as many labels, got 2'):
        data.with_labels([frame.labels for frame in data[:2]])


def test_structures_may_change_afterwards(frames):
    data = Dataset(frames, 'Li', 4.2)
    before = data[0].system.positions.copy(), data[0].labels.forces.copy()
    frames[0].positions += 1.0
    frames[0].arrays['REF_forces'] += 1.0
    np.testing.assert_array_equal(data[0].system.positions, before[0])
    np.testing.assert_array_equal(data[0].labels.forces, before[1])


def test_unsuitable_data_sets(frames, teacher):  # noqa: F811
    with pytest.raises(DatasetError, match='made for the elements Li, Na, expected Li in this order'):
        accuracy(teacher, Dataset(frames, ('Li', 'Na'), 4.2))
    with pytest.raises(DatasetError, match='reach 4 Å, the potential needs 4.2 Å'):
        fit(Dataset(frames, 'Li', 4.0), FEW, progress=False)
    with pytest.raises(ElementError, match='fitted for Na; the structure contains Li'):
        Dataset(frames, 'Na', 4.2)
    with pytest.raises(DatasetError, match='the hot set contains no structures'):
        Dataset([], 'Li', 4.2, source='the hot set')
    with pytest.raises(DatasetError, match="weight of the group 'small' must be zero or positive and finite, got -1"):
        fit(frames, FEW, group_weights={'small': -1}, progress=False)
    with pytest.raises(DatasetError, match='all 14 structures have weight zero'):
        fit(frames, FEW, group_weights={'small': 0, 'large': 0}, progress=False)
    del frames[11].info['REF_energy'], frames[11].arrays['REF_forces'], frames[11].info['REF_stress']
    with pytest.raises(DatasetError, match='frame 11 .*: no energy, forces'):  # its number in the list, not in a part
        fit(frames, FEW, validation=0.5, progress=False)
    with pytest.raises(DatasetError, match='the validation set frame 1 '):
        fit(frames[:10], FEW, validation=frames[10:], progress=False)


def test_stages_are_logged(frames, caplog):
    with caplog.at_level(logging.INFO):
        _, report = fit(frames, FEW, progress=False)
    stages = ['lists', 'components', 'selection', 'solution', 'uncertainty', 'comparison']
    assert list(report.seconds) == stages
    logged = [record.getMessage().split(':')[0] for record in caplog.records]
    assert [name for name in logged if name in stages] == stages
    assert any('9 components, 56 environments' in record.getMessage() for record in caplog.records)
