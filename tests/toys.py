"""Potentials with random numbers that exercise every part of the model."""

import numpy as np

from ase_mlffvv.features import Cosine2, Cosine3, Density
from ase_mlffvv.features.grid import geometric_nodes, grid_from_nodes, stretched_grid
from ase_mlffvv.features.values import feature_values
from ase_mlffvv.model import ElementBlock, PairTerm, VVPotential
from ase_mlffvv.model.definition import environments
from ase_mlffvv.neighbors import pair_list

from .systems import cell_of, zoo


def random_potential(elements=('Li',), *, shared=True, cubic=True, pair='own', seed=0, cutoff=4.37, families=None):
    """VVPotential with random coefficients, scaled so that components of the zoo are of order one."""
    rng = np.random.default_rng(seed)
    n_types = len(elements)
    if shared:  # basis functions of equal width
        two = tuple(stretched_grid(cutoff - 0.2 * t, 7) for t in range(n_types))
        legs = tuple(stretched_grid(cutoff, 3) for _ in range(n_types))
        sides = tuple(stretched_grid(1.6 * cutoff, 2) for _ in range(n_types))
    else:
        two = tuple(grid_from_nodes(geometric_nodes(cutoff, 6, 2.0), overlap=3) for _ in range(n_types))
        legs = tuple(grid_from_nodes(geometric_nodes(cutoff, 3 + t, 3.0)) for t in range(n_types))
        sides = tuple(grid_from_nodes(geometric_nodes(1.6 * cutoff, 3, 2.5)) for _ in range(n_types))
    radial = tuple(rng.normal(size=(n_types, 3, 5)) for _ in range(n_types))
    available = {
        'cosine2': Cosine2(tuple(cutoff - 0.2 * t for t in range(n_types)) if shared else (cutoff,) * n_types, two),
        'cosine3': Cosine3((cutoff,) * n_types, (1.6 * cutoff,) * n_types, legs, sides),
        'density': Density(tuple(cutoff - 0.1 * t for t in range(n_types)), radial, 3, (7, 5)),
    }
    families = tuple(available[name] for name in families or ('cosine2', 'cosine3'))
    sizes = [sum(f.size(t, n_types) for f in families) for t in range(n_types)]
    n = 6
    empty = tuple(_block(size, n, rng, cubic) for size in sizes)
    potential = VVPotential(elements, families, empty)
    features = zoo_features(potential)
    blocks = []
    for t, block in enumerate(empty):
        h = features[t] @ block.projection
        blocks.append(
            ElementBlock(
                block.projection,
                h.mean(axis=0),
                1 / h.std(axis=0),
                block.single,
                block.product,
                block.terms,
                block.coefficients,
            )
        )
    return VVPotential(elements, families, tuple(blocks), _pair(pair, n_types, cutoff))


def _block(n_features, n, rng, cubic):
    gaussians = [np.stack([rng.normal(size=(n + 1, k)), rng.uniform(0.5, 2, (n + 1, k))], axis=2) for k in (5, 4)]
    terms = [(1, rng.integers(n + 1), rng.integers(5), 0, 0) for _ in range(6)]
    terms += [(2, rng.integers(n + 1), rng.integers(4), rng.integers(n + 1), rng.integers(4)) for _ in range(20)]
    terms += [(2, 1, 2, 1, 2), (2, n, 0, n, 1), (2, 0, 1, n, 2)]
    if cubic:
        terms += [(3, *rng.integers(n + 1, size=3), 0) for _ in range(5)] + [(3, 2, 2, 2, 0), (3, n, n, 1, 0)]
    terms = np.array(terms, np.int32)
    return ElementBlock(
        rng.normal(size=(n_features, n)), np.zeros(n), np.ones(n), *gaussians, terms,
        0.1 * rng.normal(size=n + 1 + len(terms)),
    )  # fmt: skip


def _pair(kind, n_types, cutoff):
    if kind is None:
        return None
    weights = np.zeros((2, n_types, n_types))
    weights[0], weights[1] = 30.0, -0.3
    if kind == 'original':
        weights = weights * (1 + 0.2 * np.arange(n_types)[:, None])  # not symmetric
        return PairTerm(np.linspace(0.7, 0.9, n_types), weights, minimum_image=True, cutoff=cutoff)
    return PairTerm(np.linspace(0.7, 0.9, n_types), weights)


def zoo_features(potential):
    """Raw features of all atoms of the zoo, per element."""
    import torch

    found = [[] for _ in potential.elements]
    for atoms in zoo(potential.elements).values():
        pairs = pair_list(atoms.positions, cell_of(atoms), atoms.pbc, potential.cutoff)
        D = torch.as_tensor(pairs.vectors(atoms.positions, cell_of(atoms)))
        species = potential.species(atoms.numbers)
        for t in range(len(potential.elements)):
            for _, environment, _ in environments(potential, species, D, pairs, t):
                found[t].append(feature_values(potential.features, environment, t).numpy())
    return [np.concatenate(f) for f in found]
