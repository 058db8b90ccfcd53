"""The labelling queue without processes: what it writes, what it keeps, what it refuses."""

import csv
import json
import os

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.io import read, write

from ase_mlffvv import VVCalculator, VVSpec, fit, read_frames
from ase_mlffvv.errors import DatasetError, StructureError
from ase_mlffvv.io.files import load_json, save_json
from ase_mlffvv.labelling import label

from . import factories
from .inline import Inline, chain


def copper(n=4, seed=0):
    rng = np.random.default_rng(seed)
    frames = []
    for k in range(n):
        atoms = bulk('Cu', cubic=True)
        atoms.rattle(0.1, rng=rng)
        atoms.info['config_type'] = f'group {k % 2}'
        frames.append(atoms)
    return frames


def quick(frames, calculator, folder, **kwargs):
    return label(frames, calculator, folder, **{'executor': Inline(), 'progress': False, **kwargs})


def table(folder):
    with open(folder / 'labels.csv') as file:
        return list(csv.DictReader(file))


def test_labels_are_those_of_the_calculator(tmp_path):
    frames = copper()
    frames[1].set_constraint(FixAtoms([0]))
    frames[2].info.update(REF_energy=99.0, REF_virial=1.0, note='kept')
    frames[2].arrays['REF_forces'] = np.full((4, 3), 99.0)
    before = [atoms.copy() for atoms in frames]
    summary = quick(frames, 'emt', tmp_path / 'labels')
    assert (summary.labelled, summary.computed, summary.failed, summary.safe) == (4, 4, [], [])
    for atoms, was, found in zip(frames, before, read(tmp_path / 'labels' / 'labelled.extxyz', ':')):
        assert atoms == was
        assert atoms.info.keys() == was.info.keys()
        atoms.calc = EMT()
        assert found.info['REF_energy'] == pytest.approx(atoms.get_potential_energy(), abs=1e-12)
        np.testing.assert_allclose(found.arrays['REF_forces'], atoms.get_forces(apply_constraint=False), atol=1e-8)
        np.testing.assert_allclose(found.arrays['REF_energies'], atoms.get_potential_energies(), atol=1e-8)
        np.testing.assert_allclose(found.info['REF_stress'], atoms.get_stress(), rtol=1e-12)
        np.testing.assert_allclose(found.positions, atoms.positions, atol=1e-8)
        assert found.info['config_type'] == atoms.info['config_type']
        assert found.info['label_calculator'] == 'emt'
        assert found.info['label_code'].startswith('ase 3.')
        assert found.info['label_parameters'] == {'asap_cutoff': False}
        assert found.info['label_settings'].startswith('sha256:')
        assert found.info['label_seconds'] > 0
        assert not found.info['label_safe']
        assert 'REF_virial' not in found.info
    assert read(tmp_path / 'labels' / 'labelled.extxyz', 2).info['note'] == 'kept'
    directories = sorted(p.name for p in (tmp_path / 'labels').iterdir() if p.is_dir())
    assert [name[:6] for name in directories] == ['00000-', '00001-', '00002-', '00003-']
    inside = tmp_path / 'labels' / directories[1]
    assert sorted(p.name for p in inside.iterdir()) == ['result.extxyz', 'result.json']
    record = json.loads((inside / 'result.json').read_text())
    frames[1].calc = EMT()
    assert record['forces'] == frames[1].get_forces(apply_constraint=False).tolist()
    rows = table(tmp_path / 'labels')
    assert [row['status'] for row in rows] == ['done'] * 4
    assert float(rows[3]['energy_eV']) == read(inside.parent / 'labelled.extxyz', 3).info['REF_energy']
    assert '4 structures: 4 labelled, 0 failed (4 computed now' in str(summary)


def test_what_is_finished_is_read(tmp_path):
    frames, calls = copper(5), tmp_path / 'calls'
    settings = {'calls': str(calls)}
    folder = tmp_path / 'labels'

    def done():
        lines = calls.read_text().split('\n')[:-1] if calls.exists() else []
        calls.write_text('')
        return len(lines)

    assert quick(frames[:3], factories.counted, folder, settings=settings).computed == 3
    assert done() == 3
    first = {p: p.stat().st_mtime_ns for p in folder.glob('*/result.json')}
    # settings name a file: the test's own log would count with its content
    calls.unlink()
    order = [4, 2, 0, 3, 1, 2]
    summary = quick([frames[k] for k in order], factories.counted, folder, settings=settings)
    assert (summary.labelled, summary.computed) == (6, 2)
    assert done() == 2
    calls.unlink()
    assert {p: p.stat().st_mtime_ns for p in first} == first
    for k, found in zip(order, read(folder / 'labelled.extxyz', ':')):
        np.testing.assert_allclose(found.positions, frames[k].positions, atol=1e-8)
        frames[k].calc = EMT()
        assert found.info['REF_energy'] == pytest.approx(frames[k].get_potential_energy(), abs=1e-12)
    write(tmp_path / 'frames.extxyz', frames)  # eight digits are the same structure
    again = read(tmp_path / 'frames.extxyz', ':')
    assert quick(again, 'tests.labelling.factories:counted', folder, settings=settings).computed == 0
    assert not calls.exists()
    again[0].positions[0, 0] += 1e-6
    again[1].set_initial_charges([0.1, 0, 0, 0])
    assert quick(again, factories.counted, folder, settings=settings).computed == 2
    assert len(read(folder / 'labelled.extxyz', ':')) == 5


