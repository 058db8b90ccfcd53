"""Hops of an adatom between neighboring sites of a flat surface."""

from __future__ import annotations

import numpy as np
from ase.build import bcc100, bcc110, bcc111
from ase.constraints import FixAtoms

from .relaxing import barrier, relax

# builder, cells and layers, layers fixed at the bottom
SLABS = {'100': (bcc100, (4, 4, 7), 2), '110': (bcc110, (4, 4, 5), 2), '111': (bcc111, (3, 3, 13), 4)}
OFF = {'110': [0.15, 0.05, 0.0]}  # Å: the site of the lattice is a saddle point between two hollows there


def adatom(face, a, element='Li', vacuum=9.0):
    """Slab with one adatom where the crystal would go on, and the shortest translation of the surface.

    Parameters
    ----------
    face : {'100', '110', '111'}
    a : float, Å
        Lattice constant of bcc.

    Returns
    -------
    atoms : Atoms
        The adatom is the last; the layers at the bottom are fixed.
    hop : ndarray, shape (3,), Å
        From the adatom to a neighboring site.
    """
    build, size, fixed = SLABS[face]
    atoms = build(element, (*size[:2], size[2] + 1), a=a, vacuum=vacuum)
    tags = atoms.get_tags()  # 1 is the highest layer
    top = np.flatnonzero(tags == 1)
    vectors = atoms.get_distances(top[0], top[1:], mic=True, vector=True)
    hop = vectors[np.linalg.norm(vectors, axis=1).argmin()]
    out = atoms[tags > 1] + atoms[top[:1]]
    out.set_constraint(FixAtoms(mask=out.get_tags() > size[2] + 1 - fixed))
    return out, hop


def hop_barrier(face, a, attach, element='Li'):
    """Barrier of the hop of an adatom to the next equal site, by nudged elastic band.

    Parameters
    ----------
    face : {'100', '110', '111'}
    a : float, Å
    attach : function
        See :func:`ase_mlffvv.properties.relaxing.use`.

    Returns
    -------
    barrier : float, eV
    path : list of float, eV
    """
    initial, hop = adatom(face, a, element)
    final = initial.copy()
    final.positions[-1] += hop
    for atoms in (initial, final):
        atoms.positions[-1] += OFF.get(face, [0.0, 0.0, 0.0])
        relax(attach(atoms))
    return barrier(initial, final, attach)
