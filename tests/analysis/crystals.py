"""Crystals whose phases, grains and boundaries are known because they were built so."""

import numpy as np
from ase import Atoms
from ase.build import bulk
from scipy.spatial.transform import Rotation

from ase_mlffvv.structures import tilt_bicrystal

A = 3.44


def twin(cells=(6, 9), a=A):
    """Two grains of bcc, mirror images in the (112) plane across z, periodic; ``cells`` along x and y."""
    return tilt_bicrystal('twin_112', a, repeat=cells)


def rotated_grain(angle, size=40.0, axis=(0, 0, 1), a=A, pocket=0.5):
    """A cluster of bcc whose upper part, above ``pocket`` of its size, is turned about an axis by ``angle`` degrees."""
    n = int(np.ceil(size * 2 / a))
    crystal = bulk('Li', 'bcc', a=a, cubic=True) * (n, n, n)
    points = crystal.positions - crystal.positions.mean(axis=0)
    turned = Rotation.from_rotvec(np.radians(angle) * np.asarray(axis) / np.linalg.norm(axis)).apply(points)
    z = (pocket - 0.5) * size
    lower = points[(abs(points) <= size / 2).all(axis=1) & (points[:, 2] < z)]
    upper = turned[(abs(turned) <= size / 2).all(axis=1) & (turned[:, 2] >= z + 1.0)]
    atoms = Atoms('Li' + str(len(lower) + len(upper)), np.concatenate([lower, upper]))
    atoms.set_tags([0] * len(lower) + [1] * len(upper))
    return atoms
