"""Structures of the set li-solvent-1: what a dendrite is made of, cut to the size of a DFT calculation.

    python -m recipes.li_solvent_1 OUTPUT.extxyz

writes them without labels, each with ``group`` and ``name`` in its info; ``mlffvv label`` labels them. Those marked
``paired`` have a surface and are calculated in vacuum, too; in the others the solvent finds no room, and both labels
are the same. The order is shuffled, so that the first n of them are a smaller set of the same kind.
"""

from __future__ import annotations

import sys

import numpy as np
from ase import Atoms, units
from ase.build import bcc100, bcc110, bcc111, bulk, surface
from ase.io import write
from ase.lattice.cubic import BodyCenteredCubic
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import thermalize_momenta

from ase_mlffvv.calculators import VVCalculator
from ase_mlffvv.dft.gpaw.checks import empty_gaps
from ase_mlffvv.structures import COLUMN, add_adatoms, column, training_cell

A = 3.44  # Å, bcc
VACUUM = 6.0  # Å on each side of a slab; the solvent's effect is then converged to 0.1 meV/Å
AROUND = 5.0  # Å around a cluster; 0.3 meV/Å


def structures(seed=0):
    """All structures: list of Atoms with ``group``, ``name`` and ``paired`` in info, 16 to 60 atoms each."""
    rng = np.random.default_rng(seed)
    calc = VVCalculator()
    out = []
    for family in (crystals, vacancies, slabs, adatoms, steps, boundaries, needles):
        for name, temperature, atoms in family(rng):
            out.append(thermal(atoms, temperature, calc, rng))
            out[-1].info.update(group=family.__name__, name=f'{name} {temperature} K')
    for name, atoms in cut_outs(calc, rng):
        out.append(atoms)
        out[-1].info.update(group='cut_outs', name=name)
    for atoms in out:
        atoms.info['paired'] = bool(empty_gaps(atoms).max() > AROUND)
    return [out[k] for k in rng.permutation(len(out))]


def thermal(atoms, temperature, calc, rng, steps=250):
    """Copy after half a picosecond of Langevin dynamics with the shipped potential."""
    atoms = atoms.copy()
    atoms.set_constraint()
    atoms.set_tags(0)
    atoms.calc = calc
    thermalize_momenta(atoms, 2 * temperature, rng=rng)
    Langevin(atoms, 2 * units.fs, temperature_K=temperature, friction=0.02 / units.fs, fixcm=False, rng=rng).run(steps)
    return Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)


def crystals(rng):
    """bcc, fcc and hcp at five volumes, up to the liquid."""
    cells = {
        'bcc': bulk('Li', 'bcc', a=A, cubic=True) * (2, 2, 2),
        'fcc': bulk('Li', 'fcc', a=4.32, cubic=True) * (2, 2, 1),
        'hcp': bulk('Li', 'hcp', a=3.06, c=4.98) * (2, 2, 2),
    }
    for name, cell in cells.items():
        for strain in (-0.05, -0.025, 0.0, 0.025, 0.05):
            atoms = cell.copy()
            atoms.set_cell(cell.cell * (1 + strain), scale_atoms=True)
            yield f'{name} {strain:+.3f}', 250, atoms
            if name == 'bcc':
                yield f'{name} {strain:+.3f}', 500, atoms
    for _ in range(3):
        yield 'liquid', 900, bulk('Li', 'bcc', a=1.02 * A, cubic=True) * (3, 2, 2)


