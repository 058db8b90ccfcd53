"""Structure factors give what GPAW's own sum over functions gives."""

import numpy as np
import pytest
from ase.build import molecule

pytest.importorskip('gpaw', reason='GPAW is not installed')

from gpaw.new.calculation import DFT

from ase_mlffvv.dft.gpaw.charges import StructureFactors, use_structure_factors


@pytest.mark.parametrize('limit', [0, 1e9])
def test_structure_factors(limit):
    atoms = molecule('LiH', vacuum=2.0)  # two kinds of atoms
    atoms.pbc = True
    atoms.set_cell(atoms.cell[:] + [[0, 0, 0], [0.4, 0, 0], [0, 0, 0]])
    dft = DFT(atoms, mode={'name': 'pw', 'ecut': 150}, txt=None, converge=False, symmetry={'point_group': False})
    charges = dft.pot_calc.poisson_solver.ghat_aLh
    rng = np.random.default_rng(0)
    coefficients = charges.empty()
    coefficients.data[:] = rng.normal(size=len(coefficients.data))
    functions = charges.pw.zeros()
    charges.add_to(functions, coefficients)
    noise = charges.pw.zeros()
    noise.data[:] = rng.normal(size=(2, len(noise.data))).T.copy().view(complex).ravel()
    integrals, slopes = charges.integrate(noise).data.copy(), charges.derivative(noise).data.copy()

    use_structure_factors(dft, limit)
    assert isinstance(charges._lfc, StructureFactors)
    assert (charges._lfc._kept is None) == (limit == 0)
    again = charges.pw.zeros()
    charges.add_to(again, coefficients)
    for new, old in ((again.data, functions.data), (charges.integrate(noise).data, integrals),
                     (charges.derivative(noise).data, slopes)):  # fmt: skip
        np.testing.assert_allclose(new, old, atol=1e-11 * np.abs(old).max())
