"""Migration of an adatom between neighboring sites of a flat surface."""

from __future__ import annotations

from ..structures import adatom_slab
from .relaxing import barrier, relax

OFF = {'110': [0.15, 0.05, 0.0]}  # Å; on (110) the lattice site is a saddle point between two hollow sites


def hop_barrier(face, a, attach, element='Li'):
    """Migration barrier of an adatom to the nearest equivalent site, by the nudged-elastic-band method.

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
    initial, hop = adatom_slab(face, a, element)
    final = initial.copy()
    final.positions[-1] += hop
    for atoms in (initial, final):
        atoms.positions[-1] += OFF.get(face, [0.0, 0.0, 0.0])
        relax(attach(atoms))
    return barrier(initial, final, attach)
