import gc
import io
import itertools
import tracemalloc
import warnings

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from ase.io import iread, read, write

from ase_mlffvv.errors import PWmatFileError, PWmatWarning
from ase_mlffvv.io.datasets import labels_of, read_frames
from ase_mlffvv.io.pwmat.movement import read_pwmat_movement, write_pwmat_movement

from . import files


def parsed(text, index=slice(None), **options):
    return list(read_pwmat_movement(io.StringIO(text), index, **options))


def trajectory(n, **options):
    return ''.join(files.frame(k, **options) for k in range(n))


def slope(frames):
    """Of the energy differences of neighboring frames against -F.dr, with mean forces."""
    work, change = [], []
    for a, b in itertools.pairwise(frames):
        F = 0.5 * (a.get_forces() + b.get_forces())
        work.append(-(F * (b.positions - a.positions)).sum())
        change.append(b.get_potential_energy() - a.get_potential_energy())
    return np.dot(work, change) / np.dot(work, work)


def test_units_and_signs():
    atoms = parsed(files.frame(3, extra=files.MD))[0]
    u = 0.1 * np.sin(0.9 + np.arange(9).reshape(3, 3))
    E_i = files.E_ATOM + 0.5 * files.HARMONIC * (u**2).sum(axis=1)
    assert atoms.get_potential_energy() == pytest.approx(E_i.sum() + files.CONSTANT, abs=1e-7)
    assert atoms.get_potential_energy(force_consistent=True) == atoms.get_potential_energy()
    np.testing.assert_allclose(atoms.get_forces(), -files.HARMONIC * u, atol=1e-14)
    np.testing.assert_allclose(atoms.get_velocities(), files.bohr_per_fs(3) / units.fs, atol=1e-14)
    stress = files.VIRIAL / abs(np.linalg.det(files.CELL))
    np.testing.assert_allclose(atoms.get_stress(voigt=False), stress, atol=1e-8)
    np.testing.assert_allclose(atoms.cell, files.CELL)
    assert atoms.pbc.all()
    assert not atoms.constraints
    assert atoms.info == {'time_fs': 6.0, 'kinetic_energy': 0.13, 'scf_iterations': 5, 'dE': files.CONSTANT}
    np.testing.assert_array_equal(atoms.arrays['Q_atom'], 3.0)
    np.testing.assert_array_equal(atoms.arrays['E_nonloc'], -99.4)
    np.testing.assert_allclose(atoms.arrays['E_atom'], E_i, atol=1e-8)
    assert atoms.arrays['E_atom'].sum() + atoms.info['dE'] == pytest.approx(atoms.get_potential_energy(), abs=1e-6)


def test_atomic_energies_sum_to_the_energy_whatever_their_zero():
    usual = parsed(trajectory(4))
    for shift in (0.0, -208.1, 1000.0):  # files exist whose atomic energies were shifted and whose dE was not
        for atoms, other in zip(parsed(trajectory(4, shift=shift)), usual):
            energies = atoms.get_potential_energies()
            assert energies.sum() == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
            np.testing.assert_allclose(energies, other.get_potential_energies(), atol=1e-6)
            np.testing.assert_allclose(atoms.arrays['E_atom'], other.arrays['E_atom'] + shift, atol=1e-6)


@pytest.mark.parametrize(
    'variant',
    [
        {'extra': files.MD},
        {'extra': files.NPT},
        {'force': 'Force (eV/Angstrom)', 'velocity': False, 'nonperiodic': False},  # from OUT.MLMD
        {'first': 'relax', 'velocity': False},
        {'stress': False},
        {'atomic': False},
        {'end': ' ------------------------------------------------END\n'},
        {'end': ' ------'},
        {'end': ''},
    ],
    ids=str,
)
def test_variants(variant):
    frames = parsed(trajectory(3, **variant) if variant.get('end') != ' ------' else files.frame(**variant))
    for k, atoms in enumerate(frames):
        usual = parsed(files.frame(k))[0]
        np.testing.assert_allclose(atoms.positions, usual.positions)
        np.testing.assert_array_equal(atoms.get_forces(), usual.get_forces())
        assert atoms.get_potential_energy() == usual.get_potential_energy()
        assert ('stress' in atoms.calc.results) == variant.get('stress', True)
        assert ('energies' in atoms.calc.results) == variant.get('atomic', True)
        assert atoms.has('momenta') == variant.get('velocity', True)
        assert atoms.info.get('iteration') == (k if 'first' in variant else None)