def test_changed_settings_are_named(tmp_path):
    folder, path = tmp_path / 'labels', str(tmp_path / 'calls')
    quick(copper(1), factories.counted, folder, settings={'calls': path, 'ecut': 350})
    os.remove(path)
    with pytest.raises(ValueError, match=r'labels with other settings \(ecut: 350 before, 400 now'):
        quick(copper(1), factories.counted, folder, settings={'calls': path, 'ecut': 400})
    with pytest.raises(ValueError, match=r'calculator: "tests.labelling.factories:counted" before, "emt" now'):
        quick(copper(1), 'emt', folder)
    (tmp_path / 'calls').write_text('x')
    with pytest.raises(ValueError, match='content of calls: not given before'):
        quick(copper(1), factories.counted, folder, settings={'calls': path, 'ecut': 350})
    job = load_json(folder / 'label.json', unsigned=['code'])
    save_json(folder / 'label.json', {**job, 'format': 3}, checksum=True, unsigned=['code'])
    with pytest.raises(ValueError, match='has format 3; this version'):
        quick(copper(1), 'emt', folder)


def test_changed_function_is_noticed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / 'labels'
    text = 'from ase.calculators.emt import EMT\ndef make(atoms, safe, directory):\n    ecut = 350\n    return EMT()\n'

    def run(name, text):
        (tmp_path / f'{name}.py').write_text(text)
        job = load_json(folder / 'label.json', unsigned=['code']) if folder.exists() else None
        if job:  # as if the module had been edited
            job['identity']['calculator'] = f'{name}:make'
            job.pop('sha256', None)
            save_json(folder / 'label.json', job, checksum=True, unsigned=['code'])
        return quick(copper(1), f'{name}:make', folder)

    run('dft_a', text)
    run('dft_b', text.replace('350', '350  # eV\n'))
    with pytest.raises(ValueError, match='the text of \'dft_c:make\' has changed .* delete the entry "code"'):
        run('dft_c', text.replace('350', '400'))
    assert quick(copper(1), 'dft_c:make', folder, overwrite=True).computed == 1
    assert quick(copper(1), 'dft_c:make', folder).computed == 0


def test_overwriting_begins_anew(tmp_path):
    folder, settings = tmp_path / 'labels', {'calls': str(tmp_path / 'calls')}
    folder.mkdir()
    (folder / 'notes.txt').write_text('mine')
    quick(copper(3), factories.counted, folder, settings={**settings, 'ecut': 350}, overwrite=True)
    os.remove(tmp_path / 'calls')
    summary = quick(copper(2), factories.counted, folder, settings={**settings, 'ecut': 400}, overwrite=True)
    assert summary.computed == 2
    assert len(read(folder / 'labelled.extxyz', ':')) == len(list(folder.glob('*-*/result.json'))) == 2
    os.remove(tmp_path / 'calls')
    again = quick(copper(3), factories.counted, folder, settings={**settings, 'ecut': 400}, overwrite=True)
    assert again.computed == 1, 'the same settings continue'
    assert (folder / 'notes.txt').read_text() == 'mine'


