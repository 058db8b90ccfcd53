"""Jobs of PWmat that move the atoms: relaxation and molecular dynamics."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from ase.calculators.calculator import CalculatorSetupError

from ...checks import check_number, check_seed, check_timestep, check_whole
from .keywords import MDOPT, RELAXOPT
from .settings import check_options

RELAX_METHODS = {'cg': 1, 'bfgs': 2, 'sd': 3, 'pcg': 4, 'lbfgs': 5, 'fire': 6}
CELL_METHODS = ('cg', 'lbfgs', 'fire')
MD_METHODS = {
    'nve': 1,
    'nose-hoover': 2,
    'langevin': 3,
    'langevin-npt': 4,
    'nose-hoover-npt': 5,
    'berendsen': 6,
    'berendsen-npt': 7,
}


@dataclass(frozen=True)
class RelaxationJob:
    """Relax a structure.

    Parameters
    ----------
    fmax : float, eV/Å
        Converged if no force is larger than this.
    steps : int
        Maximum number of energy evaluations, including those of line searches.
    cell : bool
        Relax the cell vectors as well.
    stress_tolerance : float, eV per atom
        If the cell is relaxed, no strain derivative of the energy per atom may be larger than this at convergence.
    method : {'cg', 'bfgs', 'sd', 'pcg', 'lbfgs', 'fire'}
        Only 'cg', 'lbfgs' and 'fire' can relax the cell.
    options : dict
        Keys of IN.RELAXOPT in the units of PWmat, such as ``{'PSTRESS_EXTERNAL': 1.0}`` (GPa).
    """

    fmax: float = 0.02
    steps: int = 200
    cell: bool = False
    stress_tolerance: float = 0.05
    method: str = 'cg'
    options: dict = field(default_factory=dict)

    name = 'RELAX'
    options_file = 'IN.RELAXOPT'

    def __post_init__(self):
        _positive(self, 'fmax', 'steps', 'stress_tolerance')
        _one_of('method', self.method, RELAX_METHODS)
        if self.cell and self.method not in CELL_METHODS:
            raise CalculatorSetupError(f'method={self.method!r} cannot relax the cell; use {", ".join(CELL_METHODS)}')
        object.__setattr__(self, 'options', check_options(self.options, RELAXOPT))

    def settings(self):
        """Keys of etot.input."""
        detail = (RELAX_METHODS[self.method], int(self.steps), float(self.fmax))
        if self.cell:
            detail += (1, float(self.stress_tolerance))
        return {'RELAX_DETAIL': detail}

    def file(self):
        """Keys of IN.RELAXOPT."""
        return dict(self.options)

    todict = asdict


@dataclass(frozen=True)
class MolecularDynamicsJob:
    """Molecular dynamics.

    It starts with the momenta of the structure. If there are none, PWmat draws velocities at twice the temperature.

    Parameters
    ----------
    temperature_K : float
    steps : int
    timestep : float, fs
        The default of 2 fs is that of the dendrite study.
    final_temperature_K : float, optional
        The temperature changes linearly to this value.
    method : {'berendsen', 'nve', 'nose-hoover', 'langevin', 'langevin-npt', 'nose-hoover-npt', 'berendsen-npt'}
    taut : float, fs, optional
        Time constant of the thermostat, for 'berendsen' and 'nose-hoover' and their NPT variants. The defaults are 500
        and 40 steps.
    friction : float, 1/fs, optional
        Friction for 'langevin' and 'langevin-npt'. The default is 0.01/fs.
    seed : int, optional
        Seed of the initial velocities. By default it is always the same.
    options : dict
        Further keys of IN.MDOPT in the units of PWmat (fs, GPa).
    """

    temperature_K: float
    steps: int
    timestep: float = 2.0
    final_temperature_K: float | None = None
    method: str = 'berendsen'
    taut: float | None = None
    friction: float | None = None
    seed: int | None = None
    options: dict = field(default_factory=dict)

    name = 'MD'
    options_file = 'IN.MDOPT'

    def __post_init__(self):
        _positive(self, 'temperature_K', 'steps', 'timestep', 'final_temperature_K', 'taut', 'friction')
        check_timestep(self.timestep)
        if self.seed is not None:
            check_seed(self.seed)
        _one_of('method', self.method, MD_METHODS)
        for name, kinds in (('taut', ('berendsen', 'nose-hoover')), ('friction', ('langevin',))):
            if getattr(self, name) is not None and self.method.removesuffix('-npt') not in kinds:
                raise CalculatorSetupError(f'{name} has no meaning for method={self.method!r}')
        object.__setattr__(self, 'options', check_options(self.options, MDOPT))
        self.file()

    def settings(self):
        """Keys of etot.input."""
        last = self.temperature_K if self.final_temperature_K is None else self.final_temperature_K
        numbers = (float(x) for x in (self.timestep, self.temperature_K, last))
        return {'MD_DETAIL': (MD_METHODS[self.method], int(self.steps), *numbers)}

    def file(self):
        """Keys of IN.MDOPT."""
        tau = 'MD_BERENDSEN_TAU' if self.method.startswith('berendsen') else 'MD_ION_TAU'
        mine = {
            tau: None if self.taut is None else float(self.taut),
            'MD_LV_GAMMA': None if self.friction is None else float(self.friction),
            'MD_SEED': self.seed,
        }
        mine = {key: value for key, value in mine.items() if value is not None}
        twice = sorted(set(mine) & set(self.options))
        if twice:
            raise CalculatorSetupError(f'{", ".join(twice)}: given in options and by taut, friction or seed')
        return check_options({**mine, **self.options}, MDOPT)

    todict = asdict


def as_job(job):
    """None for a self-consistent calculation, or a RelaxationJob or MolecularDynamicsJob."""
    if isinstance(job, RelaxationJob | MolecularDynamicsJob):
        return job
    if isinstance(job, str) and job.lower() == 'scf':
        return None
    if isinstance(job, str) and job.lower() == 'relax':
        return RelaxationJob()
    raise CalculatorSetupError(
        f"job must be 'scf', 'relax', RelaxationJob(...) or MolecularDynamicsJob(...), got {job!r}"
    )


OPTIONAL = ('final_temperature_K', 'taut', 'friction')
UNITS = {'timestep': ('fs',), 'temperature_K': ('K',), 'final_temperature_K': ('K',), 'taut': ('fs',),
         'friction': ('1/fs',), 'fmax': ('eV/Å',), 'stress_tolerance': ('eV per atom',)}  # fmt: skip


def _positive(job, *names):
    for name in names:
        value = getattr(job, name)
        if value is None and name in OPTIONAL:
            continue
        if name == 'steps':
            check_whole(value, name, low=1)
        else:
            check_number(value, name, *UNITS[name], above=0)


def _one_of(name, value, known):
    if not isinstance(value, str) or value not in known:
        raise CalculatorSetupError(f'{name} must be one of {", ".join(known)}, got {value!r}')
