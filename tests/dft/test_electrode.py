"""Electrode potentials and Fermi levels; both engines have the same reference."""

import inspect

import pytest
from ase.calculators.calculator import CalculatorSetupError

from ase_mlffvv.dft.electrode import electrode_potential, fermi_level
from ase_mlffvv.dft.gpaw import GPAWSolvent
from ase_mlffvv.dft.pwmat import PWmat


def test_fermi_levels():
    assert fermi_level(0, 'SHE') == -4.42
    assert fermi_level(1.0, 'SHE') == pytest.approx(-5.42)  # more positive: fewer electrons
    assert fermi_level(0) == fermi_level(0, 'Li') == pytest.approx(-1.38)
    assert fermi_level(3.04, 'Li') == pytest.approx(fermi_level(0, 'SHE'))
    for reference in ('Li', 'SHE'):
        assert electrode_potential(fermi_level(0.7, reference), reference) == pytest.approx(0.7)


def test_both_engines_measure_against_lithium():
    assert inspect.signature(PWmat).parameters['reference'].default == 'Li'
    assert GPAWSolvent.default_parameters['reference'] == 'Li'


@pytest.mark.parametrize('potential', ['0 V', True, float('nan'), float('inf')])
def test_potentials_that_are_no_numbers(potential):
    with pytest.raises(CalculatorSetupError, match='potential must be a number'):
        fermi_level(potential)


def test_unknown_references():
    for function in (fermi_level, electrode_potential):
        with pytest.raises(CalculatorSetupError, match=r"reference must be 'Li' \(Li/Li\+\) or 'SHE', got 'Na'"):
            function(0.0, 'Na')
