"""Trajectories as the program writes them: signs and units are what the physics says.

Synthetic files are always read; those of the program itself are skipped where they are absent.
"""

import itertools

import numpy as np
import pytest
from ase.geometry import find_mic
from ase.io import read, write

from ...conftest import shared
from . import synthetic

# frames, net force (eV/Å; the grid leaves more on the molecule with oxygen) and error of the slope of energies over
# work (the energies of bcc lithium change by 1 meV and have an error of 0.1 meV)
FILES = {
    'Li_bcc_10frames.MOVEMENT': (10, 0.01, 0.05),
    'CH4.MOVEMENT': (10, 0.01, 0.02),
    'EC_12frames.MOVEMENT': (12, 0.1, 0.02),
    'lithium': (10, 1e-8, 0.02),
    'methane': (10, 1e-8, 0.02),
}


def path_of(name, folder):
    if name.endswith('MOVEMENT'):
        return shared('data', 'pwmat', name)
    path = folder / f'{name}.MOVEMENT'
    path.write_text(getattr(synthetic, name)())
    return path


@pytest.fixture(params=FILES)
def trajectory(request, tmp_path):
    return read(path_of(request.param, tmp_path), ':'), *FILES[request.param]


def test_energies_and_forces_add_up(trajectory):
    frames, n, net, _ = trajectory
    assert len(frames) == n
    for atoms in frames:
        energy = atoms.get_potential_energy()
        assert abs(atoms.arrays['E_atom'].sum() + atoms.info['dE'] - energy) < 1e-3
        assert abs(atoms.get_potential_energies().sum() - energy) < 1e-9
        assert abs(atoms.get_forces().sum(axis=0)).max() < net


def test_velocities_give_the_kinetic_energy(trajectory):
    for atoms in trajectory[0]:
        assert atoms.get_kinetic_energy() == pytest.approx(atoms.info['kinetic_energy'], rel=1e-3)


def test_forces_are_minus_the_gradient_of_the_energy(trajectory):
    work, change = [], []
    for a, b in itertools.pairwise(trajectory[0]):
        moved, _ = find_mic(b.positions - a.positions, a.cell)
        if np.linalg.norm(moved, axis=1).max() > 0.2:
            continue  # another run, or the same frames again
        work.append(-0.5 * ((a.get_forces() + b.get_forces()) * moved).sum())
        change.append(b.get_potential_energy() - a.get_potential_energy())
    assert len(work) >= 5
    assert np.dot(work, change) / np.dot(work, work) == pytest.approx(1, abs=trajectory[3])


@pytest.mark.parametrize('name', ['CH4.MOVEMENT', 'methane'])
def test_stress_is_tensile_positive(name, tmp_path):
    # for a molecule in a large box the strain derivative is that of its shape, sum dE/dR r, beside a constant pressure
    # of the plane waves
    differences = []
    for atoms in read(path_of(name, tmp_path), ':', unwrapped=True):
        virial = -atoms.get_forces().T @ (atoms.positions - atoms.get_center_of_mass())
        differences.append(atoms.get_stress(voigt=False) * atoms.get_volume() - virial)
    differences = np.array(differences)
    pressure = np.trace(differences, axis1=1, axis2=2) / 3
    assert np.ptp(pressure) < 0.04
    np.testing.assert_allclose(differences - pressure[:, None, None] * np.eye(3), 0, atol=0.06)


def test_round_trip(trajectory, tmp_path):
    frames = trajectory[0]
    write(tmp_path / 'MOVEMENT', frames)
    for atoms, before in zip(read(tmp_path / 'MOVEMENT', ':'), frames):
        np.testing.assert_allclose(atoms.positions, before.positions, rtol=0, atol=1e-12)
        assert atoms.info == before.info
        for name, value in before.calc.results.items():
            np.testing.assert_allclose(atoms.calc.results[name], value, rtol=1e-14, atol=1e-14)
