"""The VV basis of one element as a function of its features: scaled projections, Gaussians, products, cubic terms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SINGLE, PRODUCT, CUBIC = 1, 2, 3


@dataclass(frozen=True, eq=False)
class ElementBlock:
    """The VV model of one element of the centre atom.

    With features f, components ``g_j = (f . projection[:, j] - shift_j) scale_j`` for j < n and ``g_n = 1``, the
    basis is ``[g_0, ..., g_{n-1}, 1, t_0, t_1, ...]``. The atomic energy is its scalar product with the coefficients.

    Attributes
    ----------
    projection : ndarray, shape (n_features, n)
    shift, scale : ndarray, shape (n,)
    single, product : ndarray, shapes (n + 1, n_single, 2) and (n + 1, n_product, 2)
        Centres and widths of the Gaussians ``exp(-((g - centre)/width)**2)`` of each component (without a factor 1/2):
        ``single`` for one-component terms, ``product`` for products of two.
    terms : ndarray, shape (n_terms, 5), int32
        Rows ``(1, j, k, 0, 0)``: single Gaussian k of component j; ``(2, j, k, j', k')``: product of two product
        Gaussians; ``(3, j, j', j'', 0)``: g_j g_j' g_j''. Indices start at zero; component n is the constant.
    coefficients : ndarray, shape (n + 1 + n_terms,), eV
    """

    projection: np.ndarray
    shift: np.ndarray
    scale: np.ndarray
    single: np.ndarray
    product: np.ndarray
    terms: np.ndarray
    coefficients: np.ndarray

    def __post_init__(self):
        n = self.projection.shape[1]
        expected = {
            'shift': (n,),
            'scale': (n,),
            'single': (n + 1, self.single.shape[1], 2),
            'product': (n + 1, self.product.shape[1], 2),
            'terms': (len(self.terms), 5),
            'coefficients': (n + 1 + len(self.terms),),
        }
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f'{name} must have shape {shape}, got {getattr(self, name).shape}')
        for name in ('projection', 'shift', 'scale', 'single', 'product', 'coefficients'):
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f'{name} holds values that are not finite numbers')
        _check_terms(self.terms, n, self.single.shape[1], self.product.shape[1])

    @property
    def n(self):
        """Number of components, not including the constant."""
        return self.projection.shape[1]


def _check_terms(terms, n, n_single, n_product):
    kind, a, b, c, d = terms.T if len(terms) else np.zeros((5, 0), int)
    bad = (
        (terms < 0).any(axis=1)
        | ~np.isin(kind, (SINGLE, PRODUCT, CUBIC))
        | (a > n)
        | ((kind == SINGLE) & (b >= n_single))
        | ((kind == PRODUCT) & ((b >= n_product) | (c > n) | (d >= n_product)))
        | ((kind == CUBIC) & ((b > n) | (c > n)))
    )
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f'term {row} is {terms[row].tolist()}, outside of {n + 1} components with {n_single} single and '
            f'{n_product} product Gaussians'
        )


def function_table(block: ElementBlock):
    """All one-dimensional functions of an element, for :func:`ase_mlffvv.kernels.fit.rows.basis`.

    Rows are the n components, the constant, and the ``single`` and ``product`` Gaussians of each of the n + 1
    components.
    """
    n = block.n
    linear = np.array([(j, 0.0, -1.0) for j in range(n)] + [(n, 0.0, 0.0)])
    parts = [linear.reshape(-1, 3)]
    for gaussians in (block.single, block.product):
        component = np.repeat(np.arange(n + 1), gaussians.shape[1])
        centre, width = gaussians.reshape(-1, 2).T
        parts.append(np.column_stack([component, centre, 1 / width]))
    return np.concatenate(parts)


def term_factors(block: ElementBlock, terms):
    """Functions (rows of :func:`function_table`) whose product is each column [g, 1, terms]: (n_columns, 2 or 3)."""
    n, n_single, n_product = block.n, block.single.shape[1], block.product.shape[1]
    kind, a, b, c, d = np.asarray(terms, int).reshape(-1, 5).T
    first_pair = (n + 1) * (1 + n_single)
    one = np.full(len(kind), n)
    single = n + 1 + a * n_single + b
    left, right = first_pair + a * n_product + b, first_pair + c * n_product + d
    chosen = [kind == SINGLE, kind == PRODUCT, kind == CUBIC]
    choices = [single, left, a], [one, right, b], [one, one, c]
    columns = [np.select(chosen, values) for values in choices]
    factors = np.stack(columns if (kind == CUBIC).any() else columns[:2], axis=1)
    linear = np.full((n + 1, factors.shape[1]), n)
    linear[:, 0] = np.arange(n + 1)
    return np.concatenate([linear, factors])
