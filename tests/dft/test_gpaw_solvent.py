"""GPAWSolvent. Settings are checked everywhere; the runs are skipped where GPAW is absent."""

import copy
import json
import pickle
import sys

import numpy as np
import pytest
from ase import Atoms
from ase.build import bcc100, bulk
from ase.calculators.calculator import CalculationFailed, CalculatorSetupError, PropertyNotImplementedError
from ase.io import read, write
from ase.outputs import Properties
from ase.units import GPa

from ase_mlffvv.dft.cavity import find_cavity
from ase_mlffvv.dft.gpaw import GPAWSolvent
from ase_mlffvv.dft.gpaw.calculator import CAVITY_PROPERTIES
from ase_mlffvv.dft.gpaw.checks import kpoints
from ase_mlffvv.dft.solvent import Solvent
from ase_mlffvv.errors import StructureError


@pytest.fixture
def gpaw():
    return pytest.importorskip('gpaw', reason='GPAW is not installed (pip install ".[dft]")')


def molecule():
    atoms = Atoms('LiH', [[0, 0, 0], [0.2, 0.1, 1.6]], cell=[7.0, 7.2, 8.5], pbc=False)
    atoms.center()
    return atoms


def slab(layers=3):
    atoms = bcc100('Li', (1, 1, layers), a=3.44, vacuum=5.0, periodic=True)
    atoms.rattle(0.1, seed=2)
    return atoms


def check_forces(atoms, components, tolerance, step=0.02):
    """Forces against central differences of the energy."""
    forces = atoms.get_forces()
    for a, v in components:
        energies = []
        for sign in (1, -1):
            atoms.positions[a, v] += sign * step
            energies.append(atoms.get_potential_energy())
            atoms.positions[a, v] -= sign * step
        assert forces[a, v] == pytest.approx((energies[1] - energies[0]) / (2 * step), abs=tolerance)


def check_parts(atoms):
    """The two parts of the free energy add up, and surface and volume are those of the geometry."""
    calc, solvent = atoms.calc, atoms.calc.solvent
    names = ('energy', 'forces', 'energies')
    totals = {name: calc.get_property(name, atoms) for name in names}
    parts = {name: calc.get_property(name, atoms) for name in CAVITY_PROPERTIES}
    assert totals.keys() & calc.extra_results.keys() == set()
    work = [solvent.surface_tension_eV * parts[f'surface{x}'] + solvent.pressure * GPa * parts[f'volume{x}']
            for x in ('', '_gradient', 's')]  # fmt: skip
    for name, part, sign in zip(names, work, (1, -1, 1)):
        np.testing.assert_allclose(parts[f'el_{name}'] + sign * part, totals[name], atol=1e-9)
    assert parts['el_energies'].sum() == pytest.approx(parts['el_energy'], abs=1e-9)
    bare = find_cavity(atoms, solvent)
    for name in ('surface', 'surface_gradient', 'surfaces', 'volume', 'volume_gradient', 'volumes'):
        value = getattr(bare, name)
        np.testing.assert_allclose(parts[name], value, atol=1e-4 * np.abs(value).max())


def test_without_gpaw(monkeypatch):
    monkeypatch.setitem(sys.modules, 'gpaw', None)
    with pytest.raises(CalculatorSetupError, match=r'not installed.*libxc-dev.*CC=g\+\+ pip install "\.\[dft\]"'):
        GPAWSolvent()


def test_kpoints():
    atoms = bcc100('Li', (4, 2, 5), a=3.44, vacuum=6, periodic=True)
    assert kpoints(atoms, 4.0) == (2, 4, 1)
    assert kpoints(bulk('Li', 'bcc', a=3.175, cubic=True) * 4, 4.0) == (2, 2, 2)
    assert kpoints(atoms, [3, 4, 5]) == (3, 4, 5)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'cutoff': '350 eV'}, "cutoff must be a finite number, got '350 eV'"),
        ({'cutoff': 5}, 'cutoff must be 50 or more and at most 5000 .eV., got 5'),
        ({'smearing': 0.0}, 'smearing must be 0.0001 or more'),
        ({'xc': 'B3LYP'}, "xc must be one of PBE, PBEsol, RPBE, LDA, got 'B3LYP'"),
        ({'kpts': (2, 2)}, r'kpts must have shape \(3,\) \(numbers of k-points\), got \(2,\)'),
        ({'kpts': (2, 2, 0.5)}, 'kpts must be'),
        ({'kpts': -1}, 'kpts must be'),
        ({'solvent': 'water'}, r"solvent must be None \(vacuum\) or a Solvent.*got 'water'"),
        ({'solvent': Solvent(10, density_model='electrons')}, 'shapes the cavity by neutral atoms only'),
        ({'charge': 0.1}, 'charge=0.1 needs a solvent with ions'),
        ({'charge': 0.1, 'solvent': Solvent.water()}, 'charge=0.1 needs a solvent with ions'),
        ({'potential': 0.0}, 'potential=0.0 needs a solvent with ions'),
        ({'potential': 'high', 'solvent': Solvent.pc_dme()}, 'potential must be a finite number'),
        ({'distribution': 'gauss'}, 'distribution must be one of fermi-dirac, marzari-vanderbilt'),
        ({'reference': 'Ag/AgCl'}, "reference must be 'Li' .* or 'SHE', got 'Ag/AgCl'"),
    ],
)
def test_bad_settings(gpaw, settings, message):
    with pytest.raises(CalculatorSetupError, match=message):
        GPAWSolvent(**settings)