def test_a_long_trajectory_conserves_energy():
    frames = parsed(trajectory(200), unwrapped=True)
    assert len(frames) == 200
    assert [a.info['time_fs'] for a in frames] == [2.0 * k for k in range(200)]
    assert slope(frames) == pytest.approx(1, abs=1e-5)


def test_unwrapped_positions():
    wrapped, unwrapped = parsed(trajectory(30)), parsed(trajectory(30), unwrapped=True)
    assert max(np.ptp([a.positions[2] for a in wrapped], axis=0)) > 3.0
    assert max(np.ptp([a.positions[2] for a in unwrapped], axis=0)) < 0.3
    assert parsed(files.frame(nonperiodic=False), unwrapped=True)[0] == wrapped[0]


@pytest.mark.parametrize('index', [':', '0', '3', '-1', '-3', '2:5', '-3:', '::2', '1::3', '-4:-1', '4:1:-1', '::-2',
                                   '7:', '5:2', ':0', '6:7'])  # fmt: skip
def test_index(tmp_path, index):
    (tmp_path / 'MOVEMENT').write_text(trajectory(8))
    frames = read(tmp_path / 'MOVEMENT', index)
    times = [2.0 * k for k in range(8)]
    expected = times[slice(*(int(i) if i else None for i in index.split(':')))] if ':' in index else times[int(index)]
    if ':' in index:
        assert [a.info['time_fs'] for a in frames] == expected
    else:
        assert frames.info['time_fs'] == expected


def test_frames_that_do_not_exist(tmp_path):
    (tmp_path / 'MOVEMENT').write_text(trajectory(2))
    with pytest.raises(IndexError, match='MOVEMENT has fewer than 6 frames'):
        read(tmp_path / 'MOVEMENT', 5)


def test_frames_not_asked_for_are_not_understood(tmp_path):
    text = files.frame(0) + files.frame(1).replace('3.0000000000E+00', '****************') + files.frame(2)
    (tmp_path / 'MOVEMENT').write_text(text)
    assert read(tmp_path / 'MOVEMENT', 0).info['time_fs'] == 0
    assert read(tmp_path / 'MOVEMENT').info['time_fs'] == 4
    assert [a.info['time_fs'] for a in read(tmp_path / 'MOVEMENT', '::2')] == [0, 4]
    with pytest.raises(PWmatFileError, match=r'line 57: expected row 1 of 3 of Atomic-Energy, all finite'):
        read(tmp_path / 'MOVEMENT', ':')


def test_memory_does_not_grow_with_the_file(tmp_path):
    def peak(n):
        path = tmp_path / f'{n}.MOVEMENT'
        path.write_text(trajectory(n))
        tracemalloc.start()
        for index in (':', '-2:'):
            for k, _ in enumerate(iread(path, index)):
                if k % 20 == 0:
                    gc.collect()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(20)  # imports and caches
    short, long = peak(20), peak(400)
    assert long < short + 50_000
    assert (tmp_path / '400.MOVEMENT').stat().st_size > 800_000


