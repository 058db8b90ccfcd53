"""Report of a run as a folder with a table, figures, and one page that contains all results."""

from __future__ import annotations

import base64
import html
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase.io import write

from ase_mlffvv.io.files import complete, refuse_existing, save_text
from ase_mlffvv.jobs.folder import JobFolder

from . import figures
from .displacements import Unwrapper, segments
from .extras import need
from .frame import Frame, Settings
from .render import available
from .stream import frames
from .timeline import digest_of_frame, timeline
from .times import Clock, axis_of, when

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ase import Atoms


FIGURES = ('snapshots', 'morphology', 'phases', 'stages', 'shape', 'map')
PAGE, TABLE, PARQUET, COLOURED = 'index.html', 'timeline.csv', 'timeline.parquet', 'coloured.extxyz'
WRITES = (PAGE, TABLE, PARQUET, COLOURED, 'timeline.state', *(f'{name}.png' for name in FIGURES))

COLUMNS = (('height_A', 'height over substrate', 'Å', 1), ('aspect', 'height / base radius', '', 2),
           ('convexity', 'convexity, V / V(hull)', '', 3), ('kink_deg', 'kink angle', '°', 1),
           ('torsion_deg', 'torsion of the top', '°', 1), ('cn_surface', 'mean coordination of surface atoms', '', 2),
           ('surface_fraction', 'surface atoms of the column', '', 3),
           ('e_surface_eV', 'mean energy, surface', 'eV', 3),
           ('e_interior_eV', 'mean energy, grain interior', 'eV', 3),
           ('e_boundary_eV', 'mean energy, boundary', 'eV', 3), ('ptm_bcc_column', 'bcc below the skin', '', 3),
           ('n_grains', 'grains', '', 0), ('top_misorientation_deg', 'misorientation of the top', '°', 1),
           ('abs_dz_all_A', 'mean |Δz|, all atoms', 'Å', 2), ('dxy_all_A', 'mean displacement in the plane', 'Å', 2),
           ('detached', 'detached atoms', '', 0))  # fmt: skip


def report(
    trajectory: str | Path,
    folder: str | Path,
    *,
    settings: Settings | None = None,
    frame_time_ps: float | None = None,
    timestep_fs: float | None = None,
    processes: int = 1,
    pictures: int = 4,
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
        ``ase gui``), figures as PNG, and ``index.html``, a page that needs no other file.
    settings, frame_time_ps, timestep_fs, processes, progress
        As for :func:`mlffvv_analysis.timeline.timeline`.
    pictures : int
        Number of frames to show.
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
    if int(pictures) != pictures or pictures < 1:
        raise ValueError(f'pictures must be 1 or more, got {pictures!r}')
    settings = settings or Settings()
    folder = Path(folder)
    first, _ = next(frames(trajectory), (None, 0))
    if first is None:
        raise ValueError(f"'{trajectory}' has no complete frame")
    for name in WRITES:
        refuse_existing(folder / name, overwrite=True, inputs=[trajectory])
    clock = Clock(frame_time_ps, timestep_fs)
    identity = {'settings': asdict(settings), **asdict(clock), 'first frame': digest_of_frame(first)}
    with JobFolder(folder, 'report.json', identity, what='a report', writes=WRITES, overwrite=overwrite):
        return _write(trajectory, folder, settings, clock, processes, pictures, ovito, overwrite, progress)


