"""Surface and volume of the cavity: known shapes, exact derivatives, shares and labels."""

import sys

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import CalculatorSetupError
from ase.units import Bohr

from ase_mlffvv.datasets import solvent_set
from ase_mlffvv.dft import neutral_atoms
from ase_mlffvv.dft.cavity import (
    add_cavity_targets,
    cavity_surface,
    cavity_volume,
    find_cavity,
    make_interface,
    solvent_fraction,
)
from ase_mlffvv.dft.densities import RadialDensity
from ase_mlffvv.dft.grid import FourierGrid, grid_shape
from ase_mlffvv.dft.neutral_atoms import neutral_density
from ase_mlffvv.dft.solvent import Solvent
from ase_mlffvv.structures import ball, slab

SOLVENT = Solvent.pc_dme().replace(pressure=-0.3)
TARGETS = ('surface', 'surface_gradient', 'surfaces', 'volume', 'volume_gradient', 'volumes')


def rattled_cluster():
    atoms = ball(5, centre=(0.25, 0.25, 0.25), vacuum=3.5)
    atoms.rattle(0.15, seed=1)
    return atoms


@pytest.mark.parametrize(('spacing', 'tolerance'), [(0.3, 0.03), (0.2, 0.01), (0.15, 0.004)])
def test_a_sphere_has_the_surface_of_its_radial_profile(spacing, tolerance):
    r = np.linspace(0, 14, 20001)
    theta, _ = solvent_fraction(neutral_density('Li')(r), SOLVENT.cavity_switch, SOLVENT.permittivity)
    surface = np.trapezoid(4 * np.pi * r**2 * np.gradient(theta, r), r) * Bohr**2
    volume = np.trapezoid(4 * np.pi * r**2 * (1 - theta), r) * Bohr**3
    atoms = Atoms('Li', cell=[12.0] * 3)
    atoms.center()
    found = find_cavity(atoms, SOLVENT, spacing=spacing)
    assert found.surface == pytest.approx(surface, rel=tolerance)
    assert found.volume == pytest.approx(volume, rel=1e-4)


def test_a_plane_has_its_area():
    """Two walls; whatever the profile, the integral of |dtheta/dz| is one for each."""
    cell = np.diag([5.0, 6.0, 30.0])
    grid = FourierGrid(cell, grid_shape(cell, 0.2))
    z = (np.arange(grid.shape[2]) / grid.shape[2] - 0.5) * 30
    density = np.broadcast_to(0.05 * np.exp(-((z / 5) ** 2)) + 1e-10, grid.shape)
    interface = make_interface(density, grid, SOLVENT)
    assert grid.integrate(interface.area_density) == pytest.approx(2 * 30, rel=1e-3)


def test_a_slab_has_nearly_the_area_of_its_faces():
    atoms = slab('110', layers=4, vacuum=6.0)
    area = np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1]))
    assert 1 < cavity_surface(atoms, SOLVENT)[0] / (2 * area) < 1.05
    inside = np.ptp(atoms.positions[:, 2])
    assert 2 < cavity_volume(atoms, SOLVENT)[0] / area - inside < 7  # Å that the cavity reaches beyond both faces


@pytest.mark.parametrize(('atom', 'axis'), [(0, 2), (3, 1)])
def test_gradients_are_exact(atom, axis):
    """The surface on the grid is rough on a scale of 1e-3 Å, so that differences need small steps."""
    atoms, step = rattled_cluster(), 1e-6
    _, surface_gradient, _ = cavity_surface(atoms, SOLVENT, spacing=0.3)
    _, volume_gradient, _ = cavity_volume(atoms, SOLVENT, spacing=0.3)
    values = []
    for sign in (1, -1):
        moved = atoms.copy()
        moved.positions[atom, axis] += sign * step
        cavity = find_cavity(moved, SOLVENT, spacing=0.3)
        values.append((cavity.surface, cavity.volume))
    difference = (np.array(values[0]) - values[1]) / (2 * step)
    assert difference == pytest.approx([surface_gradient[atom, axis], volume_gradient[atom, axis]], abs=1e-6)


def test_shares_sum_to_the_whole_and_follow_the_surface():
    cavity = find_cavity(slab('100', layers=5, vacuum=6.0), SOLVENT)
    assert cavity.surfaces.sum() == pytest.approx(cavity.surface, abs=1e-9)
    assert cavity.volumes.sum() == pytest.approx(cavity.volume, abs=1e-9)
    assert cavity.surfaces[[0, -1]].sum() > 0.9 * cavity.surface
    assert cavity.surfaces[2] < 0.01 * cavity.surface
    np.testing.assert_allclose(cavity.surfaces, cavity.surfaces[::-1], rtol=1e-6)


