"""Unrelaxed surface energies of Li(100) and Li(110) in vacuum and in the solvent of the paper.

This needs GPAW (pip install ".[dft]"). With the defaults (9 layers, 16 x 16 k-points, 350 eV), it takes about ten
minutes on one core:

    OMP_NUM_THREADS=1 python -m studies.surface_energies

It prints a table and writes no file.
"""

from __future__ import annotations

import argparse
import time

from ase.build import bulk
from mlffvv_analysis.energies import area, excess_per_area

from ase_mlffvv.dft.gpaw import GPAWSolvent
from ase_mlffvv.dft.solvent import Solvent
from ase_mlffvv.structures import slab


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--layers', type=int, default=9)
    parser.add_argument('--k', type=int, default=16, help='k-points along the shortest surface vector')
    parser.add_argument('--gamma', action='store_true', help='use k-point meshes that contain the Gamma point')
    parser.add_argument('--cutoff', type=float, default=350.0, help='plane-wave cutoff, eV')
    parser.add_argument('--smearing', type=float, default=0.1, help='width of the smearing, eV')
    parser.add_argument('--distribution', default='fermi-dirac')
    parser.add_argument('--vacuum', type=float, default=6.0, help='vacuum on both sides, Å')
    parser.add_argument('--a', type=float, default=3.44, help='lattice constant, Å')
    args = parser.parse_args()

    settings = {'cutoff': args.cutoff, 'gamma': args.gamma, 'symmetry': True, 'smearing': args.smearing}
    settings['distribution'] = args.distribution
    crystal = bulk('Li', 'bcc', a=args.a)
    crystal.calc = GPAWSolvent(kpts=(args.k * 3 // 2,) * 3, **settings)
    per_atom = crystal.get_potential_energy()
    solvents = {
        'vacuum': None,
        'pc_dme, no ions': Solvent.pc_dme().replace(kappa_squared=0.0),
        'pc_dme': Solvent.pc_dme(),
        'pc_dme, no tension': Solvent.pc_dme().replace(surface_tension=0.0),
    }
    print(f'{"":>20} {"facet":>6} {"J/m^2":>8} {"eV/atom":>8} {"s":>6}')
    for name, solvent in solvents.items():
        for facet in ('100', '110'):
            atoms = slab(facet, args.a, layers=args.layers, vacuum=args.vacuum)
            atoms.calc = GPAWSolvent(solvent, kpts=(args.k, args.k, 1), **settings)
            start = time.perf_counter()
            energy = atoms.get_potential_energy()
            seconds = time.perf_counter() - start
            gamma = excess_per_area(energy, len(atoms), per_atom, area(atoms))
            excess = (energy - len(atoms) * per_atom) / 2
            print(f'{name:>20} {facet:>6} {gamma:8.3f} {excess:8.3f} {seconds:6.0f}', flush=True)


if __name__ == '__main__':
    main()
