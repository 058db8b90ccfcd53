"""Output of a run in its folder: trajectory, log, checkpoint and picture."""

from __future__ import annotations

import csv
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import dict2constraint
from ase.io import read
from ase.io.jsonio import decode, encode
from mlffvv_analysis import height, surface_and_bulk
from mlffvv_analysis.coordination import CUTOFF
from mlffvv_analysis.plots import run_summary

from ..errors import CheckpointError
from ..io import checkpoint
from ..io.background import Background
from ..io.files import complete
from ..md.reporters import append

COLUMNS = ('step', 'time_ps', 'temperature_K', 'potential_energy_eV', 'total_energy_eV', 'thermostat_work_eV',
           'height_A', 'surface_fraction', 'mean_coordination', 'detached')  # fmt: skip
DETACHED = 5.0  # Å: an atom without a neighbor within this distance has left the metal
TRAJECTORY, PACKED, LOG, CHECKPOINT, PICTURE = (
    'trajectory.extxyz', 'trajectory.vvtraj', 'log.csv', 'checkpoint.state', 'summary.png',
)  # fmt: skip
KIND = 'run'  # kind of the checkpoint


@dataclass
class Progress:
    """Contents of a checkpoint other than the atoms: the progress of the run and the sizes of its output files."""

    step: int = 0
    thermostat_work: float = 0.0
    trajectory_bytes: int = 0
    log_bytes: int = 0


class Recorder:
    """Writes the output of a run in the background, in the order in which it is produced.

    Parameters
    ----------
    job : JobFolder
    settings : RunSettings
        Resolved settings.
    progress : Progress
        State of the last checkpoint. Output written after it is removed.
    """

    def __init__(self, job, settings, progress):
        self.job, self.folder, self.settings = job, job.path, settings
        self.trajectory = self.folder / (PACKED if settings.trajectory == 'packed' else TRAJECTORY)
        self.log = self.folder / LOG
        _cut(self.trajectory, progress.trajectory_bytes)
        _cut(self.log, progress.log_bytes)
        self._background = Background()

    def record(self, driver, step, frame):
        """Append a line to the log and, if ``frame`` is True, a frame to the trajectory."""
        atoms, numbers = driver.structure(), driver.coordination(CUTOFF)
        detached = int((driver.coordination(DETACHED) == 0).sum())
        extra = {'coordination': numbers}
        if frame:
            extra['local_energy'], extra['grade'] = driver.energies(), driver.grade()
        numbers = driver.potential_energy, driver.temperature, driver.thermostat_work
        self._background.put(self._write, step, atoms, extra, detached, *numbers, frame)

    def _write(self, step, atoms, extra, detached, energy, temperature, thermostat_work, frame):
        surface, _ = surface_and_bulk(extra['coordination'])
        n = len(atoms)
        row = {
            'step': step,
            'time_ps': step * self.settings.timestep / 1000,
            'temperature_K': temperature,
            'potential_energy_eV': energy / n,
            'total_energy_eV': (energy + atoms.get_kinetic_energy()) / n,
            'thermostat_work_eV': thermostat_work / n,
            'height_A': height(atoms),
            'surface_fraction': surface.mean(),
            'mean_coordination': extra['coordination'].mean(),
            'detached': detached,
        }
        if frame:
            atoms.set_constraint()
            del atoms.arrays['momenta']
            for name, values in extra.items():
                if values is not None:
                    atoms.set_array(name, values)
            atoms.info = {name: row[name] for name in ('step', 'time_ps', 'temperature_K')}
            atoms.calc = SinglePointCalculator(atoms, energy=energy)
            append(self.trajectory, atoms)
        new = not self.log.exists() or self.log.stat().st_size == 0
        with open(self.log, 'a', newline='') as file:
            writer = csv.DictWriter(file, COLUMNS)
            if new:
                writer.writeheader()
            writer.writerow({k: repr(float(v)) if isinstance(v, float) else v for k, v in row.items()})

    def checkpoint(self, driver, step):
        """Replace the checkpoint by the present state, in one step, once the output before it is on disk."""
        self._background.put(self._save, driver.structure(), step, driver.thermostat_work)
        driver.forget()

    def _save(self, atoms, step, thermostat_work):
        for path in (self.trajectory, self.log):
            with open(path, 'rb+') as file:
                os.fsync(file.fileno())
        size, log_size = self.trajectory.stat().st_size, self.log.stat().st_size
        save_checkpoint(self.job, atoms, Progress(step, thermostat_work, size, log_size))

    def close(self):
        """Wait until everything is written."""
        self._background.close()


def save_checkpoint(job, atoms, progress):
    """Write the checkpoint of a run; the previous one is kept as ``checkpoint.state.previous``."""
    arrays = {**atoms.arrays, 'cell': atoms.cell[:], 'pbc': atoms.pbc}
    data = {
        'job': job.digest,
        'progress': asdict(progress),
        'constraints': encode([c.todict() for c in atoms.constraints]),
    }
    checkpoint.save_checkpoint(job.path / CHECKPOINT, KIND, arrays, data, keep_previous=True)


