"""Displacements since the start of a run: means, rates, change points, diffusion, and hops of adatoms."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from ase_mlffvv.checks import check_number, check_whole

from .extras import need
from .structure import checked_cell

if TYPE_CHECKING:
    from typing import Any

    from ase import Atoms
    from numpy.typing import ArrayLike


JUMP, CLOSE = 4.0, 0.8  # Å: a jump between frames, and a place where another atom was


class Unwrapper:
    """Displacements in successive frames, unwrapped across periodic boundaries.

    Jumps by lattice vectors between frames are removed; real displacements between consecutive frames must be smaller
    than half of the cell. Memory use does not depend on the number of frames.

    Parameters
    ----------
    atoms : Atoms
        The first frame.
    """

    def __init__(self, atoms: Atoms):
        checked_cell(atoms)
        self.numbers = atoms.numbers.copy()
        self.start = atoms.positions.copy()
        self.last = atoms.positions.copy()

    def add(self, atoms: Atoms) -> np.ndarray:
        """Displacements of the next frame from the first, shape (n_atoms, 3), Å.

        Raises
        ------
        ValueError
            If the number of atoms, their elements or their order has changed.
        """
        if len(atoms) != len(self.start):
            raise ValueError(f'the number of atoms changed from {len(self.start)} to {len(atoms)}')
        if (atoms.numbers != self.numbers).any():
            changed = np.flatnonzero(atoms.numbers != self.numbers)
            raise ValueError(f'the elements of {len(changed)} atoms changed, that of atom {changed[0]} first')
        cell = checked_cell(atoms)
        step = atoms.positions - self.last
        jumps = np.where(atoms.pbc, np.round(np.linalg.solve(cell.T, step.T).T), 0.0)
        new = atoms.positions - jumps @ cell
        _check_order(self.last, new, cell, atoms.pbc)
        self.last = new
        return self.last - self.start


def _check_order(before, after, cell, pbc):
    """Raise ValueError if many atoms jumped, incoherently, to places where others were, as in an unsorted file."""
    moved = after - before
    length = np.linalg.norm(moved, axis=1)
    far = length > JUMP
    if far.sum() < max(4, 0.2 * len(before)) or np.linalg.norm(moved[far].mean(axis=0)) > 0.5 * np.median(length[far]):
        return
    inverse = np.linalg.inv(cell)
    here, there = (np.where(pbc, (x @ inverse) % 1.0 % 1.0, x @ inverse) for x in (before, after[far]))
    _, nearest = cKDTree(here, boxsize=np.where(pbc, 1.0, 0.0)).query(there)
    apart = there - here[nearest]
    apart -= np.where(pbc, np.round(apart), 0.0)
    close = np.linalg.norm(apart @ cell, axis=1) < CLOSE
    if close.mean() > 0.9 and len(np.unique(nearest)) > 0.9 * far.sum():
        raise ValueError(
            f'the order of the atoms changed: {far.sum()} of {len(before)} atoms jumped to places where others were. '
            'Write all frames in the same order (LAMMPS: dump_modify sort id).'
        )


def mean_displacements(displacements: ArrayLike, column: np.ndarray | None = None) -> dict[str, float]:
    """Mean displacements, averaged over all atoms and over those of the dendrite.

    Parameters
    ----------
    displacements : ndarray, shape (n_atoms, 3), Å
    column : ndarray, shape (n_atoms,), bool, optional
        Atoms of the dendrite; by default, all atoms.

    Returns
    -------
    dict
        Signed means ``dx``, ``dy`` and ``dz``, the mean ``abs_dz`` of ``|Δz|``, and the mean ``dxy`` of the
        displacement parallel to the xy plane, all in Å. Keys end with ``_all`` for the mean over all
        atoms and with ``_column`` for that over the dendrite. ``abs_dz_all`` and
        ``dxy_all`` agree best with the paper's curves.
    """
    displacements = np.asarray(displacements, float)
    if displacements.ndim != 2 or displacements.shape[1] != 3:
        raise ValueError(f'displacements must have the shape (n_atoms, 3), got {displacements.shape}')
    out = {}
    for name, mask in (('all', None), ('column', column)):
        d = displacements if mask is None else displacements[mask]
        if len(d) == 0:
            d = np.full((1, 3), np.nan)
        x, y, z = d.mean(axis=0)
        out |= {f'dx_{name}': x, f'dy_{name}': y, f'dz_{name}': z, f'abs_dz_{name}': abs(d[:, 2]).mean(),
                f'dxy_{name}': np.hypot(d[:, 0], d[:, 1]).mean()}  # fmt: skip
    return {name: float(value) for name, value in out.items()}


def slide(displacements: ArrayLike, mask: np.ndarray) -> tuple[float, np.ndarray]:
    """Length (Å) and direction (unit vector) of the mean displacement of the atoms in ``mask``."""
    chosen = np.asarray(displacements, float)[mask]
    if len(chosen) == 0:
        return np.nan, np.full(3, np.nan)
    mean = chosen.mean(axis=0)
    length = float(np.linalg.norm(mean))
    return length, mean / length if length > 0 else mean


def mean_square(displacements: ArrayLike, mask: np.ndarray | None = None) -> float:
    """Mean squared displacement, Å^2."""
    d = np.asarray(displacements, float) if mask is None else np.asarray(displacements, float)[mask]
    return float((d**2).sum(axis=1).mean()) if len(d) else np.nan


def rate(time: ArrayLike, values: ArrayLike, window: float = 2.0) -> np.ndarray:
    """Slope of a series at each point, from a straight line fitted to the points in a window around it.

    Parameters
    ----------
    time, values : array_like, shape (n,)
        Times must increase.
    window : float
        Full width of the window in units of ``time``; at least three points are used.

    Returns
    -------
    ndarray, shape (n,)
    """
    check_number(window, 'window', above=0)
    t, v = _series(time, values)
    if len(t) < 2:
        return np.full(len(t), np.nan)
    out = np.empty(len(t))
    low, high = np.searchsorted(t, t - window / 2 - 1e-9), np.searchsorted(t, t + window / 2 + 1e-9)
    for k in range(len(t)):
        a, b = low[k], high[k]
        if b - a < 3:
            a, b = max(0, min(k - 1, len(t) - 3)), min(len(t), max(k + 2, 3))
        x, y = t[a:b] - t[a:b].mean(), v[a:b]
        out[k] = (x @ y) / (x @ x)
    return out


def change_points(
    time: ArrayLike,
    values: ArrayLike,
    min_span: float | None = None,
    penalty: float = 6.0,
    tolerance: float = 0.01,
    at_most: int = 400,
) -> np.ndarray:
    """Times at which the slope of a series changes, from a fit of piecewise straight lines (PELT, ruptures).

    Parameters
    ----------
    time, values : array_like, shape (n,)
    min_span : float, optional
        Shortest time between change points; by default, a twentieth of the length of the series.
    penalty : float
        Penalty for each additional change point, in units of the noise variance times the logarithm of the number of
        points; larger values give fewer change points. The noise is estimated from second differences.
    tolerance : float
        Lower bound of the noise as a fraction of the range of values. Without it, smooth curves would be divided into
        many nearly straight pieces.
    at_most : int
        Longer series are averaged to this number of points, because the cost of the search is quadratic in it.

    Returns
    -------
    ndarray
        Empty if the series is too short.

    Notes
    -----
    Killick, Fearnhead and Eckley, J. Am. Stat. Assoc. 107, 1590 (2012).
    """
    if min_span is not None:
        check_number(min_span, 'min_span', above=0)
    check_number(penalty, 'penalty', above=0)
    check_number(tolerance, 'tolerance', low=0)
    at_most = check_whole(at_most, 'at_most', 'points', low=8)
    t, v = _series(time, values)
    bins = max(1, int(np.ceil(len(t) / at_most)))
    if bins > 1:
        n = len(t) // bins * bins
        t, v = t[:n].reshape(-1, bins).mean(axis=1), v[:n].reshape(-1, bins).mean(axis=1)
    if len(t) < 8 or np.ptp(v) == 0:
        return np.zeros(0)
    need('ruptures')
    span = (t[-1] - t[0]) / 20 if min_span is None else min_span
    size = max(3, int(np.ceil(span / np.median(np.diff(t)))))
    if len(t) < 2 * size:
        return np.zeros(0)
    # second differences of white noise have six times its variance
    variance = max(np.median(np.diff(v, 2) ** 2) / 0.4549 / 6, (tolerance * np.ptp(v)) ** 2)
    ends = _line_search(t, v, size).predict(pen=penalty * np.log(len(t)) * variance)
    return t[np.array(ends[:-1], int)]


def _line_search(t, v, size):
    """PELT whose cost is the residual sum of squares of a least-squares line, in constant time by running sums."""
    from ruptures import Pelt
    from ruptures.base import BaseCost

    t, v = t - t.mean(), v - v.mean()
    sums = np.zeros((6, len(t) + 1))
    sums[:, 1:] = np.cumsum([np.ones_like(t), t, v, t * t, t * v, v * v], axis=1)

    class Line(BaseCost):
        model, min_size = 'line', 3

        def fit(self, signal):
            self.signal = signal
            return self

        def error(self, start, end):
            n, x, y, xx, xy, yy = sums[:, end] - sums[:, start]
            return max(yy - y * y / n - (xy - x * y / n) ** 2 / (xx - x * x / n), 0.0)

    return Pelt(custom_cost=Line(), min_size=size, jump=1).fit(v.reshape(-1, 1))


@dataclass(frozen=True)
class Segment:
    """A part of a series between change points.

    Attributes
    ----------
    start, stop : float
        Times of its ends.
    slope : float
        Slope of a straight line fitted to it.
    plateau : bool
        Whether it is (nearly) flat.
    """

    start: float
    stop: float
    slope: float
    plateau: bool


def segments(time: ArrayLike, values: ArrayLike, flat: float = 0.2, **settings: Any) -> list[Segment]:
    """Divide a series at its change points; flat segments are plateaus, such as those of pinned boundaries.

    Parameters
    ----------
    time, values : array_like, shape (n,)
    flat : float
        A segment is a plateau if its absolute slope is at most this fraction of the mean absolute slope of the series.
    **settings
        Passed on to :func:`change_points`.

    Returns
    -------
    list of Segment
    """
    check_number(flat, 'flat', low=0)
    t, v = _series(time, values)
    if len(t) < 2:
        return []
    edges = np.concatenate([[t[0]], change_points(t, v, **settings), [t[-1]]])
    slopes = []
    for a, b in pairwise(edges):
        inside = (t >= a) & (t <= b)
        slopes.append(np.polyfit(t[inside] - a, v[inside], 1)[0] if inside.sum() > 1 else 0.0)
    slopes = np.array(slopes)
    typical = (abs(slopes) * np.diff(edges)).sum() / (edges[-1] - edges[0])
    return [Segment(float(a), float(b), float(s), bool(abs(s) <= flat * typical))
            for (a, b), s in zip(pairwise(edges), slopes)]  # fmt: skip


@dataclass(frozen=True)
class Hop:
    """A hop of one atom from one site to another.

    Attributes
    ----------
    atom, frame : int
        Index of the atom in the given array, and the first frame at the new site.
    vector : ndarray, shape (3,), Å
        Vector between the mean positions at the two sites.
    residence : float
        Time spent at the old site; a lower bound if the atom was there in the first frame.
    """

    atom: int
    frame: int
    vector: np.ndarray
    residence: float


def hops(time: ArrayLike, positions: ArrayLike, distance: float = 1.8, persist: int = 2) -> list[Hop]:
    """Find the hops of atoms between sites at which they reside.

    An atom has hopped when it is farther than ``distance`` from its mean position at a site for ``persist`` consecutive
    frames.

    Parameters
    ----------
    time : array_like, shape (n_frames,)
    positions : array_like, shape (n_frames, n_atoms, 3), Å
        Unwrapped positions, for example of adatoms.
    distance : float, Å
        About half of the distance between sites, and larger than the amplitude of thermal vibrations.
    persist : int
        Number of frames.

    Returns
    -------
    list of Hop
        In order of time.
    """
    t, x = np.asarray(time, float), np.asarray(positions, float)
    if not (np.isfinite(t).all() and np.isfinite(x).all()):
        raise ValueError('time and positions must be finite numbers')
    if x.ndim != 3 or x.shape[2] != 3 or len(x) != len(t):
        raise ValueError(f'positions must have the shape ({len(t)}, n_atoms, 3), got {x.shape}')
    check_number(distance, 'distance', 'Å', above=0)
    persist = check_whole(persist, 'persist', 'frames', low=1)
    found = [hop for atom in range(x.shape[1]) for hop in _hops_of(atom, t, x[:, atom], distance, persist)]
    return sorted(found, key=lambda hop: (hop.frame, hop.atom))


def _hops_of(atom, t, path, distance, persist):
    """Hops of one atom: its sites are followed frame by frame."""
    starts, means, count, away = [0], [path[0]], 1, 0
    for k in range(1, len(path)):
        if np.linalg.norm(path[k] - means[-1]) <= distance:
            away, count = 0, count + 1
            means[-1] = means[-1] + (path[k] - means[-1]) / count
            continue
        away += 1
        if away == persist:
            starts.append(k - persist + 1)
            means.append(path[starts[-1] : k + 1].mean(axis=0))
            away, count = 0, persist
    for site in range(1, len(starts)):
        vector = means[site] - means[site - 1]
        yield Hop(atom, starts[site], vector, float(t[starts[site]] - t[starts[site - 1]]))


def _series(time, values):
    t, v = np.asarray(time, float), np.asarray(values, float)
    if t.ndim != 1 or t.shape != v.shape:
        raise ValueError(f'time and values must be arrays of equal length, got {t.shape} and {v.shape}')
    if not (np.isfinite(t).all() and np.isfinite(v).all()):
        raise ValueError('time and values must be finite numbers')
    if np.any(np.diff(t) <= 0):
        raise ValueError('time must increase')
    return t, v
