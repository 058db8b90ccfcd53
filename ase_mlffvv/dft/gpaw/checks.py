"""Checks of the settings of GPAWSolvent, which do not require GPAW."""

from __future__ import annotations

from math import ceil, pi

import numpy as np
from ase.calculators.calculator import CalculatorSetupError

from ...checks import check_array, check_choice, check_flag, check_number, check_whole
from ..cells import GAP, empty_gaps
from ..electrode import at_zero
from ..solvent import Solvent

FUNCTIONALS = ('PBE', 'PBEsol', 'RPBE', 'LDA')
DISTRIBUTIONS = ('fermi-dirac', 'marzari-vanderbilt')


# settings that are numbers: unit, smallest and largest value
RANGES = (
    ('cutoff', 'eV', 50.0, 5000.0),
    ('smearing', 'eV', 1e-4, 10.0),
    ('spacing', 'Å', 0.02, 1.0),
    ('solver_tolerance', '', 1e-14, 1.0),
    ('potential_tolerance', 'V', 1e-6, 1.0),
)


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
    for name, unit, low, high in RANGES:
        check_number(p[name], name, unit, low=low, high=high)
    check_whole(p['maxiter'], 'maxiter', low=1)
    check_number(p['charge'], 'charge', 'e')
    for name, known in (('xc', FUNCTIONALS), ('distribution', DISTRIBUTIONS)):
        check_choice(p[name], name, known)
    for name in ('gamma', 'symmetry'):
        check_flag(p[name], name)
    at_zero(p['reference'])
    if np.ndim(p['kpts']) == 0:
        check_number(p['kpts'], 'kpts, a density in Å or three numbers of k-points,', 'Å', above=0, high=1000)
    else:
        check_array(p['kpts'], 'kpts', (3,), 'numbers of k-points', low=1)
        for n in p['kpts']:
            check_whole(n, 'each number of kpts', low=1)
    if not (p['convergence'] is None or isinstance(p['convergence'], dict)):
        raise CalculatorSetupError(f'convergence must be a dict of criteria of GPAW, got {p["convergence"]!r}')
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
        check_number(p['potential'], 'potential', 'V')
    check_flag(p['also_vacuum'], 'also_vacuum')
    if p['also_vacuum'] and (solvent is None or p['charge'] or p['potential'] is not None):
        raise CalculatorSetupError(
            'also_vacuum=True needs a solvent to begin with, and a neutral cell without a fixed potential'
        )
