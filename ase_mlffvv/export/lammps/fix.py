"""Energies and forces of a VV potential for LAMMPS, through its ``fix external``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ... import errors
from ...model.find import find_potential
from .domain import Domain
from .setup import FIX

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from ...model import VVPotential

OUTPUTS = 'property/atom d_local_energy d_grade i_coordination'  # fix of LAMMPS that holds outputs for each atom
COORDINATION = 3.45  # Å


class DomainError(RuntimeError):
    """An evaluation failed in one of the processes; all of them raise an error."""


class ForceCallback:
    """What LAMMPS calls in each step; made by :func:`attach`.

    Attributes
    ----------
    domain : Domain
    energy : float, eV
        Potential energy of all atoms.
    virial : ndarray, shape (3, 3), eV
        dE/d(strain) of all atoms, in LAMMPS' system of coordinates.
    """

    def __init__(self, lmp, domain, species, comm, fix, output_interval):
        self.domain, self.energy, self.virial = domain, float('nan'), np.full((3, 3), np.nan)
        self.energies = np.zeros(0)  # of own atoms
        self._lmp, self._comm, self._fix, self._interval = lmp, comm, fix, output_interval
        self._species = np.concatenate([[-1], np.asarray(species, int)])  # of type 1, 2, ...
        self._last, self._error, self._failed = -1, None, False

    def __call__(self, _, step, n_own, tags, x, forces):
        """Compute; all processes take part."""
        totals, found = np.zeros(11), None
        if not self._failed:
            try:
                found = self._evaluate(step, n_own)
                totals[0], totals[1:10] = found.energies.sum(), found.virial.ravel()
                if not np.isfinite(totals).all():
                    raise errors.StructureError('the energy is not a finite number; use a shorter time step')
                self._save(step, found)
            except BaseException as error:  # an error in a callback would be printed and ignored
                self._error, totals[:] = error, 0.0
        totals[10] = self._failed or self._error is not None
        totals = self._sum(totals)
        if totals[10]:
            self._failed = True
            self._lmp.force_timeout()  # LAMMPS ends the run after this step, in all processes
            if n_own:
                forces[:] = 0.0
            return
        if n_own:
            forces[:] = found.forces
        self.energies, self.energy, self.virial = found.energies, float(totals[0]), totals[1:10].reshape(3, 3)
        w = -self.virial
        self._lmp.fix_external_set_energy_global(self._fix, self.energy)
        self._lmp.fix_external_set_virial_global(self._fix, [w[0, 0], w[1, 1], w[2, 2], w[0, 1], w[0, 2], w[1, 2]])

    def check(self):
        """Raise the error of the last run, if there was one; all processes must call it.

        Raises
        ------
        DomainError
            An error occurred. In the process where it did, its class is that of the error, if that is one of
            :mod:`ase_mlffvv.errors`; the message is the same everywhere.
        """
        if not self._failed:
            return
        said = [(type(self._error).__name__, str(self._error)) if self._error else None]
        said = self._comm.allgather(said[0]) if self._comm is not None else said
        rank = next(k for k, found in enumerate(said) if found)
        kind, text = said[rank]
        self._error, self._failed = None, False
        self.domain.forget()
        self._lmp.command('timer timeout off')
        known = getattr(errors, kind, None)
        where = f' (process {rank} of {len(said)})' if len(said) > 1 else ''
        if kind == 'KeyboardInterrupt':
            raise KeyboardInterrupt(text)
        raise (known if isinstance(known, type) else DomainError)(f'{text or kind}{where}')

    def _evaluate(self, step, n_own):
        lmp, n = self._lmp, n_own + self._lmp.extract_setting('nghost')
        if step <= self._last:  # a new run, for which LAMMPS has chosen new ghosts
            self.domain.forget()
        self._last = step
        if n_own == 0:
            return self.domain.evaluate((), (), np.zeros((0, 3)), 0)
        tags, types = (lmp.numpy.extract_atom(name, nelem=n) for name in ('id', 'type'))
        x = lmp.numpy.extract_atom('x', nelem=n, dim=3)
        return self.domain.evaluate(tags, self._species[types], x, n_own)

    def _save(self, step, found):
        """Fill in the outputs for each atom."""
        n = len(found.energies)
        if not (self._interval and step % self._interval == 0 and n):
            return
        if self.domain.potential.uncertainty is not None:
            self._output('d_grade', n)[:] = self.domain.grade()
        self._output('d_local_energy', n)[:] = found.energies
        self._output('i_coordination', n)[:] = self.domain.coordination(min(COORDINATION, self.domain.cutoff))

    def _output(self, name, n):
        return self._lmp.numpy.extract_atom(name, nelem=n, dim=1)

    def _sum(self, values):
        if self._comm is None:
            return values
        out = np.empty_like(values)
        self._comm.Allreduce(values, out)
        return out


def attach(
    lmp: Any,
    model: str | Path | VVPotential | None = None,
    *,
    elements: list[str] | None = None,
    comm: Any = None,
    fix: str = FIX,
    output_interval: int = 0,
    **settings: Any,
) -> ForceCallback:
    """Let a running LAMMPS take its forces from a VV potential.

    LAMMPS must have ``units metal``, a ``fix ID all external pf/callback 1 1`` and ghosts up to
    :attr:`.Domain.reach` (``comm_modify cutoff``); ``mlffvv lammps --write-input`` writes such an input. Each process
    of LAMMPS must call this function.

    Parameters
    ----------
    lmp : lammps.lammps
    model : None, str, Path or VVPotential
        As for :class:`.VVCalculator`.
    elements : list of str, optional
        Chemical symbol of each type of atoms. It can be left out if the potential has one element.
    comm : mpi4py.MPI.Comm, optional
        Communicator of LAMMPS. The default is that of a single process.
    fix : str
        Name of the fix external.
    output_interval : int
        Steps between updates of the outputs for each atom, or 0 for none. They need
        ``fix ID all property/atom d_local_energy d_grade i_coordination`` and can be written by ``dump custom``.
    **settings
        Settings ``device``, ``engine``, ``skin``, ``threads`` and ``precision`` of :class:`.VVCalculator`.

    Returns
    -------
    ForceCallback
        Its method ``check()`` must be called after each run, since LAMMPS ignores errors of Python.

    Raises
    ------
    ValueError
        Elements are missing or unknown, or the communication cutoff of LAMMPS is too short.
    """
    potential = find_potential(model)
    domain = Domain(potential, **settings)
    n_types = lmp.extract_setting('ntypes')
    if elements is None and len(potential.elements) == 1:
        elements = list(potential.elements) * n_types
    if elements is None or len(elements) != n_types or set(elements) - set(potential.elements):
        raise ValueError(
            f'elements must be the chemical symbol of each of the {n_types} types of atoms, out of '
            f'{", ".join(potential.elements)}; got {elements}'
        )
    callback = ForceCallback(lmp, domain, [potential.elements.index(e) for e in elements], comm, fix, output_interval)
    lmp.set_fix_external_callback(fix, callback, None)
    return callback
