"""Structures of the set li-solvent-1: the parts of a dendrite, in sizes suitable for DFT calculations.

    python -m recipes.li_solvent_1 OUTPUT.extxyz

writes them without labels, each with ``group`` and ``name`` in its info; ``mlffvv label`` labels them. Structures
marked ``paired`` have a surface and are also calculated in vacuum. In the others there is no room for the solvent, and
both labels are identical. The order is shuffled, so that the first n structures are a smaller set of the same kind.
"""

from __future__ import annotations

import sys

import numpy as np
from ase import Atoms, units
from ase.build import bcc100, bcc110, bulk
from ase.io import write
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import thermalize_momenta

from ase_mlffvv.calculators import VVCalculator
from ase_mlffvv.dft.cells import empty_gaps
from ase_mlffvv.structures import (
    add_adatoms,
    ball,
    column,
    free_needle,
    slab,
    stacked_bicrystal,
    step,
    surroundings,
    tilt_bicrystal,
    training_cell,
    with_vacancy,
)

A = 3.44  # Å, bcc
VACUUM = 6.0  # Å on each side of a slab; the effect of the solvent is then converged to 0.1 meV/Å
AROUND = 5.0  # Å around a cluster, the default of its builders; the effect is converged to 0.3 meV/Å


def structures(seed=0):
    """All structures: list of Atoms with ``group``, ``name`` and ``paired`` in info, 16 to 60 atoms each."""
    rng = np.random.default_rng(seed)
    calc = VVCalculator('li-pbe-1')
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
    """Copy of a structure after half a picosecond of Langevin dynamics."""
    atoms = atoms.copy()
    atoms.set_constraint()
    atoms.set_tags(0)
    atoms.calc = calc
    thermalize_momenta(atoms, 2 * temperature, rng=rng)
    Langevin(atoms, 2 * units.fs, temperature_K=temperature, friction=0.02 / units.fs, fixcm=False, rng=rng).run(steps)
    return Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)


def crystals(rng):
    """Bcc, fcc and hcp at five volumes, up to the liquid."""
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
    """Vacancies in the bulk and in the top layer of slabs."""
    for name, cell, shape in (('bcc', A, (3, 3, 2)), ('fcc', 4.32, (2, 2, 2))):
        atoms = bulk('Li', name, a=cell, cubic=True) * shape
        atoms = with_vacancy(atoms, len(atoms) // 2)
        yield name, 100, atoms
        yield name, 300, atoms
    for face in ('100', '110', '111'):
        atoms = thin_slab(face)
        atoms = with_vacancy(atoms, np.argmax(atoms.positions[:, 2]))
        yield face, 100, atoms
        yield face, 300, atoms


def thin_slab(face):
    """Slab with a low-index face, 20 to 28 atoms."""
    layers, repeat = {'100': (5, (2, 2)), '110': (5, (2, 2)), '111': (7, (2, 2)), '211': (6, (1, 2))}[face]
    return slab(face, A, layers=layers, repeat=repeat, vacuum=VACUUM)


def slabs(rng):
    """(100), (110), (111) and (211) from 50 to 500 K."""
    for face in ('100', '110', '111', '211'):
        for temperature in (50, 150, 250, 250, 350, 350, 500):
            yield face, temperature, thin_slab(face)


def adatoms(rng):
    """One to three adatoms on slabs."""
    for face in ('100', '110', '111', '211'):
        for number, temperature in ((1, 50), (1, 250), (2, 250), (3, 350)):
            seed = int(rng.integers(1000))
            yield f'{face} {number}', temperature, add_adatoms(thin_slab(face), number=number, where='all', seed=seed)


def steps(rng):
    """Slabs without half of their top layers, and vicinal surfaces."""
    for face, layers in (('100', 1), ('100', 2), ('110', 1), ('110', 2)):
        atoms = step(thin_slab(face) * (2, 1, 1), layers)
        for temperature in (100, 300):
            yield f'{face} {layers}', temperature, atoms
    for face, layers, repeat in (('310', 8, 2), ('210', 10, 2), ('321', 12, 1)):
        yield f'vicinal {face}', 250, slab(face, A, layers=layers, repeat=(1, repeat), vacuum=VACUUM)


def twin():
    """Periodic bicrystal with two coherent Sigma 3 {112} twin boundaries, 24 atoms."""
    return tilt_bicrystal('twin_112', A, repeat=(2, 1), periods=1)


def boundaries(rng):
    """Grain boundaries: the twin boundary of the paper and a general boundary."""
    for temperature in (50, 150, 250, 250, 350, 350):
        yield 'twin', temperature, twin()
    lower, upper = bcc100('Li', (2, 3, 3), a=A), bcc110('Li', (2, 4, 3), a=A, orthogonal=True)
    for temperature in (100, 250, 350):
        yield '100 on 110', temperature, stacked_bicrystal(lower, upper)


def needles(rng):
    """Free needles, needles on two layers, and spheres."""
    for diameter, height in ((1.5, 4), (1.5, 5), (2.0, 3), (2.0, 4)):
        for temperature in (100, 250, 350):
            yield f'free {diameter} x {height}', temperature, free_needle(diameter, height, A)
    for diameter, height in ((1.0, 1.5), (1.0, 2.5), (1.5, 1.5)):
        atoms = column(diameter=diameter, height=height, box=3, substrate_layers=2, vacuum=2 * VACUUM / A)
        for temperature in (100, 250, 350):
            yield f'on layers {diameter} x {height}', temperature, atoms
    for centre, number in (((0.5, 0, 0), 18), ((0.5, 0, 0), 26), ((0, 0, 0), 27), ((0.25, 0.25, 0), 34)):
        yield f'ball {number}', 200, ball(number, centre, A)


def cut_outs(calc, rng):
    """Clusters of the surroundings of atoms in the paper's training cell, taken while its column collapses."""
    for temperature in (250, 350):
        atoms = training_cell()
        for picoseconds in range(1, 6):
            atoms = thermal(atoms, temperature, calc, rng, steps=500)
            z = atoms.positions[:, 2]
            for i in rng.choice(np.flatnonzero(z > np.median(z)), 3, replace=False):
                near = surroundings(atoms, i, rng.integers(18, 33))
                yield f'atom {i} of the cell at {temperature} K, {picoseconds} ps', near


def main(output):
    frames = structures()
    write(output, frames)
    print(f'{len(frames)} structures, {sum(a.info["paired"] for a in frames)} of them paired, in {output}')


if __name__ == '__main__':
    if len(sys.argv) != 2 or sys.argv[1].startswith('-'):
        sys.exit(__doc__)
    main(sys.argv[1])
