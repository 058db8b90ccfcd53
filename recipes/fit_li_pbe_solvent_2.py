"""Reproduce the fits of the shipped potentials li-pbe-solvent-2-fast and -accurate: lithium in the electrolyte.

    python -m recipes.fit_li_pbe_solvent_2 EDITION FOLDER [OUTPUT]

EDITION is ``fast`` or ``accurate``; FOLDER is that of :mod:`recipes.fit_li_pbe_1`. The data are the vacuum sets of
li-pbe-1 without their slabs, since bulk has no room for a solvent, the periodic structures of li-solvent-1, and four
fifths of li-solvent-2. Free clusters are left out: a metal cluster feels its whole self, which no local model can
learn. The potential is written to OUTPUT, by default li-pbe-solvent-2-EDITION.vv in the current folder, and its card to
the same name with the suffix .md.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import ase_mlffvv
from ase_mlffvv import VVCalculator
from ase_mlffvv.datasets import solvent_set
from ase_mlffvv.dft.cells import GAP, empty_gaps
from ase_mlffvv.fitting import accuracy, fit
from ase_mlffvv.model import VVSpec, find_potential
from recipes.fit_li_pbe_1 import card_text, far, published
from recipes.fit_li_pbe_2 import EDITIONS, GROUP_WEIGHTS, RIDGE, WEIGHTS

ZERO_OF = 'li-pbe-2-accurate'  # crystals have its energies
FREE_WEIGHT = 0.05  # below 0.1, so that they do not count as known surroundings in the grade
BULK_GROUP_WEIGHTS = {group: weight for group, weight in GROUP_WEIGHTS.items() if group != 'Surface'}


def in_the_solvent(reference=ZERO_OF):
    """Periodic structures of li-solvent-1, its free clusters, and li-solvent-2.

    Energies are shifted to those of a potential for crystals, which have no room for the solvent. Atomic energies are
    removed, because they partition the energy in a different way than a force field.
    """
    first, second = solvent_set.load(), solvent_set.load(name='li-solvent-2')
    crystals = [atoms for atoms in first if atoms.info['group'] == 'crystals']
    found = VVCalculator(find_potential(reference)).evaluate_many(crystals, ['energy'])
    zero = np.median([(r['energy'] - a.info['REF_energy']) / len(a) for r, a in zip(found, crystals)])
    for atoms in (*first, *second):
        atoms.info['REF_energy'] += zero * len(atoms)
        del atoms.arrays['REF_energies']
    free = [bool((empty_gaps(atoms) > GAP).all()) for atoms in first]
    return [a for a, f in zip(first, free) if not f], [a for a, f in zip(first, free) if f], second


def fit_edition(edition, bulk, frames, **options):
    """Potential and report of an edition fitted to bulk and to structures in the solvent."""
    return fit(
        [*bulk, *far(), *frames], VVSpec.recipe(edition, 'Li'), weights=WEIGHTS, group_weights=BULK_GROUP_WEIGHTS,
        ridge=RIDGE, **options,
    )  # fmt: skip


def errors_on(potential, frames):
    """Mean absolute errors of energies (meV/atom) and forces (meV/Å), of all atoms and of the cores of cut-outs."""
    found = VVCalculator(potential, on_extrapolation='ignore').evaluate_many(frames, ['energy', 'forces'])
    energy = [(r['energy'] - a.info['REF_energy']) / len(a) for a, r in zip(frames, found)]
    forces = [r['forces'] - a.arrays['REF_forces'] for a, r in zip(frames, found)]
    out = {'energy': np.abs(energy).mean() * 1e3, 'forces': np.abs(np.concatenate(forces)).mean() * 1e3}
    cores = [f[a.arrays['core'].astype(bool)] for a, f in zip(frames, forces) if 'core' in a.arrays]
    if cores:
        out['cores'] = np.abs(np.concatenate(cores)).mean() * 1e3
    return out


def table(potentials, frames):
    """Text with the errors of several potentials for each group of structures in the solvent."""
    groups = sorted({atoms.info['group'] for atoms in frames})
    lines = [f'{"group":20s}{"":6s}' + ''.join(f'{name:>28s}' for name in potentials)]
    for group in (*groups, 'all'):
        chosen = [atoms for atoms in frames if group in (atoms.info['group'], 'all')]
        cells = []
        for potential in potentials.values():
            found = errors_on(potential, chosen)
            cells.append(' / '.join(f'{found[name]:.1f}' for name in found))
        lines.append(f'{group:20s}{len(chosen):<6d}' + ''.join(f'{cell:>28s}' for cell in cells))
    return '\n'.join(['energy in meV/atom, forces in meV/Å, forces on the cores of cut-outs in meV/Å', *lines])


def main(edition, folder, output):
    train, test = published(folder)
    bulk, bulk_test = ([a for a in frames if a.info['group'] != 'Surface'] for frames in (train, test))
    periodic, free, second = in_the_solvent()
    for atoms in free:
        atoms.info['weight'] = FREE_WEIGHT
    (fitted, apart), (fitted_2, apart_2) = solvent_set.set_apart(periodic), solvent_set.set_apart(second)
    potential, report = fit_edition(
        edition, bulk, [*fitted, *fitted_2, *free], validation=[*bulk_test, *apart, *apart_2]
    )  # fmt: skip
    # without far(), which is not from DFT
    report = replace(report, train=accuracy(potential, [*bulk, *fitted, *fitted_2]))
    card = {
        'title': f'li-pbe-solvent-2-{edition}: lithium, PBE, in a solvent of propylene carbonate and dimethoxyethane '
        'with ions',
        'made_with': f'ase-mlffvv {ase_mlffvv.__version__}, python -m recipes.fit_li_pbe_solvent_2 {edition}',
        'data': [
            f'li-solvent-2, {len(fitted_2)} periodic structures in the implicit solvent (GPAW; li-solvent-2.md), MIT; '
            f'{len(apart_2)} others were set apart and are part of the validation set',
            f'li-solvent-1, {len(fitted)} periodic structures in the implicit solvent (li-solvent-1.md), MIT; '
            f'{len(apart)} others were set apart; its {len(free)} free clusters have the weight {FREE_WEIGHT:g}',
            f'mlearn and AI4Mater Li training sets in vacuum without slabs, {len(bulk)} structures (li-pbe-2-fast.md)',
            '28 energies of the atom, the dimer and of expanded and compressed crystals from experiment, with little '
            'weight (li-pbe-2-fast.md)',
        ],
        'limits': LIMITS,
        'physics': PHYSICS[edition],
        **potential.card,
    }
    replace(potential, card=card).save(output)
    Path(output).with_suffix('.md').write_text(card_text(card, report))
    print(report)
    others = {name: find_potential(name) for name in ('li-pbe-solvent-1', f'li-pbe-2-{edition}')}
    print(table({Path(output).stem: potential, **others}, [*apart, *apart_2]))


LIMITS = [
    'pure lithium; neutral: no electrode potential, no charge transfer, no SEI; the solvent is a continuum that '
    'follows the atoms at once',
    'bulk has no room for the solvent: crystals, vacancies and liquids are those of vacuum',
    'free clusters of some ten atoms are wrong by some 30 meV/Å, because electrons feel their whole size',
    'energies are VASP totals, about -1.90 eV/atom in bcc, not cohesive energies',
]
PHYSICS = {'fast': [], 'accurate': []}  # from mlffvv validate


if __name__ == '__main__':
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in EDITIONS:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) == 4 else f'li-pbe-solvent-2-{sys.argv[1]}.vv')
