import io

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms, FixBondLength, FixCartesian
from ase.io import read, write

from ase_mlffvv.errors import PWmatFileError, PWmatWarning
from ase_mlffvv.io.pwmat.atom_config import read_pwmat_config, write_pwmat_config

from ...conftest import shared
from . import files
from .synthetic import CONFIG

EVERYTHING = """   3 atoms
 LATTICE
  4.0 0.1 0.0
  0.2 5.0 -.1
  0.0 0.3 0.6D+01   # Angstrom
 POSITION
  3  0.10  0.20  0.30  1 1 1
  3  0.60 -0.50  1.40  0 0 0
  8  0.99  0.80  0.02  1 0 1
 FORCE # optional
  3  0.1 0.2 0.3
  3 -0.1 0.0 0.0
  8  0.0 0.0 1.0
 VELOCITY
  3  0.01 0.00 0.0
  3  0.00 0.02 0.0
  8  0.00 0.00 -.1
 MAGNETIC
  3  1.0
  3  0.0
  8 -2.0
 CONSTRAINT_MAG
  3  1 0.01      # moment, penalty
  3  0 0.00
  8 -2 0.02
 LANGEVIN_ATOMFACT_TG
  3 1.0 1.0
  3 0.5 1.0
  8 0.5 0.5
 STRESS_MASK
  1 0 0
  0 1 0
  0 0 1
 STRESS_EXTERNAL
  0.1 0 0
  0 0.1 0
  0 0 0.1
 PTENSOR_EXTERNAL
  1 0 0
  0 1 0
  0 0 1
 DIMER_DIR_N
  3 0.1 0.5 0.0
  3 0.0 0.5 0.0
  8 0.0 0.0 1.0
"""


def parsed(text):
    return read_pwmat_config(io.StringIO(text))


def test_every_section():
    atoms = parsed(EVERYTHING)
    np.testing.assert_array_equal(atoms.numbers, [3, 3, 8])
    np.testing.assert_array_equal(atoms.cell, files.CELL)
    assert atoms.pbc.all()
    np.testing.assert_allclose(atoms.positions[1], np.array([0.6, -0.5, 1.4]) @ files.CELL, atol=1e-14)
    np.testing.assert_array_equal(atoms.get_forces(apply_constraint=False)[0], [-0.1, -0.2, -0.3])
    np.testing.assert_allclose(atoms.get_velocities()[2], [0, 0, -0.1 * units.Bohr / units.fs])
    np.testing.assert_array_equal(atoms.get_initial_magnetic_moments(), [1, 0, -2])
    np.testing.assert_array_equal(atoms.arrays['constraint_mag'], [[1, 0.01], [0, 0], [-2, 0.02]])
    np.testing.assert_array_equal(atoms.arrays['langevin_atomfact_tg'][1], [0.5, 1])
    np.testing.assert_array_equal(atoms.arrays['dimer_dir_n'][2], [0, 0, 1])
    np.testing.assert_array_equal(atoms.info['stress_mask'], np.eye(3))
    np.testing.assert_array_equal(atoms.info['stress_external'], 0.1 * np.eye(3))
    np.testing.assert_array_equal(atoms.info['ptensor_external'], np.eye(3))
    fixed, partly = atoms.constraints
    assert isinstance(fixed, FixAtoms)
    assert fixed.index.tolist() == [1]
    assert isinstance(partly, FixCartesian)
    assert partly.index.tolist() == [2]
    assert partly.mask.tolist() == [False, True, False]


@pytest.mark.parametrize(
    'change',
    [
        lambda text: text.lower(),
        lambda text: text.replace('LATTICE', 'Lattice vector (Angstrom), stress(eV/natom)'),
        lambda text: text.replace('POSITION', 'Position, move_x, move_y, move_z'),
        lambda text: text.replace('FORCE', 'Force (-force, eV/Angstrom)').replace('VELOCITY', 'Velocity (bohr/fs)'),
        lambda text: text.replace('\n', '\r\n'),
        lambda text: text.replace('   3 atoms\n', '3\n', 1),
        lambda text: text.replace('   3 atoms\n', '  3 atoms,Iteration (fs) = 0.2E+01, SCF = 4\n' + files.NPT, 1),
        lambda text: '\n' + text,
        lambda text: text + ' ------------END\n anything',
        lambda text: text + ' SECTION_OF_TOMORROW\n  1 2 3\n',
    ],
)
def test_spellings(change):
    atoms, usual = parsed(change(EVERYTHING)), parsed(EVERYTHING)
    assert atoms == usual
    assert len(atoms.constraints) == 2
    assert set(atoms.arrays) == set(usual.arrays)
    np.testing.assert_array_equal(atoms.get_forces(), usual.get_forces())
    np.testing.assert_array_equal(atoms.get_momenta(), usual.get_momenta())


