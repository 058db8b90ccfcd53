# %% [markdown]
# # A lithium needle changes its shape
#
# What `mlffvv run` does, as an ASE script: build a needle on its substrate, run NVT-Berendsen dynamics at 250 K with
# the shipped potential, and look at the result. Run it with `python tutorials/01_needle.py`; a number of picoseconds
# after it makes the run longer or shorter.

# %%
import sys

from ase import units
from ase.io import read, write
from ase.md.nvtberendsen import NVTBerendsen
from ase.md.velocitydistribution import thermalize_momenta
from mlffvv_analysis import coordination_numbers, height, surface_and_bulk

from ase_mlffvv import VVCalculator
from ase_mlffvv.structures import column, freeze_bottom

picoseconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0

# %% [markdown]
# Sizes are in lattice constants; `column()` without arguments is the paper's column of 9 145 atoms. Tags tell substrate
# (0) from column (1). The lowest layer is kept fixed.

# %%
atoms = freeze_bottom(column(diameter=4, height=8, box=8), layers=1)
atoms.calc = VVCalculator()
print(len(atoms), 'atoms,', atoms.calc)

# %% [markdown]
# A crystal at rest takes half of the kinetic energy as potential energy, so it starts at twice the temperature.

# %%
thermalize_momenta(atoms, temperature_K=500)
dynamics = NVTBerendsen(atoms, 2 * units.fs, temperature_K=250, taut=500 * units.fs, fixcm=False)


def record():
    """One frame with arrays that `ase gui` can colour by (View, Colors)."""
    frame = atoms.copy()
    frame.set_constraint()
    frame.arrays['coordination'] = coordination_numbers(atoms)
    frame.arrays['local_energy'] = atoms.get_potential_energies()
    write('tutorial-needle.extxyz', frame, append=dynamics.nsteps > 0)
    surface, _ = surface_and_bulk(frame.arrays['coordination'])
    print(
        f'{dynamics.nsteps * 0.002:6.2f} ps  {atoms.get_temperature():4.0f} K  '
        f'{atoms.get_potential_energy() / len(atoms):.4f} eV/atom  height {height(atoms):5.1f} Å  '
        f'surface {surface.mean():.2f}'
    )


dynamics.attach(record, interval=100)
dynamics.run(round(picoseconds / 0.002))

# %% [markdown]
# Surface atoms lie about 0.3 eV above bulk ones. Look at them: `ase gui tutorial-needle.extxyz`, View, Colors,
# "By user-defined local_energy".

# %%
frame = read('tutorial-needle.extxyz', -1)
surface, bulk = surface_and_bulk(frame.arrays['coordination'])
energy = frame.arrays['local_energy']
print(f'surface atoms are {energy[surface].mean() - energy[bulk].mean():.3f} eV above bulk atoms')
