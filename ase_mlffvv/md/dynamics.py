"""Molecular dynamics that stays on the device: positions, momenta, pair list and integration."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from ase import units
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from tqdm.auto import tqdm

from ..checks import check_array, check_timestep, check_whole
from ..engines.grade import GradeWatch
from ..errors import StructureError
from ..model.find import DEFAULT, find_potential
from .forces import make_forces
from .integrators import State, VelocityVerlet
from .interrupt import interrupt_flag
from .reporters import Grade, Reporter, Samples, View

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from ase import Atoms

    from ..model import VVPotential


class Dynamics:
    """Molecular dynamics of one structure with a VV potential, on the CPU or a GPU.

    Intended for 10 000 atoms and more. The trajectory agrees with that of ASE's dynamics to within rounding errors,
    but each step has less overhead. The given ``atoms`` are not changed; see :meth:`atoms`.

    Parameters
    ----------
    atoms : Atoms
        Structure with momenta. Constraints other than :class:`ase.constraints.FixAtoms` are refused. Fixed atoms do
        not move and do not contribute to the temperature.
    model : None, str, Path or VVPotential
        As for :class:`.VVCalculator`.
    integrator : VelocityVerlet, Berendsen, CSVR or Langevin
        The default is :class:`.VelocityVerlet`.
    timestep : float, fs
    device, engine, skin, threads, precision
        As for :class:`.VVCalculator`.
    reporters : sequence of Reporter, optional
        Objects that observe the run, see :mod:`ase_mlffvv.md.reporters`. The default is one :class:`.Samples`, which
        records energies, coordination and displacements at every tenth step.
    on_extrapolation, check_interval
        As for :class:`.VVCalculator`, with the interval in steps. The default is 10 steps on the CPU and 1 000 on a
        GPU, because the grade is computed on the CPU.
    model_name : str, optional
        Name of the model in messages. The default is ``model`` if that is a name.

    Attributes
    ----------
    state : State
    forces : Evaluator

    Examples
    --------
    >>> from ase.md.velocitydistribution import thermalize_momenta
    >>> from ase_mlffvv.structures import column
    >>> from ase_mlffvv.md import Berendsen, Dynamics
    >>> atoms = column(diameter=3, height=4, box=6)
    >>> thermalize_momenta(atoms, temperature_K=500)
    >>> md = Dynamics(atoms, integrator=Berendsen(250), timestep=2.0)
    >>> md.run(10)
    >>> after = md.atoms()
    """

    def __init__(
        self,
        atoms: Atoms,
        model: str | Path | VVPotential | None = None,
        integrator: Any = None,
        timestep: float = 2.0,
        *,
        device: str = 'cpu',
        engine: str = 'auto',
        skin: float = 0.8,
        threads: int | None = None,
        precision: str = 'float64',
        reporters: Any = None,
        on_extrapolation: str = 'warn',
        check_interval: int | None = None,
        model_name: str | None = None,
    ):
        if len(atoms) == 0:
            raise StructureError('the structure has no atoms')
        timestep = check_timestep(timestep)
        self.potential = find_potential(model)
        self.potential.species(atoms.numbers)
        masses = check_array(atoms.get_masses(), 'masses', (len(atoms),), 'amu', above=0, error=StructureError)
        integrator = integrator or VelocityVerlet()
        if not hasattr(integrator, 'prepare'):
            raise TypeError(
                f'integrator must be VelocityVerlet(), Berendsen(...), CSVR(...) or Langevin(...), got {integrator!r}'
            )
        frozen = frozen_atoms(atoms)
        self.integrator, self.timestep = integrator, timestep
        self._start = atoms.copy()
        self.forces = make_forces(self.potential, atoms, device=device, engine=engine, skin=skin, threads=threads,
                                  precision=precision)  # fmt: skip
        array = self.forces.array
        mobile = np.ones((len(atoms), 1))
        mobile[frozen] = 0.0
        if not mobile.any():
            raise StructureError(
                f'all {len(atoms)} atoms are frozen: none can move and there is no temperature. Remove the constraint '
                'FixAtoms from some of them.'
            )
        momenta = check_array(atoms.get_momenta(), 'momenta', (len(atoms), 3), error=StructureError) * mobile
        self.state = State(array(atoms.positions), array(momenta), None, None, array(1 / masses[:, None]),
                           array(mobile), 3 * int(mobile.sum()))  # fmt: skip
        if check_interval is None:
            check_interval = 10 if device == 'cpu' else 1000
        check_whole(check_interval, 'check_interval', 'steps', low=1)
        if model_name is None:
            model_name = model if isinstance(model, str) else DEFAULT if model is None else 'the model'
        self._watch = GradeWatch(self.potential, on_extrapolation, 1, threads, model_name)
        self.reporters = [Grade(self._watch, check_interval), *([Samples()] if reporters is None else reporters)]
        for reporter in self.reporters:
            if not isinstance(reporter, Reporter):
                raise TypeError(
                    f'reporters must be instances of ase_mlffvv.md.Reporter, got {reporter!r}; use Reporter(interval, '
                    'function) for a function'
                )
        self._reported = [-1] * len(self.reporters)  # the last step of which each reporter was told
        self._view = View(self)
        self._origin = array(atoms.positions)
        self._stepper = self.integrator.prepare(self.state, self.timestep * units.fs)

    def __len__(self):
        return len(self._start)

    def run(self, steps: int, progress: bool = False) -> None:
        """Run a number of steps.

        Ctrl-C ends the run after the present step. After Ctrl-C or any error, the state is that of the last complete
        step. Another call continues from there; the result is identical, bit for bit, to that of an unbroken run.

        Parameters
        ----------
        steps : int
        progress : bool
            Show a progress bar with the remaining time and the number of atom-steps per second.

        Raises
        ------
        StructureError
            Positions are not finite, or two atoms coincide, which means that the time step is too long.
        ExtrapolationError
            A grade exceeds one and ``on_extrapolation`` is ``'stop'``.
        KeyboardInterrupt
            Ctrl-C was pressed.
        """
        steps = check_whole(steps, 'steps', low=0)
        state, begin, first = self.state, perf_counter(), self.state.step
        with interrupt_flag() as stop:
            bar = tqdm(total=steps, unit='step', desc='MD', smoothing=0.1, disable=not progress)
            try:
                self._begin()
                while state.step < first + steps and not stop.is_set():
                    self._step()
                    self._report()
                    if progress:
                        rate = len(self) * (state.step - first) / (perf_counter() - begin)
                        bar.set_postfix_str(f'{rate:.3g} atom-steps/s', refresh=False)
                        bar.update()
            finally:
                bar.close()
                for reporter in self.reporters:
                    reporter.flush()
        if stop.is_set():
            raise KeyboardInterrupt(f'stopped after step {state.step}; run() continues from there')

    def _begin(self):
        """Compute the forces of the present positions if necessary, and call the reporters that are due."""
        self._evaluate()
        self._report()

    def _step(self):
        try:
            self._stepper.step(self.state, self.forces)
        except StructureError as error:
            raise StructureError(
                f'the run blew up in step {self.state.step + 1}, because the time step of {self.timestep:g} fs is too '
                f'long or the potential does not know such structures ({str(error).split(". ")[0]}). Continue from an '
                'earlier structure with a shorter time step.'
            ) from error

    def _evaluate(self):
        state = self.state
        if state.forces is None:
            state.energies, state.forces = self.forces(state.positions)

    def _report(self):
        step = self.state.step
        for k, reporter in enumerate(self.reporters):
            if step % reporter.interval == 0 and self._reported[k] != step:
                reporter(self._view)
                self._reported[k] = step

    def forget(self):
        """Continue exactly, bit for bit, as a run would that starts from :meth:`structure`; used at checkpoints.

        On a GPU the order of summation depends on the pair list, so that a new list and new forces are computed. On
        the CPU nothing changes.
        """
        if self.forces.forget is not None:
            self.forces.forget()
            self.state.forces = None

    @property
    def samples(self) -> dict:
        """Samples so far, as a dict of arrays by name; see :attr:`.Samples.table`."""
        return self._samples().table

    def averages(self, skip: int = 0) -> dict:
        """Mean and standard deviation over all samples after the first ``skip``: ``{name: (mean, deviation)}``."""
        return self._samples().averages(skip)

    def _samples(self):
        for reporter in self.reporters:
            if isinstance(reporter, Samples):
                return reporter
        raise AttributeError('this Dynamics takes no samples: none of its reporters is a Samples')

    def displacements(self):
        """Displacements (n_atoms, 3) from the initial structure, Å, on the device."""
        return self.state.positions - self._origin

    def grade(self):
        """Extrapolation grade of each atom (ndarray), or None if the potential has none; computed on the CPU."""
        if self.potential.uncertainty is None:
            return None
        return self._watch.uncertainty(*self.forces.system())[2]

    @property
    def temperature(self) -> float:
        """Temperature of the mobile atoms, K."""
        return float(self._view.temperature)

    @property
    def potential_energy(self) -> float:
        """Potential energy of all atoms, eV."""
        self._evaluate()
        return float(self.state.energies.sum())

    @property
    def thermostat_work(self) -> float:
        """Energy that the thermostat has added so far, eV."""
        return float(self.state.thermostat_work)

    def structure(self) -> Atoms:
        """The present structure, with momenta and constraints. Positions are not wrapped into the cell."""
        out = self._start.copy()
        out.arrays['positions'][:] = host(self.state.positions)
        out.set_momenta(host(self.state.momenta), apply_constraint=False)
        return out

    def atoms(self) -> Atoms:
        """The present :meth:`structure` with energies and forces."""
        self._evaluate()
        out, energies = self.structure(), host(self.state.energies)
        energy = float(energies.sum())
        out.calc = SinglePointCalculator(out, energy=energy, free_energy=energy, energies=energies,
                                         forces=host(self.state.forces))  # fmt: skip
        return out


def frozen_atoms(atoms):
    """Indices of the atoms that :class:`ase.constraints.FixAtoms` fixes.

    Raises
    ------
    NotImplementedError
        There is another kind of constraint.
    """
    other = [c for c in atoms.constraints if not isinstance(c, FixAtoms)]
    if other:
        raise NotImplementedError(
            f'Dynamics knows FixAtoms only, the structure has {", ".join(type(c).__name__ for c in other)}. Remove '
            'it, or use the dynamics of ASE with VVCalculator.'
        )
    return np.unique(np.concatenate([c.index for c in atoms.constraints] or [np.zeros(0, int)]))


def host(array):
    """A NumPy copy of an array on any device."""
    return np.array(array) if isinstance(array, np.ndarray) else array.cpu().numpy().copy()
