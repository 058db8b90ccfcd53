"""Errors of a recipe on held-out structures: the published split, random re-splits, and the AI4Mater set.

    python -m studies.splits FOLDER --recipe accurate [--splits 5] [--set terms=400] [--stride 1] [--json FILE]

FOLDER contains the data sets, as for recipes.fit_li_pbe_1. First, a model is fitted to the mlearn training set and
evaluated on its test set. Then, the union of both is split again at random into parts of the same sizes. Finally, a
random fifth of the AI4Mater training file is held out from a fit to the rest of that file. The errors are printed and,
with --json, written to FILE.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from ase_mlffvv import VVSpec, fit
from recipes.fit_li_pbe_1 import ai4mater, mlearn


def errors(train, test, recipe, stride, changes):
    """Mean absolute errors of energies (meV/atom) and forces (meV/Å) on ``test``."""
    weights = {'energy': 100, 'forces': 1, 'stress': 20} if recipe != 'paper' else {'energy': 100, 'stress': 0}
    ridge = 1e-9 if recipe != 'paper' else 1e-6
    spec = VVSpec.recipe(recipe, 'Li', **changes)
    _, report = fit(train, spec, weights=weights, ridge=ridge, validation=test, stride=stride, progress=False)
    return 1e3 * report.validation.mae('energy'), 1e3 * report.validation.mae('forces')


def parts(n, n_out, seed):
    """Random division of the indices of n structures: those to fit to, and ``n_out`` held-out ones."""
    order = np.random.default_rng(seed).permutation(n)
    return sorted(order[n_out:]), sorted(order[:n_out])


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('folder', type=Path)
    p.add_argument('--recipe', default='accurate')
    p.add_argument('--splits', type=int, default=5)
    p.add_argument('--stride', type=int, default=1)
    p.add_argument('--set', nargs='+', default=[], metavar='KEY=VALUE')
    p.add_argument('--only', choices=('mlearn', 'ai4mater'))
    p.add_argument('--json', metavar='FILE')
    args = p.parse_args()
    changes = {key: json.loads(value) for key, _, value in (word.partition('=') for word in args.set)}
    out = {}

    def record(name, train, test):
        out.setdefault(name, []).append(errors(train, test, args.recipe, args.stride, changes))
        mean, scatter = np.mean(out[name], axis=0), np.std(out[name], axis=0, ddof=min(1, len(out[name]) - 1))
        print(f'{args.recipe}, {name}, {len(out[name])}: energy {mean[0]:.3f} ± {scatter[0]:.3f} meV/atom, forces '
              f'{mean[1]:.2f} ± {scatter[1]:.2f} meV/Å', flush=True)  # fmt: skip

    if args.only != 'ai4mater':
        train, test = (mlearn(args.folder / f'mlearn_li_{part}.xyz') for part in ('train', 'test'))
        record('mlearn as published', train, test)
        both = train + test
        for seed in range(args.splits):
            chosen, held_out = parts(len(both), len(test), seed)
            record('mlearn split at random', [both[k] for k in chosen], [both[k] for k in held_out])
    if args.only != 'mlearn':
        frames = ai4mater(args.folder / 'ai4mater_li_train.xyz')
        chosen, held_out = parts(len(frames), len(frames) // 5, 0)
        record('AI4Mater, a fifth held out', [frames[k] for k in chosen], [frames[k] for k in held_out])
    if args.json:
        Path(args.json).write_text(json.dumps(out, indent=1))


if __name__ == '__main__':
    main()
