"""Integrators of molecular dynamics for NumPy arrays and for torch tensors on any device.

Each integrator is a frozen dataclass with a method ``prepare(state, timestep)``, which returns an object with the
method ``step(state, compute)``. A step makes new arrays and replaces those of the :class:`State` together at its end,
so that an error or Ctrl-C during a step leaves the previous state unchanged. It never reads a number from the device,
so that Python does not wait for a GPU. The state contains momenta instead of velocities, because checkpoints contain
them: a restarted run is identical bit for bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import units

from ..checks import check_number, check_seed, check_temperature
from ..errors import StructureError


@dataclass
class State:
    """State of the atoms, as NumPy arrays or as tensors on one device. Fixed atoms have momenta 0.

    Attributes
    ----------
    positions, momenta, forces : (n_atoms, 3), Å, ASE's units, eV/Å
    energies : (n_atoms,), eV
    inverse_mass : (n_atoms, 1), 1/amu
    mobile : (n_atoms, 1)
        1 for mobile atoms, 0 for fixed atoms.
    n_dof : int
        Number of degrees of freedom, for the temperature.
    thermostat_work : number, eV
        Energy that the thermostat has added so far.
    step : int
    """

    positions: Any
    momenta: Any
    forces: Any
    energies: Any
    inverse_mass: Any
    mobile: Any
    n_dof: int
    thermostat_work: Any = 0.0
    step: int = 0

    def kinetic_energy(self):
        """Kinetic energy in eV, a number on the device."""
        return kinetic_energy(self.momenta, self.inverse_mass)

    def complete(self, **values):
        """Replace fields by those of the next step, all or none of them: no signal can be handled in between."""
        vars(self).update(values, step=self.step + 1)


def kinetic_energy(momenta, inverse_mass):
    """Kinetic energy in eV, a number on the device."""
    return 0.5 * (momenta * momenta * inverse_mass).sum()


def _check_moving(state, settings):
    if state.n_dof <= 3 and bool(state.mobile.min() > 0):
        raise StructureError(
            f'{settings.name} cannot control the temperature of a single free atom, which moves with the centre of '
            'mass; use more atoms, or VelocityVerlet()'
        )
    if not float(state.kinetic_energy()) > 0:
        raise StructureError(
            f'{settings.name} scales momenta, and those of the structure are zero. Draw them first: '
            f'ase.md.velocitydistribution.thermalize_momenta(atoms, temperature_K={settings.temperature:g})'
        )


class _Verlet:
    """Velocity Verlet in which a thermostat can rescale the momenta before each step."""

    scale = None  # method of a thermostat: factor of all momenta, from the kinetic energy (eV) before step ``step``

    def __init__(self, state, timestep, fix_drift=False):
        self.timestep = timestep
        self.drift = timestep * state.inverse_mass
        self.half_kick = 0.5 * timestep * state.mobile
        self.fix_drift = fix_drift

    def step(self, state, compute):
        """Advance by one time step; ``compute(positions)`` returns energies and forces."""
        before, work = state.momenta, state.thermostat_work
        if self.scale is not None:
            kinetic = state.kinetic_energy()
            factor = self.scale(kinetic, state.step)
            before = before * factor
            work = work + (factor * factor - 1.0) * kinetic
        momenta = self.half_kick * state.forces
        momenta += before
        if self.fix_drift:
            momenta -= momenta.sum(0) / len(momenta)
        positions = self.drift * momenta
        positions += state.positions
        energies, forces = compute(positions)
        momenta += self.half_kick * forces
        state.complete(positions=positions, momenta=momenta, energies=energies, forces=forces, thermostat_work=work)


@dataclass(frozen=True)
class VelocityVerlet:
    """Constant energy (NVE)."""

    name = 'velocity Verlet'
    temperature = None

    def prepare(self, state, timestep):
        """Object that does the steps; see the module."""
        return _Verlet(state, timestep)


@dataclass(frozen=True)
class Berendsen:
    """Weak coupling to a heat bath (Berendsen), as in the paper.

    Momenta are rescaled so that the temperature approaches ``temperature`` with time constant ``taut``. This does not
    sample the canonical ensemble: fluctuations of the kinetic energy are too small. If no atom is fixed, the motion of
    the centre of mass is removed in each step; otherwise thermal energy would slowly be transferred to it.

    Parameters
    ----------
    temperature : float, K
    taut : float, fs

    References
    ----------
    H. J. C. Berendsen et al., J. Chem. Phys. 81, 3684 (1984); implemented as in
    :class:`ase.md.nvtberendsen.NVTBerendsen`, which limits each factor to the range 0.9 to 1.1.
    """

    temperature: float
    taut: float = 500.0
    name = 'Berendsen'

    def __post_init__(self):
        check_temperature(self.temperature)
        check_number(self.taut, 'taut', 'fs', above=0)

    def prepare(self, state, timestep):
        """Object that does the steps; see the module."""
        return _Berendsen(self, state, timestep)


class _Berendsen(_Verlet):
    def __init__(self, settings, state, timestep):
        super().__init__(state, timestep, fix_drift=bool(state.mobile.min() > 0))
        self.rate = timestep / (settings.taut * units.fs)
        self.target = 0.5 * state.n_dof * units.kB * settings.temperature
        _check_moving(state, settings)

    def scale(self, kinetic, step):
        ratio = self.target / kinetic
        return ((1.0 + (ratio - 1.0) * self.rate) ** 0.5).clip(0.9, 1.1)


@dataclass(frozen=True)
class CSVR:
    """Stochastic velocity rescaling, which samples the canonical ensemble with one factor per step.

    Parameters
    ----------
    temperature : float, K
    taut : float, fs
    seed : int
        Noise depends on the seed and the number of the step alone.

    References
    ----------
    G. Bussi, D. Donadio and M. Parrinello, J. Chem. Phys. 126, 014101 (2007), eq. A7; see :class:`ase.md.bussi.Bussi`.
    """

    temperature: float
    taut: float = 100.0
    seed: int = 0
    name = 'CSVR'

    def __post_init__(self):
        check_temperature(self.temperature)
        check_number(self.taut, 'taut', 'fs', above=0)
        check_seed(self.seed)

    def prepare(self, state, timestep):
        """Object that does the steps; see the module."""
        return _CSVR(self, state, timestep)


def noise(seed, step):
    """Generator for one step, from seed and step alone, so that a checkpoint need not contain its state."""
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, step]))


class _CSVR(_Verlet):
    def __init__(self, settings, state, timestep):
        super().__init__(state, timestep)
        self.seed = settings.seed
        self.decay = math.exp(-timestep / (settings.taut * units.fs))
        self.n_dof = state.n_dof
        self.target = 0.5 * state.n_dof * units.kB * settings.temperature
        _check_moving(state, settings)

    def scale(self, kinetic, step):
        rng = noise(self.seed, step)
        first, others = rng.standard_normal(), 2.0 * rng.standard_gamma(0.5 * (self.n_dof - 1))
        share = (1.0 - self.decay) * self.target / self.n_dof / kinetic
        return (self.decay + share * (others + first**2) + 2.0 * first * (self.decay * share) ** 0.5) ** 0.5


@dataclass(frozen=True)
class Langevin:
    """Langevin dynamics, with friction and random forces on every atom; samples the canonical ensemble.

    Parameters
    ----------
    temperature : float, K
    friction : float, 1/fs
    seed : int
        Noise depends on the seed and the number of the step alone.

    References
    ----------
    E. Vanden-Eijnden and G. Ciccotti, Chem. Phys. Lett. 429, 310 (2006); equivalent to
    :class:`ase.md.langevin.Langevin` with ``fixcm=False``.
    """

    temperature: float
    friction: float = 0.002
    seed: int = 0
    name = 'Langevin'

    def __post_init__(self):
        check_temperature(self.temperature)
        check_number(self.friction, 'friction', '1/fs', above=0)
        check_seed(self.seed)

    def prepare(self, state, timestep):
        """Object that does the steps; see the module."""
        return _Langevin(self, state, timestep)


class _Langevin:
    def __init__(self, settings, state, timestep):
        self.timestep, self.seed = timestep, settings.seed
        rate = settings.friction / units.fs
        sigma = (2.0 * units.kB * settings.temperature * rate * state.inverse_mass) ** 0.5 * state.mobile
        dt = timestep
        self.c1 = (0.5 * dt - dt * dt * rate / 8.0) * state.inverse_mass * state.mobile
        self.c2 = 0.5 * dt * rate - dt * dt * rate * rate / 8.0
        self.c3 = 0.5 * dt**0.5 * sigma - dt**1.5 * rate * sigma / 8.0
        self.c5 = dt**1.5 * sigma / (2.0 * 3.0**0.5)
        self.c4 = 0.5 * rate * self.c5

    def step(self, state, compute):
        """Advance by one time step; ``compute(positions)`` returns energies and forces."""
        before = state.kinetic_energy(), state.energies.sum()
        xi, eta = normal(self.seed, state.step, state.positions, 2)
        kick = self.c3 * xi - self.c4 * eta
        velocities = state.momenta * state.inverse_mass
        velocities += self.c1 * state.forces - self.c2 * velocities + kick
        positions = self.timestep * velocities + self.c5 * eta
        positions += state.positions
        energies, forces = compute(positions)
        velocities += self.c1 * forces - self.c2 * velocities + kick
        momenta = velocities / state.inverse_mass
        after = kinetic_energy(momenta, state.inverse_mass), energies.sum()
        work = state.thermostat_work + (after[0] + after[1] - before[0] - before[1])
        state.complete(positions=positions, momenta=momenta, energies=energies, forces=forces, thermostat_work=work)


def normal(seed, step, like, n):
    """``n`` arrays of standard normal random numbers with the type and shape of ``like``."""
    if isinstance(like, np.ndarray):
        return noise(seed, step).standard_normal((n, *like.shape))
    import torch

    generator = torch.Generator(like.device).manual_seed(int(noise(seed, step).integers(2**62)))
    return torch.randn((n, *like.shape), generator=generator, dtype=like.dtype, device=like.device)
