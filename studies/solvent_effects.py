"""Effects of the solvent: surface energies of two shipped potentials, and the evolution of two needles.

First run the two needles, which differ only in the potential (about ten minutes each on two cores):

    for medium in li-pbe-1 li-pbe-solvent-1; do
        mlffvv run --model $medium --diameter 6 --height 10 --box 14 --time 20 -o needle-$medium
    done
    python -m studies.solvent_effects needle-li-pbe-1 needle-li-pbe-solvent-1 -o docs/solvent.png

It prints a table and draws the figure of docs/solvent.md.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from ase.build import bulk
from ase.eos import calculate_eos
from ase.io import read
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from mlffvv_analysis import surfaces as analysis
from mlffvv_analysis.coordination import coordination_numbers
from mlffvv_analysis.plots import draw_atoms

from ase_mlffvv import VVCalculator
from ase_mlffvv.jobs.record import trajectory_path
from ase_mlffvv.pages.style import GREY, MARKERS, figure, plot_style
from ase_mlffvv.structures import slab

MODELS = {'li-pbe-1': 'vacuum', 'li-pbe-solvent-1': 'solvent'}
COORDINATION = (5, 14)  # scale of the pictures
FACES = {'100': 20, '110': 8, '111': 36, '211': 12, '310': 16, '210': 24}  # atomic layers


def lattice_constant(calc, guess=3.44):
    """Lattice constant (Å) and energy per atom (eV) of bcc at 0 K."""
    atoms = bulk('Li', 'bcc', a=guess)
    atoms.calc = calc
    volume, energy, _ = calculate_eos(atoms, npoints=7, eps=0.02).fit()
    return (2 * volume) ** (1 / 3), energy


def surface_energy(calc, face, layers, a, per_atom):
    """Surface energies in J/m^2 before and after relaxation of the atoms."""
    atoms = slab(face, a, layers=layers, vacuum=8)
    atoms.calc = calc
    return analysis.surface_energy(atoms, per_atom, fmax=None), analysis.surface_energy(atoms, per_atom)


def columns(folder):
    with open(Path(folder) / 'log.csv') as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('needles', nargs=2, metavar='FOLDER', help='run with li-pbe-1, run with li-pbe-solvent-1')
    parser.add_argument('-o', '--output', default='solvent.png')
    args = parser.parse_args()

    energies = {}
    print(f'{"":>10}' + ''.join(f'{model:>22}' for model in MODELS) + '   (J/m^2, cut / relaxed)')
    bulks = {model: lattice_constant(VVCalculator(model)) for model in MODELS}
    for face, layers in FACES.items():
        energies[face] = [surface_energy(VVCalculator(model), face, layers, *bulks[model]) for model in MODELS]
        cells = [f'{cut:.3f} / {relaxed:.3f}' for cut, relaxed in energies[face]]
        print(f'{face:>10}' + ''.join(f'{cell:>22}' for cell in cells), flush=True)

    tables = {medium: columns(folder) for folder, medium in zip(args.needles, MODELS.values())}
    for medium, table in tables.items():
        print(
            f'{medium}: height {table["height_A"][0]:.1f} -> {table["height_A"][-1]:.1f} Å, reduced to half after '
            f'{table["time_ps"][np.argmax(table["height_A"] < table["height_A"][0] / 2)]:.1f} ps, mean coordination '
            f'{table["mean_coordination"][-1]:.2f}, detached atoms at most {table["detached"].max():.0f}'
        )
    pictures = [picture for folder, medium in zip(args.needles, tables) for picture in pictures_of(folder, medium)]
    relaxed = {face: [both[1] for both in energies[face]] for face in FACES}
    draw(relaxed, tables, pictures, args.output)
    print(args.output)


def pictures_of(folder, medium):
    """Title and structure at a tenth, a quarter and the end of a run."""
    frames = read(trajectory_path(folder), ':')
    last = columns(folder)['time_ps'][-1]
    for k in (len(frames) // 10, len(frames) // 4, len(frames) - 1):
        yield f'{medium}, {last * k / (len(frames) - 1):.0f} ps', frames[k]


@plot_style()
def draw(energies, tables, pictures, path):
    """Draw the figure.

    Parameters
    ----------
    energies : dict
        Relaxed surface energies (J/m^2) of each face in the two media.
    tables : dict
        Columns ``time_ps``, ``height_A`` and ``mean_coordination`` of each medium.
    pictures : list of (str, Atoms or image)
    path : path
    """
    drawing = figure(11, 6.2)
    upper, lower = drawing.subfigures(2, 1, height_ratios=[1, 0.72])
    axes = upper.subplots(1, 3)
    for k, medium in enumerate(tables):
        axes[0].plot(range(len(energies)), [both[k] for both in energies.values()], MARKERS[k], ms=8, label=medium)
    ends = np.sort(list(energies.values()), axis=1)
    axes[0].vlines(range(len(ends)), *ends.T, color=GREY, lw=1, zorder=0)
    axes[0].set_xticks(range(len(energies)), [f'({face})' for face in energies])
    axes[0].set(ylabel='surface energy, relaxed (J/m²)', title='surface energies (axis does not begin at 0)')
    for k, (medium, table) in enumerate(tables.items()):
        style = {'color': f'C{k}', 'ls': ('-', '--')[k], 'label': medium}
        axes[1].plot(table['time_ps'], table['height_A'], **style)
        later = table['time_ps'] > 0.3  # the start is a perfect crystal with a higher coordination
        axes[2].plot(table['time_ps'][later], table['mean_coordination'][later], **style)
    axes[1].set(xlabel='time (ps)', ylabel='height above substrate (Å)', ylim=(0, None), title='height of the needle')
    axes[2].set(xlabel='time (ps)', ylabel='mean coordination number', title='coordination (from 0.3 ps on)')
    for axis in axes:
        axis.legend()
    places = lower.subplots(1, len(pictures))
    for axis, (title, picture) in zip(places, pictures):
        if hasattr(picture, 'positions'):
            draw_atoms(axis, picture, coordination_numbers(picture), limits=COORDINATION)
        else:
            axis.imshow(picture)
            axis.set_axis_off()
        axis.set_title(title, loc='center', fontsize=10)
    scale = ScalarMappable(Normalize(*COORDINATION), 'viridis')
    bar = lower.colorbar(scale, ax=places, orientation='horizontal', shrink=0.3, aspect=30, pad=0.02)
    bar.set_label('coordination number')
    bar.outline.set_visible(False)
    drawing.savefig(path, dpi=130)


if __name__ == '__main__':
    main()