def test_settings(gpaw):
    calc = GPAWSolvent(Solvent.pc_dme(), cutoff=300)
    assert calc.name == 'gpaw-solvent'
    assert calc.solvent == Solvent.pc_dme()
    assert json.loads(json.dumps(calc.parameters))['solvent']['permittivity'] == 35.5
    assert 'stress' not in calc.implemented_properties
    assert 'stress' in GPAWSolvent().implemented_properties
    assert 'stress' in GPAWSolvent.implemented_properties
    calc.set(solvent=None)
    assert 'stress' in calc.implemented_properties
    with pytest.raises(TypeError, match='unknown settings ecut; known: solvent, xc, cutoff'):
        calc.set(ecut=300)
    with pytest.raises(CalculatorSetupError, match='there is no calculation yet'):
        _ = calc.fermi_level
    with pytest.raises(CalculatorSetupError, match='without ions in the solvent'):
        _ = calc.electrode_potential


def test_bad_structures(gpaw):
    calc = GPAWSolvent()
    for atoms, error, message in (
        (Atoms(), CalculatorSetupError, 'without atoms'),
        (Atoms('Li'), CalculatorSetupError, r'plane waves need three cell vectors.*atoms.center\(vacuum=6'),
        (Atoms('Li', cell=[4, 4, 4]), CalculatorSetupError, 'not periodic along vector 0, but leaves only 4.0 Å'),
        (Atoms('Li', [[np.nan, 0, 0]], cell=[9, 9, 9]), StructureError, 'not finite'),
        (Atoms('Li', magmoms=[1.0], cell=[9, 9, 9]), CalculatorSetupError, 'not spin-polarised'),
    ):
        atoms.calc = calc
        with pytest.raises(error, match=message):
            atoms.get_potential_energy()


def test_molecule_in_water(gpaw, tmp_path):
    """Two elements, no ions: forces, shares, files, copies; and the same in vacuum."""
    atoms = molecule()
    atoms.calc = GPAWSolvent(Solvent.water(), cutoff=250)
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    assert isinstance(energy, float)
    assert atoms.get_potential_energy(force_consistent=True) == energy
    Properties(dict(atoms.calc.results))
    assert atoms.get_potential_energies().sum() == pytest.approx(energy, abs=1e-9)
    assert atoms.get_charges().sum() == pytest.approx(0.0, abs=1e-3)
    assert atoms.get_charges()[0] > 0.1  # Li+ H-
    np.testing.assert_allclose(forces.sum(axis=0), 0, atol=0.01)
    with pytest.raises(PropertyNotImplementedError):
        atoms.get_stress()
    write(tmp_path / 'a.xyz', atoms)
    assert read(tmp_path / 'a.xyz').get_potential_energies() == pytest.approx(atoms.get_potential_energies())
    for clone in (copy.deepcopy(atoms.calc), pickle.loads(pickle.dumps(atoms.calc))):
        assert clone.get_property('energy', atoms) == energy
        assert clone._dft is None
    check_forces(atoms, [(0, 2), (1, 0)], 2e-3)
    check_parts(atoms)

    atoms.calc.set(solvent=None)
    with pytest.raises(PropertyNotImplementedError, match='surface needs a solvent'):
        atoms.calc.get_property('surface', atoms)
    vacuum = atoms.get_potential_energy()
    assert -1.5 < energy - vacuum < 0.0
    assert atoms.get_potential_energies().sum() == pytest.approx(vacuum, abs=1e-9)


def test_crystal_of_two_elements(gpaw):
    atoms = bulk('LiH', 'rocksalt', a=4.0)
    atoms.calc = GPAWSolvent(cutoff=300, kpts=(3, 3, 3), symmetry=True)
    energies = atoms.get_potential_energies()
    assert energies.sum() == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
    assert energies[0] != pytest.approx(energies[1], abs=0.1)
    np.testing.assert_allclose(atoms.get_forces(), 0, atol=1e-3)
    stress = atoms.get_stress()
    assert stress.shape == (6,)
    energies = []
    for scale in (1.01, 0.99):
        strained = atoms.copy()
        strained.set_cell(atoms.cell * scale, scale_atoms=True)
        strained.calc = atoms.calc
        energies.append(strained.get_potential_energy())
    pressure = (energies[0] - energies[1]) / (0.02 * 3 * atoms.cell.volume)
    assert stress[:3].mean() == pytest.approx(pressure, abs=0.015)  # plane waves change with the cell


