"""Figures of a run, arranged like those of the paper, as matplotlib figures from a table or from frames."""

from __future__ import annotations

import os
import tempfile
from functools import wraps
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from ase_mlffvv.io.files import save_figure
from ase_mlffvv.pages.style import figure as new_figure
from ase_mlffvv.pages.style import plot_style

from . import displacements, morphology
from .colours import colouring, limits_of, rgb
from .plots import draw_atoms
from .render import available, axes_of, camera, cut, render
from .times import axis_of, when

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from .frame import Frame
    from .statistics import Band


WIDTH = 10.0  # inches


def _styled(function):
    """Make the figure in the style of the project."""

    @wraps(function)
    def wrapped(*arguments, **settings):
        with plot_style():
            return function(*arguments, **settings)

    return wrapped


@_styled
def snapshots(
    frames: Sequence[Frame], rows: Sequence[str] = ('phase', 'grain', 'local_energy'), ovito: bool | None = None
) -> Figure:
    """Frames side by side, each row coloured by a different array.

    The first row shows whole structures, the others a cut through the middle of the column.

    Parameters
    ----------
    frames : list of Frame
    rows : sequence of str
        Arrays of :meth:`mlffvv_analysis.frame.Frame.coloured`; arrays that a frame lacks are left out.
    ovito : bool, optional
        Whether to draw with OVITO instead of matplotlib. By default, OVITO is used if it can draw on this machine.
    """
    ovito = available() is None if ovito is None else ovito
    coloured = [frame.coloured() for frame in frames]
    rows = [name for name in rows if all(name in atoms.arrays for atoms in coloured)]
    everything = Atoms(positions=np.concatenate([atoms.positions for atoms in coloured]))
    view = camera(everything, 'side', margin=1.02)
    right, up = (everything.positions @ axis for axis in axes_of(np.array(view.direction)))
    edges = (right.min() - 2, right.max() + 2, up.min() - 2, up.max() + 2)
    row = (WIDTH - 1.9) / len(frames) * (edges[3] - edges[2]) / (edges[1] - edges[0])
    figure = new_figure(WIDTH, 0.35 + len(rows) * (row + 0.1))
    grid = figure.subplots(len(rows), len(frames), squeeze=False)
    for line, name in zip(grid, rows):
        limits = limits_of(name, *(atoms.arrays[name] for atoms in coloured))
        for axes, frame, atoms in zip(line, frames, coloured):
            shown = atoms if name == rows[0] else _half(frame, atoms)
            _picture(axes, shown, name, view, limits, ovito, edges)
        _legend(figure, line, name, limits, coloured)
    for axes, frame in zip(grid[0], frames):
        axes.set_title(when(frame.atoms), fontsize=11)
    return figure


@_styled
def morphology_figure(table: pandas.DataFrame, frames: Sequence[Frame]) -> Figure:
    """Outlines seen from above, coordination and energy of surface atoms, and displacements (the paper's Fig. 4)."""
    figure = new_figure(WIDTH, 6.6)
    axes = figure.subplots(2, 2)
    _outlines(axes[0, 0], frames)
    abscissa = axis_of(table)
    t = abscissa.values
    _curve(axes[0, 1], t, table['cn_surface'], 'mean coordination of surface atoms')
    _curve(axes[1, 0], t, table['e_surface_eV'], 'mean atomic energy of\nsurface atoms (eV)', 'C3')
    for name, label in (('abs_dz', '|Δz|'), ('dxy', 'in the xy plane')):
        for region, style in (('all', '-'), ('column', ':')):
            axes[1, 1].plot(t, table[f'{name}_{region}_A'], style, lw=1.3, color='C0' if name == 'dxy' else 'C2',
                            label=f'{label}, {"all atoms" if region == "all" else "column only"}')  # fmt: skip
    axes[1, 1].set_ylabel('mean displacement (Å)')
    axes[1, 1].legend(fontsize=8)
    for axis, letter in zip(axes.flat, 'abcd'):
        axis.set_title(letter, loc='left', fontweight='bold')
        if letter != 'a':
            axis.set_xlabel(abscissa.label)
    return figure


