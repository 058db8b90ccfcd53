"""Claims about the cuboids A ({100} faces) and B ({110} faces) and about energies (C12 to C20).

See :mod:`.columns` for the form of the functions.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from mlffvv_analysis.displacements import change_points
from mlffvv_analysis.statistics import contrast, mean_interval, ratio

from .columns import slide_angle
from .criteria import Criterion, Verdict, at, early, late, mean, over

A, B, C = 'cuboid-a', 'cuboid-b', 'column-250'


def c12(runs):
    """Cuboid A twists about its axis from [100] towards [110] within 40 ps."""
    # absolute angle at 40 ps, of the outline of the upper half and of its main grain; rotations by 90° look alike
    return Verdict('C12', c12.__doc__, (
        mean('torsion of the outline at 40 ps', _torsion(runs[A], 'torsion_deg'), 15, 45, 30, '°'),
        mean('rotation of the main grain of the top', _torsion(runs[A], 'top_rotation_z_deg'), 15, 45, unit='°'),
        mean('shift of the top at 40 ps', (at(t, 'top_shift_A', 40) for t in runs[A]), paper=14.7, unit='Å'),
    ), 'The text says [100] to [110], which would be 45°; the figure shows 30°.')  # fmt: skip


def c13(runs):
    """Cuboid B does not twist; it slips along ⟨110⟩."""
    # the same; slip of the atoms of the initial upper half from 0 to 40 ps
    return Verdict('C13', c13.__doc__, (
        mean('torsion of the outline at 40 ps', _torsion(runs[B], 'torsion_deg'), high=10, paper=5, unit='°'),
        mean('angle of the slip to ⟨110⟩', (slide_angle(t, 40) for t in runs[B]), high=15, paper=1.7, unit='°'),
        mean('rotation of the main grain of the top', _torsion(runs[B], 'top_rotation_z_deg'), unit='°'),
        mean('shift of the top at 40 ps', (at(t, 'top_shift_A', 40) for t in runs[B]), paper=26.6, unit='Å'),
    ))  # fmt: skip


def c14(runs):
    """The coordination of surface atoms rises in A and falls in B, to a common limit."""
    ends = [[late(t, 'cn_surface') for t in runs[name]] for name in (A, B)]
    return Verdict('C14', c14.__doc__, (
        mean('change in A from 1 to 100 ps', _change(runs[A], 'cn_surface', 100), 0, paper=0.38),
        mean('change in B from 1 to 100 ps', _change(runs[B], 'cn_surface', 100), high=0, paper=-0.39),
        Criterion('A minus B at 1 ps', contrast([[early(t, 'cn_surface') for t in runs[n]] for n in (A, B)], (1, -1)),
                  paper=-0.78),
        Criterion('A minus B at 100 ps', contrast([[at(t, 'cn_surface', 100) for t in runs[n]] for n in (A, B)],
                                                  (1, -1)), -0.1, 0.1, -0.02),
        mean('limit of A', ends[0], 5.68, 5.98, 5.83),
        mean('limit of B', ends[1], 5.68, 5.98, 5.83),
    ), 'The limit depends on the cutoff of 3.45 Å and on the lattice constant of the potential.')  # fmt: skip


def c15(runs):
    """The energy of surface atoms falls in A by 20 to 25 meV; in B it is nearly flat, -4 and then +8 meV."""
    # from 1 to 40 ps, and from 40 to 200 ps
    a, b = (_mev(_change(runs[name], 'e_surface_eV', 40)) for name in (A, B))
    later = _mev(_rise(runs[B]))
    signs = [np.sign(mean_interval(x).value) if len(x) else np.nan for x in (a, b)]
    return Verdict('C15', c15.__doc__, (
        mean('change in A from 1 to 40 ps', a, high=0, paper=-20, unit='meV'),
        mean('change in B from 1 to 40 ps', b, high=0, paper=-4, unit='meV'),
        mean('change in B from 40 to 200 ps', later, 0, paper=8, unit='meV'),
        Criterion('|change in A| minus three times |change in B|, 40 ps', contrast([a, b], (signs[0], -3 * signs[1])),
                  0, paper=8, unit='meV'),
    ))  # fmt: skip


def c16(runs):
    """Both cuboids collapse alike along z; A moves less in the plane, because its twist boundary pins."""
    # means over all atoms at 200 ps
    z, xy = ([[at(t, name, 200) for t in runs[part]] for part in (A, B)] for name in ('abs_dz_all_A', 'dxy_all_A'))
    return Verdict('C16', c16.__doc__, (
        Criterion('mean |Δz|, A / B', ratio(*z), 0.9, 1.1, 15.5 / 16.0),
        Criterion('mean displacement in the plane, A / B', ratio(*xy), high=0.8, paper=7.8 / 12.5),
        mean('mean |Δz| in A', z[0], paper=15.5, unit='Å'),
        mean('mean displacement in the plane in A', xy[0], paper=7.8, unit='Å'),
        mean('mean displacement in the plane in B', xy[1], paper=12.5, unit='Å'),
    ))  # fmt: skip


def c17(runs):
    """All shapes reach the same coordination; the surface energy falls, then rises; the bulk energy falls."""
    # from 1 to 40 ps, and from 40 to 200 ps; equal: within the 0.1 of the claim about A and B
    parts = []
    for first, second in ((A, B), (C, A), (C, B)):
        values = [[late(t, 'cn_surface') for t in runs[name]] for name in (first, second)]
        parts.append(
            Criterion(f'coordination at the end, {first} minus {second}', contrast(values, (1, -1)), -0.1, 0.1)
        )
    for name in (C, A, B):
        early_fall, rise = (_mev(x) for x in (_change(runs[name], 'e_surface_eV', 40), _rise(runs[name])))
        parts += [
            mean(f'surface energy of {name}, 1 to 40 ps', early_fall, high=0, unit='meV'),
            mean(f'surface energy of {name}, 40 to 200 ps', rise, 0, unit='meV'),
            mean(
                f'bulk energy of {name}, 1 to 200 ps', _mev(_change(runs[name], 'e_bulk_eV', 200)), high=0, unit='meV'
            ),
        ]
    return Verdict('C17', c17.__doc__, tuple(parts))


def c18(runs):
    """Cuboids pass through several intermediate domains, at least as many as the column; their motion changes slope."""
    # mean number of grains of more than 100 atoms from 5 ps to the end; change points of the motion in the plane
    grains = {n: [over(t, 'n_grains_100', 5, t['time_ps'].iloc[-1]) for t in runs[n]] for n in (A, B, C)}
    changes = {n: [len(change_points(t['time_ps'], t['dxy_all_A'])) for t in runs[n]] for n in (A, B)}
    return Verdict('C18', c18.__doc__, (
        *(Criterion(f'grains of {n} minus those of the column', contrast([grains[n], grains[C]], (1, -1)), 0)
          for n in (A, B)),
        *(mean(f'changes of slope of {n}', changes[n], 1) for n in (A, B)),
    ))  # fmt: skip


def c19(runs):
    """Surface atoms lie 0.25 to 0.40 eV above those of the bulk."""
    # column at 250 K, mean of 1 to 10 ps
    return Verdict('C19', c19.__doc__, (
        mean('excess energy per surface atom', (over(t, 'e_excess_per_surface_atom_eV', 1, 10) for t in runs[C]), 0.25,
             0.40, 0.35, 'eV'),
    ), 'This is a mean energy of atoms, not the surface energy per area.')  # fmt: skip


def c20(runs, rounds=()):
    """Active learning improves the forces on key configurations; large systems reach wider surroundings."""
    # rounds of mlffvv learn: errors on new cut-outs before and after; share of atoms outside of the training data
    before = [r['errors']['force_mae'] for r in rounds if r.get('errors')]
    changes = [1e3 * (b - a) for a, b in pairwise(before)]
    criteria = [mean('change of the error of forces from round to round', changes, high=0, unit='meV/Å')]
    criteria.append(mean('atoms outside of the training data', (over(t, 'extrapolated_share', 0, t['time_ps'].iloc[-1])
                                                                for t in runs[C])))  # fmt: skip
    return Verdict('C20', c20.__doc__, tuple(criteria))


def _torsion(tables, column):
    """Absolute angles at 40 ps."""
    return [abs(at(t, column, 40)) for t in tables]


def _change(tables, column, time):
    """Change of a column from 1 ps to a time in each run."""
    return [at(t, column, time) - early(t, column) for t in tables]


def _rise(tables):
    """Change of the surface energy from 40 to 200 ps in each run, eV."""
    return [at(t, 'e_surface_eV', 200) - at(t, 'e_surface_eV', 40) for t in tables]


def _mev(values):
    return [1e3 * value for value in values]
