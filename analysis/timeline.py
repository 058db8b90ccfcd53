"""From a trajectory to a table of observables over time."""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import multiprocessing
import os
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from .displacements import Unwrapper
from .extras import need
from .frame import Frame, Settings
from .observables import OBSERVABLES, row
from .stream import frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas
    from ase import Atoms


log = logging.getLogger('mlffvv_analysis')
VERSION = 1  # of the state beside a table; another one is not gone on with


def timeline(
    trajectory: str | Path | Iterable[Atoms],
    table: str | Path | None = None,
    *,
    observables: Sequence[str] = tuple(OBSERVABLES),
    settings: Settings | None = None,
    frame_time_ps: float | None = None,
    processes: int = 1,
    progress: bool = True,
) -> pandas.DataFrame:
    """Observables of every frame of a trajectory as a table.

    Frames are read one after the other, so memory does not grow with their number. With ``table``, a trajectory that
    has grown since the last call is gone on with: only new frames are computed.

    Parameters
    ----------
    trajectory : path or iterable of Atoms
        All frames with the same atoms in the same order. Atoms with a tag other than 0 are the column; without tags,
        all.
    table : path, optional
        CSV file to write, and to go on with. Beside it, ``<name>.state.npz`` holds how far it is.
    observables : sequence of str
        Of ``OBSERVABLES``: coordination, energy, phase, grain, motion, shape.
    settings : Settings, optional
    frame_time_ps : float, optional
        Time between frames where they do not tell it (``info['time_ps']``).
    processes : int
        To compute with. More than one needs the usual ``if __name__ == '__main__':`` in a script.
    progress : bool
        Show a progress bar.

    Returns
    -------
    pandas.DataFrame
        One row per frame: ``frame``, ``time_ps``, and the observables with their units in the names. Atomic energies
        that a trajectory lacks give NaN.

    Raises
    ------
    ValueError
        An empty trajectory or frame, a changing number of atoms, positions that are not finite, unknown observables.
    """
    pandas = need('pandas')
    unknown = sorted(set(observables) - set(OBSERVABLES))
    if unknown or not observables:
        raise ValueError(f'unknown observables {unknown}; there are {", ".join(OBSERVABLES)}')
    if int(processes) != processes or processes < 1:
        raise ValueError(f'processes must be 1 or more, got {processes!r}')
    settings = settings or Settings()
    asked = {'version': VERSION, 'observables': sorted(observables), 'settings': asdict(settings),
             'interval': frame_time_ps}  # fmt: skip
    job = _Job(trajectory, Path(table) if table else None, asked)
    rows = job.old_rows()
    work = (settings, tuple(observables), frame_time_ps)
    source = job.frames()
    with tqdm(desc='analyse', unit='frame', initial=len(rows), disable=not progress) as bar:
        for new in _computed(source, job.first, work, processes):
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
    """What is done of a trajectory, and the frames that are left."""

    def __init__(self, trajectory, table, asked):
        self.trajectory, self.table, self.asked = trajectory, table, asked
        self.sizes, self.positions = [], []  # of frames read but not yet saved
        self.resumable = table is not None and isinstance(trajectory, (str, Path))
        self.first, self.tracker, self.done, self.size = None, None, 0, 0

    @property
    def state_path(self):
        return self.table.with_name(f'{self.table.stem}.state.npz')

    def old_rows(self):
        """Rows of an earlier call that still hold; sets where to go on."""
        if isinstance(self.trajectory, (str, Path)):
            self.first, _ = next(frames(self.trajectory), (None, 0))
        if not self.resumable or self.first is None or not self.state_path.exists() or not self.table.exists():
            return []
        with np.load(self.state_path) as data:
            state, last = json.loads(str(data['state'])), data['last']
        size = Path(self.trajectory).stat().st_size
        same = {key: state.get(key) for key in self.asked} == json.loads(json.dumps(self.asked))
        if not same or state['digest'] != self._digest() or state['size'] > size:
            log.info('%s is of other settings or another trajectory; starting again', self.table)
            return []
        rows = _read(self.table)
        if len(rows) < state['frames']:
            return []
        self.done, self.size = state['frames'], state['size']
        self.tracker = Unwrapper(self.first)
        self.tracker.last = last
        return rows[: self.done]

    def frames(self):
        """Number, structure and displacements of each frame left."""
        for k, (atoms, end) in enumerate(frames(self.trajectory, self.size, self.done), self.done):
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
        """Write the table, then how far it goes."""
        self.table.parent.mkdir(parents=True, exist_ok=True)
        _replace(self.table, lambda path: pandas.DataFrame(rows).to_csv(path, index=False))
        new = len(rows) - self.done
        if not self.resumable or new == 0:
            return
        self.size, self.done = self.sizes[new - 1], len(rows)
        last = self.positions[new - 1]
        del self.sizes[:new], self.positions[:new]
        state = {**self.asked, 'digest': self._digest(), 'size': self.size, 'frames': self.done}

        def write(path):
            with open(path, 'wb') as file:
                np.savez(file, state=json.dumps(state), last=last)

        _replace(self.state_path, write)

    def _digest(self):
        parts = (self.first.numbers, self.first.positions, self.first.cell[:], self.first.get_tags())
        return hashlib.sha256(b''.join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()


def _read(table):
    """Rows of a table with the very numbers that were written."""
    with open(table, newline='') as file:
        return [{name: _number(text) for name, text in line.items()} for line in csv.DictReader(file)]


def _number(text):
    if not text:
        return np.nan
    return int(text) if text.lstrip('-').isdigit() else float(text)


def _replace(path, write):
    temporary = path.with_name(f'.{path.name}.part')
    write(temporary)
    os.replace(temporary, path)


def _computed(source, first, work, processes):
    """Rows of frames in order, at most a few frames ahead of them in memory."""
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
    settings, observables, interval = _WORK
    try:
        frame = Frame(atoms, settings, moved, _REFERENCE)
        time = atoms.info.get('time_ps', np.nan if interval is None else k * interval)
        out = {'frame': k, 'time_ps': float(time), 'temperature_K': _temperature(atoms), **row(frame, observables)}
    except ValueError as error:
        raise ValueError(f'frame {k}: {error}') from None
    return out


def _temperature(atoms):
    if 'temperature_K' in atoms.info:
        return float(atoms.info['temperature_K'])
    return float(atoms.get_temperature()) if atoms.has('momenta') else np.nan