@_styled
def phase_figure(table: pandas.DataFrame) -> Figure:
    """Fractions of crystal structures by two methods, in both halves of the column (the paper's Fig. S10)."""
    figure = new_figure(WIDTH, 5.6)
    grid = figure.subplots(2, 2, sharex=True, sharey=True)
    names, abscissa = ('bcc', 'fcc', 'hcp', 'other'), axis_of(table)
    labels = 'a-CNA, all atoms', 'template matching, without surface layers'
    for line, method, label in zip(grid, ('acna', 'ptm'), labels):
        for axes, region in zip(line, ('top', 'bottom')):
            colours = [rgb('phase', np.array([number]))[0] for number in (3, 1, 2, 0)]
            axes.stackplot(
                abscissa.values, [table[f'{method}_{name}_{region}'] for name in names], labels=names, colors=colours
            )
            axes.set_title(f'{region} half: {label}', fontsize=10)
            axes.set_ylim(0, 1)
            axes.margins(x=0)
        line[0].set_ylabel('fraction of atoms')
    for axes in grid[1]:
        axes.set_xlabel(abscissa.label)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc='outside right center')
    return figure


@_styled
def stages_figure(table: pandas.DataFrame) -> Figure:
    """Energies by class, rate of displacement with plateaus, and number of grains (the paper's Figs. S11 to S14)."""
    figure = new_figure(WIDTH, 7.4)
    axes = figure.subplots(3, 1, sharex=True)
    abscissa = axis_of(table)
    t = abscissa.values
    for name, colour in (('surface', 'C1'), ('boundary', 'C3'), ('subsurface', 'C9'), ('interior', 'C0')):
        axes[0].plot(t, table[f'e_{name}_eV'], lw=1.2, color=colour, label=name)
    _scale(axes[0], *(table[f'e_{name}_eV'] for name in ('surface', 'boundary', 'subsurface', 'interior')))
    axes[0].set_ylabel('mean atomic\nenergy (eV)')
    axes[0].legend(fontsize=8, ncols=4, loc='lower right', bbox_to_anchor=(1, 1), frameon=False)
    for name, label, colour in (('dxy_all_A', 'in the xy plane', 'C0'), ('abs_dz_all_A', '|Δz|', 'C2')):
        values = table[name].to_numpy()
        axes[1].plot(t, displacements.rate(t, values, abscissa.window), lw=1.2, color=colour, label=label)
    axes[1].axhline(0, color='0.6', lw=0.8)
    found = displacements.segments(t, table['dxy_all_A'].to_numpy())
    for k, part in enumerate(found):
        if part.plateau:
            first = not any(p.plateau for p in found[:k])
            axes[1].axvspan(part.start, part.stop, color='C0', alpha=0.12, lw=0, label='plateau' if first else None)
        if k:
            axes[1].axvline(part.start, color='C0', lw=0.8, ls='--', label='change point' if k == 1 else None)
    axes[1].set_ylabel(f'rate of mean\ndisplacement (Å/{abscissa.unit})')
    axes[1].legend(fontsize=8, ncols=2)
    axes[2].step(t, table['n_grains'], where='mid', color='C4', label='grains')
    axes[2].set_ylabel('number of grains\n(50 atoms or more)', color='C4')
    axes[2].yaxis.get_major_locator().set_params(integer=True)
    axes[2].set_ylim(bottom=0)
    twin = axes[2].twinx()
    twin.plot(t, table['n_boundary'], color='C3', lw=1.0)
    twin.set_ylabel('number of\nboundary atoms', color='C3')
    twin.set_ylim(bottom=0)
    axes[2].set_xlabel(abscissa.label)
    axes[2].margins(x=0.01)
    return figure


@_styled
def shape_figure(table: pandas.DataFrame, frames: Sequence[Frame]) -> Figure:
    """Height, proportions, kink and torsion as functions of time, and radius profiles of some frames."""
    figure = new_figure(WIDTH, 6.6)
    axes = figure.subplots(2, 3)
    abscissa = axis_of(table)
    t = abscissa.values
    names = {'height_A': 'height above substrate (Å)', 'aspect': 'height / base radius',
             'convexity': 'volume / volume of convex hull', 'kink_deg': 'kink angle (°)',
             'torsion_deg': 'torsion of upper outline (°)'}  # fmt: skip
    for axis, (name, label) in zip(axes.flat, names.items()):
        _curve(axis, t, table[name], label)
        axis.set_xlabel(abscissa.label)
    _profiles(axes[1, 2], frames)
    return figure


