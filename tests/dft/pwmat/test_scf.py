"""Self-consistent calculations: inputs, results, directories that are there already, and what can go wrong."""

import copy
import logging
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.calculator import BadConfiguration, CalculationFailed, CalculatorSetupError
from ase.config import Config
from ase.constraints import FixAtoms
from ase.io import read, write
from ase.optimize import BFGS

from ase_mlffvv.dft.pwmat import PAPER, NotConverged, PWmat, PWmatProfile, Unfinished
from ase_mlffvv.io.datasets import labels_of, read_frames
from ase_mlffvv.io.pwmat.etot_input import read_etot_input
from ase_mlffvv.io.pwmat.solvent_input import read_solvent_input

from . import stand_in_pwmat
from .conftest import COMMAND, runs
from .stand_in_pwmat import CONSTANT, Structure


@pytest.fixture
def atoms():
    a = bulk('Li', cubic=True) * (2, 1, 1)
    a.rattle(0.1, seed=1)
    return a


def test_input_files(make, atoms):
    atoms.set_constraint(FixAtoms([0]))
    atoms.set_velocities(np.ones((4, 3)))
    atoms.arrays['REF_forces'] = np.ones((4, 3))
    atoms.calc = make(**PAPER, kpts=(2, 2, 4), num_electron=12)
    atoms.get_potential_energy()
    directory = atoms.calc.directory
    settings = read_etot_input(directory / 'etot.input')
    assert settings == {
        'NODE1': 1, 'NODE2': 1, 'JOB': 'SCF', 'IN.ATOM': 'atom.config', 'IN.PSP1': 'Li.SG15.PBE.UPF',
        'MP_N123': (2, 2, 4, 0, 0, 0), 'XCFUNCTIONAL': 'PBE', 'ECUT': 60.0, 'ECUT2': 240.0, 'E_ERROR': 1e-10,
        'NUM_ELECTRON': 12, 'ENERGY_DECOMP': True, 'OUT.FORCE': True, 'OUT.STRESS': True, 'OUT.WG': False,
        'OUT.RHO': False, 'OUT.VR': False,
    }  # fmt: skip
    assert (directory / 'etot.input').read_text().startswith('1 1\nJOB = SCF\n')
    assert (directory / 'Li.SG15.PBE.UPF').read_text() == 'a stand-in for Li.SG15.PBE.UPF\n'
    text = (directory / 'atom.config').read_text()
    assert not {'FORCE', 'VELOCITY'} & set(text.split())  # labels and momenta are not of this calculation
    assert ' 0  0  0' not in text  # forces on fixed atoms are wanted too


def test_results_have_the_signs_of_ase(make, atoms):
    atoms.calc = make()
    E, G, S = stand_in_values(atoms)
    assert atoms.get_potential_energy() == pytest.approx(E.sum() + 4 * CONSTANT, abs=1e-12)
    np.testing.assert_allclose(atoms.get_forces(), -G, atol=1e-12)
    np.testing.assert_allclose(atoms.get_potential_energies(), E + CONSTANT, atol=1e-12)
    np.testing.assert_allclose(atoms.get_stress(voigt=False), S / atoms.get_volume(), atol=1e-12)
    assert atoms.calc.get_fermi_level() == 1.25
    assert runs(atoms.calc) == 1  # each property is there after one run
    assert read(atoms.calc.directory / 'atom.config').symbols.get_chemical_formula() == 'Li4'


def stand_in_values(atoms):
    structure = Structure.__new__(Structure)
    structure.cell, structure.x = atoms.cell[:], atoms.cell.scaled_positions(atoms.positions)
    return structure.evaluate()


