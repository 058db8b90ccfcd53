"""k-points: conversion of ASE's conventions to MP_N123."""

from __future__ import annotations

import numpy as np
from ase.calculators.calculator import CalculatorSetupError, kpts2sizeandoffsets

from ...checks import check_number

SYMMETRY = {'all': 0, 'space': 1, 'none': 2, 'time': 3}
KNOWN = ('size', 'density', 'gamma', 'even')


def mp_n123(kpts, atoms, symmetry=None) -> tuple:
    """Value of MP_N123 for a structure.

    Parameters
    ----------
    kpts : None, three ints, float or dict
        None is the Γ point; three ints are a grid through Γ (PWmat's shift 0 in each direction); a number is the
        density in points per 1/Å; a dict has ``size`` or ``density`` and optionally ``even`` and ``gamma``. ``gamma``
        is True for a grid through Γ, and False for a grid shifted by half a step along each periodic direction.
    atoms : Atoms
        Structure whose cell and periodicity are used. Directions that are not periodic get a single point.
    symmetry : None or {'all', 'space', 'none', 'time'}
        Symmetries that reduce the points: space group and time reversal, space group only, none, or time reversal
        only. None uses the default of PWmat, which is 'none' for dynamics and 'all' otherwise.
    """
    if symmetry is not None and not (isinstance(symmetry, str) and symmetry in SYMMETRY):
        raise CalculatorSetupError(f'symmetry must be None or one of {", ".join(SYMMETRY)}, got {symmetry!r}')
    if kpts is None:
        kpts = {'size': (1, 1, 1)}
    elif isinstance(kpts, (int, float)) and not isinstance(kpts, bool):
        kpts = {'density': check_number(kpts, 'kpts', 'points per 1/Å', above=0, high=1000)}
    elif not isinstance(kpts, dict):
        kpts = {'size': kpts}
    unknown = sorted(set(kpts) - set(KNOWN))
    if unknown:
        raise CalculatorSetupError(f'kpts has {", ".join(KNOWN)}, got {", ".join(unknown)}')
    try:
        size, _ = kpts2sizeandoffsets(atoms=atoms, **{k: v for k, v in kpts.items() if k != 'gamma'})
        size = np.array(size)
        if size.shape != (3,) or not np.issubdtype(size.dtype, np.integer) or size.min() < 1:
            raise ValueError('three whole numbers from 1 on are needed')
    except (TypeError, ValueError) as error:
        raise CalculatorSetupError(f'kpts {kpts!r}: {error}') from error
    shift = [int(kpts.get('gamma') is not None and not kpts['gamma'] and bool(p)) for p in atoms.pbc]
    flag = () if symmetry is None else (SYMMETRY[symmetry],)
    return (*size.tolist(), *shift, *flag)
