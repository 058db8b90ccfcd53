"""Normal matrix of training structures, by which a later fit can include them without using them again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..checks import check_number
from ..errors import DatasetError
from ..io.archive import load_archive, save_archive
from .dataset import Dataset, as_dataset
from .projector import Projector
from .rows import Columns, as_weights
from .select import accumulate
from .stages import Stages
from .surroundings import KnownSurroundings, survey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ase import Atoms

    from ..model import VVPotential
    from .rows import FitWeights


@dataclass(frozen=True, eq=False, repr=False)
class NormalMatrix:
    """Information of structures about the coefficients of a set of functions, and the surroundings in the structures.

    :func:`normal_matrix` makes it, and a report of :func:`.fit` contains it (``report.normal``). Those of different
    structures can be added. ``share * normal`` reduces the weight of the structures, but their surroundings remain
    known.

    Attributes
    ----------
    functions : str
        Digest of the functions (:func:`functions_of`).
    matrix : ndarray, shape (n_functions, n_functions)
        ``B^T B`` with B the weighted rows of the least-squares problem, all elements together.
    known : KnownSurroundings
    """

    functions: str
    matrix: np.ndarray
    known: KnownSurroundings

    def __repr__(self):
        return f'NormalMatrix({len(self.matrix)} functions, {self.functions[:12]})'

    def __add__(self, other):
        self._check(other.functions)
        return NormalMatrix(self.functions, self.matrix + other.matrix, self.known + other.known)

    def __rmul__(self, share):
        share = check_number(share, 'the factor of a normal matrix', low=0)
        return replace(self, matrix=share * self.matrix)

    def check(self, potential):
        """Raise :class:`DatasetError` unless the matrix belongs to the functions of ``potential``."""
        self._check(functions_of(potential))

    def _check(self, functions):
        if functions != self.functions:
            raise DatasetError(
                f'the normal matrix belongs to other functions ({self.functions[:12]}, expected {functions[:12]}); '
                'make it with normal_matrix() of this very potential or of one that refit() made from it'
            )

    def save(self, path):
        """Write an archive (``.npz``); it appears under its name only when complete."""
        arrays = {'matrix': self.matrix, 'bound': np.array(self.known.bound, float)}
        for t, (gram, rows) in enumerate(zip(self.known.gram, self.known.rows)):
            arrays |= {f'gram{t}': gram, f'rows{t}': rows}
        save_archive(path, {'format': 1, 'kind': 'normal matrix', 'functions': self.functions}, arrays)

    @classmethod
    def load(cls, path):
        """Read a file that :meth:`save` wrote.

        Raises
        ------
        FileNotFoundError
        DatasetError
            The file is damaged or is not a normal matrix.
        """
        if not Path(path).is_file():
            what = 'is a folder' if Path(path).is_dir() else 'does not exist'
            raise FileNotFoundError(f"the normal matrix '{path}' {what} (working directory {Path.cwd()})")
        try:
            header, arrays, _ = load_archive(path)
            if (header['kind'], header['format']) != ('normal matrix', 1):
                raise ValueError(f'it is format {header["format"]} of {header["kind"]}')
            gram, rows = (tuple(arrays[f'{name}{t}'] for t in range(len(arrays['bound']))) for name in ('gram', 'rows'))
            known = KnownSurroundings(gram, rows, tuple(map(float, arrays['bound'])))
            return cls(header['functions'], arrays['matrix'], known)
        except Exception as error:  # the readers of zip files, JSON and arrays raise nearly everything
            raise DatasetError(
                f"'{path}' is not a normal matrix or is damaged ({type(error).__name__}: {error}); write it again "
                'with the save() of report.normal or of normal_matrix()'
            ) from error


def functions_of(potential):
    """Hexadecimal digest of the functions of a potential, which does not depend on the coefficients."""
    blocks = tuple(replace(block, coefficients=np.zeros_like(block.coefficients)) for block in potential.blocks)
    return replace(potential, blocks=blocks, pair_term=None, uncertainty=None).digest()


def normal_matrix(
    potential: VVPotential,
    frames: Sequence[Atoms],
    *,
    weights: FitWeights | Mapping[str, float] | None = None,
    group_weights: Mapping[str, float] | None = None,
    progress: bool = True,
) -> NormalMatrix:
    """Normal matrix of the functions of a potential, for the argument ``normal`` of :func:`.refit`.

    Parameters
    ----------
    potential : VVPotential
    frames : sequence of Atoms, or Dataset
        Structures to which the potential was fitted, with the same ``weights`` and ``group_weights``.
    progress : bool
        Show progress bars.

    Returns
    -------
    NormalMatrix

    Raises
    ------
    DatasetError
        Structures have no usable labels, or contain no atom of an element of the potential.
    """
    weights, stages = as_weights(weights), Stages(progress)
    frames = frames if isinstance(frames, Dataset) else list(frames)
    with stages('lists', len(frames)) as tick:
        data = as_dataset(frames, potential, tick=tick).weighted(group_weights or {})
    with stages('normal equations', len(data)) as tick:
        matrix = accumulate(data, Projector(potential), Columns(potential.blocks), weights, tick).matrix()[0]
    with stages('surroundings', 2 * len(data)) as tick:
        known = survey(potential, data, tick=tick)[1]
    return NormalMatrix(functions_of(potential), matrix, known)