def vacancies(rng):
    """One atom less in bulk and in the top layer of slabs."""
    for name, cell, shape in (('bcc', A, (3, 3, 2)), ('fcc', 4.32, (2, 2, 2))):
        atoms = bulk('Li', name, a=cell, cubic=True) * shape
        del atoms[len(atoms) // 2]
        yield name, 100, atoms
        yield name, 300, atoms
    for face in ('100', '110', '111'):
        atoms = slab(face)
        del atoms[int(np.argmax(atoms.positions[:, 2]))]
        yield face, 100, atoms
        yield face, 300, atoms


def slab(face):
    """Slab with a low-index face, 20 to 28 atoms."""
    if face == '211':
        return vicinal((2, 1, 1), 6) * (1, 2, 1)
    make, size = {'100': (bcc100, (2, 2, 5)), '110': (bcc110, (2, 2, 5)), '111': (bcc111, (2, 2, 7))}[face]
    atoms = make('Li', size, a=A, vacuum=VACUUM)
    atoms.pbc = True
    return atoms


def vicinal(face, layers):
    atoms = surface(bulk('Li', 'bcc', a=A, cubic=True), face, layers, vacuum=VACUUM)
    atoms.pbc = True
    return atoms


def slabs(rng):
    """(100), (110), (111) and (211) from 50 to 500 K."""
    for face in ('100', '110', '111', '211'):
        for temperature in (50, 150, 250, 250, 350, 350, 500):
            yield face, temperature, slab(face)


def adatoms(rng):
    """One to three adatoms on slabs."""
    for face in ('100', '110', '111', '211'):
        for number, temperature in ((1, 50), (1, 250), (2, 250), (3, 350)):
            seed = int(rng.integers(1000))
            yield f'{face} {number}', temperature, add_adatoms(slab(face), number=number, where='all', seed=seed)


def steps(rng):
    """Half of the top layers taken away, and vicinal faces."""
    for face, layers in (('100', 1), ('100', 2), ('110', 1), ('110', 2)):
        atoms = slab(face) * (2, 1, 1)
        heights = np.unique(np.round(atoms.positions[:, 2], 1))
        half = atoms.get_scaled_positions()[:, 0] > 0.45
        del atoms[np.flatnonzero((atoms.positions[:, 2] > heights[-layers] - 0.15) & half)]
        for temperature in (100, 300):
            yield f'{face} {layers}', temperature, atoms
    for face, layers, repeat in (((3, 1, 0), 8, 2), ((2, 1, 0), 5, 2), ((3, 2, 1), 12, 1)):
        yield 'vicinal ' + ''.join(map(str, face)), 250, vicinal(face, layers) * (1, repeat, 1)


def twin():
    """Periodic bicrystal with two coherent Sigma 3 {112} twin boundaries, 24 atoms."""
    crystal = BodyCenteredCubic('Li', [[1, 1, -1], [-1, 1, 0], [1, 1, 2]], size=(2, 1, 1), latticeconstant=A)
    length = crystal.cell[2, 2]
    z = crystal.positions[:, 2]
    lower = [crystal.positions, crystal.positions[z < 0.1] + [0, 0, length]]
    upper = crystal.positions[z > 0.1] * [1, 1, -1] + [0, 0, 2 * length]
    positions = np.concatenate([*lower, upper])
    return Atoms(f'Li{len(positions)}', positions, cell=crystal.cell * [[1], [1], [2]], pbc=True)


def bicrystal():
    """Periodic boundary of three (100) layers on three (110) layers, strained in the plane to fit, 42 atoms."""
    lower = bcc100('Li', (2, 3, 3), a=A)
    upper = bcc110('Li', (2, 4, 3), a=A, orthogonal=True)
    sides = (lower.cell.lengths()[:2] + upper.cell.lengths()[:2]) / 2
    gap, parts, z = 2.5, [], 0.0
    for atoms in (lower, upper):
        positions = atoms.positions * [*sides / atoms.cell.lengths()[:2], 1]
        parts.append(positions + [0, 0, z - positions[:, 2].min()])
        z = parts[-1][:, 2].max() + gap
    return Atoms(f'Li{len(lower) + len(upper)}', np.concatenate(parts), cell=[*sides, z], pbc=True)


def boundaries(rng):
    """Grain boundaries: the twin of the paper and a general one."""
    for temperature in (50, 150, 250, 250, 350, 350):
        yield 'twin', temperature, twin()
    for temperature in (100, 250, 350):
        yield '100 on 110', temperature, bicrystal()


def in_vacuum(positions):
    """A cluster in the middle of a periodic box."""
    atoms = Atoms(f'Li{len(positions)}', positions)
    atoms.center(vacuum=AROUND)
    atoms.pbc = True
    return atoms


def needles(rng):
    """Free needles, needles on two layers, and balls."""
    for diameter, height in ((1.5, 4), (1.5, 5), (2.0, 3), (2.0, 4)):
        atoms = column(diameter=diameter, height=height, box=8, substrate_layers=1)
        for temperature in (100, 250, 350):
            yield f'free {diameter} x {height}', temperature, in_vacuum(atoms.positions[atoms.get_tags() == COLUMN])
    for diameter, height in ((1.0, 1.5), (1.0, 2.5), (1.5, 1.5)):
        atoms = column(diameter=diameter, height=height, box=3, substrate_layers=2, vacuum=2 * VACUUM / A)
        for temperature in (100, 250, 350):
            yield f'on layers {diameter} x {height}', temperature, atoms
    grid = (bulk('Li', 'bcc', a=A, cubic=True) * (6, 6, 6)).positions
    balls = (((0.5, 0, 0), 18), ((0.5, 0, 0), 26), ((0, 0, 0), 27), ((0.25, 0.25, 0), 34))
    for centre, number in balls:
        distance = np.linalg.norm(grid - A * (3 + np.array(centre)), axis=1)
        yield f'ball {number}', 200, in_vacuum(grid[np.argsort(distance, kind='stable')[:number]])


def cut_outs(calc, rng):
    """Surroundings of atoms of the paper's training cell while its column collapses, as clusters."""
    for temperature in (250, 350):
        atoms = training_cell()
        for picoseconds in range(1, 6):
            atoms = thermal(atoms, temperature, calc, rng, steps=500)
            z = atoms.positions[:, 2]
            for i in rng.choice(np.flatnonzero(z > np.median(z)), 3, replace=False):
                vectors = atoms.get_distances(i, range(len(atoms)), mic=True, vector=True)
                near = np.argsort(np.linalg.norm(vectors, axis=1), kind='stable')[: rng.integers(18, 33)]
                yield f'atom {i} of the cell at {temperature} K, {picoseconds} ps', in_vacuum(vectors[near])


def main(output):
    frames = structures()
    write(output, frames)
    print(f'{len(frames)} structures, {sum(a.info["paired"] for a in frames)} of them paired, in {output}')


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
