import numpy as np
import pytest
from ase import Atoms

from ase_mlffvv.errors import PWmatFileError
from ase_mlffvv.io.pwmat.frame import summing_to
from ase_mlffvv.io.pwmat.outputs import read_out_endiv, read_out_force, read_out_stress

FORCE = ' Force (-force, eV/Angstrom)\n   3  0.10 -0.20  0.30\n   3 -0.10  0.20 -0.30\n'
ENDIV = """ Etot,ENDIV(eV)= -0.3875399672E+03  0.3255710784E+02
 atomic energies  -0.4200970750E+03  dE
   3   0.1627854894E+02   -0.9946522671E+02    0.2999999196E+01
   3   0.1627855890E+02   -0.9946530372E+02    0.3000000581E+01
"""


@pytest.fixture
def put(tmp_path):
    def write(text):
        path = tmp_path / 'OUT'
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize('title', ['          2 atoms\n', 'force, eV/A\n', ' 2\n\n', ''])
def test_forces_are_minus_the_numbers(put, title):
    numbers, forces = read_out_force(put(title + FORCE.split('\n', 1)[1]))
    np.testing.assert_array_equal(numbers, [3, 3])
    np.testing.assert_array_equal(forces, [[-0.1, 0.2, -0.3], [0.1, -0.2, 0.3]])


def test_atomic_energies(put):
    result = read_out_endiv(put(ENDIV), numbers=[3, 3])
    assert result['dE'] == -420.097075
    np.testing.assert_array_equal(result['E_atom'], [16.27854894, 16.27855890])
    np.testing.assert_array_equal(result['Q_atom'], [2.999999196, 3.000000581])
    assert set(result) == {'numbers', 'dE', 'E_atom', 'E_nonloc', 'Q_atom'}
    energies = summing_to(-387.5399672, result['E_atom'])
    assert energies.sum() == pytest.approx(-387.5399672, abs=1e-12)
    assert np.ptp(energies - result['E_atom']) < 1e-12
    short = 'a\nb c 3.0\n 3 16.2\n 3 16.3\n'
    assert set(read_out_endiv(put(short))) == {'numbers', 'dE', 'E_atom'}


def test_stress(put):
    atoms = Atoms('Li2', cell=[2, 5, 10], pbc=True)
    rows = ' 1.0 0.1 0.2\n 0.1 2.0 0.3\n 0.2 0.3 -3.0\n'
    expected = np.array([1, 2, -3, 0.3, 0.2, 0.1]) / 100
    np.testing.assert_allclose(read_out_stress(put(' stress tensor (eV)\n' + rows), atoms), expected)
    np.testing.assert_allclose(read_out_stress(put(' stress(eV/natom)\n' + rows + 'end\n'), atoms), 2 * expected)


@pytest.mark.parametrize(
    ('read', 'text', 'options', 'message'),
    [
        (
            read_out_force,
            FORCE,
            {'numbers': [3, 3, 3]},
            r'line 2: expected rows of the 3 atoms .* found 2 rows, .* atom 2 on',
        ),
        (
            read_out_force,
            FORCE,
            {'numbers': [3, 8]},
            r'found 2 rows, different from atom 1 on\. The file is cut off or belongs',
        ),
        (
            read_out_force,
            FORCE.replace('-0.30', '*****'),
            {},
            r'line 3: expected row 2 of 2 of atomic number .*\*\*\*\*\*',
        ),
        (read_out_force, FORCE.replace(' -0.30', ''), {}, r'line 3: expected row 2 of 2 of .* \(4 numbers\)'),
        (read_out_force, FORCE.replace('   3 -0.10', ' 3.5 -0.10'), {}, 'line 3: expected an atomic number'),
        (read_out_force, 'Force\n', {}, 'expected rows with .* found none. The calculation did not come to its end'),
        (read_out_force, '', {}, 'expected rows with'),
        (
            read_out_endiv,
            ENDIV.replace('-0.4200970750E+03', 'dE'),
            {},
            'line 2: expected the constant dE as third word',
        ),
        (read_out_endiv, '', {}, 'line 2: expected the constant dE'),
        (read_out_endiv, ENDIV.replace('0.1627855890E+02', 'NaN'), {}, 'line 4: expected row 2 of 2 of .*, all finite'),
        (
            read_out_stress,
            'stress (eV)\n 1 2 3\n',
            {'atoms': Atoms(cell=[1, 1, 1])},
            'line 3: expected row 2 of 3 of the stress',
        ),
        (read_out_stress, 'no stress here\n', {'atoms': Atoms(cell=[1, 1, 1])}, 'expected row 1 of 3 of the stress'),
    ],
)
def test_damage(put, read, text, options, message):
    with pytest.raises(PWmatFileError, match='OUT.*' + message):
        read(put(text), **options)