def test_a_last_frame_that_is_cut_off():
    whole, last = trajectory(2), files.frame(2)
    end = last.index(' -----')
    for length in (5, 40, 200, 600, 1200, len(last) // 2, end - 60, end - 5, end - 1):
        with pytest.warns(PWmatWarning, match='the open file line [6-9].*: the last frame is cut off') as caught:
            frames = parsed(whole + last[:length])
        assert len(frames) == 2
        assert len(caught) == 1
        with pytest.warns(PWmatWarning):
            assert parsed(whole + last[:length], -1)[0].info['time_fs'] == 2
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert len(parsed(whole + last[:end])) == 3  # all blocks, only the line of dashes is missing
        assert len(parsed(whole + last[: end + 8])) == 3
        assert len(parsed(whole + last[:99], slice(0, 2))) == 2
    with pytest.warns(PWmatWarning, match='expected a atomic-energy block'):
        assert len(parsed(whole + last[: last.index('Atomic-Energy')])) == 2


def test_a_frame_cut_off_in_the_middle_is_an_error():
    last = files.frame(1)
    for length in (600, last.index('Atomic-Energy'), last.index(' Force')):
        cut = last[: last[:length].rindex('\n') + 1]
        with pytest.raises(PWmatFileError, match='the open file line'):
            parsed(files.frame(0) + cut + files.frame(2))


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        (
            '   3 atoms,Iteration',
            '   4 atoms,Iteration',
            r'line 14: expected row 4 of 4 of Position .* found .nonperiodic',
        ),
        ('   3 atoms,Iteration', '   2 atoms,Iteration', r'line 13: expected 2 rows of position, found one more'),
        (' Lattice vector', ' Lettuce vector', 'line 1: expected a LATTICE block .* found none'),
        ('Ek (eV) = ', 'Ek (eV) = *******************', r'line 1: expected E_tot, E_p and E_k'),
        (' 6.000000E-01', ' ************', r'line 3: expected row 1 of 3 of cell vectors in Å'),
        (' 3.0000000000E+00\n', ' NaN\n', r'line 27: expected row 1 of 3 of Atomic-Energy, all finite'),
        (f'{files.CONSTANT:.10E}', '*******', r'line 26: expected the constant dE, all finite'),
    ],
)
def test_damage(old, new, message):
    text = files.frame()
    assert old in text
    with pytest.raises(PWmatFileError, match='the open file ' + message):
        parsed(text.replace(old, new, 1))


def test_foreign_files(tmp_path):
    path = tmp_path / 'MOVEMENT'
    for content, message in (
        ('', 'expected frames .* found an empty file'),
        ('Li bcc\n1.0\n3.5 0 0\n', "line 1: expected the number of atoms, found 'Li bcc'"),
        (files.frame()[:300], r"MOVEMENT has no complete frame\. A structure .* format='pwmat-config'"),
        (files.frame(end='')[:1200], 'MOVEMENT has no complete frame'),
    ):
        path.write_text(content)
        for index in (':', '-1', '0'):
            with pytest.raises(PWmatFileError, match=message):
                read(path, index)
    with pytest.raises(FileNotFoundError, match=r"no file '.*none.MOVEMENT' \(working directory"):
        list(read_pwmat_movement(tmp_path / 'none.MOVEMENT'))


def test_round_trip(tmp_path):
    frames = files.labelled(3)
    frames[1].set_constraint(FixAtoms([2]))
    write(tmp_path / 'MOVEMENT', frames)
    first = read(tmp_path / 'MOVEMENT', ':')
    write(tmp_path / 'again.MOVEMENT', first)
    for again in (first, read(tmp_path / 'again.MOVEMENT', ':')):
        for atoms, before in zip(again, frames):
            np.testing.assert_allclose(atoms.positions, before.positions, rtol=0, atol=1e-13)
            np.testing.assert_array_equal(atoms.cell, before.cell)
            np.testing.assert_array_equal(atoms.numbers, before.numbers)
            np.testing.assert_allclose(atoms.get_velocities(), before.get_velocities(), rtol=1e-14)
            assert set(atoms.calc.results) == set(before.calc.results)
            for name, value in before.calc.results.items():
                np.testing.assert_allclose(atoms.calc.results[name], value, rtol=1e-13, atol=1e-15)
            for name, value in before.info.items():
                assert atoms.info[name] == value
            assert atoms.info['kinetic_energy'] == pytest.approx(before.get_kinetic_energy(), rel=1e-12)
            assert len(atoms.constraints) == len(before.constraints)
    text = (tmp_path / 'MOVEMENT').read_text()
    assert text.count('-----\n') == 3


