"""Table of observables as functions of time for a trajectory."""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import os
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm.auto import tqdm

from ase_mlffvv.checks import check_whole
from ase_mlffvv.errors import CheckpointError
from ase_mlffvv.io.checkpoint import load_checkpoint, save_checkpoint
from ase_mlffvv.io.counting import estimated_frames
from ase_mlffvv.io.files import complete, refuse_existing
from ase_mlffvv.io.identity import differences, plain
from ase_mlffvv.io.reading import FileType
from ase_mlffvv.jobs.folder import OVERWRITE, locked

from .displacements import Unwrapper
from .extras import need
from .frame import Frame, Settings
from .observables import OBSERVABLES, row
from .stream import frames, trajectory_of
from .times import Clock, step_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas
    from ase import Atoms


log = logging.getLogger('mlffvv_analysis')
KIND = 'timeline'
_COLUMN = 'column '  # begins the names of the columns in the state
VERSION = 3  # version of the columns and of the state; a table of another version is not continued


def timeline(
    trajectory: str | Path | Iterable[Atoms],
    table: str | Path | None = None,
    *,
    observables: Sequence[str] = tuple(OBSERVABLES),
    settings: Settings | None = None,
    frame_time_ps: float | None = None,
    timestep_fs: float | None = None,
    kind: FileType | None = None,
    processes: int = 1,
    overwrite: bool = False,
    progress: bool = True,
) -> pandas.DataFrame:
    """Compute observables of all frames of a trajectory as a table.

    Frames are read one at a time, so that memory does not grow with their number. With ``table``, only frames that were
    added to the trajectory since the last call are computed.

    Parameters
    ----------
    trajectory : path or iterable of Atoms
        A file, the folder of a run, or frames, with the same atoms in the same order. Atoms with a tag other than 0
        belong to the column; without tags, all atoms do.
    table : path, optional
        CSV file to write or to continue. The file ``<name>.state`` beside it holds the finished rows, with a checksum:
        the table is written from it and never read, so that a table that was cut or edited is restored.
    observables : sequence of str
        Groups from ``OBSERVABLES``: coordination, energy, phase, grain, motion, shape, grade.
    settings : Settings, optional
    frame_time_ps : float, optional
        Time between frames, ps. Without it, times are those of the frames (``info['time_ps']`` or ``time_fs``), or NaN.
    timestep_fs : float, optional
        Time step of the simulation, fs, for frames with the number of their step (LAMMPS: ``info['timestep']``).
    kind : FileType, optional
        Format of the file and elements of its atom types, if the file does not tell them.
    processes : int
        Number of processes. More than one requires the usual ``if __name__ == '__main__':`` in a script.
    overwrite : bool
        Replace a table of another trajectory or with other settings, or a file that is not such a table.
    progress : bool
        Show a progress bar.

    Returns
    -------
    pandas.DataFrame
        One row per frame, with ``frame``, ``step`` and ``time_ps`` (NaN if unknown), and the observables, whose names
        contain their units. If the trajectory has no atomic energies, the columns of energies are NaN.

    Raises
    ------
    ValueError
        The trajectory or a frame is empty, the number of atoms changes, positions are not finite, times do not increase
        or are known for some frames only, or an observable is unknown; or the table belongs to another trajectory
        or has other settings, which the message lists.
    FileExistsError
        The file is not such a table, or another process is writing it.
    CheckpointError
        The state file beside the table is damaged.
    """
    pandas = need('pandas')
    trajectory = trajectory_of(trajectory)
    unknown = sorted(set(observables) - set(OBSERVABLES))
    if unknown or not observables:
        raise ValueError(f'unknown observables {unknown}; there are {", ".join(OBSERVABLES)}')
    processes = check_whole(processes, 'processes', low=1, high=10_000)
    settings, clock = settings or Settings(), Clock(frame_time_ps, timestep_fs)
    asked = {'version': VERSION, 'observables': sorted(observables), 'settings': asdict(settings),
             **asdict(clock)}  # fmt: skip
    job = _Job(trajectory, Path(table) if table else None, asked, overwrite, kind)
    work = (settings, tuple(observables), clock)
    with job.held():
        rows = job.old_rows()
        source = job.frames()
        total = estimated_frames(trajectory) if isinstance(trajectory, (str, Path)) else None
        with tqdm(desc='analyse', unit='frame', total=total, initial=len(rows), disable=not progress) as bar:
            for new in _computed(source, job.first, work, processes):
                _check_time(rows[-1:], new)
                rows.append(new)
                bar.update()
                if table and len(rows) % 50 == 0:
                    job.save(pandas, rows)
        if not rows:
            raise ValueError('the trajectory has no complete frame')
        if table:
            job.save(pandas, rows)
    if 'energy' in observables and all(np.isnan(r['e_mean_eV']) for r in rows):
        log.warning("the trajectory has no atomic energies (array 'local_energy'); their columns are empty")
    return pandas.DataFrame(rows)


