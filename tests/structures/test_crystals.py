"""Crystals have the lattice and the density asked for."""

import numpy as np
import pytest
from ase.build import bulk

from ase_mlffvv.structures import crystal_of_density, phase, vacancy_hop, with_vacancy


@pytest.mark.parametrize('name', ['bcc', 'fcc', 'hcp', '9R'])
def test_phases_have_the_density_of_bcc(name):
    atoms = phase(name, a=3.44)
    assert atoms.get_volume() / len(atoms) == pytest.approx(3.44**3 / 2)
    d = np.sort((atoms * (3, 3, 3)).get_all_distances(mic=True), axis=1)
    shell = 8 if name == 'bcc' else 12
    np.testing.assert_allclose(d[:, 1 : shell + 1], d[0, 1], rtol=1e-6)
    assert (d[:, shell + 1] > 1.1 * d[0, 1]).all()


def test_unknown_phases():
    with pytest.raises(ValueError, match="'bcc', 'fcc', 'hcp' or '9R', got 'dhcp'"):
        phase('dhcp')


def test_density():
    atoms = crystal_of_density(0.5, cells=2)
    gram_per_mole = atoms.get_masses().sum() / len(atoms)
    assert gram_per_mole / (atoms.get_volume() / len(atoms) * 0.602214) == pytest.approx(0.5, rel=1e-5)


def test_vacancies():
    crystal = bulk('Li', 'bcc', a=3.44, cubic=True) * 3
    crystal.numbers[4] = 11
    vacancy = with_vacancy(crystal, 4)
    assert len(vacancy) == len(crystal) - 1
    assert set(vacancy.symbols) == {'Li'}
    initial, final = vacancy_hop(crystal)
    moved = final.positions - initial.positions
    assert (abs(moved).max(axis=1) > 1e-9).sum() == 1
    assert np.linalg.norm(moved, axis=1).max() == pytest.approx(3.44 * np.sqrt(3) / 2)
    i = np.linalg.norm(moved, axis=1).argmax()  # it sits where atom 0 was
    gap = (final.positions[i] - crystal.positions[0]) @ np.linalg.inv(crystal.cell[:])
    np.testing.assert_allclose(gap, np.round(gap), atol=1e-9)
