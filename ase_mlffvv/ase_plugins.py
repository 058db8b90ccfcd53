"""Entry in ASE's coming plug-in system (``ase info --plugins``); ASE imports this module, and nothing else does."""

from ase._4.plugins.plugin import CalculatorPlugin

__ase_plugins__ = {
    CalculatorPlugin('vv', implementation='ase_mlffvv.calculators.VVCalculator', citation='see CITATION.cff'),
}
