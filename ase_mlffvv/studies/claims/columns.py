"""Claims about the columns at 250 and 350 K and about adatoms (C1 to C11), as functions of timelines.

Each function takes the timelines of the runs of a part ('column-250', ...) and returns a :class:`.Verdict`. Its
docstring is the claim; the comment below tells what the definition leaves open and how that was settled, before any run
of the study.
"""

from __future__ import annotations

import numpy as np
from mlffvv_analysis.displacements import segments
from mlffvv_analysis.morphology import collapse_rate
from mlffvv_analysis.slides import angle_to_110, slide_between
from mlffvv_analysis.statistics import ratio
from scipy.stats import spearmanr

from .criteria import Criterion, Verdict, at, early, first, late, mean, most, over, smoothed


def c1(runs):
    """The top of the 250 K column collapses through fcc and hcp to re-oriented bcc within 25 ps."""
    # a-CNA over all atoms of the upper half, running mean of 2 ps; recovery of bcc by template matching below the skin,
    # over the last tenth of the run; misorientation of the main grain of the upper half, mean of 25 to 100 ps
    peaks, times, excess = [], [], []
    for table in runs['column-250']:
        time, f = smoothed(table, table['acna_fcc_top'] + table['acna_hcp_top'])
        if len(f) == 0 or time[-1] < 25:
            continue
        peaks.append(f.max())
        times.append(time[f.argmax()])
        base = np.maximum(first(table, 'acna_fcc_top') + first(table, 'acna_hcp_top'),
                   at(table, 'acna_fcc_top', 100) + at(table, 'acna_hcp_top', 100))  # fmt: skip
        excess.append(f.max() - 2 * base)
    return Verdict('C1', c1.__doc__, (
        mean('time of the largest share of fcc + hcp in the top', times, high=25, unit='ps'),
        mean('largest share minus twice that at the start or 100 ps', excess, 0),
        mean('largest share of fcc + hcp', peaks),
        mean('bcc below the skin at the end', (late(t, 'ptm_bcc_column') for t in runs['column-250']), 0.8),
        mean('misorientation of the top', (over(t, 'top_misorientation_deg', 25, 100) for t in runs['column-250']), 15,
             unit='°'),
    ))  # fmt: skip


def c2(runs):
    """A grain boundary separates the top domain from a bottom that is coherent with the substrate."""
    # means of 25 to 100 ps
    return Verdict('C2', c2.__doc__, (
        mean('grains of more than 100 atoms', (over(t, 'n_grains_100', 25, 100) for t in runs['column-250']), 2),
        mean('misorientation of the bottom', (over(t, 'bottom_misorientation_deg', 25, 100)
                                              for t in runs['column-250']), high=5, unit='°'),
    ))  # fmt: skip


def c3(runs):
    """The top slides down along the boundary, and the column has a kink."""
    # kink: mean of 20 to 30 ps; slide of the atoms of the initial upper half from 0 to 50 ps, in the plane
    angles = [slide_angle(t, 50) for t in runs['column-250']]
    return Verdict('C3', c3.__doc__, (
        mean('kink angle at 25 ps', (at(t, 'kink_deg', 25, 5) for t in runs['column-250']), 15, unit='°'),
        mean('angle of the slide to ⟨110⟩', angles, high=15, unit='°'),
    ), 'Random directions would be 22.5° from ⟨110⟩ on average.')  # fmt: skip


def c4(runs):
    """At 100 ps a coherent twin boundary remains: {112} plane, 70.5° about ⟨110⟩, trace at 35.3°."""
    # in at least a tenth of the frames from 75 to 125 ps there is a twin whose trace, seen along its axis, is 35.3 ± 3°
    hits, shares = [], []
    for table in runs['column-250']:
        part = table[(table['time_ps'] >= 75) & (table['time_ps'] <= 125)]
        if table['time_ps'].iloc[-1] < 125 - 1e-6:
            continue
        good = (part['twin_trace_deg'] - 35.26).abs() <= 3
        hits.append(good.mean() >= 0.1)
        shares.append(part['twin_extent_A'].notna().mean())
    return Verdict('C4', c4.__doc__, (
        most('runs with the twin of the paper at 75 to 125 ps', hits),
        mean('share of frames with any coherent twin', shares),
        mean('rotation of the twins', (over(t, 'twin_angle_deg', 75, 125) for t in runs['column-250']), paper=70.5,
             unit='°'),
        mean('trace of the twins', (over(t, 'twin_trace_deg', 75, 125) for t in runs['column-250']), paper=35.3,
             unit='°'),
    ))  # fmt: skip


