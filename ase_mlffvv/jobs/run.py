"""The main job: molecular dynamics of a structure in a folder that can be watched, interrupted and resumed."""

from __future__ import annotations

import logging
import math
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from ase.io import write
from tqdm.auto import tqdm

from ..calculators import VVCalculator
from ..errors import ExtrapolationError, StructureError
from ..io.checkpoint import previous
from ..io.files import complete
from ..md.interrupt import interrupt_flag
from . import record
from .describe import describe_calculator, describe_machine, describe_structure, describe_versions, make_calculator
from .drivers import can_drive, make_driver, with_velocities
from .folder import OVERWRITE, JobFolder, differences, read_job
from .record import CHECKPOINT, Progress, Recorder, load_checkpoint, picture, read_log, save_checkpoint
from .settings import RunSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..model import VVPotential


log = logging.getLogger(__name__)
SETTINGS, EXTRAPOLATION, WHAT = 'settings.json', 'extrapolation.extxyz', 'a run'
WRITES = (record.TRAJECTORY, record.PACKED, record.LOG, CHECKPOINT, previous(CHECKPOINT).name, record.PICTURE,
          EXTRAPOLATION)  # fmt: skip
CHANGEABLE = ('steps', 'model', 'device', 'threads', 'versions')  # entries that a restart may change
BAR = '{desc}{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]'  # fits 80 columns
DYNAMICS = {'ase': "ASE's dynamics", 'native': 'dynamics on the device (ase_mlffvv.md.Dynamics)', 'lammps': 'LAMMPS'}
RESTART = {'lammps': 'mpiexec -n RANKS mlffvv lammps --restart'}  # other commands than 'mlffvv run --restart'


class Interrupted(KeyboardInterrupt):
    """The run was stopped by Ctrl-C after writing a checkpoint."""


def start(
    atoms: Atoms,
    calc: Any,
    folder: str | Path,
    settings: RunSettings,
    *,
    source: dict | None = None,
    overwrite: bool = False,
    progress: bool = True,
    drive: Callable | None = None,
) -> Any:
    """Begin a run in a new folder; see :func:`resume` for the result.

    Parameters
    ----------
    atoms : Atoms
        If they have no momenta, or all are zero, these are drawn from a Maxwell-Boltzmann distribution at twice the
        temperature: during equilibration from a perfect crystal, half of the kinetic energy becomes potential energy.
    calc : ASE calculator
        Calculates energies, forces and, for coloring, atomic energies.
    folder : path
        A new or empty folder. Its ``settings.json`` describes the run: structure, calculator, dynamics and versions.
    source : dict, optional
        How the structure was built, or the file from which it was read, for ``settings.json``; JSON must be able to
        hold it.
    overwrite : bool
        Begin anew in a folder that holds a run or other files. The run is removed; other files stay unless they have
        names of files that the run writes.
    drive : callable, optional
        Makes the driver of the run instead of :func:`.make_driver`, with the same arguments; required for
        ``dynamics='lammps'``, see :class:`ase_mlffvv.export.lammps.Team`.

    Raises
    ------
    FileExistsError
        The folder holds a run or other files, or another process is working in it.
    """
    folder = Path(folder)
    given = atoms.copy()
    given.info = {}
    atoms = with_velocities(given, settings)
    if isinstance(calc, VVCalculator):
        for potential in getattr(calc, 'members', None) or [calc.potential]:
            potential.species(atoms.numbers)  # an unknown element is refused before there is a folder
    settings = settings.resolve(len(atoms), can_drive(atoms, calc))
    _check_drive(settings.dynamics, drive)
    dynamics = asdict(settings)
    steps = dynamics.pop('steps')
    identity = {
        'structure': describe_structure(given, source),
        'calculator': describe_calculator(calc),
        'dynamics': dynamics,
    }
    begun = (folder / SETTINGS).exists() and any((folder / name).exists() for name in WRITES)
    if begun and not overwrite:
        raise FileExistsError(
            f"'{folder}' already holds a run. Continue it with --restart {folder} (resume(...) in Python), choose "
            f'another folder, or give {OVERWRITE} to begin anew.'
        )
    with JobFolder(folder, SETTINGS, identity, what=WHAT, writes=WRITES, new=overwrite, overwrite=overwrite) as job:
        if (folder / CHECKPOINT).exists():
            raise FileExistsError(f"another process began a run in '{folder}'")
        job.save(steps=steps, **describe_machine(calc), versions=describe_versions(), changes=[])
        save_checkpoint(job, atoms, Progress())
        saved, progress_so_far = load_checkpoint(job)
        return _run(job, calc, saved, progress_so_far, progress, drive)