@_styled
def profiles_figure(frames: Sequence[Frame]) -> Figure:
    """Outlines of the upper half seen from above, and radius against height, of some frames."""
    figure = new_figure(WIDTH, 4.4)
    left, right = figure.subplots(1, 2)
    _outlines(left, frames)
    left.get_legend().remove()
    _profiles(right, frames)
    right.legend(loc='center left', bbox_to_anchor=(1, 0.5))
    return figure


@_styled
def map_figure(
    frame: Frame, most: int = 1000, seed: int = 0, features: ArrayLike | None = None
) -> tuple[Figure, float]:
    """t-SNE map of atomic environments, coloured by energy, class and coordination (the paper's Fig. 1c).

    Parameters
    ----------
    frame : Frame
    most : int
        Largest number of atoms to show; of more atoms, a random sample is shown.
    seed : int
    features : ndarray, shape (n_atoms, n), optional
        By default, those of :func:`mlffvv_analysis.embedding.shell_features`.

    Returns
    -------
    Figure
    silhouette : float
        Mean silhouette of the classes surface, subsurface and interior; NaN if there is only one class.
    """
    from .embedding import embed, shell_features, silhouette

    features = shell_features(frame.atoms) if features is None else np.asarray(features)
    n = len(frame.atoms)
    chosen = np.sort(np.random.default_rng(seed).permutation(n)[:most])
    layers = np.where(frame.exposed, 0, np.where(frame.deep, 1, 3))
    score = silhouette(features, layers) if len(np.unique(layers)) > 1 else np.nan
    xy = embed(features[chosen], seed)
    atoms = frame.coloured()
    panels = [name for name in ('local_energy', 'class', 'coordination') if name in atoms.arrays]
    figure = new_figure(WIDTH, 4.0)
    grid = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, name in zip(grid, panels):
        values = atoms.arrays[name]
        limits = limits_of(name, values)
        axes.scatter(*xy.T, s=5, c=rgb(name, values, limits)[chosen], linewidths=0)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_xlabel('t-SNE 1')
        _legend(figure, [axes], name, limits, [atoms], below=True)
    grid[0].set_ylabel('t-SNE 2')
    return figure, score


@_styled
def band_figure(bands: Mapping[str, Band], ylabel: str, path: str | Path | None = None) -> Figure:
    """Mean and confidence band of replicas as functions of time.

    ``bands`` maps labels to :class:`mlffvv_analysis.statistics.Band`.
    """
    figure = new_figure(WIDTH, 4.2)
    axes = figure.subplots()
    for k, (label, band) in enumerate(bands.items()):
        axes.plot(band.time, band.mean, color=f'C{k}', label=f'{label} ({band.count} runs)')
        axes.fill_between(band.time, band.low, band.high, color=f'C{k}', alpha=0.2, lw=0)
    axes.set_xlabel('time (ps)')
    axes.set_ylabel(ylabel)
    axes.legend(title=f'mean and {next(iter(bands.values())).level:.0%} band' if bands else None)
    if path is not None:
        save_figure(figure, path)
    return figure


def _curve(axes, t, values, label, colour='C0'):
    values = np.asarray(values, float)
    axes.plot(t, values, color=colour, lw=1.3, marker='.', ms=2)
    if len(t) > 1:
        axes.set_xlim(min(t), max(t))
    axes.set_ylabel(label)
    _scale(axes, values)
    if not np.isfinite(values).any():
        axes.text(0.5, 0.5, 'no value in this run', transform=axes.transAxes, ha='center', color='0.5')


def _scale(axes, *curves):
    """Set the vertical scale from all frames but the first, which may be a perfect crystal and differ strongly."""
    later = np.concatenate([np.asarray(values, float)[1:] for values in curves])
    later = later[np.isfinite(later)]
    if len(later) > 2 and np.ptp(later) > 0:
        axes.set_ylim(later.min() - 0.08 * np.ptp(later), later.max() + 0.08 * np.ptp(later))


