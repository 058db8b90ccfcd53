"""Report of a run as a folder with a table, figures, and one page that contains all results."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase.io import write

from ase_mlffvv.io.files import complete, refuse_existing
from ase_mlffvv.io.reading import FileType
from ase_mlffvv.jobs.folder import JobFolder
from ase_mlffvv.pages.page import png

from . import figures
from .extras import need
from .frame import Settings
from .keyframes import choose_frames, keyframes
from .report_page import build_page
from .stream import frames, trajectory_of
from .timeline import digest_of_frame, timeline
from .times import Clock, axis_of

if TYPE_CHECKING:
    from collections.abc import Sequence


FIGURES = ('snapshots', 'profiles', 'morphology', 'phases', 'stages', 'shape', 'map')
IN_ROW = 5  # frames that fit side by side in a picture
PAGE, TABLE, PARQUET, COLOURED = 'index.html', 'timeline.csv', 'timeline.parquet', 'coloured.extxyz'
WRITES = (PAGE, TABLE, PARQUET, COLOURED, 'timeline.state', *(f'{name}.png' for name in FIGURES))


def report(
    trajectory: str | Path,
    folder: str | Path,
    *,
    settings: Settings | None = None,
    frame_time_ps: float | None = None,
    timestep_fs: float | None = None,
    kind: FileType | None = None,
    processes: int = 1,
    pictures: int | Sequence[int] = 8,
    ovito: bool | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> Path:
    """Analyse a trajectory and write a report to a folder. A later call computes only new frames.

    Parameters
    ----------
    trajectory : path
        See :func:`mlffvv_analysis.timeline.timeline`.
    folder : path
        Folder for ``timeline.csv``, ``timeline.parquet``, ``coloured.extxyz`` (some frames with all arrays, for
        ``ase gui``), figures as PNG, and ``index.html``, a page to explore that needs no other file.
    settings, frame_time_ps, timestep_fs, kind, processes, progress
        As for :func:`mlffvv_analysis.timeline.timeline`.
    pictures : int or sequence of int
        Number of frames to show, which are chosen where something happens (see
        :func:`mlffvv_analysis.keyframes.choose_frames`), or the frames themselves.
    ovito : bool, optional
        Whether to draw with OVITO. The default is to use OVITO if it can draw (which requires a Vulkan driver), and
        matplotlib otherwise.
    overwrite : bool
        Begin anew in a folder that holds a report of another trajectory or with other settings, which is removed, or
        other files, which are replaced only if they have names of files of a report.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    FileExistsError
        The folder holds other files, the trajectory is a file of the report, or another process is working there.
    ValueError
        The folder holds a report of another trajectory or with other settings; or see the timeline.
    """
    need('pandas')
    trajectory = trajectory_of(trajectory)
    if np.ndim(pictures) == 0 and (int(pictures) != pictures or pictures < 1):
        raise ValueError(f'pictures must be 1 or more, or a list of frames, got {pictures!r}')
    settings = settings or Settings()
    folder = Path(folder)
    first, _ = next(frames(trajectory, kind=kind), (None, 0))
    if first is None:
        raise ValueError(f"'{trajectory}' has no complete frame")
    for name in WRITES:
        refuse_existing(folder / name, overwrite=True, inputs=[trajectory])
    clock = Clock(frame_time_ps, timestep_fs)
    identity = {'settings': asdict(settings), **asdict(clock), 'first frame': digest_of_frame(first)}
    with JobFolder(folder, 'report.json', identity, what='a report', writes=WRITES, overwrite=overwrite):
        return _write(trajectory, folder, settings, clock, kind, processes, pictures, ovito, overwrite, progress)


def _write(trajectory, folder, settings, clock, kind, processes, pictures, ovito, overwrite, progress):
    """Write all files of the report, and return the path of the page."""
    table = timeline(trajectory, folder / TABLE, settings=settings, **asdict(clock), kind=kind, processes=processes,
                     overwrite=overwrite, progress=progress)  # fmt: skip
    _parquet(table, folder / PARQUET)
    axis = axis_of(table)
    chosen = choose_frames(table, pictures) if np.ndim(pictures) == 0 else _given(pictures, len(table))
    picked = keyframes(trajectory, chosen, settings, table['time_ps'], kind)
    for frame, value in zip(picked, axis.values[list(chosen)]):
        frame.atoms.info['when'] = axis.tell(value)
    with complete(folder / COLOURED) as temporary:
        write(temporary, [frame.coloured() for frame in picked], format='extxyz')
    drawn = _figures(table, picked, ovito)
    for name, (figure, _) in drawn.items():
        with complete(folder / f'{name}.png') as temporary:
            temporary.write_bytes(png(figure))
    shown = {name: drawn[name] for name in ('snapshots', 'profiles', 'map') if name in drawn}
    page = build_page(trajectory, table, picked, chosen, settings, shown, ovito)
    page.save(folder / PAGE)
    return folder / PAGE


def _given(numbers, count):
    """The frames that the caller wants, in order, without reasons."""
    numbers = sorted({int(k) for k in numbers})
    if not numbers or numbers[0] < 0 or numbers[-1] >= count:
        raise ValueError(f'frames to show must lie from 0 to {count - 1}, got {numbers}')
    return dict.fromkeys(numbers, '')


def _figures(table, picked, ovito):
    """Figures and their captions by name."""
    row = [picked[k] for k in np.unique(np.linspace(0, len(picked) - 1, IN_ROW).round().astype(int))]
    parts = {
        'snapshots': (figures.snapshots(row, ovito=ovito), 'Seen from the side, along [1-10]. Upper row: whole, by '
                      'crystal structure; below: cut through the middle of the column, by grain and by atomic energy.'),
        'profiles': (figures.profiles_figure(picked), 'Outlines of the upper half seen from above, and radius against '
                     'height.'),
        'morphology': (figures.morphology_figure(table, picked), ''),
        'phases': (figures.phase_figure(table), ''),
        'stages': (figures.stages_figure(table), ''),
        'shape': (figures.shape_figure(table, picked), ''),
    }  # fmt: skip
    try:
        figure, score = figures.map_figure(picked[-1])
    except ValueError:  # there are few atoms or all are alike, so that there is nothing to map
        return parts
    parts['map'] = (figure, 'After Fig. 1c of Zhang et al. (2023): t-SNE of radial and bond-order features of the '
                    f'last frame. Silhouette of surface, subsurface and inner atoms: {score:.2f}.')  # fmt: skip
    return parts


def _parquet(table, path):
    """Write the table as Parquet if pyarrow is installed."""
    try:
        need('pyarrow')
    except ImportError:
        return
    with complete(path) as temporary:
        table.to_parquet(temporary)
