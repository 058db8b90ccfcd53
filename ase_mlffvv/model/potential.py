"""VVPotential: the parameters of a model and their reference evaluation in float64, without ASE."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_numbers, chemical_symbols

from ..checks import check_atomic_numbers
from ..errors import ElementError, some
from ..io.html import table
from .file import digest, load, save
from .pair import PairTerm
from .prediction import Prediction
from .pwmlff import read_folder

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike

    from ..neighbors import PairList


@dataclass(frozen=True, eq=False)
class VVPotential:
    """A VV force field.

    Attributes
    ----------
    elements : tuple of str
        Chemical symbols. Their order defines the element indices.
    features : tuple
        Feature families (:mod:`ase_mlffvv.features`), concatenated in this order.
    blocks : tuple of ElementBlock
        One block per element.
    pair_term : PairTerm or None
    card : dict
        Description of the model that JSON can hold: ``spec``, ``data``, ``accuracy``, ``limits`` and so on.
    uncertainty : tuple of Uncertainty or None
        One entry per element, see :func:`ase_mlffvv.fitting.add_uncertainty`.
    """

    elements: tuple
    features: tuple
    blocks: tuple
    pair_term: PairTerm | None = None
    card: dict = field(default_factory=dict)
    uncertainty: tuple | None = None

    def __post_init__(self):
        if len(self.blocks) != len(self.elements):
            raise ValueError(f'{len(self.elements)} elements need as many blocks, got {len(self.blocks)}')
        for t, block in enumerate(self.blocks):
            if self.n_features(t) != len(block.projection):
                raise ValueError(
                    f'the projection of {self.elements[t]} takes {len(block.projection)} features, the families '
                    f'{[f.name for f in self.features]} give {self.n_features(t)}'
                )
            if self.uncertainty is not None and len(self.uncertainty[t].draws) != len(block.coefficients):
                raise ValueError(
                    f'the uncertainty of {self.elements[t]} is of {len(self.uncertainty[t].draws)} functions, the '
                    f'potential has {len(block.coefficients)}'
                )

    def __repr__(self):
        terms = ', '.join(f'{e}: {len(b.coefficients)} functions' for e, b in zip(self.elements, self.blocks))
        names = '+'.join(f.name for f in self.features)
        return f'VVPotential({terms}; {names}, cutoff {self.cutoff:g} Å)'

    def _repr_html_(self):
        names = '+'.join(family.name for family in self.features)
        functions = ', '.join(f'{e}: {len(b.coefficients)}' for e, b in zip(self.elements, self.blocks))
        rows = [
            ('functions', functions),
            ('features', f'{names}, cutoff {self.cutoff:g} Å'),
            ('uncertainty', 'grade and committee' if self.uncertainty is not None else 'none'),
        ]
        rows += _accuracy_rows(self.card.get('fit') or {})
        rows += [(name, '; '.join(self.card[name])) for name in ('data', 'physics', 'limits') if self.card.get(name)]
        return table(rows, caption=str(self.card.get('title') or 'VVPotential'))

    @property
    def cutoff(self) -> float:
        """Range of the pair list that an evaluation needs, Å."""
        reach = max((max(family.cutoff) for family in self.features), default=0.0)
        return max(reach, self.pair_term.range if self.pair_term else 0.0)

    def n_features(self, centre: int) -> int:
        """Number of raw features of an atom with element index ``centre``."""
        return sum(family.size(centre, len(self.elements)) for family in self.features)

    def species(self, numbers: ArrayLike) -> np.ndarray:
        """Element index of each atom from atomic numbers, shape (n_atoms,), int64.

        Raises
        ------
        ElementError
            The model was not fitted to an element. The message lists the atoms.
        """
        return element_indices(numbers, self.elements)

    def digest(self) -> str:
        """Hexadecimal SHA-256 of everything that determines the results of this potential."""
        return digest(self)

    def evaluate(
        self,
        species: np.ndarray,
        positions: np.ndarray,
        cell: np.ndarray,
        pairs: PairList,
        device: str = 'cpu',
        centres: np.ndarray | None = None,
    ) -> Prediction:
        """Energies, forces and virials by the torch definition (:mod:`ase_mlffvv.model.definition`)."""
        from .definition import evaluate

        return evaluate(self, species, positions, cell, pairs, device, centres)

    def save(self, path: str | Path) -> None:
        """Write a ``.vv`` file, which appears under its name only when it is complete."""
        save(self, path)

    @classmethod
    def load(cls, path: str | Path) -> VVPotential:
        """Read a ``.vv`` file; errors are FileNotFoundError or VVFileError with the reason."""
        return load(path, cls)

    @classmethod
    def from_pwmlff(cls, folder: str | Path) -> VVPotential:
        """Import a model folder of the original PWMLFF programs (:mod:`ase_mlffvv.model.pwmlff`)."""
        return cls(*read_folder(folder))


def _accuracy_rows(fit):
    """Lines about the errors of a fit, from its entry in a card."""
    for part, title in (('validation', 'errors, held out'), ('train', 'errors, training set')):
        errors = (fit.get(part) or {}).get('all') or {}
        units = {'energy': (1e3, 'meV/atom'), 'forces': (1e3, 'meV/Å'), 'stress': (160.21766, 'GPa')}
        found = [
            f'{name} {errors[name]["mae"] * factor:.3g} {unit}'
            for name, (factor, unit) in units.items()
            if name in errors
        ]
        if found:
            return [(title, 'MAE: ' + ', '.join(found))]
    return []


def element_indices(numbers, elements):
    """Position in ``elements`` of each atomic number, shape (n_atoms,), int64.

    Raises
    ------
    ElementError
        An element is not among them. The message lists the atoms.
    """
    numbers = check_atomic_numbers(numbers)
    table = np.full(len(chemical_symbols), -1)
    table[[atomic_numbers[e] for e in elements]] = np.arange(len(elements))
    species = table[numbers]
    unknown = np.flatnonzero(species < 0)
    if len(unknown):
        names = sorted({chemical_symbols[n] for n in numbers[unknown]})
        raise ElementError(
            f'the model was fitted for {", ".join(elements)}; the structure contains {", ".join(names)} '
            f'(atoms {some(unknown)}). Fit a model with {"/".join(names)} or choose another.'
        )
    return species
