"""A density family as flat arrays for the fused kernels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class DensityTables(NamedTuple):
    """Arrays of a density family; the first axis of ``cutoff`` and ``radial`` is the element of the centre atom."""

    cutoff: np.ndarray
    radial: np.ndarray  # (centre, neighbor, n, k)
    channels: np.ndarray  # number of radial functions of each l
    first: np.ndarray  # index of the first moment of each l
    factor: np.ndarray  # (l, m): normalisation of the harmonics
    climb: np.ndarray  # (m, l, 2): P'_l = a z P'_(l-1) - b P'_(l-2), P' the m-th derivative; a = P' for l = m
    span: np.ndarray  # (centre, neighbor, n, 2): first nonzero k of radial, and the end
    offset: np.ndarray  # index of the first feature, for each element of the centre atom
    n_features: int
    one: np.ndarray
    two: np.ndarray  # (feature, 4): two moments, stride over m, number of m
    first3: np.ndarray  # first product of each feature of three moments, and the end
    three: np.ndarray
    weight3: np.ndarray


def density_tables(family, n_types, offset):
    """Arrays of a :class:`ase_mlffvv.features.density.Density` family; empty arrays for None."""
    if family is None:
        none = np.zeros(0, np.int64)
        return DensityTables(
            np.zeros(n_types), np.zeros((n_types, n_types, 0, 0)), none, np.zeros(1, np.int64), np.zeros((0, 0)),
            np.zeros((0, 0, 2)), np.zeros((n_types, n_types, 0, 2), np.int64), np.zeros(n_types, np.int64), 0,
            none, np.zeros((0, 4), np.int64), np.zeros(1, np.int64),
            np.zeros((0, 3), np.int64), np.zeros(0),
        )  # fmt: skip
    from ...features.harmonics import legendre_factor

    one, two, three = family.products(n_types)
    degrees = range(family.l_max + 1)
    channels = np.array([family.channels(l) for l in degrees])
    l = two[:, 2]
    counts = [len(x[3]) for x in three]
    radial = np.ascontiguousarray(np.stack(family.radial), float)
    return DensityTables(
        cutoff=np.array(family.cutoff, float),
        radial=radial,
        channels=channels,
        first=family.moments(n_types).astype(np.int64),
        factor=np.array([[legendre_factor(l, m) if m <= l else 0.0 for m in degrees] for l in degrees]),
        climb=_climb(family.l_max + 1),
        span=_span(radial),
        offset=np.asarray(offset, np.int64),
        n_features=len(one) + len(two) + len(three),
        one=one.astype(np.int64),
        two=np.column_stack([two[:, :2], n_types * channels[l], 2 * l + 1]).astype(np.int64),
        first3=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        three=np.concatenate([np.stack(x[:3], axis=1) for x in three] or [np.zeros((0, 3))]).astype(np.int64),
        weight3=np.concatenate([x[3] for x in three] or [np.zeros(0)]),
    )


def _climb(n_l):
    out = np.zeros((n_l, n_l, 2))
    for m in range(n_l):
        out[m, m, 0] = np.prod(np.arange(2 * m - 1, 0, -2, float))
        for l in range(m + 1, n_l):
            out[m, l] = (2 * l - 1) / (l - m), (l + m - 1) / (l - m)
    return out


def _span(radial):
    used = radial != 0
    n = radial.shape[-1]
    first, last = used.argmax(axis=-1), n - used[..., ::-1].argmax(axis=-1)
    return np.stack([first, np.where(used.any(axis=-1), last, first)], axis=-1)