def test_only_what_is_calculated_is_offered(make, atoms):
    atoms.calc = make(energy_decomp=False, out_stress=False)
    assert set(atoms.calc.implemented_properties) == {'energy', 'free_energy', 'forces'}
    atoms.get_forces()
    assert set(atoms.calc.results) == {'energy', 'free_energy', 'forces', 'fermi_level'}
    assert set(make(xcfunctional='SCAN').implemented_properties) == {'energy', 'free_energy', 'forces', 'stress'}
    for wrong in ({'xcfunctional': 'HSE'}, {'num_blocked_psi': True}):
        with pytest.raises(CalculatorSetupError, match='ENERGY_DECOMP works with XCFUNCTIONAL LDA or PBE'):
            make(energy_decomp=(True, 2), **wrong)


def test_a_finished_directory_is_read(make, atoms, caplog):
    caplog.set_level(logging.INFO)
    first = make(ecut=40)
    atoms.calc = first
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    assert "running 'PWmat' in" in caplog.text
    caplog.clear()
    b = atoms.copy()
    b.positions += b.cell[0]  # the same atoms, given one period away
    b.info['REF_energy'] = 3.0
    b.calc = make(ecut=40)
    assert b.get_potential_energy() == energy
    np.testing.assert_array_equal(b.get_forces(), forces)
    assert runs(first) == 1
    assert f'read the finished calculation in {first.directory} (same structure and settings)' in caplog.text
    b.calc.write_inputfiles(b)
    assert b.calc.run(b).get_potential_energy() == energy  # the results are still there


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'ecut': 50}, r'ECUT is 40 there, 50 here; ECUT2 is 160 there, 200 here'),
        ({'spin': 2}, 'SPIN is not set there, 2 here'),
        ('move', r'1 atoms are elsewhere, by up to 0\.02 Å'),
        ('number', r'Li4 there, Li3 here'),
        ('element', r'atom 2 is Li there, O here \(Li4, Li2OLi\)'),
        ('cell', r'cell \[\[6\.98'),
        ('magmoms', 'SPIN is not set there, 2 here; other initial_magmoms'),
        ('pseudopotential', r'Li\.SG15\.PBE\.UPF is another file'),
        ('no input', 'it has atom.config, REPORT, OUT.ENDIV but no etot.input'),
    ],
)
def test_the_directory_of_another_calculation_is_refused(make, atoms, pseudo, change, message):
    first = make(ecut=40)
    first.run(atoms)
    settings = {'ecut': 40}
    if isinstance(change, dict):
        settings.update(change)
    elif change == 'move':
        atoms.positions[1, 2] += 0.02
    elif change == 'number':
        del atoms[3]
    elif change == 'element':
        atoms.symbols[2] = 'O'
    elif change == 'cell':
        atoms.set_cell(atoms.cell * 1.01, scale_atoms=True)
    elif change == 'magmoms':
        atoms.set_initial_magnetic_moments([0, 1, 0, 0])
    elif change == 'pseudopotential':
        (pseudo / 'Li.SG15.PBE.UPF').write_text('a newer one\n')
    else:
        (first.directory / 'etot.input').unlink()
    atoms.calc = make(**settings)
    with pytest.raises(CalculatorSetupError, match=rf"run' holds another calculation \(.*{message}"):
        atoms.get_potential_energy()
    assert runs(first) == 1
    atoms.calc = make(**settings, overwrite=True)
    atoms.get_potential_energy()
    assert runs(first) == 2


def test_a_job_of_a_queue(make, atoms):
    writer, reader = make(), make()
    writer.write_inputfiles(atoms)
    with pytest.raises(Unfinished, match="has not begun in '.*run': there is no output"):
        reader.read(atoms)
    (writer.directory / 'REPORT').write_text(' iter=   7\n E_tot(eV) = -.3E+01  0.1E-02\n')
    with pytest.raises(Unfinished, match=r"stopped in .* after 7 iterations: REPORT has no 'ending_scf_reason'"):
        reader.read(atoms)
    assert runs(writer) == 0
    stand_in_pwmat.main(writer.directory)
    label = reader.read(atoms)
    assert label == atoms
    assert label.get_potential_energies().sum() == pytest.approx(label.get_potential_energy())
    assert runs(writer) == 1
    atoms.rattle(0.01)
    with pytest.raises(CalculatorSetupError, match=r'4 atoms are elsewhere.*\. Read another directory for Li4\.'):
        reader.read(atoms)


