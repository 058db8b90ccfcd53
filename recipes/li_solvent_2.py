"""Cut-outs of the set li-solvent-2: tops, edges, feet, side faces, boundaries, adatoms and molten parts of columns.

    python -m recipes.li_solvent_2_runs FRAMES
    python -m recipes.li_solvent_2 FRAMES OUTPUT.extxyz [NUMBER]

writes periodic cut-outs of 60 to 110 atoms without labels; ``mlffvv label`` labels them. The order is shuffled, so that
the first n cut-outs are a smaller set of the same kind. Cut-outs of later rounds are selected by ``mlffvv cut``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from ase.io import read, write
from mlffvv_analysis.coordination import CUTOFF
from scipy.spatial import cKDTree

from ase_mlffvv.calculators import VVCalculator
from ase_mlffvv.errors import StructureError
from ase_mlffvv.io.files import complete
from ase_mlffvv.learning import cut_out
from ase_mlffvv.structures import A_LITHIUM

from .li_solvent_2_runs import SAMPLER

SIZES = (60, 66, 72, 80, 90, 110)
APART = 9.0  # Å; smallest distance between centres in one frame
SUBSTRATE_TOP = 2 * A_LITHIUM
PLACES = ('top', 'edge', 'foot', 'face', 'adatom', 'boundary', 'molten', 'inside')


def places(atoms):
    """Atoms of each kind of site, as a dict of arrays.

    Boundaries and molten parts are sites inside the solid and below its surface, respectively, at which the nearest
    neighbors deviate most from opposite pairs.
    """
    tree = cKDTree(atoms.positions)
    z, n = atoms.positions[:, 2], tree.query_ball_point(atoms.positions, CUTOFF, return_length=True) - 1
    wide = tree.query_ball_point(atoms.positions, 7.0, return_length=True)
    height = z - SUBSTRATE_TOP
    above = height > 2.5
    crooked = asymmetry(atoms, tree)
    inside = (wide > 62) & (height > -2)
    disorder = crooked[tree.query(atoms.positions, 15)[1]].mean(axis=1)
    top = z > np.quantile(z[above], 0.97)
    return {
        'top': np.flatnonzero(top & (n < 11)),
        'edge': np.flatnonzero(above & (wide < 36) & (n > 4)),
        'foot': np.flatnonzero((np.abs(height - 1.5) < 3) & (n < 12) & (wide > 45) & (wide < 62)),
        'face': np.flatnonzero(above & ~top & (n < 11) & (wide > 36) & (wide < 48)),
        'adatom': np.flatnonzero((height > 0.8) & (n < 5)),
        'boundary': np.flatnonzero(inside & (disorder > np.quantile(disorder[inside], 0.93))),
        'molten': np.flatnonzero(
            above & (wide > 44) & (wide < 62) & (n > 10) & (disorder > np.quantile(disorder[above & (wide > 44)], 0.9))
        ),
        'inside': np.flatnonzero(inside & above),
    }


def asymmetry(atoms, tree):
    """Sum over four opposite pairs of the eight nearest neighbors of |r_a + r_b|^2, Å^2."""
    near = tree.query(atoms.positions, 9)[1][:, 1:]
    vectors = atoms.positions[near] - atoms.positions[:, None]
    square = ((vectors[:, :, None] + vectors[:, None]) ** 2).sum(-1)
    square[:, np.arange(8), np.arange(8)] = np.inf
    return square.min(axis=2).sum(axis=1) / 2


def choose(atoms, rng, number):
    """Choose ``number`` sites far from each other: names of the kinds of site, and atoms."""
    found, chosen = places(atoms), []
    kinds = [PLACES[k] for k in rng.permutation(len(PLACES)) if len(found[PLACES[k]])]
    for k in range(4 * number):
        kind = kinds[k % len(kinds)]
        i = int(rng.choice(found[kind]))
        if all(atoms.get_distance(i, j, mic=True) > APART for _, j in chosen):
            chosen.append((kind, i))
        if len(chosen) == number:
            break
    return chosen


def cut_outs(frames, number, seed=0):
    """Yield cut-outs of all frames.

    Parameters
    ----------
    frames : dict
        Structures by name of the run and time.
    number : int
        Approximate total number of cut-outs.
    """
    rng = np.random.default_rng(seed)
    calc = VVCalculator(SAMPLER, threads=1, on_extrapolation='ignore')
    for name, atoms in frames.items():
        atoms.set_constraint()
        for kind, centre in choose(atoms, rng, max(1, round(number / len(frames)))):
            size = int(rng.choice(SIZES))
            try:
                out = cut_out(atoms, centre, size=size, calc=calc)
            except StructureError as error:
                print(f'{name} {kind} {centre}: {error}')
                continue
            grades = calc.uncertainty(out, forces=False)['grade']
            out.info.update(group='cut_outs', name=f'{name} {kind} {centre}', sampler=SAMPLER, place=kind, parent=name,
                            grade=float(grades.max()))  # fmt: skip
            yield out


def main(folder, output, number=48, cut_in_round=1):
    paths = sorted(Path(folder).glob('*/*_ps.extxyz'))
    frames = {f'{p.parent.name} {p.stem}'.replace('_', ' '): read(p) for p in paths}
    out = []
    for atoms in cut_outs(frames, int(number)):
        atoms.info['round'] = cut_in_round
        D, info = atoms.get_all_distances(mic=True), atoms.info
        print(
            f'{info["name"]:45s} {len(atoms):4d} atoms, core {info["n_core"]:2d}, forces on it change by '
            f'{1000 * info["core_force_change"]:3.0f} meV/Å, grade {info["grade"]:.2f}, shortest distance '
            f'{D[np.triu_indices(len(D), 1)].min():.2f} Å, box {atoms.cell.lengths().round(1)}',
            flush=True,
        )
        out.append(atoms)
    out = [out[k] for k in np.random.default_rng(1).permutation(len(out))]
    with complete(output) as temporary:
        write(temporary, out, format='extxyz')
    print(f'{len(out)} cut-outs in {output}')


if __name__ == '__main__':
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
