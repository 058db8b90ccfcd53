"""What every calculator owes ASE, with a stand-in for PWmat."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import CalculatorSetupError, PropertyNotImplementedError
from ase.outputs import Properties

from ...contract import CalculatorContract
from .stand_in_pwmat import CONSTANT, CUTOFF, OFFSET


class TestPWmat(CalculatorContract):
    """PWmat's cells are periodic and have three vectors: structures without them get a box."""

    cutoff = CUTOFF
    fd_tol = dict(rtol=1e-6, atol=3e-7)  # energies of REPORT and tensors of OUT.STRESS have a fixed number of digits

    @pytest.fixture
    def calc(self, make):
        return make(ecut=40, kpts=(2, 2, 2))

    @pytest.fixture(params=['cubic', 'primitive', 'sheared', 'slab', 'cluster'])
    def atoms(self, request, calc):
        a = bulk('Li', cubic=request.param != 'primitive')
        if request.param == 'sheared':
            a.set_cell(a.cell @ np.array([[1, 0.1, 0], [0, 1, 0.3], [0, 0, 1]]), scale_atoms=True)
        elif request.param == 'slab':
            a = a * (2, 1, 1)
            a.center(vacuum=8.0, axis=2)
            a.pbc = (1, 1, 0)
        elif request.param == 'cluster':
            a = a * (2, 1, 1)
            a.center(vacuum=4.0)
            a.pbc = False
        a.rattle(0.08, seed=3)
        a.calc = calc
        return a

    def test_types_and_shapes(self, atoms):
        n, energy = len(atoms), atoms.get_potential_energy()
        assert isinstance(energy, float)
        assert atoms.get_potential_energy(force_consistent=True) == energy
        for values, shape in ((atoms.get_forces(), (n, 3)), (atoms.get_stress(), (6,))):
            assert values.shape == shape
            assert values.dtype == np.float64
        assert atoms.get_potential_energies().sum() == pytest.approx(energy, abs=1e-10)
        Properties(dict(atoms.calc.results))
        with pytest.raises(PropertyNotImplementedError):
            atoms.get_stresses()

    def test_isolated_and_far_atoms(self, calc):
        for a in (Atoms('Li', cell=[7, 7, 7]), Atoms('Li2', [[0, 0, 0], [0, 0, 9.0]], cell=[7, 7, 18])):
            a.calc = calc
            assert np.abs(a.get_forces()).max() == 0
            assert a.get_potential_energy() == pytest.approx(len(a) * (OFFSET + CONSTANT))
        a = Atoms('Li')
        a.calc = calc
        with pytest.raises(CalculatorSetupError, match=r'three cell vectors.*atoms\.center\(vacuum=8\.0\)'):
            a.get_forces()

    def test_smooth_at_cutoff(self, calc):
        a = Atoms('Li2', [[0, 0, 0], [0, 0, 1.0]], cell=[12, 12, 14])
        a.calc = calc
        e = []
        for d in (-1e-7, 1e-7):
            a.positions[1, 2] = CUTOFF + d
            e.append(a.get_potential_energy())
        assert abs(e[1] - e[0]) < 1e-9