def test_round_trip(tmp_path):
    atoms = parsed(EVERYTHING)
    write(tmp_path / 'atom.config', atoms)
    again = read(tmp_path / 'atom.config')
    np.testing.assert_allclose(again.positions, atoms.positions, atol=1e-14)
    np.testing.assert_array_equal(again.cell, atoms.cell)
    for name in set(atoms.arrays) - {'positions'}:
        np.testing.assert_allclose(again.arrays[name], atoms.arrays[name], rtol=1e-14)
    assert set(again.arrays) == set(atoms.arrays)
    for name, value in atoms.info.items():
        np.testing.assert_array_equal(again.info[name], value)
    assert [c.todict() for c in again.constraints] == [c.todict() for c in atoms.constraints]
    forces = [a.get_forces(apply_constraint=False) for a in (again, atoms)]
    np.testing.assert_array_equal(*forces)


def test_positions_survive(tmp_path):
    rng = np.random.default_rng(0)
    for size in (1.0, 30.0, 300.0):
        cell = size * (np.eye(3) + 0.3 * rng.normal(size=(3, 3)))
        atoms = Atoms('Li50', rng.normal(scale=size, size=(50, 3)), cell=cell, pbc=True)
        write(tmp_path / 'atom.config', atoms)
        again = read(tmp_path / 'atom.config')
        np.testing.assert_array_equal(again.cell, cell)
        np.testing.assert_allclose(again.positions, atoms.positions, rtol=0, atol=1e-12)


def test_noncollinear_moments(tmp_path):
    atoms = bulk('Li', cubic=True)
    atoms.set_initial_magnetic_moments([[0, 0, 1.5], [0.1, 0, 0]])
    write(tmp_path / 'atom.config', atoms)
    assert 'MAGNETIC_XYZ' in (tmp_path / 'atom.config').read_text()
    again = read(tmp_path / 'atom.config')
    np.testing.assert_array_equal(again.get_initial_magnetic_moments(), [[0, 0, 1.5], [0.1, 0, 0]])


def test_constraints_become_flags(tmp_path):
    atoms = bulk('Li', cubic=True) * (2, 1, 1)
    partly = FixCartesian([1, 2], (True, False, False)), FixCartesian(2, (False, True, False))
    atoms.set_constraint([FixAtoms([0]), *partly])
    write(tmp_path / 'atom.config', atoms)
    lines = (tmp_path / 'atom.config').read_text().splitlines()
    assert [line.split()[4:] for line in lines[6:10]] == [list('000'), list('011'), list('001'), list('111')]
    atoms.set_constraint(FixBondLength(0, 1))
    with pytest.warns(PWmatWarning, match='FixBondLengths is left out'):
        write(tmp_path / 'atom.config', atoms)


def test_momenta_of_fixed_atoms_are_kept():
    assert parsed(EVERYTHING.replace('1 1 1\n', '0 0 0\n')).get_velocities().any(axis=1).all()


def test_forces_of_another_structure_are_not_written(tmp_path):
    atoms = bulk('Li', cubic=True)
    atoms.calc = SinglePointCalculator(atoms, energy=0.0, forces=np.ones((2, 3)))
    write(tmp_path / 'atom.config', atoms)
    assert 'FORCE' in (tmp_path / 'atom.config').read_text()
    atoms.rattle(0.1)
    write(tmp_path / 'atom.config', atoms)
    assert 'FORCE' not in (tmp_path / 'atom.config').read_text()