def test_failures_are_set_apart(tmp_path):
    folder = tmp_path / 'labels'
    frames = [chain(n) for n in range(1, 9)]
    summary = quick(frames, factories.moody, folder)
    assert summary.labelled == 1
    reasons = {k: reason for k, _, reason in summary.failed}
    for k, words in {
        1: 'RuntimeError: no licence',
        2: 'gave energy with 1 values that are not finite',
        3: 'gave no forces',
        4: r'gave forces of shape (6, 3), expected (5, 3)',
        5: "must return an ASE calculator, got 'a calculator'",
        6: 'SystemExit: the program gave up',
        7: 'MemoryError',
    }.items():
        assert words in reasons[k]
        assert words in str(summary)
        directory = folder / summary.failed[k - 1][1]
        text = (directory / 'error.txt').read_text()
        assert text.count('Traceback') == 2
        assert text.index('first attempt') < text.index('second attempt, safer settings')
        assert sorted(p.name for p in directory.iterdir()) == ['error.txt', 'result.json', 'run', 'safe']
        assert table(folder)[k]['status'] == 'failed'
        assert words in table(folder)[k]['reason']
    assert [len(a) for a in read(folder / 'failed.extxyz', ':')] == [2, 3, 4, 5, 6, 7, 8]
    assert read(folder / 'failed.extxyz', 0).info['label_reason'] == 'RuntimeError: no licence'
    assert len(read(folder / 'labelled.extxyz', ':')) == 1
    executor = Inline()
    summary = quick(frames, factories.moody, folder, executor=executor)  # remembered
    assert (len(executor.tasks), summary.computed, len(summary.failed)) == (0, 0, 7)
    summary = quick(frames[:2], factories.moody, folder, executor=executor, retry_failed=True)
    assert (len(executor.tasks), summary.computed, len(summary.failed)) == (2, 1, 1)


def test_safer_settings_help(tmp_path):
    frames = [chain(1), chain(2)]
    summary = quick(frames, factories.moody, tmp_path / 'labels', settings={'safer_helps': True})
    assert (summary.labelled, summary.safe, summary.failed) == (2, [1], [])
    assert 'only with safer settings: structures 1' in str(summary)
    assert [row['status'] for row in table(tmp_path / 'labels')] == ['done', 'safe']
    found = read(tmp_path / 'labels' / 'labelled.extxyz', ':')
    assert [bool(atoms.info['label_safe']) for atoms in found] == [False, True]
    assert not (tmp_path / 'labels' / 'failed.extxyz').exists()


def test_free_energy_and_matrix_stress(tmp_path):
    atoms = copper(1)[0]
    atoms.set_initial_charges([0.25, 0, 0, 0])
    quick([atoms], factories.smeared, tmp_path / 'labels')
    found = read(tmp_path / 'labels' / 'labelled.extxyz')
    assert found.info['REF_energy'] == pytest.approx(-0.85)
    assert found.info['label_energy'] == -1.0
    np.testing.assert_array_equal(found.info['REF_stress'], [0, 8, 16, 12, 8, 4])
    assert 'REF_energies' not in found.arrays
    assert read_frames(tmp_path / 'labels' / 'labelled.extxyz')[0].info['REF_energy'] == found.info['REF_energy']


def test_labels_without_a_name_in_ase(tmp_path):
    quick(copper(2), factories.two_parts, tmp_path / 'labels')
    for found in read(tmp_path / 'labels' / 'labelled.extxyz', ':'):
        assert found.info['REF_surface'] == 12.5
        np.testing.assert_array_equal(found.arrays['REF_surfaces'], np.arange(4.0))
        np.testing.assert_array_equal(found.arrays['REF_el_forces'], np.full((4, 3), 2.0))
    quick(copper(1), factories.two_parts, tmp_path / 'wrong', settings={'n': 3})
    wrong = 'the calculator gave surfaces of shape (3,) for 4 atoms'
    assert wrong in read(tmp_path / 'wrong' / 'failed.extxyz').info['label_reason']


def test_stress_only_where_there_is_one(tmp_path):
    quick([copper(1)[0], molecule('H2O')], factories.no_stress, tmp_path / 'a')
    for found in read(tmp_path / 'a' / 'labelled.extxyz', ':'):
        assert 'REF_stress' not in found.info
    cluster = chain(3, 'Li', 3.0)
    cluster.cell = None
    summary = quick([cluster], 'vv', tmp_path / 'b')
    assert summary.labelled == 1
    assert 'REF_stress' not in read(tmp_path / 'b' / 'labelled.extxyz').info


def test_labels_can_be_fitted(tmp_path):
    rng = np.random.default_rng(0)
    frames = []
    for _ in range(6):
        atoms = bulk('Li', 'bcc', a=3.4, cubic=True) * (2, 1, 1)
        atoms.rattle(0.1, rng=rng)
        frames.append(atoms)
    quick(frames, 'vv', tmp_path / 'labels')
    frames[0].calc = VVCalculator()
    found = read_frames(tmp_path / 'labels' / 'labelled.extxyz')
    assert found[0].info['REF_energy'] == pytest.approx(frames[0].get_potential_energy(), abs=1e-9)
    spec = VVSpec(['Li'], cutoff=4.5, two_body=8, three_body=(2, 2), terms=5, single=4)
    _, report = fit(found, spec, progress=False)
    assert '6' in str(report)


def test_damaged_result_is_computed_again(tmp_path, caplog):
    folder = tmp_path / 'labels'
    quick(copper(2), 'emt', folder)
    path = sorted(folder.glob('*/result.json'))[0]
    path.write_text(path.read_text()[:100])
    assert quick(copper(2), 'emt', folder).computed == 1
    assert 'is damaged' in caplog.text


