"""etot.input and IN.SOLVENT."""

import io

import numpy as np
import pytest

from ase_mlffvv.errors import PWmatFileError
from ase_mlffvv.io.pwmat.etot_input import read_etot_input, write_etot_input
from ase_mlffvv.io.pwmat.solvent_input import read_solvent_input, write_solvent_input

ETOT = """
   8  1      # NODE1 NODE2
 job = MD
 In.Atom = atom.config
 IN.PSP1 = Li.SG15.PBE.UPF   # the order of elements
 Ecut = 60
 ECUT2=240.
 MP_N123 = 2 2 2 0 0 0 2
 E_ERROR = 1.0D-10
 MD_DETAIL = 6 2000 2 350 350
 # IN.WG = T
 ENERGY_DECOMP = T, 2
 IN.SOLVENT = .true.
 OUT.WG = f
"""
SETTINGS = {
    'NODE1': 8, 'NODE2': 1, 'JOB': 'MD', 'IN.ATOM': 'atom.config', 'IN.PSP1': 'Li.SG15.PBE.UPF', 'ECUT': 60,
    'ECUT2': 240.0, 'MP_N123': (2, 2, 2, 0, 0, 0, 2), 'E_ERROR': 1e-10, 'MD_DETAIL': (6, 2000, 2, 350, 350),
    'ENERGY_DECOMP': (True, 2), 'IN.SOLVENT': True, 'OUT.WG': False,
}  # fmt: skip
PAPER = {
    'DIELECTRIC_MODEL': 'ATOM_CHARGE', 'DIELECTRIC_CONST': 35.5, 'SURFACE_TENSION': 32.5, 'RHOMAX_DIELECTRIC': 0.005,
    'RHOMIN_DIELECTRIC': 0.0001, 'PARAM_CHARGE.1': (1, 1, 1), 'POISSON_BOLTZMANN': True, 'DEBY_AKK0': 0.081,
}  # fmt: skip


def test_etot_input(tmp_path):
    settings = read_etot_input(io.StringIO(ETOT))
    assert settings == SETTINGS
    assert list(settings) == list(SETTINGS)
    assert type(settings['ECUT']) is int
    write_etot_input(tmp_path / 'etot.input', settings)
    lines = (tmp_path / 'etot.input').read_text().splitlines()
    assert lines[:2] == ['8 1', 'JOB = MD']
    assert 'MP_N123 = 2 2 2 0 0 0 2' in lines
    assert 'ENERGY_DECOMP = T, 2' in lines
    assert read_etot_input(tmp_path / 'etot.input') == SETTINGS


def test_values_of_numpy_and_any_case():
    out = io.StringIO()
    write_etot_input(out, {'job': 'SCF', 'in.atom': 'a', 'in.psp1': 'b', 'ecut': np.float64(50), 'mp_n123': [1] * 6,
                           'out.force': np.bool_(True), 'spin': np.int64(2), 'note': None})  # fmt: skip
    assert out.getvalue() == (
        '1 1\nJOB = SCF\nIN.ATOM = a\nIN.PSP1 = b\nECUT = 50.0\nMP_N123 = 1 1 1 1 1 1\nOUT.FORCE = T\nSPIN = 2\n'
    )


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('   8  1 ', ' Li ', r"line 2: expected two whole numbers, NODE1 and NODE2, found 'Li'"),
        (' Ecut = 60', ' Ecut 60', r"line 6: expected KEY = value, found 'Ecut 60'"),
        (' Ecut = 60', ' Ecut = ', 'line 6: expected KEY = value'),
        (' ECUT2=240.', ' ecut = 50', 'line 7: expected ECUT once, found it a second time, after line 6. Remove one'),
    ],
)
def test_damage(old, new, message):
    with pytest.raises(PWmatFileError, match='the open file ' + message):
        read_etot_input(io.StringIO(ETOT.replace(old, new)))


def test_what_cannot_be_written(tmp_path):
    path = tmp_path / 'etot.input'
    for change, message in (
        ({'JOB': None}, 'etot.input needs JOB, IN.ATOM, IN.PSP1; JOB is missing'),
        ({'ECUT': float('nan')}, 'ECUT cannot be written as nan'),
        ({'IN.PSP2': ''}, "IN.PSP2 cannot be written as ''"),
        ({'IN.PSP2': 'a\nJOB = MD'}, 'IN.PSP2 cannot be written'),
        ({'ecut': 50}, 'a key is given twice'),
    ):
        with pytest.raises(ValueError, match=message):
            write_etot_input(path, {**SETTINGS, **change})
    with pytest.raises(PWmatFileError, match='line 1: expected two whole numbers'):
        read_etot_input(io.StringIO(''))
    assert not list(tmp_path.iterdir())


def test_solvent(tmp_path):
    path = tmp_path / 'IN.SOLVENT'
    write_solvent_input(path, PAPER)
    lines = path.read_text().splitlines()
    assert 'PARAM_CHARGE.1 = 1, 1, 1' in lines
    assert 'DEBY_AKK0 = 0.081' in lines
    assert 'AKK0_DEBY = 0.081' in lines
    assert read_solvent_input(path) == PAPER
    path.write_text('dielectric_const=78\nakk0_deby = 0.036 # 0.1 mol/L\n')
    assert read_solvent_input(path) == {'DIELECTRIC_CONST': 78, 'DEBY_AKK0': 0.036}
    path.write_text('DEBY_AKK0 = 0.1\nAKK0_DEBY = 0.2\n')
    with pytest.raises(PWmatFileError, match='IN.SOLVENT: expected DEBY_AKK0 and AKK0_DEBY, .* found 0.1 and 0.2'):
        read_solvent_input(path)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'DIELECTRIC_CONTS': 2}, 'IN.SOLVENT has no key DIELECTRIC_CONTS; did you mean DIELECTRIC_CONST?'),
        ({'PARAM_CHARGE': (1, 1, 1)}, 'no key PARAM_CHARGE; did you mean PARAM_CHARGE.1?'),
        ({'COLOUR': 'blue'}, 'no key COLOUR; keys are SOLVENT_TYPE'),
        ({'PARAM_CHARGE.2': 1}, 'PARAM_CHARGE.2 must be three numbers, got 1'),
        ({'AKK0_DEBY': 0.1}, 'DEBY_AKK0 0.081 and AKK0_DEBY 0.1 are one setting'),
    ],
)
def test_solvent_mistakes(tmp_path, change, message):
    with pytest.raises(ValueError, match=message.replace('?', r'\?')):
        write_solvent_input(tmp_path / 'IN.SOLVENT', {**PAPER, **change})