def test_a_file_of_the_program_is_kept(tmp_path):
    for options in ({}, {'first': 'relax', 'velocity': False}, {'stress': False, 'atomic': False}, {'shift': -208.0}):
        before = parsed(trajectory(3, **options))
        write(tmp_path / 'MOVEMENT', before)
        for atoms, old in zip(read(tmp_path / 'MOVEMENT', ':'), before):
            assert atoms.info == old.info
            assert set(atoms.arrays) == set(old.arrays)
            for name in atoms.arrays:
                np.testing.assert_allclose(atoms.arrays[name], old.arrays[name], rtol=1e-14, atol=1e-13)
            for name, value in old.calc.results.items():
                np.testing.assert_allclose(atoms.calc.results[name], value, rtol=1e-14, atol=1e-14)


def test_reference_labels_are_written_and_old_results_are_not(tmp_path):
    path = tmp_path / 'MOVEMENT'
    atoms = parsed(files.frame())[0]
    atoms.info['REF_energy'] = -9.0
    atoms.arrays['REF_forces'] = np.full((3, 3), 0.25)
    atoms.arrays['REF_energies'] = np.array([-1.0, -3.0, -5.0])
    write(path, atoms)
    labels = labels_of(read_frames(path)[0])
    assert labels.energy == -9.0
    np.testing.assert_array_equal(labels.forces, 0.25)
    np.testing.assert_array_equal(labels.energies, [-1, -3, -5])
    moved = parsed(files.frame())[0]
    moved.rattle(0.1)
    with pytest.raises(ValueError, match='needs energy and forces'):
        write(path, moved)
    assert read(path).get_potential_energy() == -9.0


def test_append_and_streams(tmp_path):
    path, frames = tmp_path / 'MOVEMENT', files.labelled(3)
    for atoms in frames:
        write(path, atoms, append=True)
    assert [a.get_potential_energy() for a in read(path, ':')] == [a.get_potential_energy() for a in frames]
    out = io.StringIO()
    write_pwmat_movement(out, iter(frames))
    assert out.getvalue() == path.read_text().replace('0.0000000000000000E+00, Etot', '0.0000000000000000E+00, Etot')
    assert len(parsed(out.getvalue())) == 3


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda a: a.calc.results.pop('forces'), 'frame 0: a MOVEMENT needs energy and forces'),
        (lambda a: a.calc.results['forces'].__setitem__((0, 0), np.nan), 'frame 0: forces is not finite'),
        (lambda a: a.calc.results.__setitem__('energy', np.inf), 'frame 0: energy is not finite'),
        (
            lambda a: a.arrays['momenta'].__setitem__((1, 0), np.nan),
            r'frame 0: momenta .* not finite numbers \(atoms 1\)',
        ),
    ],
)
def test_what_cannot_be_written(tmp_path, change, message):
    atoms = files.labelled()[0]
    change(atoms)
    with pytest.raises(ValueError, match=message):
        write(tmp_path / 'MOVEMENT', atoms)
    assert not list(tmp_path.iterdir())


def test_a_file_without_time_counts_frames(tmp_path):
    atoms = bulk('Li')
    atoms.calc = SinglePointCalculator(atoms, energy=-1.0, forces=np.zeros((1, 3)))
    write(tmp_path / 'MOVEMENT', [atoms] * 3)
    frames = read(tmp_path / 'MOVEMENT', ':')
    assert [a.info['time_fs'] for a in frames] == [0, 1, 2]
    assert set(frames[0].calc.results) == {'energy', 'free_energy', 'forces'}
    assert isinstance(frames[0], Atoms)
