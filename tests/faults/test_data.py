"""Data of another kind are noticed: an error that names the frame, or a DataWarning that is also in the report."""

import warnings

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import write
from mlffvv_analysis.displacements import Unwrapper
from mlffvv_analysis.timeline import timeline

from ase_mlffvv import VVSpec, fit, read_frames
from ase_mlffvv.errors import DatasetError, DataWarning, ElementError, StructureError
from ase_mlffvv.fitting import Dataset, differences
from ase_mlffvv.fitting.plausible import tell_doubts
from ase_mlffvv.fitting.report import Accuracy
from ase_mlffvv.io.datasets import check_frames
from ase_mlffvv.learning import select
from ase_mlffvv.learning.verify import core_errors
from ase_mlffvv.model import find_potential

from .rows import INF, NAN, refuses, row, table

POTENTIAL = find_potential()


def frames(n=4, **info):
    """Labelled structures with plausible numbers."""
    rng = np.random.default_rng(1)
    out = []
    for k in range(n):
        atoms = bulk('Li', cubic=True, a=3.3 + 0.05 * k)
        atoms.rattle(0.1, rng=rng)
        energies = -1.9 + 0.02 * rng.normal(size=2)
        atoms.info.update(REF_energy=energies.sum(), REF_stress=0.01 * rng.normal(size=6), **info)
        atoms.arrays.update(REF_forces=0.3 * rng.normal(size=(2, 3)), REF_energies=energies)
        out.append(atoms)
    return out


def changed(name, value, index=None, k=2):
    """Structures in which an entry of frame ``k`` has another value."""
    found = frames()
    store = found[k].arrays if name in found[k].arrays else found[k].info
    if index is None:
        store[name] = value
    else:
        store[name][index] = value
    return found


def without_labels():
    found = frames()
    found[2].info, found[2].arrays = {}, {k: found[2].arrays[k] for k in ('numbers', 'positions')}
    return found


def checked(found):
    return check_frames(found, 'set.extxyz')


def listed(found):
    return Dataset(found, 'Li', 4.0, source='set.extxyz')


FRAME = 'set.extxyz frame 2'
LABELS = [
    *[
        row(
            f'{name}={value} in {door.__name__}',
            lambda n=name, v=value, i=index, d=door: d(changed(n, v, i)),
            DatasetError,
            FRAME,
            word,
        )
        for door in (checked, listed)
        for name, index, value, word in (
            ('REF_energy', None, NAN, 'energy'),
            ('REF_energy', None, INF, 'energy'),
            ('REF_energy', None, 'a', 'numbers'),
            ('REF_forces', (1, 0), NAN, 'forces'),
            ('REF_forces', None, np.zeros((3, 3)), 'forces must have shape (2, 3), got (3, 3)'),
            ('REF_energies', 0, INF, 'energies'),
            ('REF_energies', None, np.zeros(5), 'energies must have shape (2,), got (5,)'),
            ('REF_stress', None, np.zeros(4), 'stress must have shape (6,), got (4,)'),
            ('positions', (1, 0), NAN, 'positions of atoms 1'),
            ('positions', (0, 0), INF, 'positions of atoms 0'),
            ('weight', None, NAN, 'weight'),
            ('weight', None, -1.0, 'weight'),
            ('weight', None, 'a', 'weight'),
            ('energy_weight', None, INF, 'energy_weight'),
        )
    ],
    row('no labels', lambda: checked(without_labels()), DatasetError, FRAME, 'REF_energy', 'Rename'),
    row('no structures', lambda: checked([]), DatasetError, 'set.extxyz', 'no structures'),
    row('no atoms', lambda: checked([*frames(), Atoms()]), DatasetError, 'frame 4', 'no atoms'),
    row('text as a frame', lambda: checked([*frames(), 'a']), DatasetError, 'frame 4', "'a'"),
    row(
        'coincident atoms',
        lambda: listed(changed('positions', np.zeros((2, 3)))),
        StructureError,
        FRAME,
        '0 and 1 coincide',
    ),
    row('another element', lambda: listed(changed('numbers', 29, 1)), ElementError, FRAME, 'Cu', 'Li'),
    row('no such element', lambda: listed(changed('numbers', -116, 1)), ElementError, FRAME, '-116'),
    row('references of others', lambda: differences(POTENTIAL, frames(), frames()[::-1]), DatasetError, 'structure 0'),
    row('fewer references', lambda: differences(POTENTIAL, frames(), frames(3)), DatasetError, '4', '3'),
    row('cores of no cut-outs', lambda: core_errors(POTENTIAL, []), DatasetError, 'no labelled cut-outs'),
]


def trajectory(n=3):
    atoms = bulk('Li', cubic=True, a=3.44) * (3, 3, 3)
    rng = np.random.default_rng(4)
    out = []
    for _ in range(n):
        out.append(atoms.copy())
        out[-1].positions += 0.1 * rng.normal(size=(54, 3))
    return out


def followed(found):
    tracker = Unwrapper(found[0])
    for atoms in found[1:]:
        tracker.add(atoms)


