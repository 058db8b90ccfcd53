"""Pictures of cut-outs and of the structure from which they were taken."""

from __future__ import annotations

import numpy as np

from ..pages.style import ORANGE, SKY, VERMILION

CORE, BUFFER, ADDED, PARENT = VERMILION, SKY, ORANGE, '#d5d5d5'
SHOWN = 8


def draw_cut_outs(cut_outs, parent, path):
    """Draw the positions of the first cut-outs in their parent, and each cut-out from the side.

    Core atoms are vermilion, the buffer is blue, and added atoms are orange.

    Parameters
    ----------
    cut_outs : sequence of Atoms
        Results of :func:`.cut_out`, with ``frame`` in info.
    parent : Atoms
        Frame of the first cut-out. Cut-outs of other frames are not marked in it.
    path : path
        PNG file.
    """
    from matplotlib.figure import Figure

    shown = cut_outs[:SHOWN]
    columns = 2 + (len(shown) + 1) // 2
    figure = Figure(figsize=(2.4 * columns, 5.2), layout='constrained')
    grid = figure.add_gridspec(2, columns)
    large = figure.add_subplot(grid[:, :2])
    _side(large, parent.positions, np.full(len(parent), PARENT), 4)
    for atoms in cut_outs:
        if atoms.info['frame'] == cut_outs[0].info['frame']:
            index, core = atoms.arrays['parent_index'], atoms.arrays['core']
            mine = index >= 0
            colours = np.where(core[mine], CORE, BUFFER)
            _side(large, parent.positions[index[mine]], colours, 6)
    large.set_title(f'{len(parent)} atoms, frame {cut_outs[0].info["frame"]}', fontsize=9)
    for k, atoms in enumerate(shown):
        axes = figure.add_subplot(grid[k % 2, 2 + k // 2])
        colours = np.where(atoms.arrays['parent_index'] < 0, ADDED, np.where(atoms.arrays['core'], CORE, BUFFER))
        _side(axes, atoms.positions, colours, 40)
        width, height = atoms.cell.lengths()[[0, 2]]
        axes.plot([0, width, width, 0, 0], [0, 0, height, height, 0], color='k', lw=0.6)
        axes.set_title(f'atom {atoms.info["centre"]}, {len(atoms)} atoms', fontsize=8)
    figure.savefig(path, dpi=110, format='png')


def _side(axes, positions, colours, size):
    """Atoms seen along y, the nearest drawn last."""
    order = np.argsort(-positions[:, 1], kind='stable')
    axes.scatter(positions[order, 0], positions[order, 2], s=size, c=colours[order], edgecolors='none')
    axes.set_aspect('equal')
    axes.set_axis_off()
