import pytest

from ase_mlffvv.errors import PWmatFileError
from ase_mlffvv.io.pwmat.report import read_report

REPORT = """  4    1
 PRECISION    = AUTO
 JOB          = SCF
 IN.PSP1      = Li.SG15.PBE.UPF
 MP_N123      =   3   3   3   0   0   0   2
 ECUT         =   60.0000000000000     # Ry
 ENERGY_DECOMP= T           1
 *********************************************
 *********** end of etot.input report ********
 minimum n1,n2,n3 from Ecut2
      29.178       29.178       29.178
 NONSCF     1          AVE_STATE_ERROR= 0.2764E+01
 iter=   7   ave_lin=  1.1  iCGmth=   3
 Ef(eV)               = 0.1661158E+01
 E_tot(eV)            = -.38753083220078E+03    -.3875E+03
 -------------------------------------------
 iter=   8   ave_lin=  4.0  iCGmth=   3
 Ef(eV)               = 0.1501435E+01
 E_tot(eV)            = -.38753996720000E+03    -.9135E-02
 -------------------------------------------
 E_Fermi(eV)=   1.50004524767504
 ---------------------------------------------------
 ending_scf_reason = tol Rho_err  5.000000000000000E-005
 Ewald        = -.10168860882650E+05
 -TS          = -.70051384029892E-02    0.8684E-04
 E_tot(eV)    = -.38753996720000E+03    -.9135E-02
 E_tot(Ryd)   = -.28483650000000E+02    -.6714E-03
 total computation time (sec)=   48.6113889217377
"""


def test_result(tmp_path):
    (tmp_path / 'REPORT').write_text(REPORT)
    assert read_report(tmp_path / 'REPORT') == {
        'energy': -387.539967200000,
        'energy_change': -0.009135,
        'fermi_level': 1.50004524767504,
        'entropy_term': -0.0070051384029892,
        'scf_iterations': 8,
        'ending_scf_reason': 'tol Rho_err  5.000000000000000E-005',
        'converged': True,
        'time': 48.6113889217377,
        'settings': {
            'PRECISION': 'AUTO',
            'JOB': 'SCF',
            'IN.PSP1': 'Li.SG15.PBE.UPF',
            'MP_N123': (3, 3, 3, 0, 0, 0, 2),
            'ECUT': 60.0,
            'ENERGY_DECOMP': (True, 1),
        },
    }


def test_the_last_calculation_counts(tmp_path):
    path = tmp_path / 'REPORT'
    path.write_text(REPORT + ' iter=   1   ave_lin=  4.0\n E_tot(eV)  = -.38754E+03\n')  # killed in the next step
    result = read_report(path)
    assert result['energy'] == -387.54
    assert result['scf_iterations'] == 1
    assert not {'converged', 'ending_scf_reason', 'energy_change', 'fermi_level', 'entropy_term'} & set(result)
    path.write_text(REPORT.replace('tol Rho_err', 'max iterations'))
    assert read_report(path)['converged'] is False


def test_damage(tmp_path):
    path = tmp_path / 'REPORT'
    path.write_text(REPORT[: REPORT.index(' iter=')])
    with pytest.raises(PWmatFileError, match=r"REPORT: expected a line 'E_tot\(eV\) = ...', found none"):
        read_report(path)
    path.write_text(REPORT.replace('-.38753996720000E+03', 'NaN'))
    with pytest.raises(PWmatFileError, match='REPORT line 19: expected the energy, all finite'):
        read_report(path)