def table_of(found):
    return timeline(found, observables=['motion'], progress=False)


def with_last(change):
    found = trajectory()
    found[2] = change(found[2])
    return found


def other_element(atoms):
    atoms.numbers[7] = 11
    return atoms


def shuffled(atoms):
    return atoms[np.random.default_rng(0).permutation(len(atoms))]


TRAJECTORIES = [
    *[
        row(
            f'{name} in {door.__name__}',
            lambda c=change, d=door: d(with_last(c)),
            ValueError,
            *words,
            *(['frame 2'] if door is table_of else []),
        )
        for door in (followed, table_of)
        for name, change, words in (
            ('fewer atoms', lambda a: a[:-1], ('number of atoms', '54', '53')),
            ('another element', other_element, ('elements', 'atom 7')),
            ('another order', shuffled, ('order', 'sort')),
            ('reversed order', lambda a: a[::-1], ('order', 'sort')),
        )
    ],
    row('change of others', lambda: select(with_last(lambda a: a[:-1]), POTENTIAL, by='change'), ValueError, 'frame 2'),
    row(
        'change of another element',
        lambda: select(with_last(other_element), POTENTIAL, by='change'),
        ValueError,
        'frame 2',
        'same atoms',
    ),
]


@table(LABELS)
def test_labels(row):
    refuses(row)


@table(TRAJECTORIES)
def test_trajectories(row):
    refuses(row)


def test_the_file_is_named(tmp_path):
    path = tmp_path / 'set.extxyz'
    write(path, changed('REF_energy', NAN))
    with pytest.raises(DatasetError, match=r'set\.extxyz frame 2.*energy is not finite'):
        read_frames(path)


@pytest.mark.parametrize('move', [0.0, 3.44])
def test_a_crystal_that_slides_is_in_order(move):
    """All atoms move, by a lattice vector to places of others, but together."""
    found = trajectory()
    found[2].positions += [move, move, 0]
    followed(found)


def doubts(found, held_out=None):
    """Warnings about data, which must be in the notes of the report, too."""
    notes = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        tell_doubts(listed(found), None if held_out is None else listed(held_out), notes)
    assert [str(w.message) for w in caught] == notes
    assert all(w.category is DataWarning for w in caught)
    return ' '.join(notes)


def scaled(name, factor):
    found = frames()
    for atoms in found:
        store = atoms.arrays if name in atoms.arrays else atoms.info
        store[name] = store[name] * factor
        if name == 'REF_energy':
            del atoms.arrays['REF_energies']
    return found


@pytest.mark.parametrize(
    ('found', 'held_out', 'words'),
    [
        (lambda: scaled('REF_energy', 1000), None, ('energies differ by', 'in eV', 'same zero')),
        (lambda: scaled('REF_forces', 1000), None, ('largest force', 'eV/Å')),
        (lambda: scaled('REF_stress', 1000), None, ('largest stress', 'GPa')),
        (lambda: scaled('REF_energies', 1.01), None, ('do not add up', '4 of 4 structures')),
        (frames, frames, ('4 of 4 structures for validation', 'also fitted')),
        (frames, lambda: frames()[2:], ('2 of 2 structures for validation', 'also fitted')),
        (lambda: changed('REF_energy', 500.0), None, ('energies differ by', 'do not add up', '1 of 4 structures (2')),
    ],
)
def test_doubts_are_told(found, held_out, words):
    text = doubts(found(), held_out and held_out())
    assert not [word for word in words if word not in text], text


def test_there_are_no_doubts_about_plausible_data():
    assert doubts(frames(), frames(6)[4:]) == ''
    isolated = [*frames(), Atoms('Li', info={'REF_energy': -0.3}, cell=[9] * 3)]
    assert doubts(isolated) == ''


def test_labels_of_another_zero_are_told_by_the_table_of_errors():
    rng = np.random.default_rng(0)
    reference = [np.array([x]) for x in -1.9 + 0.1 * rng.normal(size=8)]
    groups = ['mine'] * 4 + ['theirs'] * 4
    shift = [0.0] * 4 + [0.5] * 4
    predicted = [r + s + 0.002 * rng.normal() for r, s in zip(reference, shift)]
    nothing = [np.zeros(0)] * 8
    values = {'energy': reference, 'forces': nothing, 'energies': nothing, 'stress': nothing}
    text = str(Accuracy(values, {**values, 'energy': predicted}, groups))
    assert 'energies of theirs differ from the labels by a constant: +0.49' in text
    assert 'another zero' in text
    assert 'of mine' not in text


def test_a_fit_reports_doubts():
    spec = VVSpec('Li', cutoff=4.0, two_body=6, three_body=(0, 0), terms=0, repulsion=0)
    with pytest.warns(DataWarning, match='also fitted'):
        _, report = fit(frames(6), spec, validation=frames(2), progress=False, ridge=1e-3)
    assert any('also fitted' in note for note in report.notes)


def test_cut_outs_without_a_core_are_refused():
    with pytest.raises(DatasetError, match='cut-out 0 has no array core'):
        core_errors(POTENTIAL, frames(1))
