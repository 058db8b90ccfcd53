"""The labelling queue: reference energies and forces of many structures, stopped and resumed at will."""

from __future__ import annotations

import csv
import io
import queue
import sys
from concurrent.futures import BrokenExecutor, CancelledError
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from tqdm import tqdm

from ..errors import DatasetError, StructureError, check_structure, some
from ..io.datasets import group_of
from ..io.files import save_json, save_text
from ..io.identity import digest_of
from .compute import Task, compute, reason_of, with_labels, without_labels
from .engines import check_settings, code_of, find_engine
from .pool import LocalPool, WorkerCannotStart
from .store import (
    ERROR,
    FAILED,
    LABELLED,
    RESULT,
    TABLE,
    bare,
    find_records,
    hash_of,
    identity_of,
    job_folder,
    read_record,
    save_structures,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Executor
    from typing import Any


COLUMNS = ('index', 'directory', 'status', 'group', 'formula', 'atoms', 'energy_eV', 'energy_eV_per_atom',
           'max_force_eV_per_A', 'seconds', 'reason')  # fmt: skip


@dataclass
class LabelSummary:
    """What a labelling job has done; ``print`` shows it as text.

    Attributes
    ----------
    folder : Path
    structures : int
        Of the list.
    labelled : int
        Of these, with labels; they stand in ``labelled.extxyz``.
    computed : int
        Calculated by this call; the others were found finished.
    safe : list of int
        Structures that were labelled with the safer settings.
    failed : list of (int, str, str)
        Index, directory and reason of each failure.
    seconds : float
        Of this call.
    """

    folder: Path
    structures: int
    labelled: int = 0
    computed: int = 0
    safe: list = field(default_factory=list)
    failed: list = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self):
        waiting = self.structures - self.labelled - len(self.failed)
        lines = [f'{self.structures} structures: {self.labelled} labelled, {len(self.failed)} failed'
                 + (f', {waiting} not yet computed' if waiting else '')
                 + f' ({self.computed} computed now, {self.seconds:.0f} s)']  # fmt: skip
        if self.safe:
            lines.append(f'only with safer settings: structures {some(self.safe)}')
        lines += [f'failed: structure {k}: {reason} ({self.folder / name / ERROR})' for k, name, reason in
                  self.failed[:10]]  # fmt: skip
        if len(self.failed) > 10:
            lines.append(f'... and {len(self.failed) - 10} more, see {TABLE}')
        if self.failed:
            lines.append('to try these again: --retry-failed (retry_failed=True in Python)')
        lines.append(f'labels    {self.folder / LABELLED}')
        lines.append(f'overview  {self.folder / TABLE}')
        return '\n'.join(lines)


