# %% [markdown]
# # A lithium needle changes its shape
#
# This ASE script does what `mlffvv run` does: it builds a needle on its substrate, runs NVT dynamics at 250 K
# (Berendsen thermostat) with the shipped potential, and analyses the result. Run it with
# `python tutorials/01_needle.py`; an optional argument sets the length of the run in picoseconds.

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
# Sizes are in lattice constants; `column()` without arguments is the paper's column of 9 145 atoms. Tags distinguish
# the substrate (0) from the column (1). The two lowest layers are held fixed, as the thick electrode below them would
# do; a free film of five layers bends.

# %%
atoms = freeze_bottom(column(diameter=4, height=8, box=8), layers=2)
atoms.calc = VVCalculator()
print(len(atoms), 'atoms,', atoms.calc)

# %% [markdown]
# In a perfect crystal, half of the initial kinetic energy becomes potential energy. Therefore the run starts at twice
# the temperature.

# %%
thermalize_momenta(atoms, temperature_K=500)
dynamics = NVTBerendsen(atoms, 2 * units.fs, temperature_K=250, taut=500 * units.fs, fixcm=False)


def record():
    """Write a frame with arrays by which `ase gui` can colour the atoms (View, Colors)."""
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
# The energy of surface atoms is about 0.3 eV higher than that of bulk atoms. To see them, run
# `ase gui tutorial-needle.extxyz` and choose View, Colors, "By user-defined local_energy".

# %%
frame = read('tutorial-needle.extxyz', -1)
surface, bulk = surface_and_bulk(frame.arrays['coordination'])
energy = frame.arrays['local_energy']
print(f'surface atoms are {energy[surface].mean() - energy[bulk].mean():.3f} eV higher in energy than bulk atoms')
