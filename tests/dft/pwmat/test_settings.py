"""Keywords, k-points, pseudopotentials, solvent and potential."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc100
from ase.calculators.calculator import CalculatorSetupError
from ase.dft.kpoints import monkhorst_pack

from ase_mlffvv import Solvent
from ase_mlffvv.dft.pwmat.keywords import ETOT, MDOPT, RELAXOPT
from ase_mlffvv.dft.pwmat.kpoints import mp_n123
from ase_mlffvv.dft.pwmat.pseudopotentials import find_pseudopotentials
from ase_mlffvv.dft.pwmat.settings import KINDS, check_settings
from ase_mlffvv.dft.pwmat.solvent_keys import solvent_keys
from ase_mlffvv.io.pwmat.etot_input import read_etot_input
from ase_mlffvv.io.pwmat.solvent_input import KEYS, read_solvent_input


def test_the_tables_are_consistent():
    for table in (ETOT, RELAXOPT, MDOPT):
        names = [keyword.name.replace('.', '_') for keyword in table]
        assert len(set(names)) == len(names)
        for keyword in table:
            assert keyword.kind in KINDS
            assert keyword.name == keyword.name.upper()
            if keyword.kind in ('numbers', 'switch'):
                assert len(keyword.values) == 2, keyword
            elif keyword.values:
                assert keyword.default in map(str, keyword.values)


def test_settings_are_named_as_in_the_file():
    given = {
        'ecut': 60, 'Out_Stress': np.True_, 'OUT.MLMD': True, 'precision': 'double', 'n123': np.array([8, 8, 9]),
        'scf_iter0_2': (94, 4, 3, 1.0, 0.1, 2), 'in_psp_rcut1': 3.5, 'energy_decomp': (True, 2), 'vdw': None,
        'xcfunctional': 'XC_LDA_X+XC_LDA_C_PZ', 'ecut2l': np.float64(240),
    }  # fmt: skip
    assert check_settings(given) == {
        'ECUT': 60, 'OUT.STRESS': True, 'OUT.MLMD': True, 'PRECISION': 'DOUBLE', 'N123': (8, 8, 9),
        'SCF_ITER0_2': (94, 4, 3, 1.0, 0.1, 2), 'IN.PSP_RCUT1': 3.5, 'ENERGY_DECOMP': (True, 2),
        'XCFUNCTIONAL': 'XC_LDA_X+XC_LDA_C_PZ', 'ECUT2L': 240.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        ({'ecutt': 60}, r'ecutt is not a keyword of etot\.input; did you mean ECUT\?'),
        ({'outstress': True}, r'did you mean OUT\.STRESS\?'),
        ({'scf_iter2_1': (1,)}, r'did you mean SCF_ITER[01]_#\?'),
        ({'encutoff_of_waves': 1}, r'see ase_mlffvv\.dft\.pwmat\.keywords'),
        ({'ecut': '60'}, r"ECUT must be a number \(Ry\), got '60'"),
        ({'ecut': True}, r'ECUT must be a number \(Ry\), got True'),
        ({'ecut': float('nan')}, 'got nan'),
        ({'max_scf_iter': 10.5}, r'MAX_SCF_ITER must be a whole number, got 10\.5'),
        ({'spin': 3}, 'SPIN must be one of 1, 2, 22, 222, got 3'),
        ({'accuracy': 'best'}, "ACCURACY must be one of NORM, HIGH, VERYHIGH, got 'BEST'"),
        ({'n123': (8, 8)}, r'N123 must be 3 numbers \(grid points\), got \(8, 8\)'),
        ({'out_force': 1}, 'OUT.FORCE must be True or False, got 1'),
        ({'energy_decomp': 1}, 'ENERGY_DECOMP must be True or False, or a tuple .* has 0 to 1 numbers after it, got 1'),
        ({'ecut': 60, 'ECUT': 50}, 'ECUT is given twice'),
        ({'mp_n123': (1, 1, 1)}, 'PWmat writes MP_N123 from kpts and symmetry'),
        ({'in_psp1': 'x'}, r'PWmat writes IN\.PSP# from pseudopotentials'),
        ({'md_detail': 1}, r'PWmat writes MD_DETAIL from job=MolecularDynamicsJob'),
        ({'fix_fermi': True}, 'PWmat writes FIX_FERMI from potential'),
    ],
)
def test_wrong_settings(make, wrong, message):
    with pytest.raises(CalculatorSetupError, match=message):
        make(**wrong)


def test_the_density_cutoff_is_large_enough_for_forces(make):
    assert make(ecut=60).parameters['settings']['ECUT2'] == 240
    assert make(ecut=60, ecut2=180).parameters['settings']['ECUT2'] == 180
    assert make().parameters['settings']['ACCURACY'] == 'HIGH'
    assert 'ECUT2' not in make(ecut=60, accuracy='NORM').parameters['settings']


def test_kpoints():
    assert mp_n123(4.0, Atoms(cell=[(100 / 0.049) ** (1 / 3)] * 3, pbc=True))[:3] == (2, 2, 2)  # 100 atoms of lithium
    cell, slab = bulk('Li', cubic=True), fcc100('Li', (1, 1, 3), a=4.4, vacuum=8.0)
    assert mp_n123(None, cell) == (1, 1, 1, 0, 0, 0)
    assert mp_n123((2, 2, 4), cell, 'none') == (2, 2, 4, 0, 0, 0, 2)
    density = mp_n123(3.5, cell)
    assert density == mp_n123({'density': 3.5}, cell) == (7, 7, 7, 0, 0, 0)
    assert mp_n123({'density': 3.5, 'even': True, 'gamma': True}, cell) == (8, 8, 8, 0, 0, 0)
    assert mp_n123({'density': 3.5, 'gamma': False}, slab) == (8, 8, 1, 1, 1, 0)
    assert mp_n123({'size': (3, 3, 3), 'gamma': False}, cell) == (3, 3, 3, 1, 1, 1)
    # an even grid of Monkhorst and Pack, which is ASE's without Γ, is the shifted one of PWmat
    points = monkhorst_pack((2, 2, 2))
    assert mp_n123({'size': (2, 2, 2), 'gamma': False}, cell)[3:] == (1, 1, 1)
    np.testing.assert_allclose(np.sort(points[:, 0] % 1), np.sort((np.repeat([0, 1], 4) + 0.5) / 2))
    for wrong in ((2, 2), (0, 1, 1), (1.5, 1, 1), [[0, 0, 0]], {'size': (1, 1, 1), 'density': 2}, {'path': 'G'}, 'a'):
        with pytest.raises(CalculatorSetupError, match='kpts'):
            mp_n123(wrong, cell)
    with pytest.raises(CalculatorSetupError, match='symmetry must be None or one of all, space, none, time'):
        mp_n123(None, cell, 0)


def test_pseudopotentials(pseudo, make):
    found = find_pseudopotentials(['O', 'Li', 'H'], pseudo)
    assert [path.name for path in found.values()] == ['ONCV.PWM.O.UPF', 'Li.SG15.PBE.UPF', 'H_ONCV_PBE-1.2.upf']
    atoms = bulk('NaCl', 'rocksalt', a=5.6)
    there = 'it has H_ONCV_PBE-1.2.upf, Li.SG15.PBE.UPF, ONCV.PWM.O.UPF'
    with pytest.raises(CalculatorSetupError, match=rf"no pseudopotential for Na in '{pseudo}' \({there}\)"):
        make().run(atoms)
    with pytest.raises(CalculatorSetupError, match=r"no pseudopotential file 'Na\.UPF' for Na in"):
        make(pseudopotentials={'Na': 'Na.UPF'}).run(atoms)
    with pytest.raises(CalculatorSetupError, match=r'there is no such folder'):
        find_pseudopotentials(['Li'], pseudo / 'absent')
    with pytest.raises(CalculatorSetupError, match='names Xy, which are no elements'):
        find_pseudopotentials(['Li'], pseudo, {'Xy': 'a'})
    (pseudo / 'Li-sp.PD04.PBE.UPF').write_text('')
    with pytest.raises(CalculatorSetupError, match=r'several .* for Li .*Li-sp\.PD04\.PBE\.UPF, Li\.SG15.*Choose with'):
        find_pseudopotentials(['Li'], pseudo)
    assert find_pseudopotentials(['Li'], pseudo, {'Li': 'Li.SG15.PBE.UPF'})['Li'] == pseudo / 'Li.SG15.PBE.UPF'


def test_the_solvent_of_the_paper(make):
    atoms = bulk('Li', cubic=True)
    atoms.symbols[1] = 'O'
    calc = make(solvent=Solvent.pc_dme())
    calc.run(atoms)
    keys = read_solvent_input(calc.directory / 'IN.SOLVENT')
    assert keys == {
        'DIELECTRIC_CONST': 35.5, 'SURFACE_TENSION': 32.5, 'PRESSURE': 0.0, 'DIELECTRIC_MODEL': 'ATOM_CHARGE',
        'RHOMAX_DIELECTRIC': 0.0035, 'RHOMIN_DIELECTRIC': 0.0001, 'RHOMAX_CAVITY': 0.0035, 'RHOMIN_CAVITY': 0.0001,
        'POISSON_BOLTZMANN': True, 'DEBY_AKK0': 0.081, 'RHOMAX_DEBY': 0.0035, 'RHOMIN_DEBY': 0.0001,
        'PARAM_CHARGE.1': (1.0, 1.0, 1.0), 'PARAM_CHARGE.2': (1.0, 1.0, 1.0),
    }  # fmt: skip
    assert 'AKK0_DEBY = 0.081\n' in (calc.directory / 'IN.SOLVENT').read_text()
    settings = read_etot_input(calc.directory / 'etot.input')
    assert settings['IN.SOLVENT'] is True
    assert settings['OUT.STRESS'] is False
    assert 'stress' not in calc.implemented_properties
    with pytest.raises(CalculatorSetupError, match=r'IN\.SOLVENT is True there, not set here'):
        make().run(atoms)
    with pytest.raises(CalculatorSetupError, match=r'DIELECTRIC_CONST is 35\.5 there, 78\.3 here'):
        make(solvent=Solvent.water()).run(atoms)
    with pytest.raises(CalculatorSetupError, match=r"must be a Solvent, such as Solvent\.pc_dme\(\), got 'water'"):
        make(solvent='water')
    assert calc.todict()['solvent'] == Solvent.pc_dme().to_dict()


def test_every_kind_of_solvent_is_known_to_the_program():
    for solvent in (Solvent.water(), Solvent.pc_dme(), Solvent(40.0, density_model='electrons')):
        keys = solvent_keys(solvent, 3)
        assert set(keys) - {'PARAM_CHARGE.1', 'PARAM_CHARGE.2', 'PARAM_CHARGE.3'} <= set(KEYS)
    assert keys['DIELECTRIC_MODEL'] == 'SCF_CHARGE'
    assert 'DEBY_AKK0' not in keys


def test_fixed_potential(make):
    calc = make(solvent=Solvent.pc_dme(), potential=-0.1, fermide=0.25)
    calc.run(bulk('Li'))
    assert read_etot_input(calc.directory / 'etot.input')['FIX_FERMI'] == (True, -1.28, 0.1, 0.06)
    assert 'free_energy' not in calc.implemented_properties
    assert 'free_energy' not in calc.results
    for wrong, message in (
        ({'solvent': None}, 'needs a solvent with ions'),
        ({'solvent': Solvent.water()}, r'needs a solvent with ions \(kappa_squared > 0\)'),
        ({'job': 'relax'}, r"works with job='scf' only.*num_electron"),
        ({'reference': 'Na'}, r"reference must be 'Li' \(Li/Li\+\) or 'SHE', got 'Na'"),
        ({'potential': '0 V'}, 'potential must be a number'),
        ({'potential_mixing': 0.1}, 'must be two positive numbers'),
    ):
        with pytest.raises(CalculatorSetupError, match=message):
            make(**{'solvent': Solvent.pc_dme(), 'potential': 0.0, **wrong})


def test_spin_follows_the_magnetic_moments(make):
    atoms = bulk('Li', cubic=True)
    atoms.set_initial_magnetic_moments([1.0, -1.0])
    calc = make()
    calc.run(atoms)
    assert read_etot_input(calc.directory / 'etot.input')['SPIN'] == 2
    assert 'MAGNETIC' in (calc.directory / 'atom.config').read_text()


def test_further_input_files_must_be_there(make):
    calc = make(in_rho=True)
    with pytest.raises(CalculatorSetupError, match=r"IN\.RHO = T needs the file IN\.RHO in '"):
        calc.run(bulk('Li'))
    (calc.directory / 'IN.RHO').write_text('')
    calc.run(bulk('Li'))


def test_settings_for_databases(make, tmp_path):
    from ase.db import connect

    from ase_mlffvv.dft.pwmat import RelaxationJob

    assert make(job=RelaxationJob(cell=True), kpts=(2, 2, 2)).todict()['job']['cell'] is True
    atoms = bulk('Li')
    atoms.calc = make(kpts=(3, 3, 3), ecut=50)
    atoms.get_forces()
    database = connect(tmp_path / 'labels.db')
    database.write(atoms)
    row = database.get(1)
    assert row.calculator == 'pwmat'
    assert row.calculator_parameters['ECUT'] == 50
    assert row.calculator_parameters['kpts'] == [3, 3, 3]
    assert "ECUT': 50" in repr(atoms.calc)
