"""Energies by class, surface energies, and the Wulff shape."""

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read
from mlffvv_analysis.energies import (
    area,
    atomic_energies,
    excess_per_area,
    excess_per_atom,
    mean_by_class,
    work_of_separation_per_area,
)
from mlffvv_analysis.surfaces import surface_energies, wulff

from ase_mlffvv.properties.reference import SURFACES
from ase_mlffvv.structures import slab, tilt_bicrystal

from ..conftest import shared


def test_the_13_slabs_of_mlearn():
    """Surface energies from the DFT energies of Zuo et al. (2020), as in the reference table."""
    frames = [a for part in ('train', 'test') for a in read(shared('data', 'li', f'mlearn_li_{part}.xyz'), ':')]
    slabs = [a for a in frames if a.info['group'] == 'Surface']
    assert len(slabs) == 13
    found = {}
    for atoms in slabs:
        hkl = str(atoms.info['miller'])
        energy = atoms.get_potential_energy()
        found[hkl] = excess_per_area(energy, len(atoms), -1.8990, area(atoms))
    assert set(found) == set(SURFACES)
    for hkl, gamma in SURFACES.items():
        assert found[hkl] == pytest.approx(gamma, abs=0.002), hkl


def test_means_by_class_and_excess_per_atom():
    energies = np.array([1.0, 3.0, 5.0, 6.0, 9.0])
    classes = np.array([0, 1, 1, 2, -1])
    found = mean_by_class(energies, classes)
    assert np.isnan(found.pop('subsurface'))
    assert found == {'surface': 1, 'interior': 4, 'boundary': 6, 'bulk': pytest.approx(14 / 3)}
    assert np.isnan(mean_by_class(energies, np.zeros(5, int))['bulk'])
    assert excess_per_atom(energies, classes == 2, classes == 1) == 2
    assert np.isnan(excess_per_atom(energies, classes == 7, classes == 1))
    with pytest.raises(ValueError, match='must have the same shape'):
        mean_by_class(energies, classes[:2])


def test_where_atomic_energies_come_from():
    atoms = bulk('Cu', cubic=True)
    assert atomic_energies(atoms) is None
    atoms.calc = SinglePointCalculator(atoms, energies=np.arange(4.0))
    np.testing.assert_array_equal(atomic_energies(atoms), np.arange(4))
    atoms.arrays['local_energy'] = np.full(4, np.nan)
    with pytest.raises(ValueError, match='4 of 4 atomic energies'):
        atomic_energies(atoms)


def test_surface_energies_with_any_calculator():
    """A unit cell of any calculator of ASE; relaxation lowers the energy."""
    a = 2.87
    bare = surface_energies(EMT(), ('100', '110'), a, 'Cu', fmax=None, thickness=12)
    relaxed = surface_energies(EMT(), ('100', '110'), a, 'Cu', fmax=0.05, thickness=12)
    for hkl in bare:
        assert 0.05 < relaxed[hkl] <= bare[hkl]
    atoms = slab('310', a, 'Cu')
    atoms.calc = EMT()
    crystal = bulk('Cu', 'bcc', a=a)
    crystal.calc = EMT()
    direct = atoms.get_potential_energy() - len(atoms) * crystal.get_potential_energy()
    direct /= 2 * np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1]))
    assert surface_energies(EMT(), ('310',), a, 'Cu', None)['310'] == pytest.approx(direct * units.m**2 / units.J)
    with pytest.raises(ValueError, match='span no area'):
        area(Atoms('Li'))


def test_work_of_separation_is_two_surfaces_less_a_boundary():
    calc, a = EMT(), 2.87
    whole = tilt_bicrystal('gb_310', a, element='Cu') * (2, 2, 1)
    half = whole.cell[2, 2] / 2
    z = whole.positions[:, 2]
    parts = [whole[z < half - 1e-3], whole[z >= half - 1e-3]]
    energies = []
    for part in parts:
        part.center(vacuum=10, axis=2)
        part.calc = calc
        energies.append(part.get_potential_energy())
    whole.calc = calc
    crystal = bulk('Cu', 'bcc', a=a)
    crystal.calc = calc
    one, face = crystal.get_potential_energy(), area(whole)
    together = whole.get_potential_energy()
    boundary = excess_per_area(together, len(whole), one, face)
    surfaces = [excess_per_area(e, len(p), one, face, count=2) for e, p in zip(energies, parts)]
    work = work_of_separation_per_area(*energies, together, face)
    assert work == pytest.approx(sum(surfaces) - boundary, abs=1e-9)


def test_wulff_shapes_that_are_known():
    cube = wulff({'100': 1.0, '110': 2.0})
    assert cube.fractions == {'100': 1.0, '110': 0.0}
    assert len(cube.faces) == 6
    assert len(cube.vertices) == 8
    assert cube.sphericity == pytest.approx((np.pi / 6) ** (1 / 3))
    dodecahedron = wulff({'110': 0.5})
    assert len(dodecahedron.faces) == 12
    assert len(dodecahedron.vertices) == 14
    octahedron = wulff({'111': 1.0, '100': 1.8})
    assert len(octahedron.faces) == 8
    cut = wulff({'100': 1.0, '111': 2 / np.sqrt(3) * 1.0})  # halfway to the corners of the cube: cuboctahedron
    assert {len(face) for _, face in cut.faces} == {3, 4}
    assert cut.fractions['100'] == pytest.approx(6 / (6 + 8 * np.sqrt(3) / 4))
    li = wulff(SURFACES)
    assert sum(li.fractions.values()) == pytest.approx(1)
    assert li.fractions['100'] > 0
    assert 0.458 <= li.mean < 0.5
    assert li.sphericity > 0.9
    with pytest.raises(ValueError, match='must be positive'):
        wulff({'100': -0.1})