def test_whole_cells_move_nothing():
    atoms = slab('100', layers=3, vacuum=5.0)
    atoms.rattle(0.1, seed=0)
    moved = atoms.copy()
    moved.positions[1] += 2 * atoms.cell[0] - atoms.cell[2]
    first, second = (vars(find_cavity(a, SOLVENT, spacing=0.3)) for a in (atoms, moved))
    for name in TARGETS:
        np.testing.assert_allclose(second[name], first[name], rtol=1e-6, atol=1e-7)


def test_labels_split_into_two_parts():
    whole = rattled_cluster()
    n = len(whole)
    whole.info['REF_energy'] = -10.0
    whole.arrays.update(REF_forces=np.zeros((n, 3)), REF_energies=np.full(n, -10.0 / n))
    labelled, bare = add_cavity_targets([whole, rattled_cluster()], SOLVENT, spacing=0.3)
    assert 'REF_surface' not in whole.info
    assert 'REF_el_energy' not in bare.info
    cavity = find_cavity(whole, SOLVENT, spacing=0.3)
    for name in TARGETS:
        for atoms in (labelled, bare):
            value = atoms.info.get(f'REF_{name}', atoms.arrays.get(f'REF_{name}'))
            np.testing.assert_array_equal(value, getattr(cavity, name))
    energy, gradient, shares = cavity.energies(SOLVENT)
    assert energy == pytest.approx(0.0325 / 16.0218 * cavity.surface - 0.3 / 160.218 * cavity.volume, rel=1e-5)
    assert labelled.info['REF_el_energy'] == -10.0 - energy
    np.testing.assert_array_equal(labelled.arrays['REF_el_forces'], gradient)
    np.testing.assert_array_equal(labelled.arrays['REF_el_energies'], -10.0 / n - shares)


def test_the_surface_tension_explains_part_of_the_labels():
    """Where the solvent has room it costs energy; polarisation takes part of the surface tension back."""
    inside, outside = solvent_set.in_both_media()
    chosen = [(a, b) for a, b in zip(inside, outside) if a.info['paired'] and a.info['group'] == 'slabs'][:3]
    solvent = Solvent.pc_dme()
    for atoms, vacuum in chosen:
        (atoms,) = add_cavity_targets([atoms], solvent, spacing=0.25)
        work = atoms.info['REF_energy'] - atoms.info['REF_el_energy']
        polarisation = atoms.info['REF_el_energy'] - vacuum.info['REF_energy']
        assert 0.1 < work < 0.4
        assert -0.5 * work < polarisation < 0


def test_the_table_is_a_neutral_atom():
    r = np.linspace(0, 15, 30001)
    assert np.trapezoid(4 * np.pi * r**2 * neutral_density('Li')(r), r) == pytest.approx(3, abs=0.01)


def test_other_elements_need_a_density(monkeypatch):
    monkeypatch.setitem(sys.modules, 'gpaw.setup', None)
    neutral_atoms.neutral_density.cache_clear()
    atoms = Atoms('Xe', cell=[9.0] * 3, pbc=True)
    with pytest.raises(CalculatorSetupError, match=r"no table of the density of a neutral Xe atom.*densities=\{'Xe'"):
        find_cavity(atoms, SOLVENT)
    r = np.linspace(0, 20, 500)
    known = {'Xe': RadialDensity.from_samples(r, np.exp(-2 * r))}
    assert find_cavity(atoms, SOLVENT, spacing=0.3, densities=known).surface > 50


@pytest.mark.parametrize(
    ('atoms', 'settings', 'error', 'message'),
    [
        (Atoms(), {}, CalculatorSetupError, 'without atoms'),
        (Atoms('Li'), {}, CalculatorSetupError, 'three cell vectors'),
        (Atoms('Li', cell=[3, 3, 9], pbc=[True, False, False]), {}, CalculatorSetupError, 'Add empty space'),
        (Atoms('Li', cell=[9] * 3), {'spacing': 0}, ValueError, 'spacing must be positive'),
    ],
)
def test_bad_input(atoms, settings, error, message):
    with pytest.raises(error, match=message):
        find_cavity(atoms, SOLVENT, **settings)
