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
from matplotlib.figure import Figure
from mlffvv_analysis import surfaces as analysis
from mlffvv_analysis.coordination import coordination_numbers
from mlffvv_analysis.plots import draw_atoms

from ase_mlffvv import VVCalculator
from ase_mlffvv.structures import slab

MODELS = {'li-pbe-1': 'vacuum', 'li-pbe-solvent-1': 'solvent'}
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

    figure = Figure(figsize=(11, 5.4), layout='constrained')
    upper, lower = figure.subfigures(2, 1, height_ratios=[1, 0.62])
    axes = upper.subplots(1, 3)
    x = np.arange(len(FACES))
    for k, medium in enumerate(MODELS.values()):
        axes[0].bar(x + 0.4 * k, [energies[face][k][1] for face in FACES], 0.38, label=medium)
    axes[0].set_xticks(x + 0.2, [f'({face})' for face in FACES])
    axes[0].set(ylabel='surface energy, relaxed (J/m²)', ylim=(0.4, None))
    axes[0].legend(fontsize=8)
    for folder, medium in zip(args.needles, MODELS.values()):
        table = columns(folder)
        axes[1].plot(table['time_ps'], table['height_A'], label=medium)
        axes[2].plot(table['time_ps'], table['mean_coordination'], label=medium)
        print(
            f'{medium}: height {table["height_A"][0]:.1f} -> {table["height_A"][-1]:.1f} Å, reduced to half after '
            f'{table["time_ps"][np.argmax(table["height_A"] < table["height_A"][0] / 2)]:.1f} ps, mean coordination '
            f'{table["mean_coordination"][-1]:.2f}, detached atoms at most {table["detached"].max():.0f}'
        )
    axes[1].set(xlabel='time (ps)', ylabel='height above substrate (Å)')
    axes[2].set(xlabel='time (ps)', ylabel='mean coordination number')
    pictures = lower.subplots(1, 6)
    for row, (folder, medium) in enumerate(zip(args.needles, MODELS.values())):
        frames = read(Path(folder) / 'trajectory.extxyz', ':')
        last = columns(folder)['time_ps'][-1]
        for column, k in enumerate((len(frames) // 10, len(frames) // 4, len(frames) - 1)):
            atoms = frames[k]
            at = pictures[3 * row + column]
            draw_atoms(at, atoms, coordination_numbers(atoms), limits=(5, 14))
            at.set_title(f'{medium}, {last * k / (len(frames) - 1):.0f} ps', fontsize=9)
    figure.savefig(args.output, dpi=130)
    print(args.output)


if __name__ == '__main__':
    main()
