"""Tables of the electron densities of neutral atoms, from the PAW data sets of GPAW (PBE).

    python -m recipes.neutral_atoms Li [MORE ELEMENTS]

writes ase_mlffvv/dft/atoms/ELEMENT.txt in the clone, with which :mod:`ase_mlffvv.dft.cavity` works without GPAW.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[1] / 'ase_mlffvv' / 'dft' / 'atoms'


def main(symbols):
    from gpaw import __version__
    from gpaw.setup import create_setup

    from ase_mlffvv.dft.neutral_atoms import sampled_density

    for symbol in symbols:
        header = f'neutral {symbol}, PBE, GPAW {__version__}: r (Bohr), all-electron density (electrons/Bohr^3)'
        samples = np.column_stack(sampled_density(create_setup(symbol, xc='PBE')))
        np.savetxt(FOLDER / f'{symbol}.txt', samples, fmt='%.17g', header=header)


if __name__ == '__main__':
    if len(sys.argv) < 2 or sys.argv[1].startswith('-'):
        sys.exit(__doc__)
    main(sys.argv[1:])