def test_stress_of_a_relaxed_structure():
    header = '   3 atoms,Iteration = 8, Etot,Ep,Ek = -0.79E+02 -0.80E+02 0.1E+01, Max force= 0.3E-02'
    text = EVERYTHING.replace('   3 atoms', header).replace('LATTICE', 'Lattice vector (Angstrom), stress(eV/natom)')
    for old, new in (
        ('0.1 0.0\n', '0.1 0.0 0.2 0 0\n'), ('5.0 -.1\n', '5.0 -.1 0 0.3 0\n'), ('0.6D+01 ', '0.6D+01 0 0 0.4'),
    ):  # fmt: skip
        text = text.replace(old, new, 1)
    atoms = parsed(text)
    np.testing.assert_allclose(atoms.get_stress() * atoms.get_volume(), [0.6, 0.9, 1.2, 0, 0, 0])
    assert atoms.get_potential_energy() == -80.0
    assert atoms.info['iteration'] == 8
    total = parsed(text.replace(' 0 0 0.4', ' stress (eV): 0 0 0.4').replace('0.0 0.2 0 0', '0.0 stress (eV): 0.2 0 0')
                   .replace('-.1 0 0.3 0', '-.1 stress (eV): 0 0.3 0'))  # fmt: skip
    np.testing.assert_allclose(total.get_stress() * total.get_volume(), [0.2, 0.3, 0.4, 0, 0, 0])


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('   3 atoms', 'Li slab', r"line 1: expected the number of atoms, found 'Li slab'"),
        ('   3 atoms', '0', r"line 1: expected the number of atoms, found '0'"),
        ('   3 atoms', '2', r"line 9: expected 2 rows of position, found one more, '8  0.99.*first line says 2 atoms"),
        ('   3 atoms', '4', r"line 10: expected row 4 of 4 of POSITION \(4 numbers\), found 'FORCE # optional'"),
        (
            ' LATTICE\n',
            ' CELL\n',
            r'line 1: expected a LATTICE block in the structure .* found none\. The file is cut off',
        ),
        (' POSITION\n', ' COORDINATES\n', r'line 1: expected a POSITION block'),
        (' MAGNETIC\n', ' FORCE\n', r"line 18: expected one force block, found a second one, 'FORCE'"),
        (
            '  0.2 5.0 -.1',
            '  0.2 5.0',
            r"line 4: expected row 2 of 3 of cell vectors in Å \(3 numbers\), found '0.2 5.0'",
        ),
        ('  0.2 5.0 -.1', '  0.8 0.02 0', r'line 3: expected cell vectors that span a volume'),
        (
            '-0.50',
            '*****',
            r'line 8: expected row 2 of 3 of POSITION, all finite, .*\*\*\*\*\*.* The calculation overflowed',
        ),
        ('-0.50', 'NaN', r'line 8: expected row 2 of 3 of POSITION, all finite'),
        ('-0.50', 'l.5', r"line 8: expected row 2 of 3 of POSITION, found '3  ?0.60 l.5"),
        ('  8  0.99', '  Li 0.99', r"line 9: expected row 3 of 3 of POSITION \(4 numbers\), found 'Li 0.99"),
        ('  8  0.99', '  8.5 0.99', r'line 9: expected an atomic number for atom 2 of position'),
        ('  8  0.99', '  119 0.99', r'line 9: expected an atomic number for atom 2 of position'),
        ('  0 0 0\n', '\n', r'line 8: expected row 2 of 3 of POSITION with 7 numbers as the rows before'),
        (
            '  8 -2.0\n',
            '  7 -2.0\n',
            r"line 21: expected atomic number 8 as in the positions for atom 2 of magnetic, found '7",
        ),
        ('  8 0.0 0.0 1.0\n', '', r'line 45: expected row 3 of 3 of DIMER_DIR_N, found the end\. The file is cut off'),
    ],
)
def test_damage(tmp_path, old, new, message):
    assert old in EVERYTHING
    path = tmp_path / 'atom.config'
    path.write_text(EVERYTHING.replace(old, new, 1))
    with pytest.raises(PWmatFileError, match='atom.config ' + message):
        read(path)


def test_foreign_files(tmp_path):
    path = tmp_path / 'atom.config'
    for content in (b'', b'\n\n', b'\x80\x00\xff' * 50, b'8\nLattice="4 0 0 0 4 0 0 0 4"\nLi 0 0 0\n'):
        path.write_bytes(content)
        with pytest.raises(PWmatFileError, match='atom.config line'):
            read(path)
    with pytest.raises(FileNotFoundError, match=r"no file '.*none.config' \(working directory"):
        read_pwmat_config(tmp_path / 'none.config')
    (tmp_path / 'atom.config.gz').write_bytes(b'no archive')
    with pytest.raises(PWmatFileError, match='compressed file is damaged'):
        read(tmp_path / 'atom.config.gz')


@pytest.mark.parametrize(
    ('atoms', 'message'),
    [
        (Atoms(cell=[1, 1, 1]), 'has no atoms'),
        (Atoms('Li'), 'needs three cell vectors'),
        (Atoms('LiX', [[0, 0, 0], [0, 0, 1]], cell=[3, 3, 3]), 'atoms 1 have no element'),
    ],
)
def test_what_cannot_be_written(tmp_path, atoms, message):
    with pytest.raises(ValueError, match=message):
        write_pwmat_config(tmp_path / 'atom.config', atoms)


@pytest.mark.parametrize('formula', ['Li6Si2', 'Li60Si16'])
def test_file_of_the_program(tmp_path, formula):
    path = tmp_path / 'LiSi.atom.config'
    if formula == 'Li6Si2':
        path.write_text(CONFIG)
    else:  # a file of the program itself, where it is at hand
        path = shared('data', 'pwmat', path.name)
    atoms = read(path)
    assert atoms.get_chemical_formula() == formula
    assert not atoms.constraints
    assert atoms.calc is None
    write(tmp_path / 'atom.config', atoms)
    np.testing.assert_allclose(read(tmp_path / 'atom.config').positions, atoms.positions, atol=1e-13)
