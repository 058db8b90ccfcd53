"""GPAW as a named engine of the labelling queue."""

import importlib.util

import pytest
from ase.build import bulk
from ase.calculators.calculator import CalculatorSetupError

from ase_mlffvv.labelling.engines import check_settings, find_engine


def test_settings_reach_the_calculator(tmp_path):
    make, name = find_engine('gpaw')
    assert name == 'gpaw'
    assert make.periodic
    check_settings(make, name, {'solvent': 'pc_dme', 'cutoff': 300})
    with pytest.raises(ValueError, match="solvent must be 'pc_dme', 'water'"):
        make(bulk('Li'), False, tmp_path, solvent='beer')
    if importlib.util.find_spec('gpaw') is None:
        with pytest.raises(CalculatorSetupError, match='GPAW is not installed'):
            make(bulk('Li'), False, tmp_path, solvent='water')
        return
    calc = make(bulk('Li'), True, tmp_path, solvent='pc_dme', cutoff=300)
    assert calc.solvent.permittivity == 35.5
    assert calc.parameters['maxiter'] == 600
    assert calc.parameters['cutoff'] == 300
