"""Frames worth looking at: the first and the last, those where something changes, and the frames themselves."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ase_mlffvv.io.reading import FileType
from ase_mlffvv.pages.charts import running_mean

from .displacements import Unwrapper, change_points
from .frame import Frame, Settings
from .stream import frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import ArrayLike

    from ase_mlffvv.io.reading import FileType

EXTREMES = (('n_grains', 'most grains'), ('kink_deg', 'largest kink'), ('n_boundary', 'most boundary atoms'))
CHANGES = (('height_A', 'height changes its rate'), ('dxy_all_A', 'displacements change their rate'),
           ('kink_deg', 'kink changes its rate'), ('n_grains', 'number of grains changes'),
           ('e_mean_eV', 'energy changes its rate'))  # fmt: skip
PATH = ('height_A', 'dxy_all_A', 'kink_deg', 'n_grains', 'surface_fraction', 'ptm_bcc_column')


def choose_frames(table: Mapping[str, ArrayLike], count: int = 8) -> dict[int, str]:
    """Choose frames where something happens.

    The first and the last frame are always among them. Then come the frames with most grains, the largest kink and most
    boundary atoms, and the change points of height, displacements, kink, grains and energy, largest change first. The
    rest divides the way that the run takes through its observables evenly, so that slow parts get few frames. Frames
    that lie closer than a fraction of the run are not both chosen.

    Parameters
    ----------
    table : DataFrame or mapping
        Columns of :func:`mlffvv_analysis.timeline.timeline`; missing ones are left out.
    count : int
        Number of frames; 1 gives the last.

    Returns
    -------
    dict
        Reason for each chosen frame by its index, in order of time.
    """
    if int(count) != count or count < 1:
        raise ValueError(f'count must be 1 or more, got {count!r}')
    columns = {name: np.asarray(table[name], float) for name in
               dict.fromkeys([*PATH, *(n for n, _ in (*EXTREMES, *CHANGES))]) if name in table}  # fmt: skip
    n = len(np.asarray(table['frame']))
    if n <= count:
        return {k: 'first' if k == 0 else 'last' if k == n - 1 else '' for k in range(n)}
    if count == 1:
        return {n - 1: 'last'}
    smooth = {name: running_mean(values) for name, values in columns.items()}
    coarse = [running_mean(columns[name], max(3, n // 10 | 1)) for name in PATH if name in columns]
    progress = _progress(coarse, n)
    chosen = {0: 'first', n - 1: 'last'}
    apart = max(1, n // (3 * count))
    for k, reason in _events(columns, smooth, n):
        if len(chosen) < max(count - count // 4, 2) and min(abs(k - other) for other in chosen) >= apart:
            chosen[k] = reason
    while len(chosen) < count:
        order = sorted(chosen)
        wide = [(progress[b] - progress[a], a, b) for a, b in pairwise(order) if b - a > 1]
        _, a, b = max(wide)
        middle = int(np.searchsorted(progress, (progress[a] + progress[b]) / 2))
        chosen[min(max(middle, a + 1), b - 1)] = ''
    return dict(sorted(chosen.items()))


def _progress(series, n):
    """Length of the way through the observables up to each frame, with a small part for time."""
    steps = np.full(n, 0.2 / n)
    steps[0] = 0
    for values in series:
        known = np.isfinite(values)
        if known.sum() > 2 and np.ptp(values[known]) > 0:
            filled = np.interp(np.arange(n), np.flatnonzero(known), values[known])
            steps[1:] += abs(np.diff(filled)) / np.ptp(filled) / len(series)
    return np.cumsum(steps)


def _events(columns, smooth, n):
    """Frames and reasons, the most important first."""
    for name, reason in EXTREMES:
        values = smooth.get(name, np.zeros(0))[1:]
        if np.isfinite(values).any() and np.nanmax(values) > np.nanmin(values):
            top = np.nanmax(values) - 0.03 * (np.nanmax(values) - np.nanmin(values))  # where it is reached first
            yield int(np.argmax(np.nan_to_num(values, nan=-np.inf) >= top)) + 1, reason
    found = []
    for name, reason in CHANGES:
        values = columns.get(name, np.zeros(0))
        if len(values) != n or not np.isfinite(values).all() or np.ptp(values[1:]) == 0:
            continue
        for point in change_points(np.arange(n), values):
            k = round(float(point))
            reach = max(2, n // 20)
            line = smooth[name][[max(k - reach, 0), k, min(k + reach, n - 1)]]
            found.append((abs(line[0] - 2 * line[1] + line[2]) / np.ptp(values), k, reason))
    yield from ((k, reason) for _, k, reason in sorted(found, reverse=True))


def keyframes(
    trajectory: str | Path | Iterable[Atoms],
    numbers: Iterable[int],
    settings: Settings | None = None,
    times: Sequence[float] | None = None,
    kind: FileType | None = None,
) -> list[Frame]:
    """Analyse some frames of a trajectory, with displacements relative to the first frame.

    Parameters
    ----------
    trajectory : path or iterable of Atoms
    numbers : sequence of int
    settings : Settings, optional
    times : sequence of float, optional
        Times of all frames, ps, which replace those of the trajectory; NaN where unknown.
    kind : FileType, optional
        As for :func:`mlffvv_analysis.timeline.timeline`.

    Returns
    -------
    list of Frame
    """
    wanted, out, tracker, first = set(int(k) for k in numbers), [], None, None
    for k, (atoms, _) in enumerate(frames(trajectory, kind=kind)):
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