def test_the_script_of_the_guide(tmp_path, pseudo, atoms, monkeypatch):
    text = (Path(__file__).parents[3] / 'docs' / 'dft.md').read_text()
    block = next(b for b in re.findall(r'```python\n(.*?)```', text, re.S) if 'PWmat(' in b)
    config = Config()
    config.parser.read_string(f'[pwmat]\ncommand = {COMMAND}\npseudo_dir = {pseudo}\n')
    monkeypatch.setattr(PWmat, 'cfg', config)
    monkeypatch.chdir(tmp_path)
    exec(compile(block, 'dft.md', 'exec'), {'atoms': atoms})
    frame = read_frames('label.extxyz')[0]
    labels = labels_of(frame)
    assert labels.energy == pytest.approx(atoms.get_potential_energy())
    np.testing.assert_allclose(labels.energies, atoms.get_potential_energies(), atol=1e-7)
    np.testing.assert_allclose(labels.forces, atoms.get_forces(), atol=1e-7)
    assert read_solvent_input('label/IN.SOLVENT')['DEBY_AKK0'] == 0.081


def test_a_structure_file_of_the_user_is_not_overwritten(make, atoms):
    calc = make()
    calc.directory.mkdir()
    write(calc.directory / 'atom.config', atoms)
    calc.run(atoms)  # the same structure
    other = make('other')
    other.directory.mkdir()
    write(other.directory / 'atom.config', atoms * (2, 1, 1))
    with pytest.raises(CalculatorSetupError, match='Li8 there, Li4 here'):
        other.run(atoms)


def test_its_own_directory_is_used_again_but_not_by_copies(make, atoms):
    atoms.calc = make()
    BFGS(atoms, logfile=None).run(fmax=1e-4, steps=4)
    n = runs(atoms.calc)
    assert n == 5
    for clone in (copy.deepcopy(atoms.calc), pickle.loads(pickle.dumps(atoms.calc))):
        b = atoms.copy()
        b.calc = clone
        assert b.get_potential_energy() == atoms.get_potential_energy()
        b.rattle(0.1)
        with pytest.raises(CalculatorSetupError, match='holds another calculation'):
            b.get_potential_energy()
    assert runs(atoms.calc) == n


def test_a_program(make_process, atoms, tmp_path):
    atoms.calc = make_process(nodes=(4, 2))
    energy = atoms.get_potential_energy()
    assert (atoms.calc.directory / 'pwmat.out').read_text() == 'stand-in for PWmat\n'
    assert (atoms.calc.directory / 'etot.input').read_text().startswith('4 2\n')
    atoms.get_potential_energies()
    write(tmp_path / 'label.extxyz', atoms)
    write(tmp_path / 'label.json', atoms)
    write(tmp_path / 'MOVEMENT', atoms)
    for name in ('label.extxyz', 'label.json', 'MOVEMENT'):
        label = read(tmp_path / name)
        assert label.get_potential_energy() == pytest.approx(energy)
        np.testing.assert_allclose(label.get_potential_energies(), atoms.get_potential_energies(), atol=1e-7)
    b = atoms.copy()
    b.calc = make_process(nodes=(1, 1))  # the division of the work does not matter
    assert b.get_potential_energy() == energy
    assert runs(atoms.calc) == 1


