"""The main job: molecular dynamics of a structure in a folder that can be watched, interrupted and resumed."""

from __future__ import annotations

import csv
import json
import os
import signal
import threading
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from ase.md.nvtberendsen import NVTBerendsen
from ase.md.velocitydistribution import Stationary, thermalize_momenta
from mlffvv_analysis import coordination_numbers, height, surface_and_bulk
from mlffvv_analysis.plots import run_summary
from tqdm import tqdm

from ..errors import ExtrapolationError, StructureError
from ..io.files import complete

COLUMNS = ('step', 'time_ps', 'temperature_K', 'potential_energy_eV', 'total_energy_eV', 'heat_eV', 'height_A',
           'surface_fraction', 'mean_coordination', 'detached')  # fmt: skip
DETACHED = 5.0  # Å: an atom without neighbours up to here has left the metal
TRAJECTORY, LOG, CHECKPOINT, SETTINGS, PICTURE, EXTRAPOLATION = (
    'trajectory.extxyz', 'log.csv', 'checkpoint.traj', 'settings.json', 'summary.png', 'extrapolation.extxyz',
)  # fmt: skip


@dataclass(frozen=True)
class RunSettings:
    """Settings of a run.

    Parameters
    ----------
    steps : int
    timestep : float, fs
    temperature : float, K
    taut : float, fs
        Time constant of the Berendsen thermostat (the paper does not tell its own).
    interval : int
        Steps between frames of the trajectory.
    checkpoint_interval : int
        Steps between checkpoints.
    seed : int
        Of the initial velocities.
    """

    steps: int = 5000
    timestep: float = 2.0
    temperature: float = 250.0
    taut: float = 500.0
    interval: int = 50
    checkpoint_interval: int = 200
    seed: int = 0

    def __post_init__(self):
        for name in ('timestep', 'temperature', 'taut'):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f'{name} must be positive, got {getattr(self, name)!r}')
        for name in ('interval', 'checkpoint_interval', 'steps'):
            if not (int(getattr(self, name)) == getattr(self, name) and getattr(self, name) >= (name != 'steps')):
                raise ValueError(f'{name} must be a whole number of steps, got {getattr(self, name)!r}')

    @classmethod
    def from_dict(cls, data):
        known = {f.name for f in fields(cls)}
        return cls(**{k: v for k, v in data.items() if k in known})


class Interrupted(KeyboardInterrupt):
    """The run was stopped by Ctrl-C after writing a checkpoint."""


class Berendsen(NVTBerendsen):
    """ASE's Berendsen dynamics that also counts the heat the thermostat has put in (eV)."""

    heat = 0.0

    def scale_velocities(self):
        before = self.atoms.get_kinetic_energy()
        super().scale_velocities()
        self.heat += self.atoms.get_kinetic_energy() - before


def start(atoms, calc, folder, settings: RunSettings, *, note=None, progress=True):
    """Begin a run in a new folder; see :func:`resume` for the result.

    Parameters
    ----------
    atoms : Atoms
        Without momenta it gets a Maxwell-Boltzmann distribution at twice the temperature: on its way from a crystal
        at rest to equilibrium, half of that becomes potential energy.
    calc : ASE calculator
        With energies, forces and, for colouring, atomic energies.
    folder : path
        Must not hold a run already.
    note : dict, optional
        JSON-able facts to keep in ``settings.json``, such as the model.

    Raises
    ------
    FileExistsError
        The folder holds a run.
    """
    folder = Path(folder)
    if (folder / SETTINGS).exists():
        raise FileExistsError(
            f"'{folder}' already holds a run. Continue it with --restart {folder} (resume(...) in Python), or choose "
            'another folder.'
        )
    if len(atoms) == 0:
        raise StructureError('the structure has no atoms')
    folder.mkdir(parents=True, exist_ok=True)
    atoms = atoms.copy()
    atoms.info = {}
    if not atoms.has('momenta'):
        rng = np.random.default_rng(settings.seed)
        thermalize_momenta(atoms, temperature_K=2 * settings.temperature, rng=rng)
        if not atoms.constraints:
            Stationary(atoms)
    state = _State(step=0, heat=0.0, trajectory_bytes=0, log_bytes=0)
    _checkpoint(folder, atoms, state)
    _write_text(folder / SETTINGS, json.dumps({**asdict(settings), 'note': note or {}}, indent=1))
    return resume(folder, calc, progress=progress)


