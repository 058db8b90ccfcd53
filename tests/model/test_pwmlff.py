"""Importer of original model folders: synthetic folders, and the stored predictions of the original programs."""

import numpy as np
import pytest

from ase_mlffvv.calculators import VVCalculator
from ase_mlffvv.errors import VVFileError
from ase_mlffvv.model import VVPotential
from ase_mlffvv.neighbors import pair_list

from .. import brute
from ..golden import GOLDEN, golden_frames
from ..systems import zoo
from .pwmlff_folder import write_folder


@pytest.mark.parametrize('ftype', [1, 2, 3])
def test_synthetic_folder(tmp_path, ftype):
    """Energies from the written arrays by the formulas, with a pair term that is not symmetric."""
    want = write_folder(tmp_path / 'm', np.random.default_rng(0), ftype=ftype)
    potential = VVPotential.from_pwmlff(tmp_path / 'm')
    assert potential.elements == ('Li', 'Si')
    atoms = zoo(('Li', 'Si'))['thin']
    species = potential.species(atoms.numbers)
    calc = VVCalculator(tmp_path / 'm')
    atoms.calc = calc
    for i, t in enumerate(species):
        part = want['blocks'][t]
        f = brute.features(potential, atoms, species, i)
        if ftype == 3:
            np.testing.assert_allclose(potential.features[0].grids[t], want['grids'][t]['grid2b'], atol=1e-15)
            np.testing.assert_allclose(potential.features[1].sides[t], want['grids'][t]['grid3b_b1b2'], atol=1e-15)
        g = (f @ part['PV'] - part['shift']) * part['scale']
        g[-1] = 1

        def gaussian(table, j, k, g=g):
            return np.exp(-(((g[j - 1] - table[0, k - 1, j - 1]) / table[1, k - 1, j - 1]) ** 2))

        terms = [
            gaussian(part['xp1'], j, k) if kind == 1 else gaussian(part['xp'], j, k) * gaussian(part['xp'], j2, k2)
            for kind, j, k, j2, k2 in part['terms']
        ]
        energy = part['w'] @ np.concatenate([g, terms])
        energy += brute.pair_energy(potential.pair_term, atoms, species, i)
        assert atoms.get_potential_energies()[i] == pytest.approx(energy, abs=1e-10)


def test_forces_of_the_original_pair_term():
    """Away from the jumps of its minimum images, forces are derivatives there, too."""
    rng = np.random.default_rng(5)
    potential = random_original(rng)
    atoms = zoo(('Li', 'Na'))['cubic'] * (2, 2, 2)
    atoms.rattle(0.05, seed=4)
    atoms.calc = VVCalculator(potential)
    forces = atoms.get_forces()
    u = rng.normal(size=forces.shape)
    h, start, e = 1e-4, atoms.positions.copy(), []
    for k in (-2, -1, 1, 2):
        atoms.positions = start + k * h * u
        e.append(atoms.get_potential_energy())
    slope = (e[0] - 8 * e[1] + 8 * e[2] - e[3]) / (12 * h)
    assert -(forces * u).sum() == pytest.approx(slope, abs=1e-6 * np.abs(forces * u).sum())


def random_original(rng):
    from ..toys import random_potential

    return random_potential(('Li', 'Na'), pair='original', seed=int(rng.integers(100)))


def test_no_pair_term(tmp_path):
    write_folder(tmp_path / 'm', np.random.default_rng(0), vdw=False)
    assert VVPotential.from_pwmlff(tmp_path / 'm' / 'fread_dfeat').pair_term is None


def test_bad_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match='no model folder'):
        VVPotential.from_pwmlff(tmp_path / 'none')
    write_folder(tmp_path / 'm', np.random.default_rng(0))
    fit = tmp_path / 'm' / 'fread_dfeat'
    whole = (fit / 'OUT.xp').read_bytes()
    (fit / 'OUT.xp').write_bytes(whole[:100])
    with pytest.raises(VVFileError, match='OUT.xp: record 3 is truncated'):
        VVPotential.from_pwmlff(tmp_path / 'm')
    (fit / 'OUT.xp').write_bytes(whole)
    (fit / 'linear_VV_fitB.ntype').write_text('3\n1 0.5\n2 oops\n3 1\n')
    with pytest.raises(VVFileError, match='cannot understand .*linear_VV_fitB.ntype'):
        VVPotential.from_pwmlff(tmp_path / 'm')
    (fit / 'linear_VV_fitB.ntype').write_text('1\n1 0.5\n')
    with pytest.raises(VVFileError, match='holds 1 coefficients, the functions need'):
        VVPotential.from_pwmlff(tmp_path / 'm')
    (fit / 'feat.info').write_text('1\n1\n7\n1\n3 5 5\n5\n')
    with pytest.raises(VVFileError, match=r'lists feature types \[7\]'):
        VVPotential.from_pwmlff(tmp_path / 'm')
    (fit / 'feat.info').unlink()
    with pytest.raises(FileNotFoundError, match='lacks fread_dfeat/feat.info'):
        VVPotential.from_pwmlff(tmp_path / 'm')


@pytest.mark.parametrize('engine', ['torch', 'numba'])
def test_stored_predictions_of_the_original_programs(engine):
    folder = GOLDEN / 'one_element'
    fit = folder / 'fread_dfeat'
    energies, forces = np.loadtxt(fit / 'energyVV.pred.1')[:, 1], -np.loadtxt(fit / 'forceVV.pred.1')[:, 1]
    calc = VVCalculator(folder, engine=engine)
    start = 0
    for atoms in golden_frames(folder):
        atoms.calc = calc
        end = start + len(atoms)
        np.testing.assert_allclose(atoms.get_potential_energies(), energies[start:end], rtol=0, atol=1e-9)
        np.testing.assert_allclose(atoms.get_forces().ravel(), forces[3 * start : 3 * end], rtol=0, atol=1e-9)
        start = end
    assert start == len(energies)


def test_pair_list_of_the_golden_model_is_complete():
    """The original counts neighbors within Rc; images of one atom are separate entries."""
    atoms = golden_frames(GOLDEN / 'one_element')[0]
    near = brute.neighbors(atoms.positions, atoms.cell[:], atoms.pbc, 0, 6.1)
    assert np.diff(pair_list(atoms.positions, atoms.cell[:], atoms.pbc, 6.1).first)[0] == len(near)
