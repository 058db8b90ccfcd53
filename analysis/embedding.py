"""Two-dimensional maps of atomic environments, and how well classes of atoms are separated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ase_mlffvv.checks import check_number, check_seed, check_whole

from .extras import need

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike


def embed(features: ArrayLike, seed: int = 0, perplexity: float = 30.0, components: int = 50) -> np.ndarray:
    """t-SNE map of a feature matrix; reproducible for a given seed.

    Parameters
    ----------
    features : array_like, shape (n_atoms, n_features)
        Any numbers per atom; columns are scaled to unit variance.
    seed : int
    perplexity : float
        Effective number of nearest neighbors of each atom in feature space.
    components : int
        Number of principal components to which the features are reduced first.

    Returns
    -------
    ndarray, shape (n_atoms, 2)
    """
    x = _standardised(features)
    check_number(perplexity, 'perplexity', above=0)
    components, seed = check_whole(components, 'components', low=1), _seed(seed)
    if len(x) < 4:
        raise ValueError(f't-SNE needs 4 or more atoms, got {len(x)}')
    need('sklearn')
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    k = min(components, *x.shape)
    x = PCA(k, svd_solver='full').fit_transform(x)
    perplexity = min(perplexity, (len(x) - 1) / 3)
    tsne = TSNE(perplexity=perplexity, random_state=seed, init='pca', learning_rate='auto')
    with threadpool_limits(1):  # reproducible sums, and no threads that wait for each other on a busy machine
        return tsne.fit_transform(x)


def silhouette(features: ArrayLike, classes: ArrayLike, sample: int = 5000, seed: int = 0) -> float:
    """Mean silhouette coefficient of classes of atoms in feature space.

    A value of 1 means well separated classes, 0 overlapping ones; negative values mean wrong assignments.

    Parameters
    ----------
    features : array_like, shape (n_atoms, n_features)
        Columns are scaled to unit variance.
    classes : array_like, shape (n_atoms,)
    sample : int
        Largest number of atoms to use; of more atoms, a random sample is drawn.
    """
    sample, seed = check_whole(sample, 'sample', 'atoms', low=2), _seed(seed)
    x, classes = _standardised(features), np.asarray(classes)
    if len(x) != len(classes):
        raise ValueError(f'features describe {len(x)} atoms, but classes {len(classes)}')
    if not 2 <= len(np.unique(classes)) < len(x):
        raise ValueError(
            f'a silhouette needs at least two classes and fewer classes than atoms, got {len(np.unique(classes))} '
            f'classes of {len(x)} atoms'
        )
    need('sklearn')
    from sklearn.metrics import silhouette_score

    size = None if len(x) <= sample else sample
    return float(silhouette_score(x, classes, sample_size=size, random_state=seed))


def shell_features(atoms: Atoms, cutoff: float = 6.0, count: int = 24) -> np.ndarray:
    """Radial and bond-order features of each atom, for maps without a force field.

    Parameters
    ----------
    atoms : Atoms
    cutoff : float, Å
    count : int
        Number of Gaussians of the distance, equally spaced from 2 Å to the cutoff.

    Returns
    -------
    ndarray, shape (n_atoms, count + 4)
        Smooth number of neighbors at each distance, and the lengths of weighted sums of bond vectors within four radii.
    """
    from .structure import neighbors

    check_number(cutoff, 'cutoff', 'Å', above=2)
    count = check_whole(count, 'count', low=2, high=10_000)

    n = len(atoms)
    if n == 0:
        return np.zeros((0, count + 4))
    i, d, vectors = neighbors('idD', atoms, cutoff)
    fade = 0.5 + 0.5 * np.cos(np.pi * d / cutoff)
    centres = np.linspace(2.0, cutoff, count)
    width = centres[1] - centres[0]
    columns = [np.bincount(i, fade * np.exp(-(((d - c) / width) ** 2)), minlength=n) for c in centres]
    for reach in np.linspace(cutoff / 2, cutoff, 4):
        inside = np.where(d < reach, 0.5 + 0.5 * np.cos(np.pi * np.minimum(d, reach) / reach), 0.0) / d
        sums = [np.bincount(i, inside * vectors[:, k], minlength=n) for k in range(3)]
        columns.append(np.linalg.norm(sums, axis=0))
    return np.column_stack(columns)


def _seed(seed):
    """Seed for scikit-learn, which takes 32 bits."""
    return check_seed(seed) % 2**32


def _standardised(features):
    x = np.asarray(features, float)
    if x.ndim != 2:
        raise ValueError(f'features must have the shape (n_atoms, n_features), got {x.shape}')
    if not np.isfinite(x).all():
        raise ValueError('features contain NaN or infinite numbers')
    scale = x.std(axis=0)
    keep = scale > 1e-9 * max(abs(x).max(initial=0), 1)
    if not keep.any():
        raise ValueError('all atoms have the same features')
    return (x[:, keep] - x[:, keep].mean(axis=0)) / scale[keep]
