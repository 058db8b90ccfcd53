"""Dataset: labelled structures with their pair lists, which are checked once and used by all stages of a fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..checks import check_number, check_seed
from ..errors import DatasetError, ElementError, SettingError, StructureError
from ..io.datasets import Labels, StructureWeights, check_frames, group_of, weights_of
from ..kernels.cpu.cosine import System, make_system
from ..model.potential import element_indices
from ..neighbors import PairList, pair_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from ase import Atoms


@dataclass(frozen=True, eq=False)
class Frame:
    """One labelled structure.

    Attributes
    ----------
    system : System
    pairs : PairList
        Pair list that is complete up to the cutoff of the data set, without skin.
    labels : Labels
    group : str
    weight : float
        Factor of all residuals of the structure.
    volume : float
        Volume of the cell, Å^3; zero without a three-dimensional cell.
    energy_weight : float
        Additional factor of the residual of the total energy.
    atom_weights : ndarray or None, shape (n_atoms,)
        Additional factor of the residuals of the force and the atomic energy of each atom.
    """

    system: System
    pairs: PairList
    labels: Labels
    group: str = ''
    weight: float = 1.0
    volume: float = 0.0
    energy_weight: float = 1.0
    atom_weights: np.ndarray | None = None

    def __len__(self):
        return len(self.system.positions)


def make_frame(atoms, species, cutoff, labels, group='', weights=None) -> Frame:
    """Frame of an Atoms object; ``species`` are element indices, ``cutoff`` in Å, weights 1 by default."""
    weights = weights or StructureWeights()
    cell = np.where(atoms.pbc[:, None], atoms.cell[:], 0.0)
    pairs = pair_list(atoms.positions, cell, atoms.pbc, cutoff)
    system = make_system(species, atoms.positions.copy(), cell, pairs)
    volume = atoms.cell.volume if atoms.cell.rank == 3 else 0.0
    return Frame(system, pairs, labels, group, weights.structure, volume, weights.energy, weights.atoms)


class Dataset(Sequence):
    """Labelled structures with their pair lists, as used by :func:`.fit` and related functions.

    These functions make a data set from a list of Atoms. If several of them use the same structures, make it only once.
    A slice of a data set is a data set that shares the pair lists.

    Parameters
    ----------
    frames : sequence of Atoms
        Labels and weights are those of :mod:`ase_mlffvv.io.datasets`.
    elements : str or sequence of str
        Chemical symbols in the order of the potential.
    cutoff : float, Å
        Range of the pair lists, which must be at least that of the potential. The lists take 5 bytes per pair.
    source : str
        Name of the structures for error messages.
    tick : callable
        Called after each structure.

    Raises
    ------
    DatasetError
        A structure has no usable label, or an invalid label or weight. The message names the structure.
    ElementError
        A structure contains an element that is not in ``elements``.
    """

    def __init__(
        self,
        frames: Iterable[Atoms],
        elements: Sequence[str],
        cutoff: float,
        *,
        source: str = 'the training set',
        tick: Callable[[], Any] = lambda: None,
    ):
        frames = list(frames)
        self.elements = (elements,) if isinstance(elements, str) else tuple(elements)
        self.cutoff = check_number(cutoff, 'cutoff', 'Å', above=0)
        self._frames = []
        for k, (atoms, labels) in enumerate(zip(frames, check_frames(frames, source))):
            try:
                species = element_indices(atoms.numbers, self.elements)
                frame = make_frame(atoms, species, self.cutoff, labels, group_of(atoms), weights_of(atoms, source))
            except (StructureError, ElementError) as error:
                raise type(error)(f'{source} frame {k}: {error}') from None
            self._frames.append(frame)
            tick()

    def __len__(self):
        return len(self._frames)

    def __getitem__(self, key):
        return self._of(self._frames[key]) if isinstance(key, slice) else self._frames[key]

    def __repr__(self):
        return (
            f'Dataset({len(self)} structures, {sum(map(len, self))} atoms of {", ".join(self.elements)}, '
            f'cutoff {self.cutoff:g} Å)'
        )

    def _of(self, frames):
        other = object.__new__(Dataset)
        other.elements, other.cutoff, other._frames = self.elements, self.cutoff, list(frames)
        return other

    def subset(self, numbers):
        """The structures with these indices, in this order, as a data set that shares the pair lists."""
        return self._of(self._frames[int(k)] for k in numbers)

    def with_labels(self, labels):
        """The same structures with other labels, one :class:`Labels` for each."""
        labels = list(labels)
        if len(labels) != len(self):
            raise ValueError(f'{len(self)} structures need as many labels, got {len(labels)}')
        return self._of(replace(frame, labels=label) for frame, label in zip(self, labels))

    def weighted(self, group_weights):
        """The same structures with weights multiplied by the factors of their groups.

        Raises
        ------
        DatasetError
            A group has no structures, a factor is negative or not finite, or all weights are zero.
        """
        groups = {frame.group for frame in self}
        unknown = sorted(set(group_weights) - groups)
        if unknown:
            raise DatasetError(
                f'group_weights names groups without structures: {", ".join(unknown)}; '
                f'there are: {", ".join(sorted(groups))}'
            )
        for group, factor in group_weights.items():
            check_number(factor, f"the weight of the group '{group}'", low=0, error=DatasetError)
        found = [replace(frame, weight=frame.weight * group_weights.get(frame.group, 1.0)) for frame in self]
        if not any(frame.weight > 0 for frame in found):
            raise DatasetError(f'all {len(found)} structures have weight zero: nothing is left to fit')
        return self._of(found)


def as_dataset(frames, potential, source='the training set', tick=lambda: None) -> Dataset:
    """Make a data set for a potential from structures, or return the given data set if it is suitable.

    Raises
    ------
    DatasetError
        The data set has other elements or shorter pair lists.
    """
    if not isinstance(frames, Dataset):
        return Dataset(frames, potential.elements, potential.cutoff, source=source, tick=tick)
    if frames.elements != tuple(potential.elements):
        raise DatasetError(
            f'the data set was made for the elements {", ".join(frames.elements)}, expected '
            f'{", ".join(potential.elements)} in this order; make it with elements={list(potential.elements)}'
        )
    if frames.cutoff < potential.cutoff:
        raise DatasetError(
            f'the pair lists of the data set reach {frames.cutoff:g} Å, the potential needs {potential.cutoff:g} Å; '
            'make the data set with a longer cutoff'
        )
    return frames


def split(frames, validation, seed):
    """Structures for the fit and structures held out; ``validation`` is a fraction of ``frames`` or other structures.

    Parameters
    ----------
    frames : Dataset
    validation : float or sequence of Atoms or Dataset
    seed : int

    Returns
    -------
    Dataset, and Dataset or list of Atoms
    """
    check_seed(seed)
    if not isinstance(validation, (str, bool, int, float, np.generic)) and validation is not None:
        return frames, validation if isinstance(validation, Dataset) else list(validation)
    what = 'validation must be a share between 0 and 1 or a list of structures'
    if isinstance(validation, (str, bool)) or validation is None or not 0 <= validation < 1:
        raise SettingError(f'{what}, got {validation!r}')
    n = round(validation * len(frames))
    if n == len(frames):
        raise SettingError(f'{what}: a share of {validation:g} leaves none of {len(frames)} structures to fit')
    out = set(np.random.default_rng(seed).permutation(len(frames))[:n].tolist())
    return frames.subset(k for k in range(len(frames)) if k not in out), frames.subset(sorted(out))


def datasets(frames, potential, validation=0.0, group_weights=None, seed=0, tick=lambda: None):
    """Data sets for the fit, with the weights of the groups, and for validation (None without structures)."""
    data, held_out = split(as_dataset(frames, potential, tick=tick), validation, seed)
    if len(held_out) > 0:
        held_out = as_dataset(held_out, potential, 'the validation set', tick)
    return data.weighted(group_weights or {}), held_out if len(held_out) else None