@pytest.mark.parametrize(
    ('fail', 'error', 'message', 'again'),
    [
        ('iterations', NotConverged, r"did not converge in 9 iterations .* change of .* 1\.0e-09 eV.*'niter", 1),
        ('killed', CalculationFailed, r'was killed by signal 9 in .*(\n.*)+--- end of REPORT:(.*\n)+.*E_tot', 2),
        ('crash', CalculationFailed, r'ended with status 3 in .*\n--- end of pwmat.err:\nforrtl: .*insufficient', 2),
        ('cut', Unfinished, r'OUT\.FORCE.*\n--- end of pwmat.out', 2),
        ('order', CalculationFailed, r'another order than atom.config \(from atom 0 on\).*ase.build.sort', 1),
    ],
)
def test_a_failing_program(make_process, atoms, fail, error, message, again):
    """Twice: what came to its end is not calculated again to fail again, what was stopped is."""
    atoms.symbols[0] = 'O'
    for n in (1, again):
        calc = make_process(fail=fail)
        atoms.calc = calc
        with pytest.raises(error, match=message):
            atoms.get_potential_energy()
        assert runs(calc) == n
        assert not calc.results
    if again == 2:
        atoms.calc = make_process()
        atoms.get_forces()


def test_an_unfinished_calculation_is_told_from_a_finished_one(make, atoms):
    calc = make()
    calc.run(atoms)
    for name in ('REPORT', 'OUT.FORCE', 'OUT.ENDIV', 'OUT.STRESS'):
        path = calc.directory / name
        text, n = path.read_text(), runs(calc)
        for damaged in (text[: len(text) // 2], None):
            path.unlink(missing_ok=True)
            if damaged:
                path.write_text(damaged)
            with pytest.raises(Unfinished, match=name):
                calc.template.read_results(calc.directory)
        make().run(atoms)
        assert runs(calc) == n + 1


def test_the_program_is_not_there(tmp_path, pseudo, atoms):
    atoms.calc = PWmat(directory=tmp_path / 'run', command='mpirun-that-is-not-there -np 1 PWmat', pseudo_dir=pseudo)
    with pytest.raises(CalculationFailed, match=r"cannot start PWmat: 'mpirun-that.*\[pwmat\]"):
        atoms.get_potential_energy()


def test_configuration_file(tmp_path, pseudo, monkeypatch):
    config = Config()
    monkeypatch.setattr(PWmat, 'cfg', config)
    assert PWmat().profile.command == 'PWmat'
    config.parser.read_string(f'[pwmat]\ncommand = mpirun -np 8 PWmat\npseudo_dir = {pseudo}\nnodes = 4 2\n')
    profile = PWmat().profile
    assert (profile.command, profile.pseudo_dir, profile.nodes) == ('mpirun -np 8 PWmat', str(pseudo), (4, 2))
    assert PWmat().template.load_profile(config).nodes == (4, 2)
    assert PWmat(nodes=(8, 1)).profile.nodes == (8, 1)
    assert PWmat(pseudo_dir='/x').profile.pseudo_dir == '/x'
    with pytest.raises(BadConfiguration, match="'mpirun -np 8 PWmat' starts 8 processes, but nodes 2 and 2 are for 4"):
        PWmat(nodes=(2, 2))
    with pytest.raises(BadConfiguration, match='nodes must be two whole numbers such as'):
        PWmat(nodes=8)
    with pytest.raises(CalculatorSetupError, match='give profile or command, not both'):
        PWmat(profile=PWmatProfile(), command='PWmat')


def test_structures_it_cannot_take(make):
    calc = make()
    with pytest.raises(CalculatorSetupError, match='three cell vectors'):
        calc.run(molecule('H2O'))
    with pytest.raises(CalculatorSetupError, match='no atoms'):
        calc.run(molecule('H2O')[:0])
    atoms = bulk('Li')
    atoms.positions[0, 0] = np.nan
    with pytest.raises(CalculationFailed, match='not finite'):
        calc.run(atoms)
    assert not calc.directory.exists()


def test_lazy_names():
    code = 'import sys; from ase_mlffvv import PWmat, Solvent; from ase_mlffvv.dft import PWmat as P; ' \
           "assert P is PWmat; print('torch' in sys.modules)"  # fmt: skip
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout == 'False\n'