class _Job:
    """The finished part of a trajectory, and the remaining frames."""

    def __init__(self, trajectory, table, asked, overwrite, kind):
        self.trajectory, self.table, self.overwrite, self.kind = trajectory, table, overwrite, kind
        self.sizes, self.positions = [], []  # of frames that were read but not saved yet
        self.first, self.tracker, self.done, self.size = None, None, 0, 0
        if isinstance(trajectory, (str, Path)):
            self.first, _ = next(frames(trajectory, kind=kind), (None, 0))
        self.resumable = table is not None and self.first is not None
        self.identity = plain({**asked, 'first frame': digest_of_frame(self.first) if self.resumable else None})

    @property
    def state_path(self):
        return self.table.with_name(f'{self.table.stem}.state')

    def held(self):
        """Lock the table against other processes."""
        if self.table is None:
            return nullcontext()
        inputs = [self.trajectory] if isinstance(self.trajectory, (str, Path)) else []
        refuse_existing(self.table, overwrite=True, inputs=inputs)
        self.table.parent.mkdir(parents=True, exist_ok=True)
        return locked(self.table.with_name(f'.{self.table.name}.lock'), f"'{self.table}'")

    def old_rows(self):
        """Rows of an earlier call that are still valid; also sets the frame at which to continue."""
        if self.table is None:
            return []
        if self.overwrite:
            try:
                return self._continued()
            except (ValueError, FileExistsError, CheckpointError) as error:
                log.info('%s', error)
                self.state_path.unlink(missing_ok=True)
                return []
        return self._continued()

    def _continued(self):
        """Rows of the table, which must belong to this same job."""
        if not self.state_path.exists() or not self.resumable:
            refuse_existing(self.table)
            refuse_existing(self.state_path)
            return []
        arrays, state = load_checkpoint(self.state_path, KIND)
        changes = differences(state['identity'], self.identity)
        if changes:
            raise ValueError(
                f"'{self.table}' was made with other settings or from another trajectory ({'; '.join(changes)}); give "
                f'another file, or {OVERWRITE} to replace it'
            )
        if state['size'] > Path(self.trajectory).stat().st_size:
            log.info('%s was cut; computing from the first frame', self.trajectory)
            return []
        rows = _rows(state['columns'], arrays)
        self.done, self.size = state['frames'], state['size']
        self.tracker = Unwrapper(self.first)
        if self.done:
            self.tracker.last = arrays['last']
        return rows

    def frames(self):
        """Number, structure and displacements of each remaining frame."""
        for k, (atoms, end) in enumerate(frames(self.trajectory, self.size, self.done, self.kind), self.done):
            if len(atoms) == 0:
                raise ValueError(f'frame {k} has no atoms')
            if self.tracker is None:
                self.first = atoms if self.first is None else self.first
                self.tracker = Unwrapper(self.first)
            try:
                moved = self.tracker.add(atoms)
            except ValueError as error:
                raise ValueError(f'frame {k}: {error}') from None
            if self.resumable:
                self.sizes.append(end or Path(self.trajectory).stat().st_size)
                self.positions.append(self.tracker.last)
            yield k, atoms, moved

    def save(self, pandas, rows):
        """Write the table, then the progress."""
        if self.resumable and not self.state_path.exists():
            self._save_state({})  # from now on the table is known to belong to this job
        table = pandas.DataFrame(rows)
        with complete(self.table) as temporary:
            table.to_csv(temporary, index=False)
        new = len(rows) - self.done
        if not self.resumable or new == 0:
            return
        self.size, self.done = self.sizes[new - 1], len(rows)
        last = self.positions[new - 1]
        del self.sizes[:new], self.positions[:new]
        columns = {_COLUMN + name: table[name].to_numpy() for name in table}
        self._save_state({'last': last, **columns}, list(table))

    def _save_state(self, arrays, columns=()):
        data = {'identity': self.identity, 'size': self.size, 'frames': self.done, 'columns': columns}
        save_checkpoint(self.state_path, KIND, arrays, data)


def digest_of_frame(atoms: Atoms) -> str:
    """SHA-256 of a structure, by which a trajectory is recognized."""
    parts = (atoms.numbers, atoms.positions, atoms.cell[:], atoms.get_tags())
    return hashlib.sha256(b''.join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()


def _rows(names, arrays):
    """Rows of a table from its columns, with the numbers that were written."""
    columns = [arrays[_COLUMN + name].tolist() for name in names]
    return [dict(zip(names, values)) for values in zip(*columns)]


def _computed(source, first, work, processes):
    """Rows of frames in order, with only a few frames in memory at a time."""
    if processes == 1:
        reference = None
        for item in source:
            if reference is None:
                _start(first if first is not None else item[1], work)
                reference = True
            yield _row(item)
        return
    item = next(source, None)
    if item is None:
        return
    context = multiprocessing.get_context('spawn')  # threads of OVITO and of BLAS do not survive a fork
    initargs = (first if first is not None else item[1], work)
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_start, initargs=initargs) as pool:
        pending = deque([pool.submit(_row, item)])
        for item in source:
            pending.append(pool.submit(_row, item))
            if len(pending) > 2 * processes:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _start(first, work):
    global _REFERENCE, _WORK
    if multiprocessing.parent_process() is not None:
        os.environ['OVITO_THREAD_COUNT'] = '1'
    _WORK = work
    _REFERENCE = Frame(first, work[0])


def _row(item):
    k, atoms, moved = item
    settings, observables, clock = _WORK
    try:
        frame = Frame(atoms, settings, moved, _REFERENCE)
        out = {'frame': k, 'step': step_of(atoms), 'time_ps': clock.time(atoms, k)}
        out |= {'temperature_K': _temperature(atoms), **row(frame, observables)}
    except ValueError as error:
        raise ValueError(f'frame {k}: {error}') from None
    return out


def _check_time(before, row):
    """Raise ValueError if the time of a row is not later than that of the row before it."""
    for old in before:
        then, now = old['time_ps'], row['time_ps']
        if np.isnan(then) != np.isnan(now) or now <= then:
            known = [f'{t:g} ps' if np.isfinite(t) else 'no time' for t in (then, now)]
            raise ValueError(
                f'frame {row["frame"]} has {known[1]}, the frame before {known[0]}. Times must increase; give the time '
                'between frames (--frame-time, frame_time_ps) to replace those of the file.'
            )


def _temperature(atoms):
    if 'temperature_K' in atoms.info:
        return float(atoms.info['temperature_K'])
    return float(atoms.get_temperature()) if atoms.has('momenta') else np.nan
