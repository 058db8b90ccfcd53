"""Formation and migration of a vacancy."""

from __future__ import annotations

from ..structures import vacancy_hop, with_vacancy
from .relaxing import barrier, relax


def vacancy_energy(crystal, attach):
    """Formation energy of a vacancy at constant volume.

    Parameters
    ----------
    crystal : Atoms
        Perfect supercell with a calculator; atom 0 is removed.
    attach : function
        See :func:`ase_mlffvv.properties.relaxing.use`.

    Returns
    -------
    energy : float, eV
        E(N-1) - (N-1)/N E(N), with E(N-1) after relaxation.
    vacancy : Atoms
        Relaxed supercell with the vacancy.
    """
    n, perfect = len(crystal), crystal.get_potential_energy()
    vacancy = relax(attach(with_vacancy(crystal)))
    return float(vacancy.get_potential_energy() - (n - 1) / n * perfect), vacancy


def migration_barrier(crystal, attach):
    """Barrier for the jump of a nearest neighbor (1/2<111> in bcc) into a vacancy, from a nudged elastic band.

    Parameters
    ----------
    crystal : Atoms
        Perfect supercell; atom 0 is removed.
    attach : function
        See :func:`ase_mlffvv.properties.relaxing.use`.

    Returns
    -------
    barrier : float, eV
    path : list of float, eV
        Energies of all images relative to that of the first.
    """
    initial, final = vacancy_hop(crystal)
    for atoms in (initial, final):
        relax(attach(atoms), fmax=0.003)
    return barrier(initial, final, attach)
