"""Fit the shipped potential li-pbe-solvent-1 again: lithium in the electrolyte of the paper.

    python -m ase_mlffvv.data.fit_li_pbe_solvent_1 FOLDER [OUTPUT]       fit
    python -m ase_mlffvv.data.fit_li_pbe_solvent_1 FOLDER --compare      which way is best, by cross-validation

FOLDER holds the public vacuum sets, as for :mod:`ase_mlffvv.data.fit_li_pbe_1`. They and li-pbe-1, fitted to them, give
the many-body shape; li-solvent-1 (:mod:`ase_mlffvv.data.solvent_set`) says what is different at surfaces and in the
solvent. The ways compared:

    vacuum      li-pbe-1 as it is
    difference  li-pbe-1 plus the difference of the labels in the solvent and in vacuum
    alone       li-pbe-1 with coefficients adapted to the labels in the solvent
    joint       the same, with the vacuum sets
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import ase_mlffvv
from ase_mlffvv.data import fit_li_pbe_1, solvent_set
from ase_mlffvv.fitting import accuracy, differences, normal_matrix, refit
from ase_mlffvv.model.find import find_potential

WEIGHTS = {'energy': 200.0, 'forces': 1.0, 'energies': 0.0}
WAY, RIDGE = 'joint', 1e-6


def vacuum_sets(folder):
    """Training and test structures of li-pbe-1."""
    folder = Path(folder)
    other = fit_li_pbe_1.ai4mater(folder / 'ai4mater_li_train.xyz')
    train = fit_li_pbe_1.mlearn(folder / 'mlearn_li_train.xyz') + [a for k, a in enumerate(other) if k % 10 != 5]
    return train + fit_li_pbe_1.far(), fit_li_pbe_1.mlearn(folder / 'mlearn_li_test.xyz') + other[5::10]


def adapt(way, base, frames, pairs, prior, ridge, **settings):
    """The potential of one way, and its report; ``pairs`` are two lists, in the solvent and in vacuum."""
    settings = {'weights': WEIGHTS, 'ridge': ridge, 'progress': False, **settings}
    if way == 'difference':
        return refit(base, differences(base, *pairs), new_zero=False, **settings)
    return refit(base, frames, prior=prior if way == 'joint' else None, **settings)


def compare(base, prior, test, ridges=(1e-3, 1e-4, 1e-5, 1e-6, 1e-7), folds=5, path=None):
    """Rows (way, ridge, errors) of a cross-validation on li-solvent-1 and of the test set in vacuum.

    Errors in meV: MAE of energies per atom (after the mean, the zero of energy, is taken off) and of forces, RMSE of
    forces, all in the solvent on structures held out; and MAE of energies and forces of the vacuum's test set.
    """
    frames, (inside, outside) = solvent_set.load(path=path), solvent_set.pairs(path)
    where = {atoms.positions.tobytes(): k for k, atoms in enumerate(frames)}
    numbers = np.array([where[atoms.positions.tobytes()] for atoms in inside])
    parts = np.array_split(np.random.default_rng(0).permutation(len(frames)), folds)
    rows = []
    for way, ridge in [('vacuum', 0.0)] + [(w, r) for w in ('difference', 'alone', 'joint') for r in ridges]:
        energy, forces, kept = [], [], []
        for part in parts:
            chosen = np.setdiff1d(np.arange(len(frames)), part)
            use = np.flatnonzero(np.isin(numbers, chosen))
            potential = base
            if way != 'vacuum':
                pairs = [[media[k] for k in use] for media in (inside, outside)]
                potential, _ = adapt(way, base, [frames[k] for k in chosen], pairs, prior, ridge)
            found = accuracy(potential, [frames[k] for k in part])
            energy.append(found.errors('energy') * 1e3)
            forces.append(found.errors('forces') * 1e3)
            if part is parts[0]:
                kept = vacuum_errors(potential, test)
        e, f = np.concatenate(energy), np.concatenate(forces)
        rows.append((way, ridge, np.abs(e - e.mean()).mean(), np.abs(f).mean(), np.sqrt((f**2).mean()), *kept))
        print(line(rows[-1]), flush=True)
    return rows


def vacuum_errors(potential, test):
    """MAE of energies (meV/atom, after the mean is taken off) and forces (meV/Å)."""
    found = accuracy(potential, test)
    e = found.errors('energy') * 1e3
    return np.abs(e - e.mean()).mean(), found.mae('forces') * 1e3


def line(row):
    way, ridge, *errors = row
    return f'{way:12}{ridge:8.0e}' + ''.join(f'{error:12.2f}' for error in errors)


def main(folder, output):
    base = find_potential('li-pbe-1')
    train, test = vacuum_sets(folder)
    prior = normal_matrix(base, train, weights=fit_li_pbe_1.WEIGHTS, group_weights=fit_li_pbe_1.GROUP_WEIGHTS)
    if output == '--compare':
        print(f'{"way":12}{"ridge":>8}{"energy":>12}{"forces":>12}{"rms forces":>12}{"vac. energy":>12}{"forces":>12}')
        compare(base, prior, test)
        return
    potential, report = adapt(WAY, base, solvent_set.load(), solvent_set.pairs(), prior, RIDGE, progress=True)
    kept = vacuum_errors(potential, test)
    card = {
        'title': 'li-pbe-solvent-1: lithium, PBE, in a solvent of propylene carbonate and dimethoxyethane with ions',
        'made_with': f'ase-mlffvv {ase_mlffvv.__version__}, python -m ase_mlffvv.data.fit_li_pbe_solvent_1',
        'data': [
            f'li-solvent-1, {len(solvent_set.load())} structures of 16 to 42 atoms in the implicit solvent (GPAW; '
            'li-solvent-1.md), MIT',
            'the training sets of li-pbe-1 in vacuum (li-pbe-1.md), by the normal equations of its functions',
        ],
        'limits': [
            'pure lithium; neutral: no electrode potential, no charge transfer, no SEI; the solvent is a continuum '
            'that follows the atoms at once',
            'functions are those selected for li-pbe-1 in vacuum; only their coefficients are new',
            'energies have the zero of the GPAW labels, -1.90 eV/atom in bcc',
        ],
        'physics': [
            f'test set of li-pbe-1, in vacuum: {kept[0]:.2f} meV/atom, {kept[1]:.1f} meV/Å',
        ],
        **potential.card,
    }
    replace(potential, card=card).save(output)
    Path(output).with_suffix('.md').write_text(fit_li_pbe_1.card_text(card, report))
    print(report)


if __name__ == '__main__':
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else str(Path(__file__).with_name('li-pbe-solvent-1.vv')))