def resume(folder, calc, *, steps=None, progress=True):
    """Run, or go on with, the job in ``folder`` from its last checkpoint.

    Frames and log lines written after that checkpoint are cut off and computed again, to the same numbers.

    Parameters
    ----------
    folder : path
        As :func:`start` leaves it.
    calc : ASE calculator
    steps : int, optional
        New total number of steps.

    Returns
    -------
    dict of ndarray
        The log by column, see ``COLUMNS``; energies are per atom.

    Raises
    ------
    FileNotFoundError
        No run in this folder.
    Interrupted
        Stopped by Ctrl-C; the state is saved.
    ExtrapolationError
        The calculator was told to stop where it extrapolates; the structure is in ``extrapolation.extxyz``.
    """
    folder = Path(folder)
    data = read_settings(folder)
    if steps is not None:
        data['steps'] = steps
        _write_text(folder / SETTINGS, json.dumps(data, indent=1))
    settings = RunSettings.from_dict(data)
    atoms = read(folder / CHECKPOINT)
    state = _State(**{k: atoms.info.pop(k) for k in _State.__dataclass_fields__})
    for name, size in ((TRAJECTORY, state.trajectory_bytes), (LOG, state.log_bytes)):
        found = (folder / name).stat().st_size if (folder / name).exists() else 0
        if found < size:
            raise FileNotFoundError(
                f"'{folder / name}' has {found} bytes, but {size} were written before the checkpoint: it was removed "
                f'or cut. Put it back, or start a new run from {folder / CHECKPOINT}.'
            )
        if found:
            os.truncate(folder / name, size)
    atoms.calc = calc
    dynamics = Berendsen(atoms, settings.timestep * units.fs, temperature_K=settings.temperature,
                         taut=settings.taut * units.fs, fixcm=not atoms.constraints)  # fmt: skip
    dynamics.heat = state.heat
    try:
        if state.step == 0 and state.trajectory_bytes == 0:
            _record(folder, atoms, dynamics, state, settings)
            _checkpoint(folder, atoms, state)
        _loop(folder, atoms, dynamics, state, settings, progress)
    except ExtrapolationError as error:
        raise _stopped(folder, atoms, error) from None
    table = read_log(folder)
    frames = folder / TRAJECTORY
    run_summary(read(frames, 0), read(frames, -1), table, folder / PICTURE,
                title=f'{len(atoms)} atoms, {settings.temperature:g} K')  # fmt: skip
    return table


def read_settings(folder):
    """Settings of the run in ``folder`` as a dict, with ``note``. Raises FileNotFoundError where there is none."""
    folder = Path(folder)
    if not (folder / SETTINGS).exists() or not (folder / CHECKPOINT).exists():
        raise FileNotFoundError(f"'{folder}' holds no run to continue: {SETTINGS} or {CHECKPOINT} is missing")
    return json.loads((folder / SETTINGS).read_text())


def read_log(folder):
    """Log of a run as a dict of arrays by column."""
    with open(Path(folder) / LOG) as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in COLUMNS}


def summary(folder):
    """Table of a finished run, as text."""
    table = read_log(folder)
    time, conserved = table['time_ps'], table['total_energy_eV'] - table['heat_eV']
    span = time[-1] - time[0]
    rows = [('', f'{time[0]:.1f} ps', f'{time[-1]:.1f} ps')]
    for name, label, scale in (
        ('temperature_K', 'temperature (K)', '{:.0f}'),
        ('potential_energy_eV', 'potential energy (eV/atom)', '{:.4f}'),
        ('height_A', 'height over substrate (Å)', '{:.1f}'),
        ('surface_fraction', 'surface fraction (CN < 8)', '{:.3f}'),
        ('mean_coordination', 'mean coordination', '{:.2f}'),
        ('detached', f'detached atoms (no neighbour within {DETACHED:g} Å)', '{:.0f}'),
    ):
        rows.append((label, scale.format(table[name][0]), scale.format(table[name][-1])))
    drift = (conserved[-1] - conserved[0]) * 1e3
    rows.append(('energy drift (meV/atom, heat of the thermostat removed)', '', f'{drift:+.3f} in {span:.1f} ps'))
    return '\n'.join(f'{label:56}{begin:>12}{end:>20}' for label, begin, end in rows)


@dataclass
class _State:
    """What a checkpoint holds beside the atoms: progress, and how much of the output belongs to it."""

    step: int
    heat: float
    trajectory_bytes: int
    log_bytes: int