def label(
    frames: Iterable[Atoms],
    calculator: str | Callable,
    folder: str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    processes: int = 1,
    executor: Executor | None = None,
    retry_failed: bool = False,
    overwrite: bool = False,
    progress: bool = True,
) -> LabelSummary:
    """Label structures with a reference calculator, each in a directory of its own.

    The call may be repeated at any time, after a crash too: what is finished is read, not computed again, also when
    the list of structures has grown or has another order. Calculations that fail are tried once more with safer
    settings, then set apart with their reason.

    Parameters
    ----------
    frames : sequence of Atoms
        Elements, positions, cell, periodicity, initial charges and magnetic moments are passed on; constraints,
        ``info`` and earlier labels are not.
    calculator : str or callable
        A name (``'emt'``, ``'vv'``; see ``ase_mlffvv.labelling.engines.ENGINES``), an import path
        ``'module:function'``, or a function of a module:
        ``function(atoms, safe, directory, **settings) -> ASE calculator``. ``safe`` is True at the second attempt;
        files belong into ``directory``, a Path. A function with the attribute ``periodic = True`` is given
        only structures with three cell vectors.
    folder : path
        New, or of an earlier call with the same calculator and settings.
    settings : dict, optional
        Keywords for the function, of numbers, text, lists and dicts. If one names a file, its content counts too.
    processes : int
        Calculations at a time on this machine, each in a process of its own; they share the processors evenly unless
        ``OMP_NUM_THREADS`` is set.
    executor : concurrent.futures.Executor, optional
        Where to compute instead; it is not shut down. See Notes.
    retry_failed : bool
        Try again what failed in an earlier call.
    overwrite : bool
        Begin anew in a folder that holds labels of other settings, which are then removed, or files of something
        else, which stay.
    progress : bool
        Show a progress bar, counted in atoms.

    Returns
    -------
    LabelSummary

    Raises
    ------
    DatasetError, StructureError
        Structures that no calculator can take.
    FileExistsError
        The folder belongs to something else, or another process works there.
    ValueError, TypeError
        Calculator or settings cannot be used, or differ from those of the folder.
    KeyboardInterrupt
        Ctrl-C, with a message how to go on.

    Notes
    -----
    ``labelled.extxyz`` holds the labelled structures in the order of the list, with ``REF_energy`` (eV),
    ``REF_forces`` (eV/Å) and, where the calculator has them, ``REF_energies`` (eV) and ``REF_stress`` (eV/Å^3, six
    Voigt numbers, tensile positive), ready for ``mlffvv fit``. ``REF_energy`` is the free energy where the calculator
    tells it, because forces are its gradient; the other energy is then ``label_energy``. Entries of a calculator's
    ``extra_results`` get names such as ``REF_surface``, the surface of the cavity in a solvent. Where labels come from
    stands in ``label_calculator``, ``label_code``, ``label_parameters``, ``label_settings`` and so on. ``labels.csv``
    is the overview; ``failed.extxyz`` holds structures without labels. Changes of a function of yours are noticed,
    but not those of what it calls: pass what matters as settings.

    On a cluster, with a file system that all nodes share, give an executor, such as Dask's::

        cluster = dask_jobqueue.SLURMCluster(cores=16, processes=1, memory='60GB', walltime='12:00:00')
        cluster.scale(jobs=20)
        with cluster, Client(cluster) as client:
            label(frames, 'my_dft:make', 'labels', executor=client.get_executor())

    The workers must be able to import the function's module. When the job ends before the list does, start it again.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from ase_mlffvv.labelling import label
    >>> if __name__ == '__main__':                                          # doctest: +SKIP
    ...     print(label([bulk('Cu'), bulk('Al')], 'emt', 'labels', processes=2))
    """
    start = perf_counter()
    frames, settings, folder = list(frames), dict(settings or {}), Path(folder)
    function, name = find_engine(calculator)
    check_settings(function, name, settings)
    _check_structures(frames, name, getattr(function, 'periodic', False))
    if executor is None and not (isinstance(processes, int) and processes >= 1):
        raise ValueError(f'processes must be a whole number, 1 or more; got {processes!r}')
    identity = identity_of(name, settings)
    facts = {'calculator': name, 'settings': settings, 'settings_hash': digest_of(identity)}
    summary = LabelSummary(folder, len(frames))
    with job_folder(folder, identity, code_of(function, name), overwrite):
        jobs = _jobs(frames, folder, facts['settings_hash'], retry_failed)

        def task(job, safe):
            return Task(job.atoms, calculator, settings, safe, job.directory, {**facts, 'hash': job.hash})

        try:
            for _ in _run_all(jobs, task, executor, processes, progress):
                summary.computed += 1
        except KeyboardInterrupt:
            for job in jobs:  # some may have ended meanwhile
                job.record = job.record or read_record(job.directory, job.hash)
            _write(folder, frames, jobs, summary)
            raise KeyboardInterrupt(
                f"stopped with {summary.labelled} of {summary.structures} structures labelled in '{folder}'; to go on, "
                'give the same command again'
            ) from None
        _write(folder, frames, jobs, summary)
    summary.seconds = perf_counter() - start
    return summary


@dataclass
class _Job:
    """One distinct structure of the list."""

    atoms: Atoms
    hash: str
    directory: Path
    record: dict | None


def _check_structures(frames, name, periodic):
    if not frames:
        raise DatasetError('there are no structures to label: the list is empty')
    for k, atoms in enumerate(frames):
        if not isinstance(atoms, Atoms):
            raise TypeError(f'structure {k} must be an ase.Atoms, got {type(atoms).__name__}')
        if len(atoms) == 0:
            raise DatasetError(f'structure {k} has no atoms')
        try:
            check_structure(atoms.positions, atoms.cell[:], atoms.pbc)
        except StructureError as error:
            raise StructureError(f'structure {k}: {error}') from None
    flat = [k for k, atoms in enumerate(frames) if atoms.cell.rank < 3] if periodic else []
    if flat:
        raise StructureError(
            f"calculator '{name}' is periodic and needs three cell vectors; {len(flat)} of {len(frames)} structures "
            f'have fewer (structures {some(flat)}). Put vacuum around them: atoms.center(vacuum=6); atoms.pbc = True.'
        )


