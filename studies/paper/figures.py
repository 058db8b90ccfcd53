"""Figures of the reproduction: which conditions and columns stand in each, and the points of the paper."""

from __future__ import annotations

import numpy as np
from mlffvv_analysis.displacements import rate

# read off Fig. 4 of the paper (± 0.05, ± 0.2 Å) and off Fig. 3a
TIMES = (1, 10, 20, 40, 80, 120, 200)
PAPER = {
    'cn_surface': {'paper, A': (TIMES, (5.47, 5.7, 5.82, 5.82, 5.8, 5.86, 5.83)),
                   'paper, B': (TIMES, (6.25, 6.17, 6.04, 5.94, 5.87, 5.85, 5.83))},
    'abs_dz_all_A': {'paper, A': (TIMES, (0.7, 3.2, 6.0, 9.1, 13.6, 15.1, 15.5)),
                     'paper, B': (TIMES, (0.7, 3.2, 5.2, 9.0, 12.8, 14.8, 16.0))},
    'dxy_all_A': {'paper, A': (TIMES, (0.5, 1.2, 2.7, 5.4, 7.4, 7.8, 7.8)),
                  'paper, B': (TIMES, (0.5, 1.2, 2.0, 8.2, 10.7, 12.1, 12.5))},
    'torsion_deg': {'paper, A': ((40,), (30,)), 'paper, B': ((40,), (5,))},
    'top_shift_A': {'paper, A': ((40,), (14.7,)), 'paper, B': ((40,), (26.6,))},
}  # fmt: skip
HEIGHTS = {'height_A': {'paper': ((0, 20, 200), (87, 58, 31))}}

# name: title, text, conditions, columns, points of the paper
BANDS = {
    'fig3': ('Column at 250 K (Fig. 3)', 'Shape, grains and the orientation of the top.', ('column-250',),
             ('height_A', 'kink_deg', 'top_misorientation_deg', 'n_grains_100', 'twin_trace_deg', 'top_slide_A',
              'foot_110_A', 'foot_100_A', 'convexity'), HEIGHTS),
    'fig4': ('Cuboids A and B (Fig. 4)', 'Coordination and energy of surface atoms, displacements over all atoms, and '
             'torsion by the outline and by the grain of the top. Signs of rotations are arbitrary.',
             ('cuboid-a', 'cuboid-b'), ('cn_surface', 'e_surface_eV', 'abs_dz_all_A', 'dxy_all_A', 'torsion_deg',
                                        'top_rotation_z_deg', 'top_shift_A'), PAPER),
    's10': ('Crystal structures (Fig. S10)', 'Adaptive common neighbor analysis of the upper half, all atoms (first '
            'row), and template matching below the skin.', ('column-250',),
            ('acna_bcc_top', 'acna_fcc_top', 'acna_hcp_top', 'ptm_bcc_top', 'ptm_fcc_top', 'ptm_hcp_top'), None),
    's11': ('Surface energy, coordination and rate of displacement (Fig. S11)', 'Rates are slopes of lines through '
            'windows of 2 ps.', ('column-250',), ('e_surface_eV', 'cn_surface', 'rate_xy'), None),
    's12': ('Boundaries (Figs. S12 and S13)', 'Excess energy of boundary atoms over grain interiors, their number, and '
            'the energy of bcc interiors.', ('column-250',),
            ('boundary_excess_meV', 'n_boundary_column', 'e_bcc_interior_eV'), None),
    's14': ('Grains and motion of the cuboids (Fig. S14)', 'Slopes change where boundaries pin.',
            ('cuboid-a', 'cuboid-b', 'column-250'), ('dxy_all_A', 'rate_xy', 'n_grains_100'), None),
    's15': ('Three shapes (Fig. S15)', 'Energies of surface and bulk, number and coordination of surface atoms.',
            ('column-250', 'cuboid-a', 'cuboid-b'), ('e_surface_eV', 'e_bulk_eV', 'n_surface', 'cn_surface'), None),
    's16': ('250 and 350 K (Fig. S16)', 'Shape, grains, and atoms of no crystal structure below the skin.',
            ('column-250', 'column-350'),
            ('height_A', 'aspect', 'convexity', 'largest_bcc_share', 'rate_z', 'ptm_other_column'), None),
    's17': ('Adatoms at 350 K (Fig. S17)', 'Coordination beside that of the terrace, displacement relative to the '
            'surroundings, and the height of the column.', ('adatoms',),
            ('adatom_cn', 'cn_terrace', 'adatom_relative_msd_A2', 'adatom_incorporated_share', 'adatom_bulk_share',
             'height_A'), None),
    'controls': ('Controls', 'The column at 250 K under other conditions.',
                 ('column-250', 'column-250-vacuum', 'column-250-free', 'column-250-one-layer', 'column-250-csvr',
                  'column-250-accurate', 'column-250-box-48', 'column-250-4fs'),
                 ('height_A', 'abs_dz_all_A', 'dxy_all_A', 'cn_surface', 'n_grains_100', 'ptm_bcc_column'), HEIGHTS),
    'controls-350': ('Controls at 350 K', 'The column at 350 K with other substrates.',
                     ('column-350', 'column-350-free', 'column-350-one-layer'),
                     ('height_A', 'aspect', 'ptm_bcc_column', 'ptm_other_column', 'largest_bcc_share', 'n_grains_100'),
                     None),
}  # fmt: skip


def derived(table):
    """A timeline with the columns that figures need and the analysis does not write."""
    time = table['time_ps'].to_numpy()
    excess = 1e3 * (table['e_boundary_eV'] - table['e_interior_eV'])
    rates = {f'rate_{name}': rate(time, table[column]) if len(time) > 1 else np.nan
             for name, column in (('xy', 'dxy_all_A'), ('z', 'abs_dz_all_A'))}  # fmt: skip
    return table.assign(boundary_excess_meV=excess, **rates)
