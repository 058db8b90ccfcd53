"""Runs of a study: several at a time, each in a folder; repeated calls add what is missing."""

from __future__ import annotations

import csv
import io
import logging
import os
import queue
import sys
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from tqdm import tqdm

from ..io.files import save_text
from ..io.identity import differences
from ..jobs import record
from ..jobs.folder import JobFolder
from ..labelling.pool import LocalPool
from .plan import Plan, read_plan
from .work import Work, carry_out, finished, read_finished

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Executor

log = logging.getLogger(__name__)
FILE, OVERVIEW = 'study.json', 'study.csv'
COLUMNS = ('condition', 'seed', 'status', 'time_ps', 'seconds', 'reason', 'folder')


@dataclass
class StudySummary:
    """Summary of a call of :func:`study`; ``print`` shows it as text.

    Attributes
    ----------
    folder : Path
    rows : list of dict
        One entry per run, as in ``study.csv``.
    computed : int
        Number of runs that this call finished.
    seconds : float
        Duration of this call.
    """

    folder: Path
    rows: list = field(default_factory=list)
    computed: int = 0
    seconds: float = 0.0

    @property
    def failed(self) -> list[dict]:
        """Rows of the runs that ended with an error."""
        return [row for row in self.rows if row['status'] == 'failed']

    def __str__(self):
        done = sum(row['status'] == 'finished' for row in self.rows)
        lines = [f'{len(self.rows)} runs: {done} finished ({self.computed} in this call, {self.seconds:.0f} s), '
                 f'{len(self.failed)} failed, {len(self.rows) - done - len(self.failed)} waiting']  # fmt: skip
        for name in dict.fromkeys(row['condition'] for row in self.rows):
            runs = [row for row in self.rows if row['condition'] == name]
            lines.append(f'  {name:24}{sum(row["status"] == "finished" for row in runs)} of {len(runs)} seeds')
        lines += [f'failed: {row["condition"]}, seed {row["seed"]}: {row["reason"]}' for row in self.failed]
        lines.append(f'overview  {self.folder / OVERVIEW}')
        return '\n'.join(lines)


def study(
    plan: Plan | str | Path,
    folder: str | Path,
    *,
    only: Iterable[str] = (),
    processes: int | None = None,
    executor: Executor | None = None,
    progress: bool = True,
) -> StudySummary:
    """Simulate and analyse all runs of a study, or those that are missing.

    The call can be repeated at any time, also after a crash or with more conditions, seeds or a longer time: finished
    runs are kept, and interrupted ones continue from their last checkpoint. The first seed of all conditions is run
    first, then the second one, and so on. A run that fails does not stop the others; the next call tries it again.

    Parameters
    ----------
    plan : Plan or path
        See :func:`.read_plan`.
    folder : path
        New folder, or that of an earlier call. Each run has the folder ``CONDITION/seed-N`` as written by
        ``mlffvv run``, with ``timeline.csv``, ``timeline.parquet``, and ``frames.vvtraj`` if the plan keeps frames.
    only : sequence of str
        Names of the conditions to run; by default, all.
    processes : int, optional
        Number of runs at a time on this machine, each in a separate process. The default is the number of processors
        divided by the largest number of threads of a run, which is 1 unless the plan gives ``threads``.
    executor : concurrent.futures.Executor, optional
        Executor to use instead, for example that of Dask on a cluster with a file system that all nodes share; see
        :func:`ase_mlffvv.labelling.label`. It is not shut down.
    progress : bool
        Show a progress bar, counted in picoseconds.

    Returns
    -------
    StudySummary

    Raises
    ------
    FileExistsError
        The folder belongs to something else, or another process is working in it.
    ValueError
        The plan is wrong, or a condition of an earlier call now has other options.
    KeyboardInterrupt
        Ctrl-C was pressed. The message explains how to continue.
    """
    begin, folder = perf_counter(), Path(folder).absolute()
    plan = plan if isinstance(plan, Plan) else read_plan(plan)
    unknown = sorted(set(only) - set(plan.conditions))
    if unknown:
        raise ValueError(f'there is no condition {", ".join(unknown)}; there are {", ".join(plan.conditions)}')
    if processes is not None and not (isinstance(processes, int) and processes >= 1):
        raise ValueError(f'processes must be a whole number, 1 or more; got {processes!r}')
    summary = StudySummary(folder)
    with JobFolder(folder, FILE, {'study': plan.name}, what='a study') as held:
        held.save(conditions=_grown(held.entries.get('conditions', {}), plan, folder))
        jobs = [_Job(c, seed, work_of(plan, c, seed, folder)) for c, seed in plan.runs()]
        todo = [job for job in jobs if not (only and job.condition.name not in only) and not finished(job.work)]
        try:
            for _ in _run(todo, executor, processes or _processes(plan), progress):
                summary.computed += 1
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"stopped; what was computed until the last checkpoints is kept in '{folder}'. To go on, give the same "
                'command again'
            ) from None
        finally:
            summary.rows = [job.row(folder) for job in jobs]
            _write(folder, summary.rows)
    summary.seconds = perf_counter() - begin
    return summary


