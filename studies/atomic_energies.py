"""Effect of atomic energies as labels: fits to li-solvent-1 with and without them, for the same five random splits.

    OMP_NUM_THREADS=2 python -m studies.atomic_energies [--share 0.8]

Each fit takes about ten seconds. The errors are those of the held-out structures, for total energies per atom. They are
printed; no file is written.
"""

from __future__ import annotations

import argparse

import numpy as np

from ase_mlffvv import VVSpec, fit
from ase_mlffvv.datasets import solvent_set

SPEC = VVSpec('Li', cutoff=6.1, two_body=20, three_body=(3, 3), terms=120, single=6, width_factor=3.0)
PROPERTIES = {'energy': 'energy (meV/atom)', 'forces': 'forces (meV/Å)', 'energies': 'atomic energies (meV)'}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--share', type=float, default=0.8, help='fraction of the structures to fit to')
    parser.add_argument('--splits', type=int, default=5)
    parser.add_argument('--weights', type=float, nargs='+', default=[0.0, 0.3, 1.0],
                        help='weights of the atomic energies, 1/eV')  # fmt: skip
    parser.add_argument('--data', help='data file (default: the one in the package)')
    args = parser.parse_args()

    frames = solvent_set.load(path=args.data)
    print(f'{len(frames)} structures, {args.share:.0%} to fit, {args.splits} splits; mean ± standard deviation of MAE')
    print(f'{"weight":>8}' + ''.join(f'{title:>26}' for title in PROPERTIES.values()), flush=True)
    for weight in args.weights:
        weights = {'energy': 100.0, 'forces': 1.0, 'energies': weight}
        errors = []
        for seed in range(args.splits):
            order = np.random.default_rng(seed).permutation(len(frames))
            first = round(args.share * len(frames))
            train, test = ([frames[k] for k in part] for part in (order[:first], order[first:]))
            _, report = fit(train, SPEC, weights=weights, validation=test, ridge=1e-6, progress=False)
            errors.append([report.validation.mae(name) * 1e3 for name in PROPERTIES])
        cells = [f'{m:.2f} ± {s:.2f}' for m, s in zip(np.mean(errors, axis=0), np.std(errors, axis=0, ddof=1))]
        print(f'{weight:8g}' + ''.join(f'{cell:>26}' for cell in cells), flush=True)


if __name__ == '__main__':
    main()
