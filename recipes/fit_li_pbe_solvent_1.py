"""Reproduce the fit of the shipped potential li-pbe-solvent-1 for lithium in the electrolyte of the paper.

    python -m recipes.fit_li_pbe_solvent_1 FOLDER [OUTPUT]       fit
    python -m recipes.fit_li_pbe_solvent_1 FOLDER --compare      compare methods by cross-validation

FOLDER contains the public vacuum sets, as for :mod:`recipes.fit_li_pbe_1`. These sets, and li-pbe-1 fitted to them,
determine the interactions in the bulk; the structures of li-solvent-1 with a surface add the effects of the solvent.
The methods are:

    vacuum      li-pbe-1 as it is
    difference  li-pbe-1 plus the difference of the labels in the solvent and in vacuum
    alone       li-pbe-1 with coefficients adapted to the labels in the solvent
    joint       the same, with the vacuum sets

The vacuum sets, without their slabs, enter through normal equations for the functions of li-pbe-1. The structures of
li-solvent-1 without a surface, for which both DFT programs must agree, give the difference of their zeros of energy.
The potential is written to OUTPUT, by default li-pbe-solvent-1.vv in the current folder, and its card to the same name
with the suffix .md.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import ase_mlffvv
from ase_mlffvv.datasets import solvent_set
from ase_mlffvv.fitting import accuracy, differences, normal_matrix, refit
from ase_mlffvv.model.find import find_potential
from recipes import fit_li_pbe_1

WEIGHTS = {'energy': 30.0, 'forces': 1.0, 'energies': 0.0}
WAY, RIDGE = 'joint', 1e-7
SHARE = 0.3  # factor of the normal equations of the vacuum sets


def vacuum_normal(base, train):
    """Normal equations of the vacuum sets without their slabs, multiplied by ``SHARE``."""
    bulk = [atoms for atoms in train if atoms.info['group'] != 'Surface']
    groups = {group: weight for group, weight in fit_li_pbe_1.GROUP_WEIGHTS.items() if group != 'Surface'}
    return SHARE * normal_matrix(base, bulk, weights=fit_li_pbe_1.WEIGHTS, group_weights=groups)


def with_surface(base, path=None):
    """Structures with a surface, with the zero of energy of li-pbe-1: all, and those in both media as two lists."""
    frames = solvent_set.load(path=path)
    solid = [atoms for atoms in frames if not atoms.info['paired']]
    shift = accuracy(base, solid).errors('energy').mean()
    print(f'{len(solid)} structures without a surface: energies differ by {shift * 1e3:.2f} meV/atom from li-pbe-1')
    chosen = []
    for group in (frames, *solvent_set.in_both_media(path)):
        chosen.append([atoms for atoms in group if atoms.info['paired']])
        for atoms in chosen[-1]:
            atoms.info['REF_energy'] += shift * len(atoms)
    return chosen


def adapt(way, base, frames, both, normal, progress=False):
    """Potential from one method, and its report; ``both`` are two lists, in the solvent and in vacuum."""
    labels = differences(base, *both) if way == 'difference' else frames
    return refit(
        base, labels, weights=WEIGHTS, ridge=RIDGE, new_zero=False, normal=None if way == 'alone' else normal,
        progress=progress,
    )  # fmt: skip


def compare(base, normal, test, folds=5, path=None):
    """Cross-validate the methods on the structures with a surface, and print their errors.

    The errors, in meV/atom and meV/Å, are mean absolute errors of energies and forces and the root mean square error of
    forces in the solvent, on held-out structures, and mean absolute errors on the vacuum test set without slabs.
    """
    frames, inside, outside = with_surface(base, path)
    where = {atoms.positions.tobytes(): k for k, atoms in enumerate(frames)}
    numbers = np.array([where[atoms.positions.tobytes()] for atoms in inside])
    parts = np.array_split(np.random.default_rng(0).permutation(len(frames)), folds)
    print(f'{"method":12}{"energy":>12}{"forces":>12}{"rms forces":>12}{"vac. energy":>12}{"vac. forces":>12}')
    for way in ('vacuum', 'difference', 'alone', 'joint'):
        energy, forces = [], []
        for part in parts:
            chosen = np.setdiff1d(np.arange(len(frames)), part)
            use = np.flatnonzero(np.isin(numbers, chosen))
            potential = base
            if way != 'vacuum':
                both = [[media[k] for k in use] for media in (inside, outside)]
                potential, _ = adapt(way, base, [frames[k] for k in chosen], both, normal)
            found = accuracy(potential, [frames[k] for k in part])
            energy.append(found.errors('energy') * 1e3)
            forces.append(found.errors('forces') * 1e3)
        e, f = np.concatenate(energy), np.concatenate(forces)
        errors = np.abs(e).mean(), np.abs(f).mean(), np.sqrt((f**2).mean()), *vacuum_errors(potential, test)
        print(f'{way:12}' + ''.join(f'{error:12.2f}' for error in errors), flush=True)


def vacuum_errors(potential, test):
    """MAE of energies (meV/atom, after subtraction of the mean error) and forces (meV/Å)."""
    found = accuracy(potential, test)
    e = found.errors('energy') * 1e3
    return np.abs(e - e.mean()).mean(), found.mae('forces') * 1e3


def main(folder, output):
    base = find_potential('li-pbe-1')
    train, test = fit_li_pbe_1.published(folder)
    test = [atoms for atoms in test if atoms.info['group'] != 'Surface']
    normal = vacuum_normal(base, train + fit_li_pbe_1.far())
    if output == '--compare':
        compare(base, normal, test)
        return
    frames, inside, outside = with_surface(base)
    potential, report = adapt(WAY, base, frames, (inside, outside), normal, progress=True)
    kept = vacuum_errors(potential, test)
    card = {
        'title': 'li-pbe-solvent-1: lithium, PBE, in a solvent of propylene carbonate and dimethoxyethane with ions',
        'made_with': f'ase-mlffvv {ase_mlffvv.__version__}, python -m recipes.fit_li_pbe_solvent_1',
        'data': [
            f'li-solvent-1, {len(frames)} structures of 16 to 36 atoms with a surface, in the implicit solvent (GPAW; '
            'li-solvent-1.md), MIT',
            f'the training sets of li-pbe-1 in vacuum without their slabs (li-pbe-1.md), counted {SHARE:g} times',
        ],
        'limits': [
            'pure lithium; neutral: no electrode potential, no charge transfer, no SEI; the solvent is a continuum '
            'that follows the atoms at once',
            'functions are those selected for li-pbe-1 in vacuum; only their coefficients are new',
            'energies have the zero of li-pbe-1, -1.90 eV/atom in bcc',
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
    if len(sys.argv) not in (2, 3) or sys.argv[1].startswith('-'):
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else 'li-pbe-solvent-1.vv')
