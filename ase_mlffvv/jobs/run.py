"""The main job: molecular dynamics of a structure in a folder that can be watched, interrupted and resumed."""

from __future__ import annotations

import json
import logging
import math
import signal
import threading
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from ase.io import write
from ase.md.velocitydistribution import Stationary, thermalize_momenta
from tqdm import tqdm

from ..errors import ExtrapolationError, StructureError
from ..io.files import complete
from .drivers import can_drive, make_driver
from .record import CHECKPOINT, Progress, Recorder, load_checkpoint, picture, read_log, save_checkpoint, write_text
from .settings import RunSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


log = logging.getLogger(__name__)
SETTINGS, EXTRAPOLATION = 'settings.json', 'extrapolation.extxyz'
DYNAMICS = {'ase': "ASE's dynamics", 'native': 'dynamics on the device (ase_mlffvv.md.Dynamics)'}


class Interrupted(KeyboardInterrupt):
    """The run was stopped by Ctrl-C after writing a checkpoint."""


def start(
    atoms: Atoms,
    calc: Any,
    folder: str | Path,
    settings: RunSettings,
    *,
    note: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> Any:
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
    settings = settings.resolve(len(atoms), can_drive(atoms, calc))
    save_checkpoint(folder, atoms, Progress())
    write_text(folder / SETTINGS, json.dumps({**asdict(settings), 'note': note or {}}, indent=1))
    return resume(folder, calc, progress=progress)


def resume(folder: str | Path, calc: Any, *, steps: int | None = None, progress: bool = True) -> Any:
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
        write_text(folder / SETTINGS, json.dumps(data, indent=1))
    settings = RunSettings.from_dict(data)
    atoms, progress_so_far = load_checkpoint(folder)
    settings = settings.resolve(len(atoms), can_drive(atoms, calc))
    recorder = Recorder(folder, settings, progress_so_far)
    log.info('%s, %d atoms, frames in %s', DYNAMICS[settings.dynamics], len(atoms), recorder.trajectory)
    driver = None
    try:
        driver = make_driver(atoms, calc, settings, progress_so_far.thermostat_work, progress_so_far.step)
        if progress_so_far.step == 0 and progress_so_far.log_bytes == 0:
            recorder.record(driver, 0, frame=True)
            recorder.checkpoint(driver, 0)
        _loop(driver, recorder, settings, progress_so_far.step, progress)
    except ExtrapolationError as error:
        raise _stopped(folder, driver.structure() if driver else atoms, error) from None
    finally:
        recorder.close()
    picture(folder, f'{len(atoms)} atoms, {settings.temperature:g} K')
    return read_log(folder)


def read_settings(folder: str | Path) -> Any:
    """Settings of the run in ``folder`` as a dict, with ``note``. Raises FileNotFoundError where there is none."""
    folder = Path(folder)
    if not (folder / SETTINGS).exists() or not (folder / CHECKPOINT).exists():
        raise FileNotFoundError(f"'{folder}' holds no run to continue: {SETTINGS} or {CHECKPOINT} is missing")
    return json.loads((folder / SETTINGS).read_text())


def _loop(driver, recorder, settings, step, progress):
    n_atoms, begin, first = len(driver), perf_counter(), step
    chunk = math.gcd(settings.log_interval, settings.checkpoint_interval, 10)
    with _stop_flag() as stop, tqdm(total=settings.steps, initial=step, unit='step', desc='MD', disable=not progress,
                                    smoothing=0.1) as bar:  # fmt: skip
        while step < settings.steps:
            n = min(chunk - step % chunk, settings.steps - step)
            driver.run(n)
            step += n
            temperature = driver.temperature
            if not np.isfinite(temperature) or temperature > 20 * settings.temperature + 1000:
                raise StructureError(
                    f'the run blew up at step {step}: {temperature:.0f} K. The last good state is in '
                    f'{recorder.folder / CHECKPOINT}. Use a shorter time step, or a model fitted to such structures.'
                )
            bar.update(n)
            rate = n_atoms * (step - first) / (perf_counter() - begin)
            bar.set_postfix_str(
                f'{temperature:4.0f} K, {driver.potential_energy / n_atoms:.4f} eV/atom, {rate:.2g} atom-steps/s',
                refresh=False,
            )
            last = step == settings.steps
            if step % settings.log_interval == 0 or last:
                recorder.record(driver, step, frame=step % settings.frame_interval == 0 or last)
            if step % settings.checkpoint_interval == 0 or last or stop.is_set():
                recorder.checkpoint(driver, step)
            if stop.is_set() and not last:
                raise Interrupted(
                    f'stopped at step {step} of {settings.steps}; '
                    f"continue with: mlffvv run --restart '{recorder.folder}'"
                )


def _stopped(folder, atoms, error):
    """Keep the structure that the calculator would not evaluate; the error that tells where."""
    frame = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    frame.arrays['grade'] = error.grade
    with complete(folder / EXTRAPOLATION) as temporary:
        write(temporary, frame, format='extxyz')
    return ExtrapolationError(f'{error} The structure is in {folder / EXTRAPOLATION}.', error.grade)


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