def c5(runs):
    """The height over the substrate falls from 87 to 58 Å (20 ps) and 31 Å (200 ps); the foot broadens along ⟨110⟩."""
    # broadening from the first frame to 20 ps, mean of both ⟨110⟩, and the same minus that along both ⟨100⟩
    tables = runs['column-250']
    wider = [_growth(t, 'foot_110_A', 'foot_1m10_A', 20) for t in tables]
    other = [_growth(t, 'foot_100_A', 'foot_010_A', 20) for t in tables]
    return Verdict('C5', c5.__doc__, (
        mean('height at 20 ps / initial height', (at(t, 'height_A', 20, 1) / first(t, 'height_A') for t in tables),
             0.55, 0.75, 58 / 87),
        mean('height at 200 ps / initial height', (at(t, 'height_A', 200) / first(t, 'height_A') for t in tables),
             0.30, 0.45, 31 / 87),
        mean('broadening of the foot along ⟨110⟩', wider, 0, unit='Å'),
        mean('the same minus that along ⟨100⟩', np.subtract(wider, other), 0, unit='Å'),
    ))  # fmt: skip


def c6(runs):
    """In stage I (0 to 12.5 ps) the energy of surface atoms drives the change, and their coordination rises."""
    # changes from 1 to 12.5 ps, because the first frame is a crystal at rest; numbers of atoms: means of that time
    surface, bulk, rise, drive = [], [], [], []
    for table in runs['column-250']:
        surface.append(1e3 * (at(table, 'e_surface_eV', 12.5, 1) - early(table, 'e_surface_eV')))
        bulk.append(1e3 * (at(table, 'e_bulk_eV', 12.5, 1) - early(table, 'e_bulk_eV')))
        rise.append(at(table, 'cn_surface', 12.5, 1) - early(table, 'cn_surface'))
        numbers = [over(table, name, 1, 12.5) for name in ('n_surface', 'n_bulk_column')]
        drive.append((abs(surface[-1]) * numbers[0] - abs(bulk[-1]) * numbers[1]) / 1e3)
    return Verdict('C6', c6.__doc__, (
        mean('change of the surface energy per atom', surface, high=0, unit='meV'),
        mean('|ΔE n| of the surface minus that of the bulk', drive, 0, unit='eV'),
        mean('change of the coordination of surface atoms', rise, 0),
        mean('change of the bulk energy per atom', bulk, unit='meV'),
        mean('first change point of the coordination', (_first_change(t) for t in runs['column-250']), paper=12.5,
             unit='ps'),
    ))  # fmt: skip


def c7(runs):
    """Boundaries rearrange from 12.5 to 25 ps and heal until 200 ps: their excess energy falls."""
    # excess: mean energy of boundary atoms minus that of grain interiors; maximum of the running mean after 5 ps
    falls, ends, totals = [], [], []
    for table in runs['column-250']:
        time, excess = smoothed(table, table['e_boundary_eV'] - table['e_interior_eV'])
        if len(time) == 0 or time[-1] < 25:
            continue
        healing = excess[time >= 12.5]
        falls.append(spearmanr(time[time >= 12.5], healing).statistic if np.ptp(healing) > 0 else 0.0)
        ends.append(excess[time >= 0.9 * time[-1]].mean() / excess[time >= 5].max())
        numbers = late(table, 'n_boundary_column') / over(table, 'n_boundary_column', 5, 25)
        totals.append(ends[-1] * numbers)
    return Verdict('C7', c7.__doc__, (
        mean('rank correlation of the excess with time', falls, high=-0.5),
        mean('excess at the end / largest excess', ends, high=0.2),
        mean('the same, times the number of boundary atoms', totals),
    ))  # fmt: skip


