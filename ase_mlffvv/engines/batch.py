"""Many small structures in one call of an engine, so that all threads have work and each call costs little."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..model import Prediction
from ..neighbors import PairList

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

LARGEST = 10_000  # atoms of a batch; the time for each atom hardly changes beyond
LARGEST_TORCH = 200  # the definition in torch keeps arrays of pairs and features


def join(systems: list) -> tuple:
    """One system of several, with (species, positions, cell, pairs) each, as arguments of an engine.

    Structures keep their own cells: the shifts of the joint list are vectors in Å, and its cell is the unit matrix.
    """
    species, positions, cells, lists = zip(*systems)
    start = np.cumsum([0, *map(len, positions)])
    row = np.cumsum([0, *(len(pairs.shifts) for pairs in lists)])
    first = np.concatenate([[0], *(np.diff(pairs.first) for pairs in lists)]).cumsum()
    kind = np.min_scalar_type(int(row[-1]))
    pairs = PairList(
        first,
        np.concatenate([pairs.j + at for pairs, at in zip(lists, start)]).astype(np.int32),
        np.concatenate([pairs.image.astype(kind) + kind.type(at) for pairs, at in zip(lists, row)]),
        np.concatenate([pairs.shifts @ np.asarray(cell, float) for pairs, cell in zip(lists, cells)]),
        min(pairs.cutoff for pairs in lists),
    )
    return np.concatenate(species), np.concatenate(positions), np.eye(3), pairs


def can_join(potential: Any) -> bool:
    """Whether the structures do not depend on their cells other than by the pair list."""
    return potential.pair_term is None or not potential.pair_term.minimum_image


def evaluate_batches(engine: Any, systems: Iterable, joinable: bool = True) -> Iterator[Prediction]:
    """Predictions of an engine for systems, in their order.

    Parameters
    ----------
    engine : object
        Engine with ``evaluate(species, positions, cell, pairs)``.
    systems : iterable of (species, positions, cell, pairs)
        It is read in batches of up to about :data:`LARGEST` atoms.
    joinable : bool
        False evaluates each system by itself; see :func:`can_join`.

    Notes
    -----
    Results agree with those of single calls to rounding. Smallest distances are checked for the whole batch.
    """
    largest = (LARGEST_TORCH if engine.name == 'torch' else LARGEST) if joinable else 0
    for batch in _batches(systems, largest):
        if len(batch) == 1:
            yield engine.evaluate(*batch[0])
            continue
        found = engine.evaluate(*join(batch))
        edges = np.cumsum([0, *(len(system[1]) for system in batch)])
        for begin, end in pairwise(edges):
            yield Prediction(*(values[begin:end] for values in found))


def _batches(systems, largest):
    """Lists of systems with up to ``largest`` atoms together, or of one larger system."""
    batch, size = [], 0
    for system in systems:
        n = len(system[1])
        if batch and size + n > largest:
            yield batch
            batch, size = [], 0
        batch.append(system)
        size += n
    if batch:
        yield batch
