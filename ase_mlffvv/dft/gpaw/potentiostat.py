"""Search for the charge that yields a fixed electrode potential."""

from __future__ import annotations

from math import pi, sqrt

from ase.calculators.calculator import CalculationFailed

MAX_TRIES = 20


def diffuse_capacitance(area, solvent):
    """Capacitance of a wall in a linearised Poisson-Boltzmann solvent, electrons/Hartree.

    C = permittivity kappa A / (4 pi), A in Bohr^2 and kappa in 1/Bohr.
    """
    return area * solvent.permittivity * sqrt(solvent.kappa_squared) / (4 * pi)


def next_charge(history, target, capacitance):
    """Next number of excess electrons to try.

    Parameters
    ----------
    history : list of (electrons, Fermi level)
        Trials so far, with Fermi levels in Hartree, which increase with the number of electrons.
    target : float, Hartree
    capacitance : float, electrons/Hartree
        Estimate for the first step.

    Notes
    -----
    This is the secant method; the slope is the inverse of the capacitance. A step is limited to twice the previous
    one, and slopes with the wrong sign are not used.

    Raises
    ------
    CalculationFailed
        The potential is not reached within :data:`MAX_TRIES` trials.
    """
    electrons, level = history[-1]
    if len(history) >= MAX_TRIES:
        raise CalculationFailed(
            f'no charge gives the wanted potential: after {len(history)} tries the Fermi level is off by '
            f'{abs(level - target):.1e} Hartree at {electrons:+.4f} electrons. Choose a potential nearer to that of '
            'zero charge, more smearing, or a smaller potential_tolerance only with a tighter convergence.'
        )
    slope, limit = 1 / capacitance, float('inf')
    if len(history) > 1:
        before, level_before = history[-2]
        if electrons != before:
            found = (level - level_before) / (electrons - before)
            slope = found if found > 0 else slope
            limit = 2 * abs(electrons - before)
    step = (target - level) / slope
    return electrons + float(max(-limit, min(limit, step)))
