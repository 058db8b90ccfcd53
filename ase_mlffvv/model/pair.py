"""Additional pair term ``4 [w1 (r/d)^12 + w2 (r/d)^6] cos^2(pi d / 4 r)`` for d < 2 r, smooth at its cutoff."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..checks import check_array, check_number


@dataclass(frozen=True, eq=False)
class PairTerm:
    """Pair energy added to the VV model: repulsion at short distances, or the imported "vdW" term.

    Atom i gets half of the energy of each of its pairs, with r = radius_i + radius_j. The term is zero in the range
    of the training data if 2 r is the shortest distance in these data.

    Attributes
    ----------
    radius : ndarray, shape (n_types,), Å
    weights : ndarray, shape (2, n_types, n_types), eV
        w1 (power 12) and w2 (power 6), indexed [term, element of the neighbor, element of the centre].
    minimum_image : bool
        True reproduces the original programs, which use the minimum-image vector for every entry of their pair list
        (images of an atom count several times, all with the same distance). False uses the vector of each image.
    cutoff : float, Å
        Range of the list by which images are counted; only used with ``minimum_image``.
    """

    radius: np.ndarray
    weights: np.ndarray
    minimum_image: bool = False
    cutoff: float = 0.0

    def __post_init__(self):
        n = len(self.radius)
        if self.weights.shape != (2, n, n):
            raise ValueError(f'pair weights must have shape (2, {n}, {n}), got {self.weights.shape}')
        check_array(self.radius, 'radius of the pair term', (n,), 'Å', low=0)
        check_array(self.weights, 'pair weights', (2, n, n), 'eV')
        check_number(self.cutoff, 'cutoff of the pair term', 'Å', low=0)

    @property
    def range(self):
        """Distance up to which pairs are needed, Å."""
        reach = 4 * float(self.radius.max(initial=0.0))
        return max(reach, self.cutoff) if self.minimum_image else reach