def _outlines(axes, frames):
    for frame, colour in zip(frames, _time_colours(len(frames))):
        points = frame.body
        top = points[points[:, 2] > (points[:, 2].min() + points[:, 2].max()) / 2] if len(points) else points
        try:
            shape = morphology.outline(top)
        except ValueError:
            continue
        corners = np.vstack([shape.corners, shape.corners[:1]])
        axes.plot(*corners.T, color=colour, lw=1.5, label=when(frame.atoms))
        axes.plot(*shape.centre, '+', color=colour)
    axes.set_aspect('equal')
    axes.set_xlabel('x (Å)')
    axes.set_ylabel('y (Å), outline of the upper half')
    axes.legend(fontsize=8, loc='center left', bbox_to_anchor=(1, 0.5))


def _profiles(axes, frames):
    for frame, colour in zip(frames, _time_colours(len(frames))):
        z, radii, _ = morphology.radius_profile(frame.body, floor=frame.floor)
        axes.plot(radii, z - frame.floor, color=colour, lw=1.3, marker='.', ms=4, label=when(frame.atoms))
    axes.set_xlabel('radius (Å)')
    axes.set_ylabel('height above substrate (Å)')
    axes.legend(fontsize=8)


def _picture(axes, atoms, name, view, limits, ovito, edges):
    axes.set_axis_off()
    if not ovito:
        style = colouring(name)
        if style.colours is None:
            draw_atoms(axes, atoms, atoms.arrays[name], limits=limits, cmap=style.cmap, azimuth=45.0, elevation=10.0)
        else:
            from matplotlib.colors import ListedColormap

            draw_atoms(axes, atoms, np.arange(len(atoms)), limits=(-0.5, len(atoms) - 0.5), azimuth=45.0,
                       elevation=10.0, cmap=ListedColormap(rgb(name, atoms.arrays[name])))  # fmt: skip
        # draw_atoms places the mean of the positions at (0, 0)
        middle = [atoms.positions.mean(axis=0) @ axis for axis in axes_of(np.array(view.direction))]
        axes.set_xlim(edges[0] - middle[0], edges[1] - middle[0])
        axes.set_ylim(edges[2] - middle[1], edges[3] - middle[1])
        return
    from matplotlib.image import imread

    with tempfile.NamedTemporaryFile(suffix='.png', delete=False) as file:
        path = file.name
    try:
        render(atoms, path, name, view=view, size=(700, 700), limits=limits)
        picture = imread(path)
    finally:
        os.unlink(path)
    x, y = (np.dot(view.centre, axis) for axis in axes_of(np.array(view.direction)))
    h = view.height
    axes.imshow(picture, extent=(x - h, x + h, y - h, y + h), interpolation='antialiased')
    axes.set_xlim(*edges[:2])  # the same limits in all pictures make heights comparable
    axes.set_ylim(*edges[2:])


def _half(frame, atoms):
    column = frame.column if frame.column.any() else np.ones(len(atoms), bool)
    return cut(atoms, atoms.positions[column].mean(axis=0), (1, -1, 0))


def _legend(figure, line, name, limits, structures, below=False):
    style = colouring(name)
    if style.colours is None:
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        scale = ScalarMappable(Normalize(*limits), style.cmap)
        place = [0.05, -0.16, 0.9, 0.05] if below else [1.1, 0.1, 0.06, 0.8]
        bar = figure.colorbar(scale, cax=line[-1].inset_axes(place), orientation='horizontal' if below else 'vertical')
        bar.set_label(style.label, fontsize=9)
        return
    from matplotlib.lines import Line2D

    present = set(np.unique(np.concatenate([atoms.arrays[name] for atoms in structures])).tolist())
    marks = [Line2D([], [], marker='o', ls='', color=style.colours[k], markeredgecolor='0.4', markeredgewidth=0.5,
                    label=text) for k, text in style.names.items() if k in present]  # fmt: skip
    place = {'loc': 'upper center', 'bbox_to_anchor': (0.5, -0.09), 'ncols': 2} if below else {
        'loc': 'center left', 'bbox_to_anchor': (1.02, 0.5)}  # fmt: skip
    title = style.label.replace(' (', '\n(')
    line[-1].legend(handles=marks, title=title, fontsize=8, title_fontsize=9, frameon=False, **place)


def _time_colours(count):
    import matplotlib

    return matplotlib.colormaps['viridis'](np.linspace(0, 0.92, max(count, 1)))