def test_crystal_in_a_solvent(gpaw):
    """The solvent finds no room: as in vacuum, and nothing can screen a charge."""
    atoms = bulk('Li', 'bcc', a=3.44)
    found = []
    for solvent in (None, Solvent.pc_dme()):
        atoms.calc = GPAWSolvent(solvent, cutoff=200, kpts=(3, 3, 3))
        found.append(atoms.get_potential_energy())
    assert found[0] == pytest.approx(found[1], abs=1e-6)
    assert atoms.calc.code.startswith('gpaw ')
    atoms.calc.set(kpts=(2, 2, 2), gamma=True)
    atoms.get_potential_energy()
    assert [0, 0, 0] in atoms.calc.dft.ibzwfs.ibz.kpt_kc.tolist()
    atoms.calc.set(charge=0.1)
    with pytest.raises(CalculatorSetupError, match='no room around the atoms'):
        atoms.get_potential_energy()


def test_electrons_that_do_not_converge(gpaw):
    atoms = molecule()
    atoms.calc = GPAWSolvent(cutoff=200, maxiter=2)
    with pytest.raises(CalculationFailed, match='electrons of HLi did not converge in 2 steps'):
        atoms.get_potential_energy()


@pytest.mark.slow
def test_slab_with_ions(gpaw):
    """Forces with cavity, dielectric and ions; shares do not depend on the empty space."""
    atoms = slab()
    atoms.calc = GPAWSolvent(Solvent.pc_dme(), cutoff=250, kpts=(2, 2, 1))
    check_forces(atoms, [(2, 2), (1, 0)], 2e-3)
    check_parts(atoms)
    energies = atoms.get_potential_energies()
    assert energies.sum() == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
    wide = atoms.copy()
    wide.center(vacuum=6.5, axis=2)
    wide.calc = GPAWSolvent(**atoms.calc.parameters)
    np.testing.assert_allclose(wide.get_potential_energies(), energies, atol=5e-3)


@pytest.mark.slow
def test_charge_and_potential(gpaw):
    """dF/dN is the Fermi level, and a fixed potential finds the charge that has it."""
    atoms = slab()
    found = []
    for charge in (-0.02, 0.0, 0.02):
        atoms.calc = GPAWSolvent(Solvent.pc_dme(), cutoff=250, kpts=(2, 2, 1), charge=charge)
        found.append((atoms.get_potential_energy(), atoms.calc.fermi_level))
        assert atoms.calc.total_charge == charge
        assert atoms.get_charges().sum() == pytest.approx(charge, abs=1e-3)
    (f1, e1), (_, e2), (f3, e3) = found
    assert (f1 - f3) / 0.04 == pytest.approx((e1 + 4 * e2 + e3) / 6, abs=1e-3)  # Simpson's rule

    potential = atoms.calc.electrode_potential
    atoms.calc = GPAWSolvent(Solvent.pc_dme(), cutoff=250, kpts=(2, 2, 1), potential=potential)
    grand = atoms.get_potential_energy()
    assert atoms.calc.electrode_potential == pytest.approx(potential, abs=0.005)
    assert atoms.calc.total_charge == pytest.approx(0.02, abs=0.005)
    assert grand == pytest.approx(f3 + 0.02 * e3, abs=5e-3)
    assert atoms.get_potential_energies().sum() == pytest.approx(grand, abs=1e-3)
    check_forces(atoms, [(2, 2)], 3e-3)


def test_both_media_at_once(gpaw):
    """What continues from the solvent to vacuum is what starts there; then the solvent comes back."""
    settings = {'cutoff': 200, 'kpts': 1.5, 'smearing': 0.3}
    atoms, alone = slab(), slab()
    atoms.calc = GPAWSolvent(Solvent.pc_dme(), also_vacuum=True, **settings)
    alone.calc = GPAWSolvent(**settings)
    first = atoms.get_potential_energy()
    found = atoms.calc.extra_results
    assert found['vacuum_energy'] == pytest.approx(alone.get_potential_energy(), abs=1e-4)
    assert first - found['vacuum_energy'] > 0.01
    np.testing.assert_allclose(found['vacuum_forces'], alone.get_forces(), atol=1e-3)
    np.testing.assert_allclose(found['vacuum_energies'], alone.get_potential_energies(), atol=1e-3)
    atoms.rattle(0.0)
    atoms.calc.reset()
    assert atoms.get_potential_energy() == pytest.approx(first, abs=1e-5)
    for bad in ({}, {'solvent': Solvent.pc_dme(), 'charge': 0.1}):
        with pytest.raises(CalculatorSetupError, match='also_vacuum=True needs a solvent'):
            GPAWSolvent(also_vacuum=True, **bad)