def resume(
    folder: str | Path,
    calc: Any = None,
    *,
    steps: int | None = None,
    model: str | Path | VVPotential | None = None,
    device: str | None = None,
    threads: int | None = None,
    progress: bool = True,
    drive: Callable | None = None,
) -> Any:
    """Run or continue the job in ``folder`` from its last checkpoint, with its original settings.

    Frames and log lines written after that checkpoint are removed and computed again, with identical results.

    Parameters
    ----------
    folder : path
        Folder made by :func:`start`.
    calc : ASE calculator, optional
        The default is the :class:`.VVCalculator` that the folder describes. Another calculator must have the same
        settings except for model, device and threads.
    steps : int, optional
        New total number of steps.
    model, device, threads : optional
        Values that replace those of the folder. They cannot be combined with ``calc``.
    drive : callable, optional
        As for :func:`start`.

    Returns
    -------
    dict of ndarray
        Columns of the log, see ``COLUMNS``; energies are per atom.

    Raises
    ------
    FileNotFoundError
        The folder holds no run.
    FileExistsError
        Another process is working in this folder, or its ``settings.json`` was changed or damaged.
    CheckpointError
        The checkpoint is damaged.
    ValueError
        The calculator has different settings, the model has changed, or ``steps`` is less than the number of steps
        already done.
    Interrupted
        The run was stopped by Ctrl-C; its state is saved.
    ExtrapolationError
        An atom is extrapolated and ``on_extrapolation`` is ``'stop'``. The structure is in ``extrapolation.extxyz``.
    """
    with JobFolder(folder, SETTINGS, None, what=WHAT) as job:
        _check_drive(job.identity['dynamics']['dynamics'], drive)
        atoms, so_far = load_checkpoint(job)
        stored, before = job.identity['calculator'], dict(job.entries)
        if calc is None:
            machine = {'model': before['model'], 'device': before['device'] if device is None else device,
                       'threads': before['threads'] if threads is None else threads}  # fmt: skip
            calc = make_calculator(stored, machine, model)
            log.info('%s', calc)
        elif (model, device, threads) != (None, None, None):
            raise TypeError('model, device and threads are those of the calculator given')
        different = differences(stored, describe_calculator(calc))
        if different:
            raise ValueError(f"the run in '{job.path}' has another calculator ({'; '.join(different)})")
        steps = before['steps'] if steps is None else steps
        if steps < so_far.step:
            raise ValueError(f"the run in '{job.path}' has {so_far.step} steps already, got a new total of {steps}")
        now = {**before, 'steps': steps, **describe_machine(calc), 'versions': describe_versions()}
        if _digests(before['model']) == _digests(now['model']):
            now['model'] = before['model']  # its file may have another name
        changes = {name: [before[name], now[name]] for name in CHANGEABLE if before[name] != now[name]}
        if changes:
            text = ', '.join(f'{name} {_short(new)} instead of {_short(old)}' for name, (old, new) in changes.items())
            log.info('from step %d on: %s', so_far.step, text)
            now['changes'] = [*before['changes'], {'step': so_far.step, **changes}]
            job.save(**now)
        return _run(job, calc, atoms, so_far, progress, drive)


def _check_drive(dynamics, drive):
    if (drive is None) == (dynamics == 'lammps'):
        raise ValueError(
            f"the run has dynamics={dynamics!r}. Runs with 'lammps' are started and continued by mlffvv lammps "
            '(drive=... in Python), all others by mlffvv run.'
        )


def _digests(model):
    return [one['sha256'] for one in (model if isinstance(model, list) else [model]) if one]


def _short(value):
    """Short form of an entry of settings.json for a message."""
    if isinstance(value, list):
        return ' and '.join(map(_short, value))
    if isinstance(value, dict) and 'sha256' in value:
        return f'{value["name"]} (sha256 {value["sha256"][:12]}...)'
    return str(value)