def c8(runs):
    """The energy inside of domains is constant, and equal in domains of different orientation."""
    # bcc atoms inside of grains: last tenth minus 5 to 15 ps; main grains of top and bottom, mean from 25 ps on
    tables = runs['column-250']
    return Verdict('C8', c8.__doc__, (
        mean('drift of the energy of grain interiors', (1e3 * (late(t, 'e_bcc_interior_eV') -
             over(t, 'e_bcc_interior_eV', 5, 15)) for t in tables), -5, 5, unit='meV'),
        mean('energy of the top grain minus that of the bottom grain', (
            1e3 * over(t, 'e_top_minus_bottom_grain_eV', 25, t['time_ps'].iloc[-1]) for t in tables), -3, 3,
            unit='meV'),
    ))  # fmt: skip


def c9(runs):
    """New boundaries pin the sliding for a while (33.6 to 41.3 ps); it goes on when they have gone."""
    # the paper's event is one trajectory's accident: here, any pause between 20 and 150 ps after which sliding goes on
    hits, counts = [], []
    for table in runs['column-250']:
        stages = segments(table['time_ps'], table['dxy_all_A'])
        pauses = [k for k, s in enumerate(stages[:-1]) if s.plateau and s.start >= 20 and s.stop <= 150
                  and any(not later.plateau and later.slope > 0 for later in stages[k + 1 :])]  # fmt: skip
        hits.append(bool(pauses))
        counts.append(len(pauses))
    return Verdict('C9', c9.__doc__, (most('runs with a pause of the sliding', hits), mean('pauses per run', counts)))


def c10(runs):
    """At 350 K the column collapses faster, to a hemisphere whose interior is bcc without boundaries."""
    # means of the last tenth of the run; rates: slope of the mean |Δz| of all atoms from 0 to 20 ps
    hot = runs['column-350']
    rates = [[_rate(t) for t in runs[name]] for name in ('column-350', 'column-250')]
    return Verdict('C10', c10.__doc__, (
        mean('height / base radius', (late(t, 'aspect') for t in hot), 0.7, 1.3, 1.0),
        mean('volume / volume of the convex hull', (late(t, 'convexity') for t in hot), 0.9),
        mean('share of bcc atoms below the skin in the largest grain', (late(t, 'largest_bcc_share') for t in hot), 0.9),
        Criterion('rate of |Δz| at 350 K / at 250 K', ratio(*rates), 1.3, least=5),
        mean('atoms of no crystal structure below the skin', (late(t, 'ptm_other_column') for t in hot)),
    ))  # fmt: skip


def c11(runs):
    """Adatoms on a larger column at 350 K are incorporated and diffuse; the column does not grow again."""
    # displacements relative to the surroundings, from 5 ps to the end, so that vibrations do not count
    tables = runs['adatoms']
    return Verdict('C11', c11.__doc__, (
        mean('coordination of adatoms minus that of the terrace', (late(t, 'adatom_cn') - late(t, 'cn_terrace')
                                                                   for t in tables), 0),
        mean('growth of their mean squared displacement', (late(t, 'adatom_relative_msd_A2') -
             at(t, 'adatom_relative_msd_A2', 5) for t in tables), 0, unit='Å²'),
        mean('change of the height of the column', (late(t, 'height_A') / first(t, 'height_A') - 1 for t in tables),
             -0.05, 0.05),
        mean('adatoms in the bulk at the end', (late(t, 'adatom_bulk_share') for t in tables)),
    ))  # fmt: skip


def slide_angle(table, stop):
    """Angle in the plane between the slide of the top from the start and the nearest ⟨110⟩."""
    if table['time_ps'].iloc[-1] < stop - 1e-6:
        return np.nan
    vectors = table[['top_dx_A', 'top_dy_A', 'top_dz_A']].to_numpy()
    return angle_to_110(slide_between(table['time_ps'], vectors, 0.0, stop))


def _growth(table, one, other, time):
    return sum(at(table, name, time, 1) - first(table, name) for name in (one, other)) / 2


def _rate(table):
    if table['time_ps'].iloc[-1] < 20 - 1e-6:
        return np.nan
    return -collapse_rate(table['time_ps'], table['abs_dz_all_A'], 0, 20)


def _first_change(table):
    stages = segments(table['time_ps'], table['cn_surface'], min_span=2.0)
    return stages[0].stop if len(stages) > 1 else np.nan
