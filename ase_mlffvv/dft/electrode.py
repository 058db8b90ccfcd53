"""Electrode potentials and Fermi levels, for all engines that support a fixed potential."""

from __future__ import annotations

from ase.calculators.calculator import CalculatorSetupError

from ..checks import check_number

# SHE: Fermi level of an electrode at 0 V, eV, where the potential energy of an electron deep in the electrolyte is
# zero, as it is with the Poisson-Boltzmann equation. PWmat's examples use this value (absolute potential 4.44 V of
# S. Trasatti, Pure Appl. Chem. 58, 955 (1986), within its error).
SHE_FERMI_LEVEL = -4.42
LITHIUM_VS_SHE = -3.04  # V
REFERENCES = {'Li': SHE_FERMI_LEVEL - LITHIUM_VS_SHE, 'SHE': SHE_FERMI_LEVEL}  # Fermi levels at 0 V, eV
DEFAULT_REFERENCE = 'Li'


def fermi_level(potential, reference=DEFAULT_REFERENCE) -> float:
    """Fermi level of an electrode at a potential, eV, relative to the potential deep in the electrolyte.

    Parameters
    ----------
    potential : float, V
        A more negative potential means a higher Fermi level and more electrons on the electrode.
    reference : {'Li', 'SHE'}
        Reference electrode of the potential: Li/Li+, or the standard hydrogen electrode.

    Examples
    --------
    >>> round(fermi_level(0.0, 'SHE'), 2)
    -4.42
    >>> round(fermi_level(0.0, 'Li'), 2)  # 3.04 V below SHE
    -1.38
    """
    return at_zero(reference) - check_number(potential, 'potential', 'V')


def electrode_potential(level, reference=DEFAULT_REFERENCE) -> float:
    """Potential of an electrode, V, from its Fermi level in eV; the inverse of :func:`fermi_level`."""
    return at_zero(reference) - check_number(level, 'level', 'eV')


def at_zero(reference) -> float:
    """Fermi level at 0 V relative to a reference electrode, eV."""
    if not isinstance(reference, str) or reference not in REFERENCES:
        raise CalculatorSetupError(f"reference must be 'Li' (Li/Li+) or 'SHE', got {reference!r}")
    return REFERENCES[reference]
