"""Runs of :mod:`ase_mlffvv.jobs` in LAMMPS: process 0 does what a run does, and the others follow its calls."""

from __future__ import annotations

import logging
import signal
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from ase.calculators.calculator import CalculatorError

from ...engines.grade import GradeWatch
from ...jit import available_threads
from .fix import DomainError
from .library import LammpsError, let_ase_be_serial, load_mpi
from .simulation import Simulation

if TYPE_CHECKING:
    from typing import Any

log = logging.getLogger(__name__)
# Errors that all processes raise together: the run ends, and no process waits for another one.
_COMMON = (CalculatorError, LammpsError, DomainError, ValueError, NotImplementedError, ImportError, KeyboardInterrupt)


class Team:
    """The processes of a run in LAMMPS. Process 0 uses it as ``drive`` of :func:`ase_mlffvv.jobs.start`.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm

    Examples
    --------
    >>> from mpi4py import MPI                                          # doctest: +SKIP
    >>> with Team(MPI.COMM_WORLD) as team:                              # doctest: +SKIP
    ...     if team.leads:
    ...         start(atoms, VVCalculator(), 'needle', RunSettings(dynamics='lammps'), drive=team)
    """

    def __init__(self, comm: Any):
        let_ase_be_serial()  # process 0 reads, writes and draws velocities alone
        self.comm, self.leads, self._simulation = comm, comm.rank == 0, None
        near = comm.Split_type(load_mpi().COMM_TYPE_SHARED)  # processes on this machine
        self._place, self._threads = near.rank, max(1, available_threads() // near.size)
        near.Free()

    def __enter__(self):
        """Process 0 enters the block at once. The others first do what it calls, until it leaves the block."""
        if not self.leads:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # process 0 ends the run at a complete step
            while (call := self.comm.bcast(None)) is not None:
                with suppress(_COMMON):  # process 0 reports them
                    self._perform(*call)
        return self

    def __exit__(self, kind, error, trace):
        if self.leads:
            self.comm.bcast(None)

    def __call__(self, atoms, calc, settings, thermostat_work, step):
        """Driver of a run that starts from a state at ``step``; see :func:`.make_driver`."""
        return LammpsDriver(self, atoms, calc, settings, thermostat_work, step)

    def call(self, name: str, *args: Any, atoms: Any = None) -> Any:
        """Call a method of the simulation in all processes; its result in process 0."""
        self.comm.bcast((name, args))
        return self._perform(name, args, atoms)

    def _perform(self, name, args, atoms=None):
        try:
            if name == 'start':
                return self._start(atoms, *args)
            return getattr(self._simulation, name)(*args)
        except _COMMON:
            raise
        except BaseException:  # other processes may wait for this one forever
            if self.comm.size == 1:
                raise
            print(f'process {self.comm.rank} of {self.comm.size} failed, and the run ends:', file=sys.stderr)
            traceback.print_exc()
            sys.stderr.flush()
            self.comm.Abort(1)

    def _start(self, atoms, potential, device, threads, options):
        if str(device) == 'cuda' and self.comm.size > 1:
            device = f'cuda:{self._place}'  # one process for each GPU of a machine
        threads = self._threads if threads is None else threads
        self._simulation = Simulation(self.comm, atoms, potential, device=device, threads=threads, **options)


class LammpsDriver:
    """Driver of a run, in process 0; see :mod:`ase_mlffvv.jobs.drivers`."""

    def __init__(self, team, atoms, calc, settings, thermostat_work, step):
        p = calc.parameters
        self._team, self._atoms, self._step, self._work = team, atoms.copy(), step, thermostat_work
        self._watch = GradeWatch(calc.potential, p['on_extrapolation'], 1, p['threads'], str(p['model']))
        self._check = p['check_interval']
        options = {name: p[name] for name in ('engine', 'skin', 'precision')}
        options.update(timestep=settings.timestep, temperature=settings.temperature, taut=settings.taut,
                       thermostat=settings.thermostat, seed=settings.seed * 1_000_003 + step)  # fmt: skip
        team.call('start', calc.potential, p['device'], p['threads'], options, atoms=atoms)
        sizes = np.array(team.call('size'))
        log.info(
            '%d processes with %d to %d atoms of their own, and %d to %d ghosts',
            len(sizes), sizes[:, 0].min(), sizes[:, 0].max(), sizes[:, 1].min(), sizes[:, 1].max(),
        )  # fmt: skip
        if sizes[:, 2].sum() > 4 * len(atoms):
            log.warning(
                'the processes evaluate %d atoms for %d of the structure, because their domains are thin in comparison '
                'with the cutoff of %g Å: fewer processes would be about as fast', sizes[:, 2].sum(), len(atoms),
                calc.potential.cutoff,
            )  # fmt: skip
        self._look()

    def __len__(self):
        return len(self._atoms)

    def run(self, steps):
        """Advance by a number of steps."""
        while steps > 0:
            n = min(steps, self._check - self._step % self._check)
            self._team.call('run', n)
            steps, self._step = steps - n, self._step + n
            if self._step % self._check == 0:
                self._look()

    @property
    def temperature(self):
        """K."""
        return self._team.call('temperature')

    @property
    def potential_energy(self):
        """eV."""
        return self._team.call('potential_energy')

    @property
    def thermostat_work(self):
        """Work done by the thermostat so far, eV."""
        return self._work + self._team.call('thermostat_work')

    def structure(self):
        """A copy with momenta and constraints."""
        out, (positions, momenta) = self._atoms.copy(), self._team.call('state')
        out.arrays['positions'][:] = positions
        out.set_momenta(momenta, apply_constraint=False)
        return out

    def forget(self):
        """Do nothing: the order of sums in a restarted run is another one in any case."""

    def energies(self):
        """Atomic energies in eV."""
        return self._team.call('energies')

    def grade(self):
        """Extrapolation grade of each atom, or None."""
        return None if self._watch.potential.uncertainty is None else self._team.call('grade')

    def coordination(self, cutoff):
        """Number of neighbors of each atom within ``cutoff``, or within the potential's cutoff if that is shorter."""
        return self._team.call('coordination', cutoff)

    def _look(self):
        """Check the grade."""
        if self._watch.due() and self._team.call('largest_grade') > 1:
            self._watch.judge(self.grade())