def test_a_second_job_is_kept_out(tmp_path):
    class Nosy(Inline):
        def submit(self, fn, /, *args):
            with pytest.raises(FileExistsError, match='another job works'):
                quick(copper(1), 'emt', tmp_path / 'labels')
            return super().submit(fn, *args)

    assert quick(copper(1), 'emt', tmp_path / 'labels', executor=Nosy()).labelled == 1


def test_bad_structures(tmp_path):
    broken = copper(1)[0]
    broken.positions[2] = np.nan
    for frames, calculator, error, message in (
        ([], 'emt', DatasetError, 'the list is empty'),
        ([copper(1)[0], copper(1)[0][:0]], 'emt', DatasetError, 'structure 1 has no atoms'),
        ([copper(1)[0], 'Cu'], 'emt', TypeError, 'structure 1 must be an ase.Atoms, got str'),
        ([broken], 'emt', StructureError, 'structure 0: positions of 1 of 4 atoms are not finite'),
        ([copper(1)[0], molecule('H2O')], factories.periodic, StructureError,
         r'needs three cell vectors; 1 of 2 structures have fewer \(structures 1\).*center'),
    ):  # fmt: skip
        with pytest.raises(error, match=message):
            quick(frames, calculator, tmp_path / 'labels')
    assert not (tmp_path / 'labels').exists()


def inner():
    def make(atoms, safe, directory):
        return EMT()

    return make


def test_bad_calculators_and_settings(tmp_path):
    for calculator, settings, error, message in (
        ('abinit', {}, ValueError, "no calculator 'abinit'; known: emt, gpaw, vv, or the import path"),
        ('no_such_module:make', {}, ValueError, "cannot be imported: No module named 'no_such_module'"),
        ('tests.labelling.factories:make', {}, ValueError, "has no 'make'"),
        ('tests.labelling.factories:os', {}, TypeError, 'not a function'),
        (3, {}, TypeError, 'got 3'),
        (inner(), {}, TypeError, 'at the top of a module'),
        (lambda atoms, safe, directory: EMT(), {}, TypeError, 'at the top of a module'),
        ('emt', {'ecut': 350}, TypeError, "unexpected keyword argument 'ecut'.*its settings: none; got: ecut"),
        (factories.counted, {'ecutt': 1}, TypeError, 'its settings: calls, sleep, ecut; got: ecutt'),
        (chain, {}, TypeError, 'called as function'),
        (factories.counted, {'ecut': np.array([1])}, TypeError, 'cannot be kept with the labels'),
        (factories.counted, {'ecut': float('nan')}, TypeError, 'ecut=nan cannot be kept'),
    ):
        with pytest.raises(error, match=message):
            quick(copper(1), calculator, tmp_path / 'labels', settings=settings)
    for processes in (0, 1.5, None):
        with pytest.raises(ValueError, match='processes must be a whole number'):
            label(copper(1), 'emt', tmp_path / 'labels', processes=processes)
    assert not (tmp_path / 'labels').exists()


def test_folder_of_something_else(tmp_path):
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / 'settings.json').write_text('{}')
    with pytest.raises(FileExistsError, match=r'does not hold labels \(label.json is missing; found settings.json\)'):
        quick(copper(1), 'emt', tmp_path / 'run')
    with pytest.raises(FileExistsError, match='is a file'):
        quick(copper(1), 'emt', tmp_path / 'run' / 'settings.json')
    (tmp_path / 'run' / 'label.json').write_text('["tea"]')
    with pytest.raises(FileExistsError, match='does not describe labels'):
        quick(copper(1), 'emt', tmp_path / 'run')


def test_folder_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / 'file').write_text('')
    with pytest.raises(OSError, match=r"cannot write into '.*labels': Not a directory. Give a folder"):
        quick(copper(1), 'emt', tmp_path / 'file' / 'labels')
    folder = tmp_path / 'labels'
    quick(copper(1), 'emt', folder)

    def refuse(dir):
        raise PermissionError(13, 'Permission denied', str(dir))

    monkeypatch.setattr('tempfile.TemporaryFile', refuse)  # root may write anywhere
    with pytest.raises(PermissionError, match=r"cannot write into '.*labels': Permission denied"):
        quick(copper(1), 'emt', folder)


@pytest.mark.skipif(not hasattr(os, 'geteuid') or os.geteuid() == 0, reason='root may write anywhere')
def test_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match='Permission denied. Give a folder that can be written'):
            quick(copper(1), 'emt', tmp_path / 'labels')
    finally:
        tmp_path.chmod(0o700)
