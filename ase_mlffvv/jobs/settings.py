"""Settings of a run, and their defaults for a structure."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from ..checks import check_choice, check_number, check_seed, check_temperature, check_timestep, check_whole
from ..errors import SettingError

DEVICE_ATOMS = 2000  # runs with at least this number of atoms use Dynamics
PACKED_BYTES = 200e6  # trajectories that would be larger as text are packed
BYTES = {'extxyz': 100, 'packed': 14}  # per atom and frame, with coordination, energy and grade
CHOICES = {
    'thermostat': ('berendsen', 'csvr', 'langevin', 'none'),
    'dynamics': ('auto', 'ase', 'native', 'lammps'),
    'trajectory': ('auto', 'extxyz', 'packed'),
}


@dataclass(frozen=True)
class RunSettings:
    """Settings of a run.

    Parameters
    ----------
    steps : int
    timestep : float, fs
    temperature : float, K
        Temperature of the thermostat. Initial velocities are drawn at twice this temperature.
    taut : float, fs
        Time constant of the thermostat (the paper does not report its value). The friction of Langevin dynamics is
        1/taut.
    frame_interval : int
        Steps between frames of the trajectory.
    checkpoint_interval : int
        Steps between checkpoints.
    seed : int
        Seed of the initial velocities and of stochastic thermostats.
    log_interval : int, optional
        Steps between lines of the log. It must divide ``frame_interval``, which is the default.
    thermostat : {'berendsen', 'csvr', 'langevin', 'none'}
        The paper uses Berendsen's thermostat. CSVR and Langevin sample the canonical ensemble. Without a thermostat
        the energy is constant.
    dynamics : {'auto', 'ase', 'native', 'lammps'}
        ASE's dynamics, or :class:`.Dynamics`, which requires a :class:`.VVCalculator`, is faster for many atoms and
        supports all thermostats. ``'auto'`` selects the latter for 2 000 atoms and more, or if the thermostat requires
        it. ``'lammps'`` is set by ``mlffvv lammps``, and has the same requirements as ``'native'``.
    trajectory : {'auto', 'extxyz', 'packed'}
        Text, or compressed frames of a seventh of the size. ``'auto'`` selects the latter if the text would take more
        than 200 MB.
    """

    steps: int = 5000
    timestep: float = 2.0
    temperature: float = 250.0
    taut: float = 500.0
    frame_interval: int = 50
    checkpoint_interval: int = 200
    seed: int = 0
    log_interval: int | None = None
    thermostat: str = 'berendsen'
    dynamics: str = 'auto'
    trajectory: str = 'auto'

    def __post_init__(self):
        check_timestep(self.timestep)
        check_temperature(self.temperature)
        check_number(self.taut, 'taut', 'fs', above=0)
        check_seed(self.seed)
        if self.log_interval is None:
            object.__setattr__(self, 'log_interval', self.frame_interval)
        for name in ('frame_interval', 'checkpoint_interval', 'log_interval', 'steps'):
            steps = check_whole(getattr(self, name), name, 'steps', low=int(name != 'steps'))
            object.__setattr__(self, name, steps)
        if self.frame_interval % self.log_interval:
            raise ValueError(
                f'log_interval must divide frame_interval ({self.frame_interval}), got {self.log_interval!r}'
            )
        for name, choices in CHOICES.items():
            check_choice(getattr(self, name), name, choices)
        if self.dynamics == 'ase' and self.thermostat != 'berendsen':
            raise ValueError(f"dynamics='ase' has the thermostat berendsen alone, got {self.thermostat!r}")

    @classmethod
    def from_dict(cls, data):
        """Make settings from a dict, which may contain other entries."""
        known = {f.name for f in fields(cls)}
        return cls(**{k: v for k, v in data.items() if k in known})

    def size(self, n_atoms: int, trajectory: str | None = None) -> float:
        """Approximate size of the trajectory of the whole run in bytes, in this format or another."""
        frames = -(-self.steps // self.frame_interval) + 1
        return BYTES[trajectory or self.trajectory] * float(n_atoms) * frames

    def resolve(self, n_atoms, on_device):
        """Replace ``'auto'`` for this number of atoms; ``on_device`` is whether the calculator allows Dynamics."""
        dynamics, trajectory = self.dynamics, self.trajectory
        if dynamics == 'auto':
            large = n_atoms >= DEVICE_ATOMS or self.thermostat != 'berendsen'
            dynamics = 'native' if on_device and large else 'ase'
        if trajectory == 'auto':
            trajectory = 'packed' if self.size(n_atoms, 'extxyz') > PACKED_BYTES else 'extxyz'
        if dynamics in ('native', 'lammps') and not on_device:
            raise ValueError(
                f"dynamics='{dynamics}' needs a VVCalculator and no constraints but FixAtoms. Use dynamics='ase' with "
                'the thermostat berendsen.'
            )
        return replace(self, dynamics=dynamics, trajectory=trajectory)


LONGEST = 1e9  # ps


def steps_of(time_ps, timestep):
    """Number of steps of ``timestep`` (fs) in a time (ps), at least one."""
    steps = round(check_number(time_ps, 'time', 'ps', above=0, high=LONGEST) * 1000 / check_timestep(timestep))
    if steps < 1:
        raise SettingError(f'time must be at least one time step of {timestep:g} fs, got {time_ps:g} ps')
    return steps
