"""Elastic constants of a cubic crystal."""

from __future__ import annotations

import numpy as np
from ase import units
from ase.optimize import LBFGS
from matscipy.elasticity import full_3x3x3x3_to_Voigt_6x6, measure_triclinic_elastic_constants

from .relaxing import PropertyError

STRAIN = 0.005


def elastic_constants(atoms, strain=STRAIN):
    """C11, C12 and C44 from the stresses at positive and negative strains, with relaxed atoms.

    Parameters
    ----------
    atoms : Atoms
        Equilibrium structure in a cubic cell along x, y and z, with a calculator that provides the stress.
    strain : float

    Returns
    -------
    dict
        C11, C12, C44 and Cprime = (C11 - C12)/2, in GPa.

    Raises
    ------
    PropertyError
        If the constants do not have cubic symmetry, because the structure is not cubic or the forces are noisy.
    """
    full = measure_triclinic_elastic_constants(atoms, delta=strain, optimizer=LBFGS, fmax=1e-4,
                                               steps=200)  # fmt: skip
    c = full_3x3x3x3_to_Voigt_6x6(full, check_symmetry=False) / units.GPa
    i = np.arange(3)
    diagonal, shear, mixed = c[i, i], c[i + 3, i + 3], np.array([c[0, 1], c[0, 2], c[1, 2]])
    for name, values in (('C11', diagonal), ('C44', shear), ('C12', mixed)):
        if not np.ptp(values) < 0.02 * abs(c[0, 0]) + 0.05:  # also true if one is NaN
            raise PropertyError(f'{name} differs between the cubic axes: {np.round(values, 2).tolist()} GPa')
    c11, c12, c44 = (float(x.mean()) for x in (diagonal, mixed, shear))
    return {'C11': c11, 'C12': c12, 'C44': c44, 'Cprime': (c11 - c12) / 2}