def _loop(folder, atoms, dynamics, state, settings, progress):
    chunk = int(np.gcd(np.gcd(settings.interval, settings.checkpoint_interval), 10))
    with _stop_flag() as stop, tqdm(total=settings.steps, initial=state.step, unit='step', desc='MD',
                                    disable=not progress, smoothing=0.1) as bar:  # fmt: skip
        while state.step < settings.steps:
            n = min(chunk - state.step % chunk, settings.steps - state.step)
            dynamics.run(n)
            state.step += n
            state.heat = dynamics.heat
            temperature = atoms.get_temperature()
            energy = atoms.get_potential_energy() / len(atoms)
            if not np.isfinite(temperature) or temperature > 20 * settings.temperature + 1000:
                raise StructureError(
                    f'the run blew up at step {state.step}: {temperature:.0f} K. The last good state is in '
                    f'{folder / CHECKPOINT}. Use a shorter time step, or a model fitted to such structures.'
                )
            bar.update(n)
            bar.set_postfix_str(f'{temperature:4.0f} K, {energy:.4f} eV/atom', refresh=False)
            last = state.step == settings.steps
            if state.step % settings.interval == 0 or last:
                _record(folder, atoms, dynamics, state, settings)
            if state.step % settings.checkpoint_interval == 0 or last or stop.is_set():
                _checkpoint(folder, atoms, state)
            if stop.is_set() and not last:
                raise Interrupted(
                    f"stopped at step {state.step} of {settings.steps}; continue with: mlffvv run --restart '{folder}'"
                )


def _stopped(folder, atoms, error):
    """Keep the structure that the calculator would not evaluate; the error that tells where."""
    frame = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    frame.arrays['grade'] = error.grade
    with complete(folder / EXTRAPOLATION) as temporary:
        write(temporary, frame, format='extxyz')
    return ExtrapolationError(f'{error} The structure is in {folder / EXTRAPOLATION}.', error.grade)


def _record(folder, atoms, dynamics, state, settings):
    """Append a frame and a log line; note how long the files are now."""
    numbers = coordination_numbers(atoms)
    surface, _ = surface_and_bulk(numbers)
    energy, n = atoms.get_potential_energy(), len(atoms)
    row = {
        'step': state.step,
        'time_ps': state.step * settings.timestep / 1000,
        'temperature_K': atoms.get_temperature(),
        'potential_energy_eV': energy / n,
        'total_energy_eV': (energy + atoms.get_kinetic_energy()) / n,
        'heat_eV': dynamics.heat / n,
        'height_A': height(atoms),
        'surface_fraction': surface.mean(),
        'mean_coordination': numbers.mean(),
        'detached': int((coordination_numbers(atoms, DETACHED) == 0).sum()),
    }
    frame = atoms.copy()
    frame.set_constraint()
    del frame.arrays['momenta']
    frame.arrays['coordination'] = numbers
    if 'energies' in atoms.calc.implemented_properties:
        frame.arrays['local_energy'] = atoms.get_potential_energies()
    if getattr(getattr(atoms.calc, 'potential', None), 'uncertainty', None) is not None:
        frame.arrays['grade'] = atoms.calc.uncertainty(atoms, forces=False)['grade']
    frame.info = {name: row[name] for name in ('step', 'time_ps', 'temperature_K')}
    frame.calc = SinglePointCalculator(frame, energy=energy)
    write(folder / TRAJECTORY, frame, format='extxyz', append=True)
    new = not (folder / LOG).exists() or (folder / LOG).stat().st_size == 0
    with open(folder / LOG, 'a', newline='') as file:
        writer = csv.DictWriter(file, COLUMNS)
        if new:
            writer.writeheader()
        writer.writerow({k: repr(float(v)) if isinstance(v, float) else v for k, v in row.items()})
    state.trajectory_bytes = (folder / TRAJECTORY).stat().st_size
    state.log_bytes = (folder / LOG).stat().st_size


def _checkpoint(folder, atoms, state):
    """Replace the checkpoint by the present state, all at once, when what it counts on is on the disk."""
    atoms = atoms.copy()
    atoms.info.update(asdict(state))
    for path in (folder / TRAJECTORY, folder / LOG):
        if path.exists():
            with open(path, 'rb+') as file:
                os.fsync(file.fileno())
    with complete(folder / CHECKPOINT) as temporary:
        write(temporary, atoms, format='traj')


def _write_text(path, text):
    with complete(path) as temporary:
        temporary.write_text(text)


@contextmanager
def _stop_flag():
    """An event that the first Ctrl-C sets; the second one interrupts at once. Only the main thread can catch it."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def stop(*_):
        event.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)
