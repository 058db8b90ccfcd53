"""The labels of li-solvent-1 are complete, consistent, and look as the paper's figure of atomic energies."""

import numpy as np
import pytest
from ase import units
from ase.build import bcc100, bulk
from ase.io import read, write

from ase_mlffvv import VVCalculator, accuracy
from ase_mlffvv.datasets import solvent_set
from ase_mlffvv.model import find_potential


@pytest.fixture(scope='module')
def frames():
    return solvent_set.load()


@pytest.mark.parametrize('medium', ['solvent', 'vacuum'])
def test_labels(medium):
    frames = solvent_set.load(medium)
    assert len(frames) >= 40
    for atoms in frames:
        assert 16 <= len(atoms) <= 60
        assert atoms.arrays['REF_energies'].sum() == pytest.approx(atoms.info['REF_energy'], abs=1e-3)
        np.testing.assert_allclose(atoms.arrays['REF_forces'].sum(axis=0), 0, atol=0.02)
        assert atoms.info['medium'] == medium
        assert not any(name.startswith('vacuum_') for name in (*atoms.info, *atoms.arrays) if name != 'vacuum_seconds')


def test_kinds(frames):
    groups = {atoms.info['group'] for atoms in frames}
    assert groups >= {'crystals', 'slabs', 'vacancies', 'adatoms', 'steps', 'needles', 'boundaries', 'cut_outs'}
    assert len(frames) >= 150


def test_structures_in_both_media():
    inside, outside = solvent_set.in_both_media()
    different = [a for a, b in zip(inside, outside) if a.info['REF_energy'] != b.info['REF_energy']]
    assert len(different) >= 40
    for a, b in zip(inside, outside):
        np.testing.assert_array_equal(a.positions, b.positions)
        shift = (a.info['REF_energy'] - b.info['REF_energy']) / len(a)
        assert -1e-6 < shift < 0.1  # surface tension outweighs polarisation
        assert (shift > 1e-4) == a.info['paired']


@pytest.mark.parametrize(('face', 'n', 'low', 'high'), [('100', 4, 0.3, 0.42), ('110', 4, 0.22, 0.33)])
def test_surface_atoms_lie_above_the_bulk(frames, face, n, low, high):
    """The paper's Fig. 1c: by 0.25 to 0.40 eV."""
    excess = []
    for atoms in frames:
        if atoms.info['group'] == 'slabs' and atoms.info['name'].startswith(face):
            order = np.argsort(atoms.positions[:, 2])
            e = atoms.arrays['REF_energies'][order]
            middle = e[len(e) // 2 - n // 2 : len(e) // 2 + n // 2].mean()
            excess.append((e[:n].mean() + e[-n:].mean()) / 2 - middle)
    assert len(excess) >= 5
    assert low < np.mean(excess) < high


def test_wrong_medium(frames):
    with pytest.raises(ValueError, match="medium must be 'solvent' or 'vacuum', got 'water'"):
        solvent_set.load('water')


def test_gather(tmp_path):
    """Labels find their structures, whatever their order; those of none are refused."""
    inside, outside = solvent_set.in_both_media()
    chosen = [k for k, atoms in enumerate(inside) if atoms.info['paired']][:2]
    chosen += [k for k, atoms in enumerate(inside) if not atoms.info['paired']][:1]
    structures = [inside[k] for k in chosen]
    for name, frames in (('solvent', inside), ('vacuum', outside)):
        for place, k in enumerate(reversed(chosen[:2] if name == 'vacuum' else chosen)):
            folder = tmp_path / name / f'{place:05d}'
            folder.mkdir(parents=True)
            atoms = frames[k].copy()
            atoms.info = {'REF_energy': atoms.info['REF_energy'], 'label_seconds': 12.3}
            write(folder / 'result.extxyz', atoms)
    bare = [atoms.copy() for atoms in structures]
    for atoms in bare:
        del atoms.info['REF_energy']
    write(tmp_path / 'structures.extxyz', bare)
    output = tmp_path / 'set.extxyz'
    solvent_set.main(tmp_path / 'structures.extxyz', tmp_path / 'solvent', tmp_path / 'vacuum', output)
    assert len(read(output, ':')) == 3
    for medium, expected in zip(('solvent', 'vacuum'), (inside, outside)):
        for atoms, k in zip(solvent_set.load(medium, output), chosen):
            assert atoms.info['REF_energy'] == expected[k].info['REF_energy']
            np.testing.assert_allclose(atoms.arrays['REF_energies'], expected[k].arrays['REF_energies'], atol=1e-7)
    with pytest.raises(ValueError, match='belongs to none of the 1 structures'):
        solvent_set.gather(bare[:1], tmp_path / 'solvent', tmp_path / 'vacuum')


def test_shipped_potential_knows_the_solvent(frames):
    """li-pbe-solvent-1 gives the labels better than li-pbe-1, and the solvent costs energy on every face."""
    wet = [atoms for atoms in frames if atoms.info['group'] in ('slabs', 'steps', 'adatoms')]
    errors = {name: accuracy(find_potential(name), wet) for name in ('li-pbe-1', 'li-pbe-solvent-1')}
    assert errors['li-pbe-solvent-1'].mae('forces') < 0.02 < errors['li-pbe-1'].mae('forces')
    slab = bcc100('Li', (1, 1, 9), a=3.44, vacuum=8, periodic=True)
    solid = bulk('Li', 'bcc', a=3.44)
    excess = {}
    for name in errors:
        calc = VVCalculator(name)
        (whole, part) = (results['energy'] for results in calc.evaluate_many([slab, solid]))
        excess[name] = (whole - len(slab) * part) / (2 * 3.44**2) * 16.0218
    assert 0.015 < excess['li-pbe-solvent-1'] - excess['li-pbe-1'] < 0.035  # DFT: 0.023 J/m^2


@pytest.mark.parametrize('name', solvent_set.SETS)
def test_energies_add_up(name):
    """Atomic energies sum to the energy, and the electronic part and the surface tension make the whole."""
    frames = solvent_set.load(name=name)
    tension = 32.5 * 1e-3 * units.J / units.m**2  # dyn/cm
    for atoms in frames:
        info, arrays = atoms.info, atoms.arrays
        assert arrays['REF_energies'].sum() == pytest.approx(info['REF_energy'], abs=1e-4)
        assert info['REF_el_energy'] + tension * info['REF_surface'] == pytest.approx(info['REF_energy'], abs=1e-5)
        forces = arrays['REF_el_forces'] - tension * arrays['REF_surface_gradient']
        np.testing.assert_allclose(forces, arrays['REF_forces'], atol=1e-6)
    with pytest.raises(ValueError, match='name must be one of li-solvent-1, li-solvent-2'):
        solvent_set.load(name='li-solvent-3')


def test_labels_in_vacuum_have_no_cavity():
    for atoms in solvent_set.load('vacuum'):
        found = {name for name in (*atoms.info, *atoms.arrays) if name.startswith('REF_')}
        assert found == {'REF_energy', 'REF_forces', 'REF_energies'}


def test_set_apart_does_not_move_structures(frames):
    """A structure stays on its side whatever else is in the set."""
    fitted, tests = solvent_set.set_apart(frames)
    assert len(fitted) + len(tests) == len(frames)
    assert 0.1 < len(tests) / len(frames) < 0.3
    for side, chosen in enumerate((fitted, tests)):
        again = solvent_set.set_apart(chosen[::3])
        assert len(again[side]) == len(chosen[::3])
    with pytest.raises(ValueError, match='share must be at least 2, got 1'):
        solvent_set.set_apart(frames, share=1)