def _write(trajectory, folder, settings, clock, processes, pictures, ovito, overwrite, progress):
    """Write all files of the report, and return the path of the page."""
    table = timeline(trajectory, folder / TABLE, settings=settings, **asdict(clock), processes=processes,
                     overwrite=overwrite, progress=progress)  # fmt: skip
    _parquet(table, folder / PARQUET)
    axis, numbers = axis_of(table), np.unique(np.linspace(0, len(table) - 1, pictures).round().astype(int))
    picked = keyframes(trajectory, numbers, settings, table['time_ps'])
    for frame, value in zip(picked, axis.values[numbers]):
        frame.atoms.info['when'] = axis.tell(value)
    with complete(folder / COLOURED) as temporary:
        write(temporary, [frame.coloured() for frame in picked], format='extxyz')
    body = [_summary(trajectory, table, picked, settings, ovito)]
    for name, (title, text, figure) in _figures(table, picked, ovito).items():
        data = BytesIO()
        figure.savefig(data, format='png', dpi=120)
        with complete(folder / f'{name}.png') as temporary:
            temporary.write_bytes(data.getvalue())
        code = base64.b64encode(data.getvalue()).decode()
        body.append(f'<h2>{html.escape(title)}</h2>\n<p>{html.escape(text)}</p>\n'
                    f'<img alt="{html.escape(title)}" src="data:image/png;base64,{code}">')  # fmt: skip
    page = folder / PAGE
    save_text(page, _PAGE.format(title=html.escape(Path(trajectory).name), body='\n'.join(body)))
    return page


def keyframes(
    trajectory: str | Path | Iterable[Atoms],
    numbers: Iterable[int],
    settings: Settings | None = None,
    times: Sequence[float] | None = None,
) -> list[Frame]:
    """Analyse some frames of a trajectory, with displacements relative to the first frame.

    Parameters
    ----------
    trajectory : path or iterable of Atoms
    numbers : sequence of int
    settings : Settings, optional
    times : sequence of float, optional
        Times of all frames, ps, which replace those of the trajectory; NaN where unknown.

    Returns
    -------
    list of Frame
    """
    wanted, out, tracker, first = set(int(k) for k in numbers), [], None, None
    for k, (atoms, _) in enumerate(frames(trajectory)):
        tracker = tracker or Unwrapper(atoms)
        moved = tracker.add(atoms)
        if times is not None and np.isfinite(times[k]):
            atoms.info['time_ps'] = float(times[k])
        first = first or Frame(atoms, settings)
        if k in wanted:
            out.append(Frame(atoms, settings, moved, first))
        if k >= max(wanted):
            break
    return out


def _figures(table, picked, ovito):
    last = picked[-1]
    parts = {
        'snapshots': (
            'Snapshots', 'Seen from the side, along [1-10]. Upper row: whole, by crystal structure; below: cut '
            'through the middle of the column, by grain and by atomic energy.', figures.snapshots(picked, ovito=ovito),
        ),
        'morphology': (
            'Outline, coordination, energy and displacements', 'After Fig. 4 of Zhang et al. (2023). Surface atoms '
            'are those of the column with fewer than 8 neighbors within the cutoff; their mean atomic energy is '
            'not the surface energy per area. The first frame, a crystal at rest, may lie off the scale.',
            figures.morphology_figure(table, picked),
        ),
        'phases': (
            'Crystal structure', 'Above: adaptive common neighbor analysis, the method of the paper, of all atoms; '
            'those at the surface and many warm ones count as other. Below: template matching, which bears more '
            'thermal motion, of the atoms below the skin.', figures.phase_figure(table),
        ),
        'stages': (
            'Stages', 'Energies by class of atom, rates of the mean displacements over all atoms (lines through '
            'windows of 2 ps, or of ten frames), plateaus and change points found automatically, grains and atoms '
            'between them.',
            figures.stages_figure(table),
        ),
        'shape': (
            'Shape', 'Height of the 99 % quantile of atoms; h/R is 1 for a hemisphere; kink of the line of slice '
            'centres; torsion of the outline of the upper half, not defined where it is round.',
            figures.shape_figure(table, picked),
        ),
    }  # fmt: skip
    try:
        figure, score = figures.map_figure(last)
    except ValueError:  # there are few atoms or all are alike, so that there is nothing to map
        return parts
    parts['map'] = (
        'Map of atomic surroundings', 'After Fig. 1c: t-SNE of radial and bond-order features of the last frame. '
        f'Silhouette of surface, subsurface and inner atoms in feature space: {score:.2f}.', figure,
    )  # fmt: skip
    return parts


