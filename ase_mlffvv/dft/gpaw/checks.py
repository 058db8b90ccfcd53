"""Checks of the settings of GPAWSolvent, which do not require GPAW."""

from __future__ import annotations

from math import ceil, isfinite, pi

import numpy as np
from ase.calculators.calculator import CalculatorSetupError

from ..cells import GAP, empty_gaps
from ..electrode import at_zero
from ..solvent import Solvent

FUNCTIONALS = ('PBE', 'PBEsol', 'RPBE', 'LDA')
DISTRIBUTIONS = ('fermi-dirac', 'marzari-vanderbilt')


def kpoints(atoms, kpts):
    """Numbers of k-points along the three vectors.

    Parameters
    ----------
    kpts : float or sequence of 3 int
        Density in Å, or the numbers themselves.

    Examples
    --------
    >>> from ase.build import bcc100
    >>> kpoints(bcc100('Li', (4, 2, 5), a=3.44, vacuum=6, periodic=True), 4.0)
    (2, 4, 1)
    """
    if np.ndim(kpts):
        return tuple(int(n) for n in kpts)
    # the small number prevents 2 pi kpts / |a| = 2 from becoming 3 by rounding errors
    wanted = [ceil(2 * pi * kpts / length - 1e-6) for length in atoms.cell.lengths()]
    return tuple(1 if gap >= GAP else max(1, n) for n, gap in zip(wanted, empty_gaps(atoms)))


def as_solvent(solvent):
    if solvent is None or isinstance(solvent, Solvent):
        return solvent
    if isinstance(solvent, dict):
        return Solvent.from_dict(solvent)
    raise CalculatorSetupError(
        f'solvent must be None (vacuum) or a Solvent, for example Solvent.pc_dme(), got {solvent!r}'
    )


def check_settings(p):
    for name, low in (('cutoff', 50.0), ('smearing', 1e-4), ('spacing', 0.02), ('solver_tolerance', 1e-14),
                      ('potential_tolerance', 1e-6), ('maxiter', 1)):  # fmt: skip
        _check_number(p[name], name)
        if p[name] < low:
            raise CalculatorSetupError(f'{name} must be {low:g} or more, got {p[name]!r}')
    _check_number(p['charge'], 'charge')
    for name, known in (('xc', FUNCTIONALS), ('distribution', DISTRIBUTIONS)):
        if p[name] not in known:
            raise CalculatorSetupError(f'{name} must be one of {", ".join(known)}, got {p[name]!r}')
    at_zero(p['reference'])
    kpts = p['kpts']
    numbers = np.ndim(kpts) == 1 and len(kpts) == 3 and all(int(n) == n and n > 0 for n in kpts)
    if not numbers and (isinstance(kpts, (bool, str)) or np.ndim(kpts) or not kpts > 0):
        raise CalculatorSetupError(f'kpts must be a density in Å or three numbers of k-points, got {kpts!r}')
    solvent = as_solvent(p['solvent'])
    if solvent is not None and solvent.density_model != 'atoms':
        raise CalculatorSetupError(
            f'GPAWSolvent shapes the cavity by neutral atoms only, got density_model={solvent.density_model!r}. Use '
            "solvent.replace(density_model='atoms')."
        )
    ions = solvent is not None and solvent.kappa_squared > 0
    for name, wanted in (('charge', p['charge'] != 0), ('potential', p['potential'] is not None)):
        if wanted and not ions:
            raise CalculatorSetupError(
                f'{name}={p[name]!r} needs a solvent with ions, which screen the charge of a periodic cell: '
                'Solvent(..., kappa_squared=...), for example Solvent.pc_dme().'
            )
    if p['potential'] is not None:
        _check_number(p['potential'], 'potential')
    if p['also_vacuum'] and (solvent is None or p['charge'] or p['potential'] is not None):
        raise CalculatorSetupError(
            'also_vacuum=True needs a solvent to begin with, and a neutral cell without a fixed potential'
        )


def _check_number(value, name):
    if isinstance(value, (bool, str)) or not np.isscalar(value) or not isfinite(value):
        raise CalculatorSetupError(f'{name} must be a finite number, got {value!r}')
