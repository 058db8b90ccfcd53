"""Weighted rows of the least-squares problem of one frame, for any set of basis columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from scipy.spatial.distance import cdist

from ..checks import check_flag, check_number
from ..errors import SettingError
from ..kernels.fit.rows import basis, derivative_rows
from ..model.terms import function_table, term_factors


@dataclass(frozen=True)
class FitWeights:
    """Factors by which residuals are multiplied before they are squared, i.e. inverse tolerances.

    Attributes
    ----------
    energy : float, 1/(eV/atom)
        Weight of the total energy per atom or, if ``per_atom`` is False, of the total energy (then in 1/eV).
    forces : float, 1/(eV/Å)
    energies : float, 1/eV
        Atomic energies.
    stress : float, 1/(eV/Å^3)
    per_atom : bool
    group_width : float, Å
        Atomic energies are compared after averaging over neighbors with weights ``exp(-d^2/group_width^2)`` (minimum
        image, neglected below 0.01), as in the original programs. 0 compares individual atoms.
    """

    energy: float = 100.0
    forces: float = 1.0
    energies: float = 1.0
    stress: float = 100.0
    per_atom: bool = True
    group_width: float = 0.0

    def __post_init__(self):
        for name in ('energy', 'forces', 'energies', 'stress', 'group_width'):
            check_number(getattr(self, name), f'weight {name}', low=0)
        check_flag(self.per_atom, 'weight per_atom')
        if not any((self.energy, self.forces, self.energies, self.stress)):
            raise SettingError(
                'the weights of energy, forces, energies and stress are all zero: nothing is left to fit'
            )


def as_weights(weights):
    """Make FitWeights from a dict or None (the defaults), or return given ones unchanged."""
    if weights is None or isinstance(weights, FitWeights):
        return weights or FitWeights()
    known = [f.name for f in fields(FitWeights)]
    if not isinstance(weights, Mapping) or set(weights) - set(known):
        raise SettingError(f'weights must be a dict with some of {", ".join(known)}, got {weights!r}')
    return FitWeights(**weights)


class Columns:
    """Basis columns of all elements: ``[g, 1, terms]`` of the first element, then of the next.

    Parameters
    ----------
    blocks : sequence of ElementBlock
        Their projections, Gaussians and terms; the coefficients are not used.
    extra : sequence of ndarray, shape (n_extra, 5), optional
        Candidate terms per element; their columns come last, element by element.
    """

    def __init__(self, blocks, extra=None):
        self.tables = [function_table(block) for block in blocks]
        self.factors = [term_factors(block, block.terms) for block in blocks]
        self.extra = [term_factors(block, terms)[block.n + 1 :] for block, terms in zip(blocks, extra or [])]
        sizes = [len(f) for f in self.factors]
        self.own = np.concatenate([[0], np.cumsum(sizes)])
        self.n = int(self.own[-1])
        ends = np.cumsum([len(f) for f in self.extra])
        self.candidates = np.concatenate([[self.n], self.n + ends]).astype(int)
        self.total = int(self.candidates[-1])

    def parts(self):
        """Element index, function table, factors and slice of columns for each block of columns."""
        for t, factors in enumerate(self.factors):
            yield t, self.tables[t], factors, slice(self.own[t], self.own[t + 1])
        for t, factors in enumerate(self.extra):
            if len(factors):
                yield t, self.tables[t], factors, slice(self.candidates[t], self.candidates[t + 1])

    def atoms(self, frame, projector):
        """Element index, rows X (n_atoms of it, n_columns), their slopes dX and the components these belong to."""
        f = projector.features(frame)
        for t, table, factors, _ in self.parts():
            g = projector.components(f[frame.system.species == t], t)
            yield t, *basis(g, table, factors), table[:, 0].astype(int)[factors]

    def evaluate(self, frame, g, J):
        """Columns X (n_atoms, total), their sums' derivatives V (3 n_atoms, total) and S (6, total, strain)."""
        n_atoms = len(frame)
        X = np.zeros((n_atoms, self.total))
        V, S = np.zeros((3 * n_atoms, self.total)), np.zeros((6, self.total))
        D = frame.pairs.vectors(frame.system.positions, frame.system.cell)
        for t, table, factors, columns in self.parts():
            atoms = np.flatnonzero(frame.system.species == t)
            if len(atoms) == 0:
                continue
            X[atoms, columns], dX = basis(g[atoms], table, factors)
            component = table[:, 0].astype(int)[factors]
            V[:, columns], S[:, columns] = derivative_rows(frame.system, atoms, J, dX, component, D)
        return X, V, S


def weighted_rows(frame, X, V, S, weights: FitWeights):
    """Rows (n_rows, n_columns) and labels (n_rows,), multiplied by their weights; none where these are zero."""
    labels, each = frame.labels, frame.atom_weights
    rows, values = [], []

    def add(block, value, weight, factors=None):
        if weight > 0:
            value = np.ravel(value)
            if factors is not None:
                use = factors > 0
                block, value = block[use] * factors[use, None], value[use] * factors[use]
            rows.append(block * (weight * frame.weight))
            values.append(value * (weight * frame.weight))

    if labels.energy is not None:
        add(X.sum(axis=0)[None], labels.energy, energy_weight(frame, weights))
    if labels.forces is not None:
        add(-V, labels.forces, weights.forces, None if each is None else np.repeat(each, 3))
    if labels.energies is not None and weights.energies > 0:
        if weights.group_width > 0:
            average = group_average(frame, weights.group_width)
            add(average @ X, average @ labels.energies, weights.energies, each)
        else:
            add(X, labels.energies, weights.energies, each)
    if labels.stress is not None and frame.volume > 0:
        known = np.isfinite(labels.stress)
        add(S[known] / frame.volume, labels.stress[known], weights.stress)
    if not rows:
        return np.zeros((0, X.shape[1])), np.zeros(0)
    return np.concatenate(rows), np.concatenate(values)


def energy_weight(frame, weights: FitWeights):
    """Factor of the residual of a frame's total energy, 1/eV, without the weight of the frame."""
    return weights.energy * frame.energy_weight / (len(frame) if weights.per_atom else 1)


def group_average(frame, width):
    """Row-normalised weights exp(-d^2/width^2) between atoms at their minimum-image distance, (n_atoms, n_atoms)."""
    positions, inverse = frame.system.positions, frame.system.inverse_cell
    if frame.system.cell.any():
        D = positions[None] - positions[:, None]
        shift = np.ceil(D @ inverse - 0.5 - 1e-9)
        square = ((D - shift @ frame.system.cell) ** 2).sum(-1)
    else:
        square = cdist(positions, positions, 'sqeuclidean')
    average = np.where(square < -np.log(0.01) * width**2, np.exp(-square / width**2), 0.0)
    return average / average.sum(axis=1, keepdims=True)