def read_settings(folder: str | Path) -> Any:
    """Description of the run in ``folder``.

    Returns
    -------
    dict
        ``structure``, ``calculator`` and ``dynamics``, which never change; ``steps``, ``model``, ``device``,
        ``threads`` and ``versions`` of the last start; and the ``changes`` made to these by restarts.

    Raises
    ------
    FileNotFoundError
        The folder holds no run.
    FileExistsError
        The file is damaged.
    """
    identity, entries = read_job(folder, SETTINGS, WHAT)
    return {**identity, **entries}


def _run(job, calc, atoms, so_far, progress, drive):
    """Run from a checkpoint to the end."""
    settings = RunSettings(steps=job.entries['steps'], **job.identity['dynamics'])
    settings = settings.resolve(len(atoms), can_drive(atoms, calc))
    recorder = Recorder(job, settings, so_far)
    log.info('%s, %d atoms, frames in %s, at the end about %.3g MB', DYNAMICS[settings.dynamics], len(atoms),
             recorder.trajectory, settings.size(len(atoms)) / 1e6)  # fmt: skip
    driver = None
    try:
        driver = (drive or make_driver)(atoms, calc, settings, so_far.thermostat_work, so_far.step)
        if so_far.step == 0 and so_far.log_bytes == 0:
            recorder.record(driver, 0, frame=True)
            recorder.checkpoint(driver, 0)
        _loop(driver, recorder, settings, so_far.step, progress)
    except ExtrapolationError as error:
        raise _stopped(job.path, driver.structure() if driver else atoms, error) from None
    finally:
        recorder.close()
    picture(job.path, f'{len(atoms)} atoms, {settings.temperature:g} K')
    return read_log(job.path)


def _loop(driver, recorder, settings, step, progress):
    n_atoms, begin, first = len(driver), perf_counter(), step
    chunk = math.gcd(settings.log_interval, settings.checkpoint_interval, 10)
    with interrupt_flag(always=True) as stop, tqdm(total=settings.steps, initial=step, unit='step', desc='MD',
                                                   disable=not progress, smoothing=0.1,
                                                   bar_format=BAR) as bar:  # fmt: skip
        while step < settings.steps:
            n = min(chunk - step % chunk, settings.steps - step)
            temperature = _advance(driver, n, step, settings, recorder.folder)
            step += n
            bar.update(n)
            rate = (step - first) / (perf_counter() - begin)
            bar.set_postfix_str(
                f'{temperature:.0f} K, {driver.potential_energy / n_atoms:.3f} eV, {rate:.3g}/s', refresh=False
            )
            last = step == settings.steps
            if step % settings.log_interval == 0 or last:
                recorder.record(driver, step, frame=step % settings.frame_interval == 0 or last)
            if step % settings.checkpoint_interval == 0 or last or stop.is_set():
                recorder.checkpoint(driver, step)
            if stop.is_set() and not last:
                raise Interrupted(
                    f'stopped at step {step} of {settings.steps}; '
                    f"continue with: {RESTART.get(settings.dynamics, 'mlffvv run --restart')} '{recorder.folder}'"
                )


def _advance(driver, n, step, settings, folder):
    """Run ``n`` steps and return the temperature."""
    try:
        driver.run(n)
        temperature = driver.temperature
        if np.isfinite(temperature) and temperature <= 20 * settings.temperature + 1000:
            return temperature
        reason = f'the temperature is {temperature:.0f} K'
    except StructureError as error:
        reason = str(error.__cause__ or error).split('. ')[0]
    raise StructureError(
        f'the run blew up between steps {step} and {step + n}: {reason}. The last good state is in '
        f'{folder / CHECKPOINT}. The time step of {settings.timestep:g} fs is too long, or the model was not fitted to '
        'such structures.'
    )


def _stopped(folder, atoms, error):
    """Save the structure that the calculator refused, and return an error that names the file."""
    frame = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    frame.arrays['grade'] = error.grade
    with complete(folder / EXTRAPOLATION) as temporary:
        write(temporary, frame, format='extxyz')
    return ExtrapolationError(f'{error} The structure is in {folder / EXTRAPOLATION}.', error.grade)
