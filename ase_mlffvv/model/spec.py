"""VVSpec: specification of a VV model before it is fitted."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_numbers

from ..checks import check_choice, check_flag, check_number, check_whole
from ..errors import SettingError
from ..features import Cosine2, Cosine3, Density
from ..features.density import MOST_PRODUCTS, count_products
from ..features.grid import make_grid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


#: The best settings found for lithium: the paper's features, and few or many many-body features.
RECIPES = {
    'paper': {'cutoff': 6.1, 'three_body': (4, 4), 'terms': 1000, 'single': 6, 'width_factor': 3.0},
    'fast': {'cutoff': 6.5, 'two_body': 0, 'three_body': (0, 0), 'density': (6, 3), 'degree': (8, 5),
             'projection': 'none', 'terms': 0},
    'accurate': {'cutoff': 8.5, 'two_body': 0, 'three_body': (0, 0), 'density': (10, 4), 'degree': (12, 10),
                 'projection': 'none', 'terms': 0},
}  # fmt: skip


#: Largest values of the settings that are counts.
COUNTS = {'two_body': 1000, 'single': 1000, 'product': 1000, 'terms': 100_000, 'components': 10_000}
PAIRS = {'three_body': 100, 'density': 100, 'degree': 100}


@dataclass(frozen=True)
class VVSpec:
    """Specification of a VV model, which is the same for every element of the centre atom.

    The defaults are the grids of the paper's authors for lithium (162 features) with a shorter cutoff.

    Parameters
    ----------
    elements : sequence of str
        Chemical symbols.
    cutoff : float, Å
        Range of the features around the centre atom.
    side_cutoff : float, Å, optional
        Largest distance between two neighbors in three-body features. The default is twice the cutoff, which includes
        all triangles. A shorter range omits triangles and considerably reduces the accuracy.
    two_body : int
        Number of two-body basis functions.
    three_body : (int, int)
        Numbers of centre-neighbor and neighbor-neighbor basis functions; (0, 0) for a two-body model.
    grid : str
        ``'stretched'`` (original default), ``'geometric'`` or ``'uniform'``, see :mod:`ase_mlffvv.features.grid`.
    grid_start : float, Å, optional
        Parameter Rm of the geometric grid, or start of the uniform grid.
    two_body_grid, leg_grid, side_grid : list of (a, b), Å, optional
        Explicit intervals instead of ``grid``.
    density : (int, int)
        Number of radial functions and largest l of the many-body features (:mod:`ase_mlffvv.features.density`);
        (0, 0) for none.
    degree : (int, int)
        Largest sum of all n and l in products of two and of three moments of the density.
    projection : {'pca', 'supervised', 'none'}
        ``'pca'`` uses principal components of the features. ``'supervised'`` uses directions along which the energy of
        a first fit (with principal components and a third of the terms) varies most, so that fewer components are
        needed; see :mod:`ase_mlffvv.fitting.supervised`. ``'none'`` uses the features themselves.
    components : int, optional
        Maximum number of components.
    single, product : int
        Number of Gaussians per component for one-component terms and for products of two.
    centres : {'adaptive', 'fixed'}
        Whether centres and widths are determined from the distribution of each component, or are the fixed ones of the
        original programs (product = 4).
    width_factor : float
        Width of an adaptive Gaussian relative to the distance from neighboring Gaussians.
    terms : int
        Number of terms to select per element.
    cubic : bool
        Include products of three components among the candidates for selection.
    repulsion : float, eV
        Energy of the short-range repulsion at three quarters of the shortest distance in the training set, which is
        its range. 0 disables the repulsion.
    """

    elements: Sequence[str]
    cutoff: float = 5.5
    side_cutoff: float | None = None
    two_body: int = 36
    three_body: tuple = (6, 6)
    grid: str = 'stretched'
    grid_start: float | None = None
    two_body_grid: tuple | None = None
    leg_grid: tuple | None = None
    side_grid: tuple | None = None
    density: tuple = (0, 0)
    degree: tuple = (8, 6)
    projection: str = 'pca'
    components: int | None = None
    single: int = 20
    product: int = 4
    centres: str = 'adaptive'
    width_factor: float = 2.0
    terms: int = 1000
    cubic: bool = False
    repulsion: float = 1.0

    def __post_init__(self):
        given = [self.elements] if isinstance(self.elements, str) or np.ndim(self.elements) == 0 else self.elements
        elements = tuple(given)
        object.__setattr__(self, 'elements', elements)
        unknown = [e for e in elements if not isinstance(e, str) or e not in atomic_numbers or e == 'X']
        if not elements or unknown or len(set(elements)) < len(elements):
            raise SettingError(f'elements must be different chemical symbols, got {elements}')
        for name, choices in {'projection': ('pca', 'supervised', 'none'), 'centres': ('adaptive', 'fixed')}.items():
            check_choice(getattr(self, name), name, choices)
        check_flag(self.cubic, 'cubic')
        for name, most in COUNTS.items():
            if getattr(self, name) is not None:
                check_whole(getattr(self, name), name, low=name == 'components', high=most)
        for name, most in PAIRS.items():
            object.__setattr__(self, name, _two_counts(getattr(self, name), name, most))
        check_number(self.cutoff, 'cutoff', 'Å', above=0, high=50)
        if self.side_cutoff is not None:
            check_number(self.side_cutoff, 'side_cutoff', 'Å', above=0)
        if self.grid_start is not None:
            check_number(self.grid_start, 'grid_start', 'Å')
        check_number(self.width_factor, 'width_factor', above=0)
        check_number(self.repulsion, 'repulsion', 'eV', low=0)
        if self.centres == 'fixed' and self.product != 4:
            raise SettingError(f"centres='fixed' defines 4 Gaussians for products, got product={self.product}")
        self._check_density()
        self.features()  # raises an error for impossible grids

    def _check_density(self):
        """Refuse many-body features whose list alone would take minutes."""
        products = count_products(len(self.elements), *self.density, self.degree)
        if products > MOST_PRODUCTS:
            raise SettingError(
                f'density={self.density} with degree={self.degree} has {products:.2g} products of three moments, and '
                f'{MOST_PRODUCTS:.0e} are allowed. Use a smaller density or degree.'
            )

    @classmethod
    def recipe(cls, name: str, elements: Sequence[str], **changes: Any) -> VVSpec:
        """Settings of :data:`RECIPES` by name (``'paper'``, ``'fast'``, ``'accurate'``), with changes."""
        if name not in RECIPES:
            raise ValueError(f'recipe must be one of {", ".join(RECIPES)}, got {name!r}')
        return cls(elements, **{**RECIPES[name], **changes})

    def features(self) -> tuple:
        """Feature families of this recipe, for :class:`VVPotential`."""
        n_types = len(self.elements)
        side = 2 * self.cutoff if self.side_cutoff is None else min(self.side_cutoff, 2 * self.cutoff)
        families: list = []

        def grids(explicit, radius, n):
            grid = self.grid if explicit is None else explicit
            return (make_grid(grid, radius, n if explicit is None else len(explicit), self.grid_start),) * n_types

        if self.two_body or self.two_body_grid:
            families.append(Cosine2((self.cutoff,) * n_types, grids(self.two_body_grid, self.cutoff, self.two_body)))
        if min(self.three_body) > 0 or self.leg_grid:
            legs = grids(self.leg_grid, self.cutoff, self.three_body[0])
            sides = grids(self.side_grid, side, self.three_body[1])
            families.append(Cosine3((self.cutoff,) * n_types, (side,) * n_types, legs, sides))
        if self.density[0]:
            n, l_max = self.density
            radial = np.tile(np.eye(n), (n_types, 1, 1))
            families.append(Density((self.cutoff,) * n_types, (radial,) * n_types, l_max, self.degree))
        if not families:
            raise ValueError('a model needs two-body, three-body or density features')
        return tuple(families)

    def to_dict(self) -> dict:
        """Settings as a dictionary that JSON can hold."""
        return json.loads(json.dumps(asdict(self)))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> VVSpec:
        """Inverse of :meth:`to_dict`; unknown keys raise an error that lists them."""
        known = [f.name for f in fields(cls)]
        unknown = sorted(set(data) - set(known))
        if unknown:
            raise ValueError(f'unknown settings {", ".join(unknown)}; known: {", ".join(known)}')
        return cls(**data)


def _two_counts(values, name, most):
    """Setting that consists of two counts, as a tuple of int."""
    if isinstance(values, str) or np.shape(values) != (2,):
        raise SettingError(f'{name} must be two whole numbers, got {values!r}')
    return tuple(check_whole(value, f'each number of {name}', low=0, high=most) for value in values)
