"""The definition of energies, forces and virials of a VV model, in float64 with torch on any device."""

from __future__ import annotations

import numpy as np
import torch
from ase.geometry import complete_cell

from ..errors import check_centres
from ..features.values import Environment, feature_values
from .prediction import Prediction
from .reduce import sum_by_index
from .terms import CUBIC, PRODUCT, SINGLE

_CHUNK = 4_000_000  # numbers in the largest temporary, (centres, neighbors, neighbors, basis functions)


def environments(potential, species, D, pairs, centre, centres=None):
    """Yield chunks of centre atoms of one element: (atoms, Environment, indices of pairs (n_centres, n_max)).

    ``D`` is a torch tensor (n_pairs, 3); the pair indices are padded with -1. ``centres`` restricts the atoms.
    """
    atoms = np.flatnonzero(species == centre) if centres is None else centres[species[centres] == centre]
    if len(atoms) == 0:
        return
    cutoff = max((family.cutoff[centre] for family in potential.features), default=0.0)
    near = (D.detach() ** 2).sum(-1).cpu().numpy() < cutoff**2
    counts = np.bincount(pairs.i[near], minlength=len(species))[atoms]
    widest = max(int(counts.max(initial=0)), 1)
    step = max(1, _CHUNK // (widest**2 * 8))
    for begin in range(0, len(atoms), step):
        chunk = atoms[begin : begin + step]
        n_max = max(int(counts[begin : begin + step].max(initial=0)), 1)
        which = np.full((len(chunk), n_max), -1)
        for row, atom in enumerate(chunk):
            numbers = np.arange(pairs.first[atom], pairs.first[atom + 1])
            numbers = numbers[near[numbers]]
            which[row, : len(numbers)] = numbers
        neighbor = np.where(which >= 0, species[pairs.j[which]] if len(pairs.j) else -1, -1)
        rows = torch.as_tensor(which.clip(min=0), device=D.device)
        vectors = D[rows] if len(D) else D.new_zeros((len(chunk), n_max, 3))
        yield chunk, Environment(vectors, torch.as_tensor(neighbor, device=D.device), len(potential.elements)), which


def components(block, features):
    """Scaled projections, followed by the constant: (n_atoms, n_features) -> (n_atoms, n + 1)."""
    projection, shift, scale = (_like(x, features) for x in (block.projection, block.shift, block.scale))
    g = (features @ projection - shift) * scale
    return torch.cat([g, g.new_ones(len(g), 1)], dim=1)


def basis(block, g):
    """VV basis for components g: (n_atoms, n + 1) -> (n_atoms, n + 1 + n_terms)."""
    kind, *index = torch.as_tensor(block.terms.astype(np.int64), device=g.device).T
    values = g.new_ones(len(g), len(block.terms))
    for which, table in ((SINGLE, block.single), (PRODUCT, block.product)):
        rows = kind == which
        table = _like(table, g)
        gaussian = torch.exp(-(((g[:, :, None] - table[..., 0]) / table[..., 1]) ** 2))
        product = gaussian[:, index[0][rows], index[1][rows]]
        if which == PRODUCT:
            product = product * gaussian[:, index[2][rows], index[3][rows]]
        values = values.index_copy(1, torch.nonzero(rows).flatten(), product)
    rows = kind == CUBIC
    product = g[:, index[0][rows]] * g[:, index[1][rows]] * g[:, index[2][rows]]
    return torch.cat([g, values.index_copy(1, torch.nonzero(rows).flatten(), product)], dim=1)


def pair_vectors(pair, D, cell):
    """Vectors whose lengths enter the pair term, for vectors D of the pair list (n_pairs, 3), Å."""
    if not pair.minimum_image:
        return D
    box = complete_cell(cell)  # directions that are not periodic are zero rows and are never shifted
    periodic = _like(np.linalg.norm(cell, axis=1) > 0, D)
    shift = torch.ceil(D.detach() @ _like(np.linalg.inv(box), D) - 0.5 - 1e-9) * periodic  # halves: one direction
    return D - shift @ _like(box, D)


def pair_energies(pair, D, i, j, species, cell):
    """Pair energy assigned to the centre atom of each directed pair, eV, shape (n_pairs,).

    Parameters
    ----------
    pair : PairTerm
    D : torch.Tensor, shape (n_pairs, 3), Å
    i, j : torch.Tensor, shape (n_pairs,)
    species : torch.Tensor, shape (n_atoms,)
    cell : ndarray, shape (3, 3), Å
        Cell vectors, as rows; zero along directions that are not periodic.
    """
    radius, weights = _like(pair.radius, D), _like(pair.weights, D)
    r = radius[species[i]] + radius[species[j]]
    w12, w6 = weights[:, species[j], species[i]]
    counts = torch.ones_like(i, dtype=torch.bool)
    if pair.minimum_image:
        counts = (i != j) & ((D**2).sum(-1) < pair.cutoff**2)
    square = (pair_vectors(pair, D, cell) ** 2).sum(-1)
    counts = counts & (square < 4 * r**2) & (r > 0)
    d = torch.sqrt(torch.where(counts, square, torch.ones_like(square)))
    ratio = torch.where(counts, r, torch.ones_like(r)) / d
    value = 2 * (w12 * ratio**12 + w6 * ratio**6) * torch.cos(torch.pi / (4 * ratio)) ** 2
    return torch.where(counts, value, torch.zeros_like(value))


def _like(array, tensor):
    return torch.as_tensor(np.asarray(array), dtype=tensor.dtype, device=tensor.device)


def evaluate(potential, species, positions, cell, pairs, device='cpu', centres=None) -> Prediction:
    """Energies, forces and virials.

    Parameters
    ----------
    potential : VVPotential
    species : ndarray, shape (n_atoms,), int
        Element indices, see :meth:`VVPotential.species`.
    positions : ndarray, shape (n_atoms, 3), Å
    cell : ndarray, shape (3, 3), Å
        Cell vectors, as rows; zero along directions that are not periodic.
    pairs : PairList
        Pair list that is complete up to at least ``potential.cutoff``.
    device : str
        Device of torch.
    centres : array_like of int, optional
        Indices of the atoms whose energies are included in the sum. Forces on all atoms are derivatives of this sum;
        energies and virials of the other atoms are zero. Results for disjoint groups that cover all atoms add up to
        the result without ``centres``.

    Raises
    ------
    ValueError
        Centres are repeated or are not indices of atoms.
    """
    n_atoms = len(positions)
    species = np.asarray(species)
    if centres is not None:
        centres = check_centres(centres, n_atoms)
    vectors = torch.as_tensor(pairs.vectors(positions, cell), dtype=torch.float64, device=device)
    i = torch.as_tensor(pairs.i, device=device)
    j = torch.as_tensor(pairs.j.astype(np.int64), device=device)
    energies = vectors.new_zeros(n_atoms)
    gradient = torch.zeros_like(vectors)
    for centre, block in enumerate(potential.blocks):
        for atoms, environment, which in environments(potential, species, vectors, pairs, centre, centres):
            environment.D.requires_grad_()
            features = feature_values(potential.features, environment, centre)
            e = basis(block, components(block, features)) @ _like(block.coefficients, features)
            rows = torch.as_tensor(which >= 0, device=device)
            (slope,) = torch.autograd.grad(e.sum(), environment.D, allow_unused=True)
            energies[torch.as_tensor(atoms, device=device)] = e.detach()
            if slope is not None:
                gradient[torch.as_tensor(which[which >= 0], device=device)] = slope[rows]
    virials = vectors[:, :, None] * gradient[:, None, :]
    if potential.pair_term is not None:
        D = vectors.clone().requires_grad_()
        e = pair_energies(potential.pair_term, D, i, j, torch.as_tensor(species, device=device), cell)
        if centres is not None:
            e = e * torch.isin(i, torch.as_tensor(centres, device=device))
        (slope,) = torch.autograd.grad(e.sum(), D)
        energies = energies + sum_by_index(e.detach(), i, n_atoms)
        gradient = gradient + slope
        virials = virials + pair_vectors(potential.pair_term, vectors, cell)[:, :, None] * slope[:, None, :]
    forces = sum_by_index(gradient, i, n_atoms) - sum_by_index(gradient, j, n_atoms)
    virials = sum_by_index(virials, i, n_atoms)
    return Prediction(*(x.cpu().numpy() for x in (energies, forces, virials)))
