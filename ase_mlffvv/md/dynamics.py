"""Molecular dynamics that stays on the device: positions, momenta, pair list and integration."""

from __future__ import annotations

from time import perf_counter

import numpy as np
from ase import units
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from mlffvv_analysis.coordination import CUTOFF
from tqdm import tqdm

from ..engines.grade import GradeWatch
from ..errors import StructureError
from ..model.find import DEFAULT, find_potential
from .forces import make_forces
from .integrators import State, VelocityVerlet

SAMPLES = ('step', 'temperature_K', 'potential_energy_eV', 'total_energy_eV', 'thermostat_work_eV', 'mean_coordination',
           'mean_x_A', 'mean_y_A', 'mean_z_A', 'mean_xy_A', 'mean_distance_A')  # fmt: skip


class Dynamics:
    """Molecular dynamics of one structure with a VV potential, on the CPU or a GPU.

    For 1e4 atoms and more; it does the steps of ASE's dynamics without its work per step, and agrees with them to
    round-off. The given ``atoms`` are not changed: see :meth:`atoms`.

    Parameters
    ----------
    atoms : Atoms
        With momenta; constraints other than :class:`ase.constraints.FixAtoms` are refused. Frozen atoms do not move and
        do not count for the temperature.
    model : None, str, Path or VVPotential
        As for :class:`.VVCalculator`.
    integrator : VelocityVerlet, Berendsen, CSVR or Langevin
        Default :class:`.VelocityVerlet`.
    timestep : float, fs
    device, engine, skin, threads, precision
        As for :class:`.VVCalculator`.
    sample_interval : int
        Steps between samples of energies, coordination and displacements, which are taken without stopping: see
        :attr:`samples`. Zero takes none.
    on_extrapolation, check_interval
        As for :class:`.VVCalculator`; the default interval is 10 steps on the CPU and 1 000 on a GPU, because the grade
        is computed on the CPU.

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

    def __init__(self, atoms, model=None, integrator=None, timestep=2.0, *, device='cpu', engine='auto', skin=0.8,
                 threads=None, precision='float64', sample_interval=10, on_extrapolation='warn',
                 check_interval=None):  # fmt: skip
        if len(atoms) == 0:
            raise StructureError('the structure has no atoms')
        if not (np.isfinite(timestep) and timestep > 0):
            raise ValueError(f'timestep must be positive (fs), got {timestep!r}')
        if not (int(sample_interval) == sample_interval and sample_interval >= 0):
            raise ValueError(f'sample_interval must be a whole number of steps, got {sample_interval!r}')
        frozen = frozen_atoms(atoms)
        self.potential = find_potential(model)
        self.integrator, self.timestep = integrator or VelocityVerlet(), float(timestep)
        self.sample_interval = int(sample_interval)
        self._start = atoms.copy()
        self.forces = make_forces(self.potential, atoms, device=device, engine=engine, skin=skin, threads=threads,
                                  precision=precision)  # fmt: skip
        array = self.forces.array
        mobile = np.ones((len(atoms), 1))
        mobile[frozen] = 0.0
        if not mobile.any():
            raise StructureError('all atoms are frozen')
        momenta = atoms.get_momenta() * mobile
        if not np.isfinite(momenta).all():
            raise StructureError('momenta hold values that are not finite numbers')
        self.state = State(array(atoms.positions), array(momenta), None, None, array(1 / atoms.get_masses()[:, None]),
                           array(mobile), 3 * int(mobile.sum()))  # fmt: skip
        if check_interval is None:
            check_interval = 10 if device == 'cpu' else 1000
        name = model if isinstance(model, str) else DEFAULT if model is None else 'the model'
        self.watch = GradeWatch(self.potential, on_extrapolation, check_interval, threads, name)
        self._origin = array(atoms.positions)
        self._samples = []
        self._stepper = self.integrator.prepare(self.state, self.timestep * units.fs)

    def __len__(self):
        return len(self._start)

    def run(self, steps, progress=False):
        """Do so many steps.

        Parameters
        ----------
        steps : int
        progress : bool
            Show a bar with the remaining time and atom-steps per second.

        Raises
        ------
        StructureError
            Positions that are not finite, or atoms that meet: the time step is too long.
        ExtrapolationError
            With ``on_extrapolation='stop'``.
        """
        self._begin()
        if not progress:
            for _ in range(steps):
                self._step()
            return
        begin = perf_counter()
        with tqdm(total=steps, unit='step', desc='MD', smoothing=0.1) as bar:
            for k in range(1, steps + 1):
                self._step()
                rate = len(self) * k / (perf_counter() - begin)
                bar.set_postfix_str(f'{rate:.3g} atom-steps/s', refresh=False)
                bar.update()

    def _step(self):
        self._stepper.step(self.state, self._compute)
        if self.sample_interval and self.state.step % self.sample_interval == 0:
            self._samples.append(self._sample())

    def forget(self):
        """Go on as a run does that begins from :meth:`structure`, bit for bit, as after each checkpoint of a job.

        On a GPU, where sums follow the order of the pair list, it means a new list and new forces; on the CPU nothing.
        """
        if self.forces.forget is not None:
            self.forces.forget()
            self.state.forces = None

    def _begin(self):
        state = self.state
        if state.forces is None:
            state.energies, state.forces = self._compute(state.positions)
            if self.sample_interval and not self._samples:
                self._samples.append(self._sample())

    def _compute(self, positions):
        found = self.forces(positions)
        if self.watch.due():
            self.watch.check(*self.forces.system())
        return found

    def _sample(self):
        """Numbers of the present step; they stay on the device until somebody asks."""
        state, n = self.state, len(self)
        kinetic, potential = state.kinetic_energy(), state.energies.sum()
        moved = state.positions - self._origin
        square = moved * moved
        mean = moved.sum(0) / n
        in_plane = ((square[:, 0] + square[:, 1]) ** 0.5).sum() / n
        reach = min(CUTOFF, self.potential.cutoff)
        coordination = self.forces.coordination(reach).sum() / n
        return (state.step, 2.0 * kinetic / (state.n_dof * units.kB), potential / n, (potential + kinetic) / n,
                state.thermostat_work / n, coordination, mean[0], mean[1], mean[2], in_plane,
                (square.sum(1) ** 0.5).sum() / n)  # fmt: skip

    @property
    def samples(self):
        """Samples so far: dict of arrays by name, see ``SAMPLES``.

        Energies are per atom (eV); ``total_energy_eV - thermostat_work_eV`` is conserved. Coordination is the mean
        number of neighbors within 3.45 Å. Displacements are from the start, means over all atoms: of each component,
        of the distance in the plane (xy), of the whole distance.
        """
        self._samples = [tuple(float(x) for x in row) for row in self._samples]
        rows = np.array(self._samples, float).reshape(-1, len(SAMPLES))
        return dict(zip(SAMPLES, rows.T))

    def averages(self, skip=0):
        """Mean and standard deviation over the samples, ``{name: (mean, deviation)}``, without the first ``skip``."""
        return {name: (x[skip:].mean(), x[skip:].std()) for name, x in self.samples.items() if name != 'step'}

    @property
    def temperature(self):
        """Of the mobile atoms, K."""
        return 2.0 * float(self.state.kinetic_energy()) / (self.state.n_dof * units.kB)

    @property
    def potential_energy(self):
        """Of all atoms, eV."""
        self._begin()
        return float(self.state.energies.sum())

    @property
    def thermostat_work(self):
        """What the thermostat has put in, eV."""
        return float(self.state.thermostat_work)

    def structure(self):
        """The present structure, with momenta and constraints. Positions are not wrapped into the cell."""
        out = self._start.copy()
        out.arrays['positions'][:] = host(self.state.positions)
        out.set_momenta(host(self.state.momenta), apply_constraint=False)
        return out

    def atoms(self):
        """The present :meth:`structure` with energies and forces."""
        self._begin()
        out, energies = self.structure(), host(self.state.energies)
        energy = float(energies.sum())
        out.calc = SinglePointCalculator(out, energy=energy, free_energy=energy, energies=energies,
                                         forces=host(self.state.forces))  # fmt: skip
        return out


def frozen_atoms(atoms):
    """Indices of the atoms that :class:`ase.constraints.FixAtoms` holds.

    Raises
    ------
    NotImplementedError
        Another constraint.
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
