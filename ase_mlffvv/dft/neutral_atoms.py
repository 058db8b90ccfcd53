"""Electron densities of neutral atoms: from tables of the package, or from GPAW where it is installed."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import numpy as np
from ase.calculators.calculator import CalculatorSetupError

from .densities import RadialDensity


@lru_cache
def neutral_density(symbol) -> RadialDensity:
    """All-electron density of a neutral, spherical atom (PBE).

    Parameters
    ----------
    symbol : str
        Element. The package contains tables for some elements, made by :mod:`recipes.neutral_atoms`. Others are taken
        from the PAW data sets of GPAW.

    Raises
    ------
    CalculatorSetupError
        There is no table, and GPAW is not installed or has no data set.
    """
    table = files('ase_mlffvv.dft') / 'atoms' / f'{symbol}.txt'
    if table.is_file():
        with table.open(encoding='utf-8') as lines:
            return RadialDensity.from_samples(*np.loadtxt(lines, unpack=True))
    try:
        from gpaw.setup import create_setup

        return neutral_atom(create_setup(symbol, xc='PBE'))
    except (ImportError, FileNotFoundError) as error:
        raise CalculatorSetupError(
            f'there is no table of the density of a neutral {symbol} atom, and GPAW, which could give it, is not '
            f'installed or has no data set for it ({error}). Give densities={{{symbol!r}: RadialDensity...}}.'
        ) from error


def neutral_atom(setup) -> RadialDensity:
    """All-electron density of the neutral atom for which a PAW data set was made."""
    return RadialDensity.from_samples(*sampled_density(setup))


def sampled_density(setup):
    """Radii (Bohr) of a PAW data set and the density of its neutral atom there (electrons/Bohr^3)."""
    data = setup.data
    valence = sum(f * phi**2 for f, phi in zip(data.f_j, data.phi_jg) if f > 0)
    return data.rgd.r_g, (valence + data.nc_g * np.sqrt(4 * np.pi)) / (4 * np.pi)
