"""What every calculator of the package owes ASE; subclass it and give ``calc``, ``element`` and ``cutoff``."""

import copy
import pickle

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.io import Trajectory, read, write
from ase.outputs import Properties
from scipy.spatial.transform import Rotation


class CalculatorContract:
    element = 'Li'
    cutoff = None
    fd_tol = dict(rtol=1e-6, atol=1e-7)
    same = dict(rtol=1e-10, atol=1e-10)

    @pytest.fixture
    def calc(self):
        raise NotImplementedError('the subclass gives the calculator')

    @pytest.fixture(params=['cubic', 'primitive', 'sheared', 'slab', 'cluster'])
    def atoms(self, request, calc):
        a = bulk(self.element, cubic=request.param != 'primitive')
        if request.param == 'sheared':
            a.set_cell(a.cell @ np.array([[1, 0.1, 0], [0, 1, 0.3], [0, 0, 1]]), scale_atoms=True)
        elif request.param == 'slab':
            a = a * (2, 2, 1)
            a.center(vacuum=8.0, axis=2)
            a.pbc = (1, 1, 0)
        elif request.param == 'cluster':
            a = a * (2, 1, 1)
            a.pbc = False
            a.cell = None
        a.rattle(0.08, seed=3)
        a.calc = calc
        return a

    def test_types_and_shapes(self, atoms):
        n = len(atoms)
        assert isinstance(atoms.get_potential_energy(), float)
        assert atoms.get_potential_energy(force_consistent=True) == atoms.get_potential_energy()
        assert atoms.get_forces().shape == (n, 3)
        assert atoms.get_forces().dtype == np.float64
        assert atoms.get_potential_energies().sum() == pytest.approx(atoms.get_potential_energy(), abs=1e-10)
        Properties(dict(atoms.calc.results))  # only names ASE knows, right shapes
        if atoms.cell.rank == 3:
            assert atoms.get_stress().shape == (6,)
            np.testing.assert_allclose(atoms.get_stresses().sum(0), atoms.get_stress(), **self.same)
        else:
            with pytest.raises(PropertyNotImplementedError):
                atoms.get_stress()

    def test_forces_are_minus_gradient(self, atoms):
        np.testing.assert_allclose(atoms.get_forces(), calculate_numerical_forces(atoms, eps=1e-5), **self.fd_tol)
        np.testing.assert_allclose(atoms.get_forces().sum(0), 0, atol=1e-9)

    def test_stress_is_strain_derivative(self, atoms):
        if atoms.cell.rank < 3:
            pytest.skip('no volume')
        np.testing.assert_allclose(atoms.get_stress(), calculate_numerical_stress(atoms, eps=1e-5), **self.fd_tol)

    def test_invariances(self, atoms):
        e, f = atoms.get_potential_energy(), atoms.get_forces()
        R = Rotation.from_euler('xyz', [0.3, 1.1, -0.7]).as_matrix()
        b = atoms.copy()
        b.positions, b.cell, b.calc = b.positions @ R.T, atoms.cell[:] @ R.T, atoms.calc
        assert b.get_potential_energy() == pytest.approx(e, rel=1e-10)
        np.testing.assert_allclose(b.get_forces(), f @ R.T, atol=1e-9)
        b = atoms.copy()
        b.positions += [0.7, -1.3, 40.1]
        b.calc = atoms.calc
        assert b.get_potential_energy() == pytest.approx(e, rel=1e-10)
        p = np.random.default_rng(0).permutation(len(atoms))
        b = atoms[p]
        b.calc = atoms.calc
        np.testing.assert_allclose(b.get_forces(), f[p], atol=1e-9)
        if atoms.pbc.any():
            k = int(np.argmax(atoms.pbc))
            b = atoms.copy()
            b.positions[0] += 3 * b.cell[k]
            b.calc = atoms.calc
            np.testing.assert_allclose(b.get_forces(), f, atol=1e-9)
            m = [1, 1, 1]
            m[k] = 2
            b = atoms.repeat(m)
            b.calc = atoms.calc
            assert b.get_potential_energy() == pytest.approx(2 * e, rel=1e-10)

    def test_isolated_and_far_atoms(self, calc):
        for a in (Atoms(self.element), Atoms(self.element + '2', [[0, 0, 0], [0, 0, 50.0]])):
            a.calc = calc
            np.testing.assert_array_equal(a.get_forces(), 0)

    def test_smooth_at_cutoff(self, calc):
        a = Atoms(self.element + '2', [[0, 0, 0], [0, 0, 1.0]])
        a.calc = calc
        e, f = [], []
        for d in (-1e-7, 1e-7):
            a.positions[1, 2] = self.cutoff + d
            e.append(a.get_potential_energy())
            f.append(a.get_forces()[1, 2])
        assert abs(e[1] - e[0]) < 1e-9
        assert abs(f[1] - f[0]) < 1e-6

    def test_cache_and_sharing(self, atoms):
        f = atoms.get_forces()
        f[:] = 9.0
        assert not np.any(atoms.get_forces() == 9.0)
        b = atoms.copy()
        b.positions *= 1.01
        b.cell *= 1.01
        b.calc = atoms.calc  # two Atoms, one calculator
        ea, eb = atoms.get_potential_energy(), b.get_potential_energy()
        assert ea != eb
        assert atoms.get_potential_energy() == ea
        b.calc.calculate(b, ['energy'])
        assert b.calc.results['energy'] == pytest.approx(eb)
        before = atoms.copy()
        atoms.get_forces()
        assert before == atoms

    def test_copy_pickle_and_files(self, atoms, tmp_path):
        e = atoms.get_potential_energy()
        for clone in (copy.deepcopy(atoms.calc), pickle.loads(pickle.dumps(atoms.calc))):
            b = atoms.copy()
            b.calc = clone
            assert b.get_potential_energy() == e
        atoms.get_forces()
        with Trajectory(tmp_path / 'a.traj', 'w') as t:
            t.write(atoms)
        write(tmp_path / 'a.xyz', atoms)
        assert read(tmp_path / 'a.traj').get_potential_energy() == e
        assert read(tmp_path / 'a.xyz').get_potential_energy() == pytest.approx(e)
