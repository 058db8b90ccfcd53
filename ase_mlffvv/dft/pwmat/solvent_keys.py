"""A Solvent as keys of IN.SOLVENT, and a fixed electrode potential as FIX_FERMI."""

from __future__ import annotations

from ase.calculators.calculator import CalculatorSetupError

from ..electrode import fermi_level
from ..solvent import Solvent

MODELS = {'atoms': 'ATOM_CHARGE', 'electrons': 'SCF_CHARGE'}


def solvent_keys(solvent: Solvent, n_elements) -> dict:
    """Keys of IN.SOLVENT. All are written, so that defaults of the program do not matter.

    Parameters
    ----------
    solvent : Solvent
    n_elements : int
        Number of pseudopotentials; the density of each neutral atom has the weight 1.

    Notes
    -----
    PWmat uses the same units as :class:`Solvent`: dyn/cm, GPa, electrons/Bohr^3, 1/Bohr^2. It determines surface and
    volume of the cavity from the self-consistent density for any model of the dielectric.
    """
    keys = {
        'DIELECTRIC_CONST': solvent.permittivity,
        'SURFACE_TENSION': solvent.surface_tension,
        'PRESSURE': solvent.pressure,
        'DIELECTRIC_MODEL': MODELS[solvent.density_model],
        'RHOMAX_DIELECTRIC': solvent.dielectric_switch[0],
        'RHOMIN_DIELECTRIC': solvent.dielectric_switch[1],
        'RHOMAX_CAVITY': solvent.cavity_switch[0],
        'RHOMIN_CAVITY': solvent.cavity_switch[1],
        'POISSON_BOLTZMANN': solvent.kappa_squared > 0,
    }
    if solvent.kappa_squared > 0:
        keys['DEBY_AKK0'] = solvent.kappa_squared
        keys['RHOMAX_DEBY'], keys['RHOMIN_DEBY'] = solvent.ion_switch
    if solvent.density_model == 'atoms':
        keys.update({f'PARAM_CHARGE.{n}': (1.0, 1.0, 1.0) for n in range(1, n_elements + 1)})
    return keys


def fixed_potential(potential, reference, mixing):
    """Value of FIX_FERMI: T, Fermi level in eV, mixing of the charge, density error at which Pulay mixing begins."""
    try:
        charge, density = (float(x) for x in mixing)
    except (TypeError, ValueError):
        charge = density = -1.0
    if not (0 < charge <= 1 and density > 0):
        raise CalculatorSetupError(f'potential_mixing must be two positive numbers, mix_Q and drho, got {mixing!r}')
    return (True, round(fermi_level(potential, reference), 10), charge, density)
