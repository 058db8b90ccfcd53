"""The page of a report: what the table and the chosen frames show, to explore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ase_mlffvv.pages.atoms import AtomsView, Colour, atoms_view
from ase_mlffvv.pages.charts import Curve, Panel, linked_charts
from ase_mlffvv.pages.page import Page
from ase_mlffvv.pages.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION

from .colours import GRAIN_COLOURS, colouring
from .displacements import rate, segments
from .render import available
from .times import Axis, axis_of, when

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas
    from matplotlib.figure import Figure

    from .frame import Frame, Settings


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
ARRAYS = ('coordination', 'local_energy', 'phase', 'grain', 'class', 'displacement', 'grade')


def build_page(
    trajectory: str | Path,
    table: pandas.DataFrame,
    picked: Sequence[Frame],
    chosen: Mapping[int, str],
    settings: Settings,
    pictures: Mapping[str, tuple[Figure, str]],
    ovito: bool | None = None,
) -> Page:
    """Put the page of a report together.

    Parameters
    ----------
    trajectory : path
        For the title.
    table : DataFrame
        Timeline.
    picked : sequence of Frame
        Chosen frames.
    chosen : mapping
        Index of each of these frames, and why it was chosen, which may be empty.
    settings : Settings
    pictures : mapping
        Figures ``snapshots``, ``profiles`` and, if there is one, ``map``, each with the text of its caption.
    ovito : bool, optional
        As for :func:`mlffvv_analysis.report.report`.
    """
    axis = axis_of(table)
    labels = [f'{when(frame.atoms)} ({why})'.removesuffix(' ()') for frame, why in zip(picked, chosen.values())]
    page = Page(Path(trajectory).name, _lead(trajectory, table, picked, settings, axis))
    page.heading('Atoms')
    page.text('Frames were chosen where something happens; the reason stands beside the time. A click on a curve below '
              'goes to the nearest of these frames, and a red line in the curves marks the one shown.')  # fmt: skip
    view = view_of(picked, labels, [float(axis.values[k]) for k in chosen])
    page.atoms(view, f'{len(picked[0].atoms)} atoms at {", ".join(labels)}, to be turned and coloured. {_story(table)}')
    _charts(page, table, axis)
    _boundaries(page, picked)
    page.heading('Pictures')
    alts = {'snapshots': f'The structure from the side at {len(labels)} or fewer times between {labels[0]} and '
                         f'{labels[-1]}. {_story(table)}',
            'profiles': f'Outlines seen from above, and radius against height, of the frames. {_story(table)}',
            'map': 'Points, one for each atom, in groups of like surroundings: surface atoms lie apart.'}  # fmt: skip
    for name, (figure, text) in pictures.items():
        page.picture(figure, alts[name], text)
    page.heading('Numbers')
    page.table(['quantity', 'unit', 'first', 'last', 'lowest', 'highest'], _numbers(table), 'All: timeline.csv')
    if table['e_mean_eV'].isna().all():
        page.text('The trajectory has no atomic energies (array local_energy).')
    reason = available() if ovito is None else None
    if reason:
        page.text(f'Pictures are drawn with matplotlib, because OVITO cannot draw here: {reason}')
    page.text('In the folder of this page: timeline.csv and timeline.parquet have all numbers, coloured.extxyz the '
              'frames above with all arrays (ase gui coloured.extxyz, View, Colors; or OVITO), and the PNG files are '
              'figures for print.')  # fmt: skip
    return page


def view_of(picked: Sequence[Frame], labels: Sequence[str], places: Sequence[float] | None = None) -> AtomsView:
    """View of the frames with all of their arrays; ``places`` are their positions on the axis of the charts."""
    colours = []
    for name in ARRAYS:
        style = colouring(name)
        if style.colours is None:
            colours.append(Colour(name, style.label, cmap=style.cmap, limits=style.limits))
            continue
        known = {k: (style.colours[k], text) for k, text in style.names.items()}
        if name == 'grain':  # of more grains than colours, these come again
            known = {k: (GRAIN_COLOURS[k % len(GRAIN_COLOURS)], f'grain {k + 1}') for k in range(250)}
            known[-1] = (style.colours[-1], 'none')
        colours.append(Colour(name, style.label, known))
    return atoms_view([frame.coloured() for frame in picked], labels, colours, times=places)


def _lead(trajectory, table, picked, settings, axis):
    first, last = table.iloc[0], table.iloc[-1]
    times = f'{axis.tell(axis.values[0])} to {axis.tell(axis.values[-1])}'
    if axis.unit != 'ps':
        times += (f'; the trajectory has no times, so that rates are per {axis.unit} (--frame-time gives the time '
                  'between frames, --timestep that of a step)')  # fmt: skip
    return (
        f'{trajectory}: {len(picked[0].atoms)} atoms, {len(table)} frames, {times}. {_story(table)} Coordination '
        f'cutoff {settings.cutoff:g} Å; atoms with exactly 8 neighbors count as {settings.cn8} ('
        f'{first["cn8_fraction"]:.1%} of the column in the first frame, {last["cn8_fraction"]:.1%} in the last).'
    )


def _story(table):
    """The run in one sentence."""
    first, last, grains = table.iloc[0], table.iloc[-1], table['n_grains']
    counts = f'{grains.iloc[0]:.0f} at first, {grains.max():.0f} at most, {grains.iloc[-1]:.0f} at last'
    return (f'The height over the substrate goes from {first["height_A"]:.1f} to {last["height_A"]:.1f} Å; grains: '
            f'{counts if grains.min() < grains.max() else f"{grains.max():.0f} in all frames"}.')  # fmt: skip


def _numbers(table):
    first, last, rows = table.iloc[0], table.iloc[-1], []
    for name, label, unit, digits in COLUMNS:
        values = table[name]
        if values.notna().any():
            ends = (first[name], last[name], values.min(), values.max())
            rows.append([label, unit, *(f'{v:.{digits}f}' if np.isfinite(v) else '–' for v in ends)])
    return rows


def _charts(page, table, axis: Axis):
    """Sections with curves over time, which share their time axis and its cursor."""
    parts = segments(axis.values, table['dxy_all_A'])
    sections = [(title, text, [panel for panel in group if _has_values(panel)])
                for title, text, group in _panels(table, axis)]  # fmt: skip
    panels = [panel for _, _, group in sections for panel in group]
    charts = linked_charts(axis.values, panels, x_label=axis.label, marks=[part.start for part in parts[1:]],
                           spans=[(part.start, part.stop) for part in parts if part.plateau])  # fmt: skip
    for title, text, group in sections:
        page.heading(title)
        page.text(text)
        page.charts([charts.pop(0) for _ in group], [panel.describe(axis.values, axis.unit) for panel in group])
        if title == 'Displacements':
            slopes = '; '.join(f'{axis.tell(p.start)} to {axis.tell(p.stop)}: {p.slope:+.3g} Å/{axis.unit}'
                               f'{" (plateau)" if p.plateau else ""}' for p in parts)  # fmt: skip
            page.text(f'Mean displacement in the plane, by stages: {slopes or "too few frames"}.')


def _has_values(panel):
    return any(np.isfinite(np.asarray(curve.values, float)).any() for curve in panel.curves)


def _panels(table, axis):
    """Titles, texts and panels of the sections."""

    def panel(title, names, digits=2, **settings):
        curves = [Curve(label, table[name], colour) for name, (label, colour) in names.items()
                  if table[name].notna().any()]  # fmt: skip
        return Panel(title, curves, digits, skip_first=True, **settings)

    rates = [Curve(label, rate(axis.values, table[name].to_numpy(float), axis.window), colour)
             for name, label, colour in (('dxy_all_A', 'in the plane', BLUE), ('abs_dz_all_A', '|Δz|', GREEN))
             if len(table) > 2]  # fmt: skip
    energies = {'e_surface_eV': ('surface', ORANGE), 'e_subsurface_eV': ('below surface', SKY),
                'e_interior_eV': ('interior', BLUE), 'e_boundary_eV': ('boundary', VERMILION)}  # fmt: skip
    surface = [panel('mean coordination of surface atoms', {'cn_surface': ('coordination', BLUE)}),
               panel('mean atomic energy (eV)', energies, 3),
               panel('temperature (K)', {'temperature_K': ('temperature', VERMILION)}, 0)]  # fmt: skip
    phases = []
    for method, name in (('acna', 'a-CNA, all atoms'), ('ptm', 'template matching, without surface layers')):
        for region in ('top', 'bottom'):
            colours = {'bcc': BLUE, 'fcc': GREEN, 'hcp': VERMILION, 'other': BLACK}
            curves = {f'{method}_{phase}_{region}': (phase, colour) for phase, colour in colours.items()}
            phases.append(panel(f'fractions, {region} half: {name}', curves, 3, from_zero=True))
    return [
        ('Shape', 'Thin lines are frames, thick lines running means. The height is that of the 99 % quantile of atoms; '
         'h/R is 1 for a hemisphere; the kink is that of the line of slice centres, the torsion that of the outline of '
         'the upper half, which is not defined where it is round. Dashed lines are change points of the mean '
         'displacement, grey its plateaus.',
         [panel('height over substrate (Å)', {'height_A': ('height', BLUE)}, 1),
          panel('height / base radius', {'aspect': ('h/R', BLUE)}),
          panel('kink angle (°)', {'kink_deg': ('kink', BLUE)}, 1),
          panel('torsion of the upper outline (°)', {'torsion_deg': ('torsion', BLUE)}, 1),
          panel('volume / volume of the convex hull', {'convexity': ('convexity', BLUE)}, 3),
          panel('detached atoms', {'detached': ('detached', BLUE)}, 0, from_zero=True)]),
        ('Surface and energy', 'Surface atoms are those of the column with fewer than 8 neighbors within the cutoff; '
         'their mean atomic energy is not the surface energy per area. The first frame, a crystal at rest, may lie off '
         'the scale.', surface),
        ('Displacements', 'After Fig. 4 of Zhang et al. (2023). Rates are slopes of lines through a window of '
         f'{axis.window:g} {axis.unit}.',
         [panel('mean displacement (Å)', {'dxy_all_A': ('in the plane, all', BLUE),
                                          'dxy_column_A': ('in the plane, column', SKY),
                                          'abs_dz_all_A': ('|Δz|, all', GREEN),
                                          'abs_dz_column_A': ('|Δz|, column', PURPLE)}),
          Panel(f'rate of mean displacement (Å/{axis.unit})', rates, 3)]),
        ('Crystal structure', 'Adaptive common neighbor analysis is the method of the paper; with it, surface atoms '
         'and many warm ones count as other. Template matching bears more thermal motion; it is used below the skin.',
         phases),
        ('Grains', 'Grains have 50 atoms or more, if not set otherwise.',
         [panel('grains', {'n_grains': ('grains', PURPLE)}, 0, from_zero=True),
          panel('atoms in boundaries', {'n_boundary': ('atoms', VERMILION)}, 0, from_zero=True),
          panel('misorientation of the top (°)', {'top_misorientation_deg': ('misorientation', BLUE)}, 1)]),
    ]  # fmt: skip


def _boundaries(page, picked):
    page.heading('Boundaries between grains')
    rows = []
    for k, frame in enumerate(picked):
        for b in frame.boundaries:
            (first, off1), (second, off2) = b.planes
            rows.append([(when(frame.atoms), k), f'{b.grains[0] + 1} and {b.grains[1] + 1}',
                         b.phase, 'Σ3{112} twin' if b.twin else 'general', f'{b.misorientation:.1f}',
                         f'{b.twin_deviation:.1f}', _plane(first), f'{off1:.1f}', _plane(second), f'{off2:.1f}',
                         f'{b.roughness:.1f}', f'{b.extent:.0f}'])  # fmt: skip
    if not rows:
        page.text('There are none in the frames above.')
        return
    page.table(['time', 'grains', 'phase', 'kind', 'misorientation (°)', 'from Σ3 (°)', 'plane, first grain',
                'off (°)', 'plane, second grain', 'off (°)', 'roughness (Å)', 'extent (Å)'], rows,
               'In the frames above. Click a head to sort.')  # fmt: skip


def _plane(indices):
    return '(' + ' '.join(str(k) for k in indices) + ')'