def work_of(plan: Plan, condition, seed: int, folder: Path) -> Work:
    """The run of a condition with a seed."""
    path = Path(folder) / condition.name / f'seed-{seed}'
    return Work(path, {**condition.options, 'seed': seed}, condition.calculator, condition.settings, plan.analysis,
                plan.frames)  # fmt: skip


class _Job:
    """A run and what became of it."""

    def __init__(self, condition, seed, work):
        self.condition, self.seed, self.work, self.reason = condition, seed, work, None

    @property
    def done(self):
        """Picoseconds simulated so far, at most as many as are wanted."""
        if read_finished(self.work.folder) is not None and finished(self.work):
            return self.condition.time
        return min(_last_time(self.work.folder / record.LOG), self.condition.time)

    def row(self, folder):
        end = finished(self.work)
        found = read_finished(self.work.folder) or {'seconds': ''}
        status = 'finished' if end else 'failed' if self.reason else 'waiting'
        return {'condition': self.condition.name, 'seed': self.seed, 'status': status, 'time_ps': round(self.done, 6),
                'seconds': found['seconds'], 'reason': self.reason or '',
                'folder': self.work.folder.relative_to(folder).as_posix()}  # fmt: skip


def _grown(before, plan, folder):
    """Identities of the conditions so far and of this call; a condition that changed is refused."""
    for name, condition in plan.conditions.items():
        changes = differences(before[name], condition.identity) if name in before else []
        if changes and any((folder / name).glob(f'*/{record.CHECKPOINT}')):
            raise ValueError(
                f"condition '{name}' has other options than the runs in '{folder / name}' ({'; '.join(changes)}). Give "
                'it another name, or remove these runs.'
            )
    return {**before, **{name: condition.identity for name, condition in plan.conditions.items()}}


def _processes(plan):
    threads = max(c.options.get('threads') or 1 for c in plan.conditions.values())
    found = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    return max(1, found // threads)


def _run(todo, executor, processes, progress):
    """Carry out runs, and yield each that is finished."""
    if not todo:
        return
    pool = LocalPool(min(processes, len(todo))) if executor is None else None
    answers, running = queue.SimpleQueue(), {}
    try:
        with tqdm(total=sum(job.condition.time for job in todo), initial=sum(job.done for job in todo), unit='ps',
                  desc='study', disable=not progress, smoothing=0.05) as bar:  # fmt: skip
            for job in todo:
                future = (pool or executor).submit(carry_out, job.work)
                running[future] = job
                future.add_done_callback(answers.put)
            while running:
                try:
                    future = answers.get(timeout=5 if progress else 60)
                except queue.Empty:
                    _show(bar, todo)
                    continue
                job = running.pop(future)
                try:
                    future.result()
                    with tqdm.external_write_mode():
                        log.info('%s, seed %d: finished', job.condition.name, job.seed)
                    yield job
                except Exception as error:
                    job.reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
                    with tqdm.external_write_mode():
                        log.warning('%s, seed %d failed: %s', job.condition.name, job.seed, error)
                _show(bar, todo)
    finally:
        for future in running:
            future.cancel()
        if pool:
            pool.kill()


def _show(bar, todo):
    """Bring the bar to the number of picoseconds that the logs of the runs report."""
    bar.n = max(bar.n, sum(job.done for job in todo))
    if sys.stderr.isatty() or bar.n >= bar.total:
        bar.refresh()


def _last_time(path):
    """Time (ps) in the last complete line of a log, or 0."""
    try:
        with open(path, 'rb') as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 1000))
            lines = file.read().split(b'\n')[:-1]
        return float(lines[-1].split(b',')[1])
    except (OSError, IndexError, ValueError):
        return 0.0


def _write(folder, rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator='\n')
    writer.writeheader()
    writer.writerows(rows)
    save_text(folder / OVERVIEW, text.getvalue())
