"""The search for pairs against an independent one, matscipy's, on cells of every kind."""

import tracemalloc

import numpy as np
import pytest
from ase.build import bulk
from ase.geometry import complete_cell
from matscipy.neighbours import neighbour_list

from ase_mlffvv import memory
from ase_mlffvv.errors import InsufficientMemoryError, StructureError
from ase_mlffvv.neighbors import pair_list
from ase_mlffvv.structures import column

from ..systems import zoo


def reference(positions, cell, pbc, cutoff):
    """Rows (i, j, S) in order."""
    pbc = np.broadcast_to(pbc, 3).astype(bool)
    box = complete_cell(np.where(pbc[:, None], cell, 0.0))
    scaled = positions @ np.linalg.inv(box)
    low = np.where(pbc, 0, scaled.min(axis=0))
    high = np.where(pbc, 1, np.maximum(scaled.max(axis=0), low + 1))
    i, j, S = neighbour_list('ijS', positions=positions - low @ box, cell=box * (high - low)[:, None], pbc=pbc,
                             cutoff=float(cutoff))  # fmt: skip
    rows = np.column_stack([i, j, S])
    return rows[np.lexsort(rows.T[::-1])]


def check(positions, cell, pbc, cutoff, threads=None):
    pairs = pair_list(positions, cell, pbc, cutoff, threads)
    np.testing.assert_array_equal(
        np.column_stack([pairs.i, pairs.j, pairs.shifts[pairs.image]]), reference(positions, cell, pbc, cutoff)
    )
    return pairs


@pytest.mark.parametrize('cutoff', [1.0, 3.3, 9.7])
@pytest.mark.parametrize('name', sorted(zoo()))
def test_zoo(name, cutoff):
    atoms = zoo()[name]
    check(atoms.positions, atoms.cell[:], atoms.pbc, cutoff)


@pytest.mark.parametrize('pbc', [(1, 1, 1), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (0, 0, 0)])
def test_random_cells(pbc):
    rng = np.random.default_rng(sum(pbc))
    for _ in range(30):
        cell = rng.normal(size=(3, 3)) * rng.choice([2.0, 6.0, 20.0], size=3)[:, None]
        if abs(np.linalg.det(cell)) < 0.05 * np.prod(np.linalg.norm(cell, axis=1)):
            continue  # matscipy needs minutes and gigabytes
        positions = rng.uniform(-0.8, 1.9, (rng.integers(1, 40), 3)) @ cell  # outside of the cell, too
        check(positions, cell, pbc, rng.uniform(1, 7), threads=1 + rng.integers(2))


def test_atoms_at_exactly_the_cutoff_are_left_out_in_both_directions():
    atoms = bulk('Li', cubic=True, a=3.44) * 5
    atoms.positions += 0.1234567  # so that distances do not come out exact
    for cutoff in 3.44 * np.array([1, np.sqrt(2), 2]):
        pairs = pair_list(atoms.positions, atoms.cell[:], True, cutoff)
        there = set(zip(pairs.i, pairs.j, map(tuple, pairs.shifts[pairs.image])))
        assert there == {(j, i, tuple(-x for x in S)) for i, j, S in there}


def test_needle_with_threads_and_with_atoms_that_left_the_cell():
    atoms = column(diameter=4, height=10, box=8)
    atoms.rattle(0.1, seed=0)
    pairs = check(atoms.positions, atoms.cell[:], True, 7.0, threads=1)
    assert pairs.image.dtype == np.uint8
    assert pairs.j.nbytes + pairs.image.nbytes == 5 * len(pairs.j)
    several = pair_list(atoms.positions, atoms.cell[:], True, 7.0, threads=3)
    np.testing.assert_array_equal(several.j, pairs.j)
    np.testing.assert_array_equal(several.image, pairs.image)
    rng = np.random.default_rng(0)
    atoms.positions += rng.integers(-6, 7, (len(atoms), 3)) @ atoms.cell[:]
    pairs = check(atoms.positions, atoms.cell[:], True, 7.0)
    assert pairs.image.dtype == np.uint16
    assert len(np.unique(pairs.image)) == len(pairs.shifts)


def test_empty_space_costs_nothing():
    rng = np.random.default_rng(0)
    for span in (1e3, 1e8):
        centres = rng.uniform(-span, span, (4, 3))
        positions = (centres[:, None] + rng.uniform(0, 30, (4, 300, 3))).reshape(-1, 3)
        cell = np.diag(np.full(3, 4 * span))
        pair_list(positions, cell, False, 5.0)
        tracemalloc.start()
        pairs = [pair_list(positions, cell, pbc, 5.0) for pbc in (False, True)]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 3e6
        np.testing.assert_array_equal(pairs[0].j, pairs[1].j)
        for k in range(4):
            own = pair_list(positions[300 * k : 300 * (k + 1)] - centres[k], cell, False, 5.0)
            inside = pairs[0].j[pairs[0].first[300 * k] : pairs[0].first[300 * (k + 1)]]
            np.testing.assert_array_equal(inside - 300 * k, own.j)


def test_what_cannot_be_listed():
    with pytest.raises(
        StructureError,
        match=r'atoms 1 are more than 500000 cell vectors outside .* the time step is too long; .* atoms.wrap',
    ):
        pair_list([[0, 0, 0], [4e6, 1, 1]], 3 * np.eye(3), True, 4.0)
    message = r'atoms 1 and 2 coincide \(distance 0.0e\+00 Å\); there are 2 such pairs among atoms 1, 2, 3, 4\.'
    with pytest.raises(StructureError, match=message):
        pair_list([[0, 0, 0], [1, 0, 0], [1, 0, 9], [2, 2, 2], [2, 2, 2 + 5e-5]], 9 * np.eye(3), True, 5.0)


def test_too_little_memory_is_told_before_the_list_is_made(monkeypatch):
    atoms = bulk('Li', cubic=True, a=3.44)
    monkeypatch.setattr(memory, '_SMALL', 0)
    monkeypatch.setattr(memory, 'available_memory', lambda: 1000)
    with pytest.raises(InsufficientMemoryError, match=r'2 atoms with 71 neighbors each need .* GB, and 1e-06'):
        pair_list(atoms.positions, atoms.cell[:], True, 7.0)
    with pytest.raises(MemoryError):
        pair_list(atoms.positions, atoms.cell[:], True, 7.0)
    monkeypatch.setattr(memory, 'available_memory', lambda: None)  # unknown
    pair_list(atoms.positions, atoms.cell[:], True, 7.0)


def test_memory_is_that_of_the_machine_or_of_the_control_group(monkeypatch, tmp_path):
    found = memory.available_memory()
    assert found is None or 1e6 < found < 1e15
    for group, names in (('0::/job', ('memory.max', 'memory.current')),
                         ('4:memory:/job', ('memory.limit_in_bytes', 'memory.usage_in_bytes'))):  # fmt: skip
        files = {'cgroup': group + '\n', names[0]: '5000000\n', names[1]: '4000000\n'}
        monkeypatch.setattr(memory.Path, 'read_text', lambda self, files=files: files[self.name])
        assert list(memory._of_groups()) == [1_000_000] * 2
        files[names[0]] = 'max\n'
        assert list(memory._of_groups()) == []
