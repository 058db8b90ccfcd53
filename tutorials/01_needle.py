# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A lithium needle changes its shape
#
# This tutorial does with ASE what `mlffvv run` does: it builds a needle on its substrate, runs NVT dynamics at 250 K
# (Berendsen thermostat) with the shipped potential, and analyses the result.

# %%
import numpy as np
from ase import units
from ase.io import read, write
from ase.md.nvtberendsen import NVTBerendsen
from ase.md.velocitydistribution import thermalize_momenta
from mlffvv_analysis import coordination_numbers, height, surface_and_bulk
from mlffvv_analysis.notebook import show
from tqdm.auto import tqdm

from ase_mlffvv import VVCalculator
from ase_mlffvv.structures import column, freeze_bottom

picoseconds = 0.2  # 8 ps show the collapse, and take two minutes

# %% [markdown]
# The potential shows its card:

# %%
calc = VVCalculator()
calc.potential

# %% [markdown]
# Sizes are in lattice constants; `column()` without arguments is the paper's column of 9 145 atoms. Tags distinguish
# the substrate (0) from the column (1). The two lowest layers are held fixed, as the thick electrode below them would
# do; a free film of five layers bends.

# %%
atoms = freeze_bottom(column(diameter=4, height=8, box=8), layers=2)
atoms.calc = calc
print(len(atoms), 'atoms')

# %% [markdown]
# In a perfect crystal, half of the initial kinetic energy becomes potential energy. Therefore the run starts at twice
# the temperature.

# %%
thermalize_momenta(atoms, temperature_K=500, rng=np.random.default_rng(0))
dynamics = NVTBerendsen(atoms, 2 * units.fs, temperature_K=250, taut=500 * units.fs, fixcm=False)


def record():
    """Write a frame with arrays by which `ase gui` can color the atoms (View, Colors)."""
    frame = atoms.copy()
    frame.set_constraint()
    frame.arrays['coordination'] = coordination_numbers(atoms)
    frame.arrays['local_energy'] = atoms.get_potential_energies()
    frame.info['time_ps'] = dynamics.nsteps * 0.002
    write('tutorial-needle.extxyz', frame, append=dynamics.nsteps > 0)
    surface, _ = surface_and_bulk(frame.arrays['coordination'])
    print(
        f'{dynamics.nsteps * 0.002:6.2f} ps  {atoms.get_temperature():4.0f} K  '
        f'{atoms.get_potential_energy() / len(atoms):.4f} eV/atom  height {height(atoms):5.1f} Å  '
        f'surface {surface.mean():.2f}'
    )


bar = tqdm(total=round(picoseconds / 0.002), unit='step')
dynamics.attach(bar.update, interval=1)
dynamics.attach(record, interval=25)
dynamics.run(bar.total)
bar.close()

# %% [markdown]
# Atoms at the surface are higher in energy than those inside, which drives the change of shape:

# %%
frames = read('tutorial-needle.extxyz', ':')
surface, bulk = surface_and_bulk(frames[-1].arrays['coordination'])
energy = frames[-1].arrays['local_energy']
print(f'surface atoms are {energy[surface].mean() - energy[bulk].mean():.3f} eV higher in energy than bulk atoms')

# %% [markdown]
# To see them, turn the needle and move the slider; or run `ase gui tutorial-needle.extxyz` and choose View, Colors, "By
# user-defined local_energy".

# %%
show(frames, color='local_energy')
