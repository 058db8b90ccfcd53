"""A VVPotential as flat arrays for the fused kernels, padded over elements, without duplicate or unused terms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...model.potential import VVPotential
from ...model.terms import CUBIC, PRODUCT, SINGLE
from .density_tables import DensityTables, density_tables


class BasisFunctions(NamedTuple):
    """Basis functions of one kind for every element of the centre atom (first axis of each array).

    With the phase pi frequency d, a function is (1 + cos(phase - phase of its middle))/2; ``cosine`` and ``sine`` are
    those of the phase of the middle. If all functions of an element have the same width (``shared``), one sine and one
    cosine of the phase serve all of them.
    """

    n: np.ndarray
    a: np.ndarray
    b: np.ndarray
    frequency: np.ndarray
    half_omega: np.ndarray
    cosine: np.ndarray
    sine: np.ndarray
    shared: np.ndarray


class FeatureTables(NamedTuple):
    """Arrays of the feature kernels; the first axis of each array is the element of the centre atom."""

    n_types: int
    cutoff2: np.ndarray
    cutoff3: np.ndarray
    side_cutoff: np.ndarray
    n_features: np.ndarray
    offset2: int
    offset3: np.ndarray
    two_body: BasisFunctions
    legs: BasisFunctions
    sides: BasisFunctions
    index3: np.ndarray
    n_index3: np.ndarray
    with_cosines: bool
    density: DensityTables


class VVTables(NamedTuple):
    """Arrays of the energy kernels; the first axis of each array is the element of the centre atom.

    Atomic energy = constant + direct . f + sum_s single_s G_s + sum_m product_m G_a G_b + sum_m cubic_m g g g, where f
    are the raw features, G_s the distinct Gaussians, and g = projection f + origin the n components that Gaussians or
    cubic terms use; g_n = 1.
    """

    constant: np.ndarray
    direct: np.ndarray
    n: np.ndarray
    projection: np.ndarray  # (component, feature)
    origin: np.ndarray
    n_gauss: np.ndarray
    gauss_component: np.ndarray
    gauss_centre: np.ndarray
    gauss_inverse: np.ndarray
    single: np.ndarray
    n_product: np.ndarray
    product_index: np.ndarray
    product_weight: np.ndarray
    n_cubic: np.ndarray
    cubic_index: np.ndarray
    cubic_weight: np.ndarray


class PairTables(NamedTuple):
    """Arrays of the additional pair term; ``radius`` is empty if the potential has none."""

    radius: np.ndarray
    reach: np.ndarray  # the term is zero beyond this distance
    weights: np.ndarray
    minimum_image: bool
    cutoff: float


def feature_tables(potential: VVPotential) -> FeatureTables:
    """Arrays of the feature families of ``potential``.

    Raises
    ------
    NotImplementedError
        If the kernels do not support a feature family, or a family occurs more than once.
    """
    families = {family.name: family for family in potential.features}
    if len(families) < len(potential.features) or set(families) - {'cosine2', 'cosine3', 'density'}:
        raise NotImplementedError(
            f'the fused kernels evaluate one cosine2, one cosine3 and one density family, the model has '
            f"{[family.name for family in potential.features]}; use engine='torch'"
        )
    n_types = len(potential.elements)
    types = range(n_types)
    two, three = families.get('cosine2'), families.get('cosine3')
    none = tuple(np.zeros((0, 2)) for _ in types)
    zero = (0.0,) * n_types
    offsets, position = {}, np.zeros(n_types, np.int64)
    for family in potential.features:
        offsets[family.name] = position.copy()
        position += [family.size(t, n_types) for t in types]
    index3 = [three.index(t, n_types) if three else np.zeros((0, 3), int) for t in types]
    return FeatureTables(
        n_types=n_types,
        cutoff2=np.array(two.cutoff if two else zero),
        cutoff3=np.array(three.cutoff if three else zero),
        side_cutoff=np.array(three.side_cutoff if three else zero),
        n_features=position,
        offset2=offsets.get('cosine2', np.zeros(n_types, np.int64)),
        offset3=offsets.get('cosine3', np.zeros(n_types, np.int64)),
        two_body=_basis_functions(two.grids if two else none),
        legs=_basis_functions(three.legs if three else none),
        sides=_basis_functions(three.sides if three else none),
        index3=padded(index3, np.int64),
        n_index3=np.array([len(index) for index in index3]),
        with_cosines=two is not None or three is not None,
        density=density_tables(families.get('density'), n_types, offsets.get('density')),
    )


def vv_tables(potential: VVPotential) -> VVTables:
    """Arrays of the energy part of ``potential``."""
    parts = [_compile(block) for block in potential.blocks]
    counts = {key: np.array([len(part[key]) for part in parts]) for key in ('gauss', 'product', 'cubic')}
    gauss = padded([part['gauss'] for part in parts])
    product = padded([part['product'] for part in parts])
    cubic = padded([part['cubic'] for part in parts])
    return VVTables(
        constant=np.array([part['constant'] for part in parts]),
        direct=padded([part['direct'] for part in parts]),
        n=np.array([len(part['origin']) for part in parts]),
        projection=padded([part['projection'] for part in parts]),
        origin=padded([part['origin'] for part in parts]),
        n_gauss=counts['gauss'],
        gauss_component=gauss[..., 0].astype(np.int64),
        gauss_centre=gauss[..., 1].copy(),
        gauss_inverse=gauss[..., 2].copy(),
        single=padded([part['single'] for part in parts]),
        n_product=counts['product'],
        product_index=product[..., :2].astype(np.int64),
        product_weight=product[..., 2].copy(),
        n_cubic=counts['cubic'],
        cubic_index=cubic[..., :3].astype(np.int64),
        cubic_weight=cubic[..., 3].copy(),
    )


def pair_tables(potential: VVPotential) -> PairTables:
    """Arrays of the additional pair term of ``potential``."""
    n, pair = len(potential.elements), potential.pair_term
    if pair is None:
        return PairTables(np.zeros(0), np.zeros(0), np.zeros((2, n, n)), False, 0.0)
    radius = pair.radius.astype(float)
    reach = np.full(n, pair.cutoff, float) if pair.minimum_image else 2 * (radius + radius.max())
    return PairTables(radius, reach, pair.weights.astype(float), pair.minimum_image, float(pair.cutoff))


def in_precision(tables, dtype, keep=()):
    """The same tables with real numbers converted to ``dtype``, except in the fields ``keep``."""
    arrays = tables._asdict().items()
    real = {name: a for name, a in arrays if isinstance(a, np.ndarray) and a.dtype.kind == 'f' and name not in keep}
    return tables._replace(**{name: a.astype(dtype) for name, a in real.items()})


def padded(arrays, dtype=float):
    """Stack arrays of equal rank and different sizes, padded with zeros."""
    arrays = [np.asarray(a, dtype) for a in arrays]
    out = np.zeros((len(arrays), *np.max([a.shape for a in arrays], axis=0)), dtype)
    for row, a in zip(out, arrays):
        row[tuple(slice(n) for n in a.shape)] = a
    return out


def _basis_functions(grids):
    a, b = (padded([grid[:, k] for grid in grids]) for k in (0, 1))
    n = np.array([len(grid) for grid in grids])
    width = np.where(b > a, b - a, 1.0)
    omega, middle = 2 * np.pi / width, (a + b) / 2
    shared = np.array([np.ptp(width[t, : n[t]]) < 1e-12 if n[t] else True for t in range(len(grids))])
    cosine, sine = np.cos(omega * middle), np.sin(omega * middle)
    return BasisFunctions(n, a, b, omega / np.pi, omega / 2, cosine, sine, shared)


def _compile(block):
    """Distinct Gaussians and merged terms of one element; Gaussians of the constant component become numbers.

    Linear terms become weights of the raw features, so that only the components of other terms have to be projected.
    """
    n, coefficients = block.n, block.coefficients
    linear = coefficients[:n] * block.scale
    constant = coefficients[n] - linear @ block.shift
    gaussians, single, product, cubic = {}, {}, {}, {}

    def gaussian(table, j, k):
        """Number of a Gaussian and 1, or, if the component is constant, None and the value of the Gaussian."""
        centre, width = table[j, k]
        if j == n:
            return None, float(np.exp(-(((1.0 - centre) / width) ** 2)))
        return gaussians.setdefault((int(j), float(centre), 1.0 / float(width)), len(gaussians)), 1.0

    for (kind, j1, k1, j2, k2), w in zip(block.terms, coefficients[n + 1 :]):
        if kind == CUBIC:
            key = tuple(sorted((int(j1), int(k1), int(j2))))
            cubic[key] = cubic.get(key, 0.0) + w
            continue
        factors = [gaussian(block.single, j1, k1)] if kind == SINGLE else []
        if kind == PRODUCT:
            factors = [gaussian(block.product, j1, k1), gaussian(block.product, j2, k2)]
        w = w * np.prod([value for _, value in factors])
        key = tuple(sorted(s for s, _ in factors if s is not None))
        if len(key) == 2:
            product[key] = product.get(key, 0.0) + w
        elif len(key) == 1:
            single[key[0]] = single.get(key[0], 0.0) + w
        else:
            constant += w
    used = sorted({j for j, *_ in gaussians} | {j for key in cubic for j in key} - {n})
    row = {n: len(used), **{j: k for k, j in enumerate(used)}}
    gaussians = [(row[j], *rest) for j, *rest in gaussians]
    cubic = {tuple(row[j] for j in key): w for key, w in cubic.items()}
    return {
        'constant': constant,
        'direct': block.projection @ linear,
        'projection': (block.projection * block.scale)[:, used].T,
        'origin': (-block.shift * block.scale)[used],
        'gauss': np.array(gaussians, float).reshape(-1, 3),
        'single': np.array([single.get(s, 0.0) for s in range(len(gaussians))]),
        'product': np.array([(*key, w) for key, w in sorted(product.items())], float).reshape(-1, 3),
        'cubic': np.array([(*key, w) for key, w in sorted(cubic.items())], float).reshape(-1, 4),
    }
