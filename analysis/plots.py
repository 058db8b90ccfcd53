"""Figures with matplotlib, which is imported only where it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ase_mlffvv.io.files import save_figure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from ase import Atoms
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike


LARGE = 20_000  # number of atoms above which hidden atoms are not drawn


def draw_atoms(
    axes: Axes,
    atoms: Atoms,
    values: ArrayLike,
    *,
    limits: tuple[float, float] | None = None,
    radius: float = 1.45,
    azimuth: float = 25.0,
    elevation: float = 12.0,
    cmap: str = 'viridis',
) -> Any:
    """Draw a structure as shaded spheres seen from the side, coloured by one value per atom.

    Parameters
    ----------
    axes : matplotlib Axes
    atoms : Atoms
        Structure, drawn without periodic images.
    values : ndarray, shape (n_atoms,)
    limits : (float, float), optional
        Limits of the colour map.
    radius : float, Å
    azimuth, elevation : float, degrees
        Direction of view: rotation about z, and angle above the horizontal.

    Returns
    -------
    matplotlib ScalarMappable
        Colour scale, for a colour bar.
    """
    import matplotlib
    from matplotlib.collections import EllipseCollection

    a, e = np.radians([azimuth, elevation])
    right = np.array([np.cos(a), np.sin(a), 0])
    forward = np.array([-np.sin(a) * np.cos(e), np.cos(a) * np.cos(e), -np.sin(e)])
    up = np.cross(right, forward)
    centre = atoms.positions.mean(axis=0) if len(atoms) else np.zeros(3)
    x, y, depth = np.array([right, up, forward]) @ (atoms.positions - centre).T
    order = np.argsort(-depth)
    if len(atoms) > LARGE:
        order = order[_in_sight(x, y, depth, radius)[order]]
    xy = np.column_stack([x, y])[order]
    low, high = limits or (np.min(values, initial=0), np.max(values, initial=1))
    shade = 0.55 + 0.45 * (1 - (depth[order] - depth.min()) / max(np.ptp(depth), 1e-9)) if len(atoms) else depth
    colors = matplotlib.colormaps.get_cmap(cmap)(np.clip((np.asarray(values)[order] - low) / (high - low), 0, 1))
    dark, bright = colors.copy(), colors.copy()
    dark[:, :3] *= 0.55 * shade[:, None]
    colors[:, :3] *= shade[:, None]
    bright[:, :3] = colors[:, :3] + 0.35 * (1 - colors[:, :3])
    # each sphere consists of three discs; their order makes nearer spheres cover farther ones
    offsets = np.repeat(xy, 3, axis=0) + np.tile([[0, 0], [-0.05, 0.05], [-0.3, 0.3]], (len(xy), 1)) * radius
    sizes = np.tile([2.0, 1.8, 0.7], len(xy)) * radius
    faces = np.stack([dark, colors, bright], axis=1).reshape(-1, 4)
    discs = EllipseCollection(
        sizes, sizes, np.zeros(len(sizes)), units='xy', offsets=offsets, transOffset=axes.transData, facecolors=faces,
        linewidths=0,
    )  # fmt: skip
    axes.add_collection(discs)
    axes.set_aspect('equal')
    if len(xy):
        axes.set_xlim(xy[:, 0].min() - 2 * radius, xy[:, 0].max() + 2 * radius)
        axes.set_ylim(xy[:, 1].min() - 2 * radius, xy[:, 1].max() + 2 * radius)
    axes.set_axis_off()
    scale = matplotlib.cm.ScalarMappable(matplotlib.colors.Normalize(low, high), cmap)
    return scale


def _in_sight(x, y, depth, radius):
    """Whether each atom is among the nearest along its line of sight; lines are one radius apart."""
    column = np.floor(np.array([x - x.min(), y - y.min()]) / radius).astype(int)
    line = column[0] * (column[1].max() + 1) + column[1]
    nearest = np.full(line.max() + 1, np.inf)
    np.minimum.at(nearest, line, depth)
    return depth < nearest[line] + 4 * radius


def run_summary(
    first: Atoms, last: Atoms, table: Mapping[str, ArrayLike], path: str | Path | None = None, title: str = ''
) -> Figure:
    """One-page summary of a run: the first and last structures coloured by coordination number, and curves over time.

    Parameters
    ----------
    first, last : Atoms
        Structures with an array ``coordination``. Titles are their times (``info['time_ps']``) or, without them, the
        first and the last of the table.
    table : dict of array_like
        Columns ``time_ps``, ``temperature_K``, ``potential_energy_eV`` (per atom), ``height_A``, ``surface_fraction``
        and ``mean_coordination``.
    path : path, optional
        PNG file to write.

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.figure import Figure

    from .times import time_text

    figure = Figure(figsize=(10, 7.2), layout='constrained')
    grid = figure.add_gridspec(3, 4, width_ratios=[1, 1, 0.04, 1.15])
    pictures = [figure.add_subplot(grid[:, k]) for k in (0, 1)]
    time = np.asarray(table['time_ps'])
    for axes, atoms, k in zip(pictures, (first, last), (0, -1)):
        t = atoms.info.get('time_ps', time[k])
        scale = draw_atoms(axes, atoms, atoms.arrays['coordination'], limits=(2, 14))
        axes.set_title(time_text(t, float(time[-1] - time[0])), fontsize=11)
    low, high = np.array([axes.get_ylim() for axes in pictures]).T
    for axes in pictures:
        axes.set_ylim(low.min(), high.max())
    bar = figure.colorbar(scale, cax=figure.add_subplot(grid[:, 2]))
    bar.set_label('coordination number (neighbors within 3.45 Å)')
    curves = [
        ('temperature_K', 'temperature (K)'),
        ('height_A', 'height above substrate (Å)'),
        ('surface_fraction', 'fraction of surface atoms'),
    ]
    for row, (name, label) in enumerate(curves):
        axes = figure.add_subplot(grid[row, 3])
        axes.plot(time, table[name], color='C0', lw=1.2)
        axes.set_ylabel(label, fontsize=9)
        axes.tick_params(labelsize=8)
        if row < len(curves) - 1:
            axes.set_xticklabels([])
        if name == 'surface_fraction':
            twin = axes.twinx()
            twin.plot(time, table['mean_coordination'], color='C1', lw=1.2)
            twin.set_ylabel('mean coordination number', color='C1', fontsize=9)
            twin.tick_params(labelsize=8)
    axes.set_xlabel('time (ps)', fontsize=9)
    if title:
        figure.suptitle(title)
    if path is not None:
        save_figure(figure, path)
    return figure
