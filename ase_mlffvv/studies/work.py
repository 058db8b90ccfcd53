"""One run of a study: simulate, analyse, keep some frames. Each stage continues where an earlier call was stopped."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from multiprocessing import parent_process
from pathlib import Path
from threading import RLock
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from mlffvv_analysis import timeline as timelines
from mlffvv_analysis.frame import Settings
from tqdm import tqdm

from ..calculators import VVCalculator
from ..io.checkpoint import load_checkpoint
from ..io.files import complete, save_json
from ..io.identity import plain
from ..io.packed.frames import append_frame
from ..io.reading import read_structure
from ..jobs import record, resume, start
from ..jobs.options import CALCULATOR, build_structure, complete_options, settings_of
from ..labelling.engines import check_settings, find_engine

if TYPE_CHECKING:
    import pandas

FINISHED, TABLE, PARQUET, FRAMES = 'finished.json', 'timeline.csv', 'timeline.parquet', 'frames.vvtraj'


@dataclass(frozen=True)
class Work:
    """A run that a process carries out.

    Attributes
    ----------
    folder : Path
        Folder of the run, absolute.
    options : dict
        Options of ``mlffvv run`` that differ from the defaults, with the seed.
    calculator : str or None
    settings : dict
        Settings of that calculator.
    analysis : Settings
    frames : tuple of float
        Times (ps) of the frames to keep.
    """

    folder: Path
    options: dict
    calculator: str | None = None
    settings: dict = field(default_factory=dict)
    analysis: Settings = field(default_factory=Settings)
    frames: tuple = ()

    @property
    def steps(self) -> int:
        return settings_of(complete_options(self.options)).steps

    @property
    def wanted(self) -> dict:
        """What ``finished.json`` must say, except for the number of steps, which may be larger."""
        return plain({'analysis': identity_of(self.analysis), 'frames': list(self.frames)})


def identity_of(settings):
    """Settings of the analysis together with the version of its columns."""
    return {'version': timelines.VERSION, **asdict(settings)}


def finished(work: Work) -> bool:
    """Whether nothing is left to do: the run is long enough, and its timeline is that of this analysis."""
    found = read_finished(work.folder)
    return found is not None and found['steps'] >= work.steps and all(found[k] == v for k, v in work.wanted.items())


def read_finished(folder: Path) -> dict | None:
    """Entries of ``finished.json`` of a run, or None."""
    try:
        found = json.loads((folder / FINISHED).read_text(encoding='utf-8'))
        return found if {'steps', 'seconds', 'analysis', 'frames'} <= set(found) else None
    except (OSError, ValueError, TypeError):
        return None


def carry_out(work: Work) -> dict:
    """Simulate and analyse a run, or continue it.

    Returns
    -------
    dict
        Entries of ``finished.json``: ``steps``, ``seconds`` of computation of all calls that ended, and the identity of
        the analysis.
    """
    if parent_process() is not None:
        tqdm.set_lock(RLock())  # tqdm's own lock is a semaphore, which a killed process leaves behind
    begin, before = perf_counter(), read_finished(work.folder) or {'steps': -1, 'seconds': 0.0}
    steps = work.steps
    if before['steps'] < steps:
        steps = simulate(work)
    table = analyse(work.folder, work.analysis)
    keep_frames(work.folder, table, work.frames)
    entries = {'steps': max(steps, before['steps']), 'seconds': round(before['seconds'] + perf_counter() - begin, 1),
               **work.wanted}  # fmt: skip
    save_json(work.folder / FINISHED, entries)
    return entries


def simulate(work: Work) -> int:
    """Begin or continue the molecular dynamics, and return the number of steps at its end."""
    options, steps, checkpoint = complete_options(work.options), work.steps, work.folder / record.CHECKPOINT
    if checkpoint.exists():
        _, data = load_checkpoint(checkpoint, record.KIND)
        steps = max(steps, data['progress']['step'])  # the time may have been shortened
        if work.calculator is None:
            resume(work.folder, steps=steps, device=options['device'], threads=options['threads'], progress=False)
        else:
            resume(work.folder, _calculator(work, build_structure(work.options)[0]), steps=steps, progress=False)
        return steps
    atoms, source = build_structure(work.options)
    if work.calculator is None:
        calc = VVCalculator(options['model'], device=options['device'], threads=options['threads'],
                            **{name: options[name] for name in CALCULATOR})  # fmt: skip
    else:
        calc = _calculator(work, atoms)
        source = {**source, 'calculator': work.calculator, 'settings': plain(work.settings)}
    start(atoms, calc, work.folder, settings_of(options), source=source, progress=False)
    return steps


def analyse(folder: Path, settings: Settings | None = None) -> pandas.DataFrame:
    """Timeline of the run in a folder, written there as ``timeline.csv`` and ``timeline.parquet``.

    Only frames that are new since the last call are computed; a timeline with other settings or of an earlier version
    is replaced.
    """
    trajectory = record.trajectory_path(folder)
    table = timelines.timeline(trajectory, folder / TABLE, settings=settings, overwrite=True, progress=False)
    with complete(folder / PARQUET) as temporary:
        table.to_parquet(temporary, compression='zstd', index=False)
    return table


def keep_frames(folder: Path, table: pandas.DataFrame, times: tuple) -> None:
    """Write the frames of a run that are nearest to some times (ps) to ``frames.vvtraj``."""
    if not times:
        return
    trajectory, at = record.trajectory_path(folder), table['time_ps'].to_numpy()
    numbers = np.unique([int(abs(at - t).argmin()) for t in times if t <= at[-1] + 1e-9])
    with complete(folder / FRAMES) as temporary:
        for k in numbers:
            append_frame(temporary, read_structure(trajectory, int(k)))


def _calculator(work, atoms):
    """Calculator of a user."""
    function, name = find_engine(work.calculator)
    check_settings(function, name, work.settings)
    directory = work.folder / '.calculator'  # hidden, so that the folder of the run counts as empty
    directory.mkdir(parents=True, exist_ok=True)
    return function(atoms, safe=False, directory=directory, **work.settings)