def load_checkpoint(job) -> tuple[Atoms, Progress]:
    """Atoms and :class:`Progress` of the last checkpoint.

    Raises
    ------
    FileNotFoundError
        There is no checkpoint.
    CheckpointError
        The checkpoint is damaged or belongs to another run.
    """
    path = job.path / CHECKPOINT
    if not path.exists():
        raise FileNotFoundError(
            f"'{job.path}' holds a run without a checkpoint: {CHECKPOINT} is missing. Put it back, or start the run "
            'again with --overwrite.'
        )
    arrays, data = checkpoint.load_checkpoint(path, KIND)
    if data['job'] != job.digest:
        raise CheckpointError(f"'{path}' is the checkpoint of another run than that of '{job.path / job.file}'.")
    if data['progress'].pop('trajectory_header', ''):
        raise CheckpointError(
            f"'{path}' belongs to a packed trajectory of version 1, which had no checksums. Continue the run with the "
            'version of ase-mlffvv that began it.'
        )
    try:
        atoms = Atoms(cell=arrays.pop('cell'), pbc=arrays.pop('pbc'))
        atoms.arrays = arrays
        atoms.set_constraint([dict2constraint(d) for d in decode(data['constraints'])])
        return atoms, Progress(**data['progress'])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"'{path}' was written by another version of ase-mlffvv ({type(error).__name__}: {error}). Continue the "
            'run with that version, or start it again with --overwrite.'
        ) from error


def trajectory_path(folder):
    """Path of the trajectory of the run in ``folder``."""
    packed = Path(folder) / PACKED
    return packed if packed.exists() else Path(folder) / TRAJECTORY


def read_log(folder: str | Path) -> dict:
    """Log of a run as a dict of arrays by column."""
    path = Path(folder) / LOG
    with open(path, newline='', encoding='utf-8', errors='replace') as file:
        rows = list(csv.DictReader(file))
    try:
        return {name: np.array([float(row[name]) for row in rows]) for name in COLUMNS}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"'{path}' is damaged: a line or column is not complete or not a number ({error}). Resume the run, which "
            'removes what was written after its checkpoint, or put back a copy.'
        ) from None


def summary(folder: str | Path) -> str:
    """Summary table of a finished run, as text.

    Its columns are the start, the first line of the log after it, and the end. The start may be an ideal lattice, in
    which second neighbors lie within the cutoff of the coordination numbers; they do not once the atoms vibrate.
    """
    table = read_log(folder)
    time, conserved = table['time_ps'], table['total_energy_eV'] - table['thermostat_work_eV']
    shown = [0, *([1] if len(time) > 2 else []), -1]
    rows = [('', *(f'{time[k]:.4g} ps' for k in shown))]
    for name, label, scale in (
        ('temperature_K', 'temperature (K)', '{:.0f}'),
        ('potential_energy_eV', 'potential energy (eV/atom)', '{:.4f}'),
        ('height_A', 'height above the terrace (Å)', '{:.1f}'),
        ('surface_fraction', 'surface fraction (CN < 8)', '{:.3f}'),
        ('mean_coordination', f'mean coordination (within {CUTOFF:g} Å)', '{:.2f}'),
        ('detached', f'detached atoms (no neighbor within {DETACHED:g} Å)', '{:.0f}'),
    ):
        rows.append((label, *(scale.format(table[name][k]) for k in shown)))
    drift = (conserved[-1] - conserved[0]) * 1e3
    rows.append(('energy drift (meV/atom, work of the thermostat removed)', '', *[''] * (len(shown) - 2),
                 f'{drift:+.3f} in {time[-1] - time[0]:.4g} ps'))  # fmt: skip
    text = [f'{row[0]:56}{"".join(f"{cell:>12}" for cell in row[1:-1])}{row[-1]:>20}' for row in rows]
    if len(shown) > 2 and table['mean_coordination'][0] > table['mean_coordination'][1] + 0.5:
        text.append('The start is (nearly) an ideal lattice: compare coordination and surface with the second column.')
    return '\n'.join(text)


def picture(folder, title):
    """Draw the summary of a run: the first frame after the start, in which the atoms vibrate, and the last."""
    frames = trajectory_path(folder)
    early, last = read(frames, ':2'), read(frames, -1)
    first = early[-1] if early[-1].info['step'] < last.info['step'] else early[0]
    figure = run_summary(first, last, read_log(folder), title=title)
    with complete(folder / PICTURE) as temporary:
        figure.savefig(temporary, dpi=150, format='png')


def _cut(path, size):
    """Remove output that was written after the checkpoint."""
    found = path.stat().st_size if path.exists() else 0
    if found < size:
        raise FileNotFoundError(
            f"'{path}' has {found} bytes, but {size} were written before the checkpoint: it was removed or cut. Put it "
            'back, or start the run again with --overwrite.'
        )
    if found:
        os.truncate(path, size)
