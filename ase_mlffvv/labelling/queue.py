"""The labelling queue: reference energies and forces of many structures; it can be interrupted and resumed."""

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
from tqdm.auto import tqdm

from ..checks import check_whole
from ..errors import DatasetError, StructureError, check_structure, some
from ..io.datasets import group_of
from ..io.files import save_json, save_text
from ..io.html import table
from ..io.identity import digest_of
from .compute import Task, compute, reason_of, with_labels, without_labels
from .engines import check_program, check_settings, code_of, find_engine
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
    """Summary of a labelling job; ``print`` shows it as text.

    Attributes
    ----------
    folder : Path
    structures : int
        Number of structures in the list.
    labelled : int
        Number of these with labels, which are in ``labelled.extxyz``.
    computed : int
        Number of structures calculated by this call. The others were already finished.
    safe : list of int
        Indices of structures that were labelled with the safer settings.
    failed : list of (int, str, str)
        Index, directory and reason of each failure.
    seconds : float
        Duration of this call.
    """

    folder: Path
    structures: int
    labelled: int = 0
    computed: int = 0
    safe: list = field(default_factory=list)
    failed: list = field(default_factory=list)
    seconds: float = 0.0

    def _repr_html_(self):
        rows = [
            ('structures', self.structures),
            ('labelled', f'{self.labelled} ({self.computed} computed now, {self.seconds:.0f} s)'),
            ('not yet computed', self.structures - self.labelled - len(self.failed)),
            ('with safer settings', some(self.safe) or 'none'),
            ('failed', len(self.failed)),
            *((f'structure {k}', reason) for k, _, reason in self.failed[:10]),
            ('labels', self.folder / LABELLED),
            ('overview', self.folder / TABLE),
        ]
        return table(rows, caption='Labels')

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
    """Label structures with a reference calculator, each in a separate directory.

    The call can be repeated at any time, also after a crash. Finished results are read and not computed again, even if
    structures have been added to the list or their order has changed. Calculations that fail are repeated once with
    safer settings. If they fail again, they are listed with the reason.

    Parameters
    ----------
    frames : sequence of Atoms
        Elements, positions, cell, periodicity, initial charges and magnetic moments are passed to the calculator;
        constraints, ``info`` and earlier labels are not.
    calculator : str or callable
        A name (``'emt'``, ``'vv'``; see ``ase_mlffvv.labelling.engines.ENGINES``), an import path
        ``'module:function'``, or a function of a module:
        ``function(atoms, safe, directory, **settings) -> ASE calculator``. ``safe`` is True for the second attempt;
        files should be written to ``directory``, a Path. A function with the attribute ``periodic = True`` requires
        structures with three cell vectors.
    folder : path
        New folder, or that of an earlier call with the same calculator and settings.
    settings : dict, optional
        Keyword arguments of the function, consisting of numbers, text, lists and dicts. If one is the name of a file,
        the content of the file is part of the settings.
    processes : int
        Number of calculations at a time on this machine, each in a separate process. The processors are divided
        equally among them unless ``OMP_NUM_THREADS`` is set.
    executor : concurrent.futures.Executor, optional
        Executor to use instead of processes on this machine. It is not shut down. See Notes.
    retry_failed : bool
        Repeat calculations that failed in an earlier call.
    overwrite : bool
        Begin anew in a folder that holds labels with other settings, which are removed, or other files, which stay.
    progress : bool
        Show a progress bar, counted in atoms.

    Returns
    -------
    LabelSummary

    Raises
    ------
    DatasetError, StructureError
        No calculator can evaluate a structure.
    FileExistsError
        The folder belongs to something else, or another process is working in it.
    ValueError, TypeError
        Calculator or settings cannot be used, or differ from those of the folder.
    ImportError
        The program of the calculator is not installed.
    KeyboardInterrupt
        Ctrl-C was pressed. The message explains how to continue.

    Notes
    -----
    ``labelled.extxyz`` contains the labelled structures in the order of the list, with ``REF_energy`` (eV),
    ``REF_forces`` (eV/Å) and, if the calculator provides them, ``REF_energies`` (eV) and ``REF_stress`` (eV/Å^3, six
    Voigt components, tensile positive), ready for ``mlffvv fit``. ``REF_energy`` is the free energy if the calculator
    provides it, because forces are its negative gradient; the other energy is then stored as ``label_energy``. Entries
    of a calculator's ``extra_results`` get names such as ``REF_surface``, the surface of the cavity in a solvent. The
    origin of the labels is stored in ``label_calculator``, ``label_code``, ``label_parameters``, ``label_settings`` and
    so on. ``labels.csv`` is an overview; ``failed.extxyz`` contains the structures without labels. Changes to the text
    of your own function are detected, but changes to functions that it calls are not: pass everything that affects the
    labels as settings.

    On a cluster with a file system that all nodes share, pass an executor, such as that of Dask::

        cluster = dask_jobqueue.SLURMCluster(cores=16, processes=1, memory='60GB', walltime='12:00:00')
        cluster.scale(jobs=20)
        with cluster, Client(cluster) as client:
            label(frames, 'my_dft:make', 'labels', executor=client.get_executor())

    The workers must be able to import the module of the function. If the job ends before all structures are labelled,
    start it again.

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
    if executor is None:  # its workers may run elsewhere
        check_program(function, name)
    _check_structures(frames, name, getattr(function, 'periodic', False))
    processes = check_whole(processes, 'processes', low=1)
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
            for job in jobs:  # some may have ended in the meantime
                job.record = job.record or read_record(job.directory, job.hash, len(job.atoms))
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
    """The job of each structure; identical structures share one."""
    known, jobs, order = find_records(folder), {}, []
    for k, atoms in enumerate(frames):
        atoms = bare(atoms)
        digest = hash_of(atoms, settings_hash)
        directory = known.setdefault(digest[:12], folder.resolve() / f'{k:05d}-{digest[:12]}')
        if digest not in jobs:
            record = read_record(directory, digest, len(atoms))
            again = retry_failed and record is not None and record['status'] == 'failed'
            jobs[digest] = _Job(atoms, digest, directory, None if again else record)
        order.append(jobs[digest])
    return order


def _run_all(jobs, task, executor, processes, progress):
    """Compute jobs that are not finished, and yield each when it ends."""
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
    """Compute jobs, repeat each failure once with safer settings, and yield each job that is finished."""
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
                    bar.refresh()  # updates the elapsed time during long calculations
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
                save_json(job.directory / RESULT, record, checksum=True)
            job.record = record
            bar.update(len(job.atoms))
            bar.set_postfix_str(f'{failed} failed' if failed else '', refresh=False)
            yield job
    finally:
        for future in running:
            future.cancel()


def _answer(future):
    """Record of a calculation. A process that did not answer, e.g. because it was killed, counts as a failure."""
    try:
        return future.result()
    except (WorkerCannotStart, BrokenExecutor) as error:
        raise RuntimeError(
            f'no more calculations can be started: {error} What is finished is kept; give the call again.'
        ) from error
    except (Exception, CancelledError) as error:
        return {'status': 'failed', 'reason': reason_of(error), 'traceback': f'{error}\n'}


def _note_failure(job, safe, record):
    """Write the error of each attempt to ``error.txt``."""
    job.directory.mkdir(exist_ok=True)
    path = job.directory / ERROR
    before = path.read_text(encoding='utf-8') + '\n' if path.exists() else ''
    attempt = 'second attempt, safer settings' if safe else 'first attempt'
    save_text(path, f'{before}{attempt}: {record["reason"]}\n\n{record["traceback"]}')


def _write(folder, frames, jobs, summary):
    """Write structures and overview, and update the summary."""
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
