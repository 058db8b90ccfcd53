"""Orientation of the crystal around each atom, and angles between orientations.

A rotation maps crystal axes to laboratory axes: ``v_lab = rotation.apply(v_crystal)``. Quaternions have the scalar
component last, as in SciPy and OVITO.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from ase_mlffvv.checks import check_number

from .phases import BCC, FCC, HCP
from .structure import to_ovito

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ase import Atoms
    from numpy.typing import ArrayLike


GROUPS = {FCC: 'O', HCP: 'D6', BCC: 'O'}  # proper rotations of each crystal
RMSD = 0.15  # largest root mean square deviation from a template, in units of the nearest-neighbor distance


def orientations(
    atoms: Atoms, rmsd: float = RMSD, structures: Sequence[str] = ('fcc', 'hcp', 'bcc')
) -> tuple[np.ndarray, np.ndarray]:
    """Crystal structure and orientation of each atom by polyhedral template matching (OVITO).

    Parameters
    ----------
    atoms : Atoms
    rmsd : float
        Largest root mean square deviation from the best template, in units of the nearest-neighbor distance; atoms with
        a larger one are 'other'.
    structures : sequence of {'fcc', 'hcp', 'bcc'}
        Templates to compare with.

    Returns
    -------
    labels : ndarray, shape (n_atoms,), int
        0 other, 1 fcc, 2 hcp, 3 bcc.
    quaternions : ndarray, shape (n_atoms, 4)
        Components x, y, z, w; zeros for 'other'.

    Notes
    -----
    Larsen, Schmidt and Schiøtz, Modelling Simul. Mater. Sci. Eng. 24, 055007 (2016). An orientation is determined up to
    rotations of the symmetry group of the crystal.
    """
    check_number(rmsd, 'rmsd', above=0)
    unknown = sorted(set(structures) - {'fcc', 'hcp', 'bcc'})
    if unknown or isinstance(structures, str):
        raise ValueError(f"structures must be some of 'fcc', 'hcp', 'bcc', got {structures!r}")
    if len(atoms) == 0:
        return np.zeros(0, int), np.zeros((0, 4))
    data = to_ovito(atoms)
    from ovito.modifiers import PolyhedralTemplateMatchingModifier as Matching

    modifier = Matching(output_orientation=True, rmsd_cutoff=rmsd)
    for name in ('FCC', 'HCP', 'BCC'):
        modifier.structures[getattr(Matching.Type, name)].enabled = name.lower() in structures
    data.apply(modifier)
    labels = np.array(data.particles['Structure Type'][:], dtype=int)
    quaternions = np.array(data.particles['Orientation'][:], dtype=float)
    quaternions[labels == 0] = 0
    return labels, quaternions


@lru_cache
def group(name: str) -> np.ndarray:
    """Quaternions of a point group, shape (n, 4): 'O' of cubic crystals, 'D6' of hexagonal ones."""
    return Rotation.create_group(name).as_quat()


def product(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Product of quaternions (x, y, z, w) with broadcasting: the rotation by ``q`` followed by that by ``p``."""
    (a, b, c, d), (x, y, z, w) = np.moveaxis(p, -1, 0), np.moveaxis(q, -1, 0)
    return np.stack([d * x + a * w + b * z - c * y, d * y - a * z + b * w + c * x,
                     d * z + a * y - b * x + c * w, d * w - a * x - b * y - c * z], axis=-1)  # fmt: skip


def inverse(q: ArrayLike) -> np.ndarray:
    """Inverse of unit quaternions."""
    return np.asarray(q) * [-1, -1, -1, 1]