def _summary(trajectory, table, picked, settings, ovito):
    first, last, axis = table.iloc[0], table.iloc[-1], axis_of(table)
    atoms = picked[0].atoms
    lines = [
        f'<p>{html.escape(str(trajectory))}: {len(atoms)} atoms, {len(table)} frames, {_span(axis)}. '
        f'Coordination cutoff {settings.cutoff:g} Å; atoms with exactly 8 neighbors count '
        f'as {settings.cn8} ({first["cn8_fraction"]:.1%} of the column in the first frame, {last["cn8_fraction"]:.1%} '
        'in the last).</p>',
        '<table><tr><th></th><th>first</th><th>last</th><th>lowest</th><th>highest</th></tr>',
    ]
    for name, label, unit, digits in COLUMNS:
        if table[name].notna().any():
            cells = ''.join(f'<td>{_number(v, digits)}</td>' for v in (first[name], last[name], table[name].min(),
                                                                       table[name].max()))  # fmt: skip
            lines.append(f'<tr><th>{label}{f" ({unit})" if unit else ""}</th>{cells}</tr>')
    lines.append('</table>')
    found = [f'{when(frame.atoms)}: {boundary}' for frame in picked for boundary in frame.boundaries]
    lines.append('<p>Boundaries between grains in the frames below: ' + ('none' if not found else '') + '</p>')
    lines += ['<ul>', *(f'<li>{html.escape(text)}</li>' for text in found), '</ul>'] if found else []
    parts, digits = segments(axis.values, table['dxy_all_A']), '.1f' if axis.unit == 'ps' else '.0f'
    slopes = '; '.join(
        f'{p.start:{digits}}–{axis.tell(p.stop) if axis.unit == "ps" else f"{p.stop:.0f}"}: {p.slope:+.3g} '
        f'Å/{axis.unit}{" (plateau)" if p.plateau else ""}'
        for p in parts
    )
    lines.append(f'<p>Mean displacement in the plane, by stages: {slopes or "too few frames"}.</p>')
    if table['e_mean_eV'].isna().all():
        lines.append('<p>The trajectory has no atomic energies (array <code>local_energy</code>).</p>')
    reason = available() if ovito is None else None
    if reason:
        why = html.escape(reason)
        lines.append(f'<p>Pictures are drawn with matplotlib, because OVITO cannot draw here: {why}</p>')
    lines.append('<p>All numbers: <code>timeline.csv</code>. Frames to look at: <code>ase gui coloured.extxyz</code>, '
                 'View, Colors.</p>')  # fmt: skip
    return '\n'.join(lines)


def _span(axis):
    """First and last time; without times, also what the axis is instead."""
    first, last = axis.values[[0, -1]]
    if axis.unit == 'ps':
        return f'{first:.1f} to {last:.1f} ps'
    return (f'{axis.unit} {first:.0f} to {last:.0f}. The trajectory has no times: rates are per {axis.unit} '
            '(--frame-time gives the time between frames, --timestep that of a step)')  # fmt: skip


def _number(value, digits):
    return '–' if not np.isfinite(value) else f'{value:.{digits}f}'


def _parquet(table, path):
    """Write the table as Parquet if pyarrow is installed."""
    try:
        need('pyarrow')
    except ImportError:
        return
    with complete(path) as temporary:
        table.to_parquet(temporary)


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 16px/1.45 sans-serif; max-width: 1100px; margin: 2em auto; padding: 0 1em; color: #222 }}
table {{ border-collapse: collapse }} td, th {{ padding: 2px 12px; text-align: right; border-bottom: 1px solid #ddd }}
th:first-child {{ text-align: left; font-weight: normal }} img {{ max-width: 100% }}
</style></head><body>
<h1>{title}</h1>
{body}
</body></html>
"""
