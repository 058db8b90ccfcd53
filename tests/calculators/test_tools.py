"""VVCalculator in ASE's registries and databases, and in tools that take any ASE calculator."""

import subprocess
import sys

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.calculator import get_calculator_class
from ase.db import connect

from ase_mlffvv.calculators import VVCalculator


def crystal(a=3.44):
    atoms = bulk('Li', 'bcc', a=a, cubic=True)
    atoms.calc = VVCalculator()
    return atoms


def test_ase_knows_the_name():
    assert get_calculator_class('vv') is VVCalculator


def test_the_plugin_system_of_ase_lists_the_calculator():
    code = 'from ase._4.plugins import plugins; print([p() for p in plugins.calculators if p.name == "vv"])'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    if 'No module named' in done.stderr:
        pytest.skip('this ASE has no such plug-in system')
    assert 'VVCalculator' in done.stdout, done.stderr


def test_a_database_keeps_what_belongs_to_atoms(tmp_path):
    atoms = crystal()
    atoms.rattle(0.05, seed=0)
    energies, forces = atoms.get_potential_energies(), atoms.get_forces()
    grade = atoms.calc.uncertainty(atoms)['grade']
    with connect(tmp_path / 'lithium.db') as db:
        db.write(atoms, max_grade=grade.max(), data={'energies': energies, 'grade': grade})
    row = db.get(calculator='vv')
    assert row.calculator_parameters['model'] == 'li-pbe-2-fast'
    assert row.energy == pytest.approx(energies.sum())
    np.testing.assert_allclose(row.forces, forces)
    np.testing.assert_allclose(row.data['energies'], energies)
    np.testing.assert_allclose(row.data['grade'], grade)
    again = row.toatoms()
    again.calc = get_calculator_class(row.calculator)(row.calculator_parameters['model'])
    np.testing.assert_allclose(again.get_forces(), forces, atol=1e-12)


def test_matcalc():
    matcalc = pytest.importorskip('matcalc', reason='matcalc is not installed')
    from pymatgen.io.ase import AseAtomsAdaptor

    structure = AseAtomsAdaptor.get_structure(crystal())
    relaxed = matcalc.RelaxCalc(VVCalculator(), fmax=0.001).calc(structure)
    assert relaxed['a'] == pytest.approx(3.44, abs=0.01)
    states = matcalc.EOSCalc(VVCalculator(), fmax=0.01).calc(relaxed['final_structure'])
    assert 12.5 < states['bulk_modulus_bm'] < 14.5


def test_janus_core(tmp_path, monkeypatch):
    geom_opt = pytest.importorskip('janus_core.calculations.geom_opt', reason='janus-core is not installed')
    monkeypatch.chdir(tmp_path)
    relaxation = geom_opt.GeomOpt(struct=crystal(3.40), fmax=0.001)
    relaxation.run()
    assert relaxation.struct.cell.lengths() == pytest.approx([3.44] * 3, abs=0.01)