def misorientation(p: ArrayLike, q: ArrayLike, symmetry: str = 'O') -> np.ndarray:
    """Smallest rotation angle between two crystals over all equivalent orientations.

    Parameters
    ----------
    p, q : array_like, shape (..., 4)
        Unit quaternions (x, y, z, w).
    symmetry : {'O', 'D6'}

    Returns
    -------
    ndarray, shape (...), degrees
    """
    p, q = np.broadcast_arrays(np.asarray(p, float), np.asarray(q, float))
    shape = p.shape[:-1]
    p, q = p.reshape(-1, 4), q.reshape(-1, 4)
    out = np.empty(len(p))
    # the angle needs only the scalar part of (difference * s) for each s of the group; chunks fit into the cache
    scalar = (group(symmetry) * [-1, -1, -1, 1]).T
    for k in range(0, len(p), 4096):
        difference = product(inverse(p[k : k + 4096]), q[k : k + 4096])
        out[k : k + 4096] = abs(difference @ scalar).max(axis=1)
    return np.degrees(2 * np.arccos(np.clip(out, 0, 1))).reshape(shape)


def nearest_equivalent(q: ArrayLike, reference: ArrayLike, symmetry: str = 'O') -> np.ndarray:
    """Equivalents of ``q`` that are nearest to ``reference``, shape (n, 4), with the sign of the same hemisphere.

    Parameters
    ----------
    q : ndarray, shape (n, 4)
    reference : ndarray, shape (4,) or (n, 4)
    """
    q, reference = np.asarray(q, float), np.broadcast_to(reference, np.shape(q))
    difference = product(inverse(q), reference)
    overlap = difference @ group(symmetry).T  # of q * s with the reference
    best = abs(overlap).argmax(axis=1)
    sign = np.sign(np.take_along_axis(overlap, best[:, None], axis=1))
    return product(q, group(symmetry)[best]) * np.where(sign == 0, 1, sign)


def mean_orientation(quaternions: ArrayLike, symmetry: str = 'O', iterations: int = 3) -> np.ndarray:
    """Mean of orientations that are similar up to symmetry, shape (4,)."""
    quaternions = np.asarray(quaternions, float)
    if len(quaternions) == 0:
        raise ValueError('a mean orientation needs at least one orientation, got none')
    mean = quaternions[0]
    for _ in range(iterations):
        mean = Rotation.from_quat(nearest_equivalent(quaternions, mean, symmetry)).mean().as_quat()
    return mean


def rotation_about_z(q: ArrayLike, symmetry: str = 'O') -> float:
    """Rotation of a cubic crystal about z, relative to the orientation with its axes along x, y and z.

    The equivalent orientation with the smallest angle is decomposed into a rotation about z and one about an axis in
    the xy plane.

    Returns
    -------
    float, degrees
        Angle in (-45, 45], because a rotation by 90 degrees maps a cubic crystal onto itself.
    """
    _, _, z, w = nearest_equivalent(np.reshape(q, (1, 4)), [0, 0, 0, 1.0], symmetry)[0]
    return float(-((45 - np.degrees(2 * np.arctan2(z, w))) % 90 - 45))


def in_crystal(vectors: ArrayLike, q: ArrayLike) -> np.ndarray:
    """Transform vectors from laboratory to crystal axes, shape (..., 3)."""
    return Rotation.from_quat(q).inv().apply(vectors)


def nearest_direction(
    vector: ArrayLike, families: Sequence[Sequence[int]] = ((1, 0, 0), (1, 1, 0), (1, 1, 1), (1, 1, 2), (1, 2, 3))
) -> tuple[Any, float]:
    """Low-index direction that is nearest to a vector in the axes of a cubic crystal.

    Parameters
    ----------
    vector : array_like, shape (3,)
    families : sequence of (int, int, int)
        Families of directions; each stands for all permutations and signs of its indices.

    Returns
    -------
    direction : tuple of int
        Indices of the nearest direction.
    angle : float, degrees
        Angle between this direction and the vector.
    """
    vector = np.asarray(vector, float)
    length = np.linalg.norm(vector)
    if not length > 0:
        raise ValueError('a vector of length zero has no direction')
    order = np.argsort(abs(vector), kind='stable')
    best = (-1.0, None)
    for family in families:
        indices = np.zeros(3, int)
        indices[order] = np.sort(np.abs(family))
        indices = np.where(vector < 0, -indices, indices)
        best = max(best, (indices @ vector / np.linalg.norm(indices) / length, tuple(indices.tolist())))
    return best[1], float(np.degrees(np.arccos(np.clip(best[0], -1, 1))))
