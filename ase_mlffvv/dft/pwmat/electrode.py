"""Fixed electrode potential: FIX_FERMI."""

from __future__ import annotations

from math import isfinite

from ase.calculators.calculator import CalculatorSetupError

# Fermi level of an electrode at 0 V on each scale, eV, where the potential is zero deep in the electrolyte, as it is
# with the Poisson-Boltzmann equation. SHE: -4.42 eV, the value PWmat's examples use (absolute potential 4.44 V of
# S. Trasatti, Pure Appl. Chem. 58, 955 (1986), within its error). Li/Li+ lies at -3.04 V against SHE.
LITHIUM_VS_SHE = -3.04  # V
FERMI_LEVEL_AT_ZERO = {'SHE': -4.42, 'Li': -4.42 - LITHIUM_VS_SHE}


def fermi_level(potential, reference='Li') -> float:
    """Fermi level of an electrode at a potential, eV.

    Parameters
    ----------
    potential : float, V
        A more negative potential is a higher Fermi level, and more electrons on the electrode.
    reference : {'Li', 'SHE'}
        What the potential is measured against: Li/Li+, or the standard hydrogen electrode.

    Examples
    --------
    >>> round(fermi_level(0.0, 'SHE'), 2)
    -4.42
    >>> round(fermi_level(0.0, 'Li'), 2)  # 3.04 V below SHE
    -1.38
    """
    if reference not in FERMI_LEVEL_AT_ZERO:
        raise CalculatorSetupError(f"reference must be 'Li' (Li/Li+) or 'SHE', got {reference!r}")
    if isinstance(potential, str | bool) or not isfinite(potential):
        raise CalculatorSetupError(f'potential must be a number (V), got {potential!r}')
    return FERMI_LEVEL_AT_ZERO[reference] - float(potential)


def fixed_potential(potential, reference, mixing):
    """Value of FIX_FERMI: T, the Fermi level in eV, mixing of the charge, density error from which Pulay mixes."""
    try:
        charge, density = (float(x) for x in mixing)
    except (TypeError, ValueError):
        charge = density = -1.0
    if not (0 < charge <= 1 and density > 0):
        raise CalculatorSetupError(f'potential_mixing must be two positive numbers, mix_Q and drho, got {mixing!r}')
    return (True, round(fermi_level(potential, reference), 10), charge, density)
