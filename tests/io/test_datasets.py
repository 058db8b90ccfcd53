import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from ase_mlffvv.errors import DatasetError
from ase_mlffvv.io.datasets import group_of, labels_of, read_frames


def dimer():
    return Atoms('Li2', [[0, 0, 0], [0, 0, 3.0]], cell=[5, 5, 5], pbc=True)


def test_ref_names_win_over_the_calculator():
    atoms = dimer()
    atoms.calc = SinglePointCalculator(atoms, energy=1.0, forces=np.ones((2, 3)), stress=np.arange(6.0))
    assert labels_of(atoms).energy == 1.0
    np.testing.assert_array_equal(labels_of(atoms).stress, np.arange(6))
    atoms.info['REF_energy'] = 2.0
    atoms.arrays['REF_forces'] = np.zeros((2, 3))
    labels = labels_of(atoms)
    assert labels.energy == 2.0
    np.testing.assert_array_equal(labels.forces, 0)
    assert labels.energies is None


def test_stress_forms_and_mask():
    atoms = dimer()
    tensor = np.array([[1.0, 6, 5], [6, 2, 4], [5, 4, 3]])
    for stress in (tensor, tensor.ravel(), np.arange(1.0, 7)):
        atoms.info['REF_stress'] = stress
        np.testing.assert_array_equal(labels_of(atoms).stress, np.arange(1, 7))
    atoms.info['REF_stress_mask'] = [1, 1, 1, 0, 0, 0]
    np.testing.assert_array_equal(np.isnan(labels_of(atoms).stress), [0, 0, 0, 1, 1, 1])


def test_groups():
    atoms = dimer()
    assert group_of(atoms) == ''
    atoms.info['group'] = 'Surface'
    assert group_of(atoms) == 'Surface'
    atoms.info['config_type'] = 'slab'
    assert group_of(atoms) == 'slab'


def test_files(tmp_path):
    path = tmp_path / 'train.extxyz'
    good, bare = dimer(), dimer()
    good.info['REF_energy'] = -3.0
    good.arrays['REF_forces'] = np.ones((2, 3))
    good.info['REF_stress'] = np.arange(6.0)
    write(path, [good, good])
    frames = read_frames(path)
    assert [labels_of(a).energy for a in frames] == [-3.0, -3.0]
    np.testing.assert_array_equal(labels_of(frames[0]).stress, np.arange(6))
    bare.info['Energy'] = -3.0
    write(path, [good, bare])
    with pytest.raises(DatasetError, match=r'train.extxyz frame 1: no energy, forces .*found: Energy'):
        read_frames(path)
    assert len(read_frames(path, 0)) == 1
    write(path, [Atoms()])
    with pytest.raises(DatasetError, match='frame 0 has no atoms'):
        read_frames(path)
