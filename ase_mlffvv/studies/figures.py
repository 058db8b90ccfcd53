"""Bands over seeds of several conditions, one panel per quantity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from mlffvv_analysis.statistics import band

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas
    from matplotlib.figure import Figure

LABELS = {
    'height_A': 'height above substrate (Å)', 'aspect': 'height / base radius', 'convexity': 'volume / convex hull',
    'kink_deg': 'kink angle (°)', 'torsion_deg': 'torsion of the outline (°)', 'cn_surface': 'coordination, surface',
    'surface_fraction': 'share of surface atoms', 'e_surface_eV': 'energy, surface (eV)',
    'e_interior_eV': 'energy, grain interior (eV)', 'e_boundary_eV': 'energy, boundary (eV)',
    'e_bulk_eV': 'energy, bulk (eV)', 'ptm_bcc_column': 'bcc below the skin', 'n_grains': 'grains',
    'n_boundary': 'boundary atoms', 'top_misorientation_deg': 'misorientation of the top (°)',
    'abs_dz_all_A': 'mean |Δz|, all atoms (Å)', 'dxy_all_A': 'mean displacement in plane (Å)',
    'top_slide_A': 'slide of the top (Å)', 'top_rotation_z_deg': 'rotation of the top grain (°)',
    'largest_bcc_share': 'largest grain / bcc atoms', 'n_grains_100': 'grains (100 atoms or more)',
    'adatom_cn': 'coordination, adatoms', 'adatom_relative_msd_A2': 'relative MSD, adatoms (Å²)',
    'adatom_incorporated_share': 'adatoms incorporated', 'e_excess_per_surface_atom_eV': 'surface excess (eV/atom)',
    'foot_110_A': 'width of the foot, [110] (Å)', 'foot_100_A': 'width of the foot, [100] (Å)',
    'twin_trace_deg': 'trace of the twin (°)', 'top_shift_A': 'shift of the top (Å)',
    'n_surface': 'surface atoms', 'n_boundary_column': 'boundary atoms of the column',
    'boundary_excess_meV': 'excess, boundary (meV/atom)', 'e_bcc_interior_eV': 'energy, bcc interior (eV)',
    'rate_xy': 'rate in the plane (Å/ps)', 'rate_z': 'rate of |Δz| (Å/ps)', 'cn_terrace': 'coordination, terrace',
    'adatom_bulk_share': 'adatoms in the bulk', 'ptm_other_column': 'no crystal, below the skin',
    **{f'{method}_{name}_top': f'{name}, top ({label})' for method, label in (('acna', 'a-CNA'), ('ptm', 'PTM'))
       for name in ('bcc', 'fcc', 'hcp')},
}  # fmt: skip


def bands_figure(
    groups: Mapping[str, Sequence[pandas.DataFrame]],
    columns: Sequence[str],
    paper: Mapping[str, Mapping[str, Sequence]] | None = None,
    skip: float = 0.5,
) -> Figure:
    """Mean and 95 % band over the runs of each group, with thin lines for single runs.

    Parameters
    ----------
    groups : dict
        Timelines of the runs of each group.
    columns : sequence of str
        One panel for each.
    paper : dict, optional
        Points of the paper: column -> label -> (times in ps, values).
    skip : float, ps
        Leave out earlier frames: the first one is a crystal at rest.
    """
    from matplotlib.figure import Figure

    paper = paper or {}
    wide = min(3, len(columns))
    rows = -(-len(columns) // wide)
    figure = Figure(figsize=(3.6 * wide, 2.7 * rows + 0.4), layout='constrained')
    grid = figure.subplots(rows, wide, squeeze=False)
    for axes, column in zip(grid.flat, columns):
        for k, (name, tables) in enumerate(groups.items()):
            _draw(axes, tables, column, f'{name} ({len(tables)})', f'C{k}', skip)
        for label, (times, values) in (paper.get(column) or {}).items():
            axes.plot(times, values, 'k' + 'os^D'[list(paper[column]).index(label) % 4], ms=4, mfc='none', label=label)
        if not axes.lines:
            axes.text(0.5, 0.5, 'no values', ha='center', va='center', transform=axes.transAxes, color='0.5')
        axes.set(xlabel='time (ps)', ylabel=LABELS.get(column, column))
    for axes in grid.flat[len(columns) :]:
        axes.set_axis_off()
    handles = {label: handle for axes in grid.flat for handle, label in zip(*axes.get_legend_handles_labels())}
    figure.legend(handles.values(), handles, loc='outside upper center', ncols=4, fontsize=8)
    return figure


def _draw(axes, tables, column, label, colour, skip):
    """Band of one group; times without a number are left out, run by run."""
    series = []
    for table in tables:
        if column in table:
            time, values = table['time_ps'].to_numpy(), table[column].to_numpy(float)
            good = np.isfinite(values) & (time >= skip)
            if good.sum() > 1:
                series.append((time[good], values[good]))
    for time, values in series:
        axes.plot(time, values, color=colour, lw=0.4, alpha=0.5)
    if not series or max(t[0] for t, _ in series) >= min(t[-1] for t, _ in series):
        return
    found = band(*zip(*series))
    axes.plot(found.time, found.mean, color=colour, lw=1.6, label=label)
    if found.count > 1:
        axes.fill_between(found.time, found.low, found.high, color=colour, alpha=0.2, lw=0)