def _jobs(frames, folder, settings_hash, retry_failed):
    """The job of each structure; equal structures share one."""
    known, jobs, order = find_records(folder), {}, []
    for k, atoms in enumerate(frames):
        atoms = bare(atoms)
        digest = hash_of(atoms, settings_hash)
        directory = known.setdefault(digest[:12], folder.resolve() / f'{k:05d}-{digest[:12]}')
        if digest not in jobs:
            record = read_record(directory, digest)
            again = retry_failed and record is not None and record['status'] == 'failed'
            jobs[digest] = _Job(atoms, digest, directory, None if again else record)
        order.append(jobs[digest])
    return order


def _run_all(jobs, task, executor, processes, progress):
    """Compute what is not finished; yields each job as it ends."""
    unique = list({job.hash: job for job in jobs}.values())
    todo = [job for job in unique if job.record is None]
    atoms = sum(len(job.atoms) for job in unique)
    done = atoms - sum(len(job.atoms) for job in todo)
    pool = LocalPool(min(processes, len(todo))) if executor is None and todo else None
    try:
        with tqdm(total=atoms, initial=done, unit='atom', desc='label', disable=not progress, smoothing=0.05) as bar:
            yield from _run(todo, task, pool or executor, bar)
    finally:
        if pool:
            pool.kill()


def _run(todo, task, executor, bar):
    """Compute jobs, each failure once more with safer settings; yields each job that is finished."""
    answers, running, failed = queue.SimpleQueue(), {}, 0

    def submit(job, safe):
        future = executor.submit(compute, task(job, safe))
        running[future] = job, safe
        future.add_done_callback(answers.put)

    try:
        for job in todo:
            for name in (RESULT, ERROR):
                (job.directory / name).unlink(missing_ok=True)
            submit(job, False)
        while running:
            try:
                future = answers.get(timeout=1)
            except queue.Empty:
                if sys.stderr.isatty():
                    bar.refresh()  # elapsed time, during long calculations
                continue
            job, safe = running.pop(future)
            record = _answer(future)
            if record['status'] == 'failed':
                _note_failure(job, safe, record)
                if not safe:
                    submit(job, True)
                    continue
                failed += 1
                record = {'status': 'failed', 'hash': job.hash, 'reason': record['reason']}
                save_json(job.directory / RESULT, record)
            job.record = record
            bar.update(len(job.atoms))
            bar.set_postfix_str(f'{failed} failed' if failed else '', refresh=False)
            yield job
    finally:
        for future in running:
            future.cancel()


def _answer(future):
    """Record of a calculation; one that could not even answer, such as a killed process, is a failure as well."""
    try:
        return future.result()
    except (WorkerCannotStart, BrokenExecutor) as error:
        raise RuntimeError(
            f'no more calculations can be started: {error} What is finished is kept; give the call again.'
        ) from error
    except (Exception, CancelledError) as error:
        return {'status': 'failed', 'reason': reason_of(error), 'traceback': f'{error}\n'}


def _note_failure(job, safe, record):
    """Tell in ``error.txt`` what went wrong at each attempt."""
    job.directory.mkdir(exist_ok=True)
    path = job.directory / ERROR
    before = path.read_text(encoding='utf-8') + '\n' if path.exists() else ''
    attempt = 'second attempt, safer settings' if safe else 'first attempt'
    save_text(path, f'{before}{attempt}: {record["reason"]}\n\n{record["traceback"]}')


def _write(folder, frames, jobs, summary):
    """Write structures and overview, and count them into the summary."""
    labelled, failed, rows = [], [], []
    for k, (atoms, job) in enumerate(zip(frames, jobs)):
        record, name = job.record, job.directory.name
        row = {'index': k, 'directory': name, 'group': group_of(atoms), 'formula': atoms.get_chemical_formula(),
               'atoms': len(atoms), 'status': 'waiting'}  # fmt: skip
        if record and record['status'] == 'done':
            energy = record.get('free_energy', record['energy'])
            row.update(status='safe' if record['safe'] else 'done', energy_eV=energy, seconds=record['seconds'],
                       energy_eV_per_atom=energy / len(atoms),
                       max_force_eV_per_A=float(np.linalg.norm(record['forces'], axis=1).max()))  # fmt: skip
            labelled.append(with_labels(atoms, record))
            if record['safe']:
                summary.safe.append(k)
        elif record:
            row.update(status='failed', reason=record['reason'])
            summary.failed.append((k, name, record['reason']))
            failed.append(without_labels(atoms))
            failed[-1].info.update(label_index=k, label_reason=record['reason'])
        rows.append(row)
    summary.labelled = len(labelled)
    for name, structures in ((LABELLED, labelled), (FAILED, failed)):
        if structures:
            save_structures(folder / name, structures)
        else:
            (folder / name).unlink(missing_ok=True)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator='\n')
    writer.writeheader()
    writer.writerows(rows)
    save_text(folder / TABLE, text.getvalue())
