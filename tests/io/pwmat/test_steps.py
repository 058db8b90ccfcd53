import numpy as np
import pytest

from ase_mlffvv.errors import PWmatFileError, PWmatWarning
from ase_mlffvv.io.pwmat.steps import read_mdsteps, read_relaxsteps

RELAX = """\
It=   -1 CORR E=  -0.2144796997311E+03  Av_F=  0.58E+00 M_F=  0.71E+00 dE=  0.42E-05 dRho=  0.83E-04 SCF=    13 dL=  0.14-320 p*F=  0.00E+00 p*F0=  0.00E+00 Fch=  0.00E+00
It=    0  NEW E=  -0.2145128948737E+03  Av_F=  0.22E+00 M_F=  0.26E+00 dE=  0.20E-05 dRho=  0.30E-04 SCF=     6 dL=  0.92E-01 p*F= -0.37E+00 p*F0= -0.16E+01 Fch=  0.10E+01
It=    1 *END E=  -0.2145143000000E+03  Av_F=  0.52E-02 M_F=  0.75E-02 dE=.8E-05 dRho=.3E-04 SCF=32 dL=-.59E-01 p*F=-0.91E-01 p*F0=-0.78E+00 Fch= 0.97E+00
"""  # noqa: E501
MD = """\
Iter(fs)=  0.100000E+01 Etot,Ep,Ek(eV)=   -0.1391631878E+06  -0.1391656624E+06   0.2474566470E+01 Temp(K)=       598.25336 aveTemp(K)=       598.25336 dE= 0.10E-02 dRho= 0.32E-03 SCF=    6 dL= 0.75E-02 Fcheck= 0.973E+00
Iter(fs)=  0.200000E+01 Etot,Ep,Ek(eV)=   -0.1391631867E+06  -0.1391656490E+06   0.2462251387E+01 Temp(K)=       595.27606 aveTemp(K)=       596.76471 dE= -.82E-03 dRho= 0.23E-03 SCF=    3 dL= 0.75E-02 Fcheck= 0.921E+00
"""  # noqa: E501


def test_relaxation(tmp_path):
    path = tmp_path / 'RELAXSTEPS'
    path.write_text(RELAX)
    table = read_relaxsteps(path)
    assert table['step'].tolist() == [-1, 0, 1]
    assert table['kind'].tolist() == ['CORR', 'NEW', 'END']
    assert table['energy'].tolist() == [-214.4796997311, -214.5128948737, -214.5143]
    assert table['average_force'].tolist() == [0.58, 0.22, 0.0052]
    assert table['max_force'].tolist() == [0.71, 0.26, 0.0075]
    assert table['SCF'].tolist() == [13, 6, 32]
    assert table['SCF'].dtype == int
    assert list(table)[5:] == ['dE', 'dRho', 'SCF', 'dL', 'p*F', 'p*F0', 'Fch']
    path.write_text(
        RELAX.replace('It=   -1 CORR', 'HSE   -1 CORR').replace('M_F=  0.26E+00', 'M_F=  0.26E+00 Av_e=  0.2E+00')
    )
    table = read_relaxsteps(path)
    assert table['step'].tolist() == [-1, 0, 1]
    np.testing.assert_array_equal(table['Av_e'], [np.nan, 0.2, np.nan])


def test_dynamics(tmp_path):
    path = tmp_path / 'MDSTEPS'
    path.write_text(MD)
    table = read_mdsteps(path)
    assert table['time'].tolist() == [1, 2]
    np.testing.assert_allclose(table['total_energy'], table['energy'] + table['kinetic_energy'], atol=1e-4)
    assert table['energy'].tolist() == [-139165.6624, -139165.6490]
    assert table['temperature'].tolist() == [598.25336, 595.27606]
    assert table['average_temperature'].tolist() == [598.25336, 596.76471]
    assert table['Fcheck'].tolist() == [0.973, 0.921]


@pytest.mark.parametrize(('read', 'text'), [(read_relaxsteps, RELAX), (read_mdsteps, MD)])
def test_a_last_line_that_is_cut_off(tmp_path, read, text):
    path = tmp_path / 'STEPS'
    whole = text[: text[:-1].rindex('\n') + 1]
    for length in (3, 30, 100, 130, len(text) - len(whole) - 1):
        path.write_text(whole + text[len(whole) : len(whole) + length])
        with pytest.warns(PWmatWarning, match=r'STEPS line \d: the last line is cut off and left out'):
            table = read(path)
        assert len(table['energy']) == whole.count('\n')
    path.write_text(text[:60])
    with pytest.raises(PWmatFileError, match='expected the end of the line, found the end of the file'):
        read(path)


@pytest.mark.parametrize(
    ('read', 'text', 'message'),
    [
        (read_relaxsteps, '', 'STEPS: expected lines with E=, found an empty file'),
        (read_relaxsteps, MD, "STEPS line 1: expected E= and other keys, each with a value, found 'Iter"),
        (read_mdsteps, RELAX, r'STEPS line 1: expected Iter\(fs\)= and other keys'),
        (read_mdsteps, 'some text\n', r'STEPS line 1: expected Iter\(fs\)='),
        (
            read_relaxsteps,
            RELAX.replace('0.26E+00', '********'),
            r'STEPS line 2: expected numbers after M_F=, all finite',
        ),
        (
            read_relaxsteps,
            RELAX.replace('It=    0  NEW', 'It=    NEW'),
            "STEPS line 2: expected 'It= number kind E= ...'",
        ),
        (read_mdsteps, MD.replace(' 0.2462251387E+01', ''), 'STEPS line 2: expected 3 numbers after Etot,Ep,Ek'),
    ],
)
def test_damage(tmp_path, read, text, message):
    path = tmp_path / 'STEPS'
    path.write_text(text)
    with pytest.raises(PWmatFileError, match=message):
        read(path)
