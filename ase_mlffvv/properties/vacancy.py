"""The vacancy: formation and migration."""

from __future__ import annotations

from ..structures import vacancy_hop, with_vacancy
from .relaxing import barrier, relax


def vacancy_energy(crystal, attach):
    """Formation energy of a vacancy at constant volume.

    Parameters
    ----------
    crystal : Atoms
        Perfect supercell with a calculator; atom 0 is taken out.
    attach : function
        See :func:`ase_mlffvv.properties.relaxing.use`.

    Returns
    -------
    energy : float, eV
        E(N-1) - (N-1)/N E(N), relaxed.
    vacancy : Atoms
        Relaxed.
    """
    n, perfect = len(crystal), crystal.get_potential_energy()
    vacancy = relax(attach(with_vacancy(crystal)))
    return float(vacancy.get_potential_energy() - (n - 1) / n * perfect), vacancy


def migration_barrier(crystal, attach):
    """Barrier of the hop of a nearest neighbor (1/2<111> in bcc) into a vacancy, by nudged elastic band.

    Parameters
    ----------
    crystal : Atoms
        Perfect supercell; atom 0 is taken out.
    attach : function

    Returns
    -------
    barrier : float, eV
    path : list of float, eV
    """
    initial, final = vacancy_hop(crystal)
    for atoms in (initial, final):
        relax(attach(atoms), fmax=0.003)
    return barrier(initial, final, attach)
