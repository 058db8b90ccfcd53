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
# # Analyse a run
#
# This tutorial turns trajectories into tables, statistical tests and images with `mlffvv_analysis`, which works with
# the frames of any ASE calculator. On the command line, `mlffvv analyse trajectory.extxyz -o report` does most of this
# and writes a page with figures. The extra `analysis` is needed: `pip install "ase-mlffvv[analysis]"`.

# %%
import numpy as np
from ase import units
from ase.io import read, write
from ase.md.nvtberendsen import NVTBerendsen
from ase.md.velocitydistribution import thermalize_momenta
from mlffvv_analysis.frame import Frame, Settings
from mlffvv_analysis.morphology import collapse_rate
from mlffvv_analysis.report import keyframes
from mlffvv_analysis.statistics import compare
from mlffvv_analysis.timeline import timeline

from ase_mlffvv import VVCalculator
from ase_mlffvv.structures import column, freeze_bottom

# %% [markdown]
# For each of two temperatures, two short runs are made. A real study needs longer runs, larger columns, and at least
# five seeds.


# %%
def run(temperature, seed, path):
    atoms = freeze_bottom(column(diameter=4, height=6, box=7), layers=2)
    atoms.calc = VVCalculator()
    thermalize_momenta(atoms, temperature_K=2 * temperature, rng=np.random.default_rng(seed))
    dynamics = NVTBerendsen(atoms, 2 * units.fs, temperature_K=temperature, taut=500 * units.fs, fixcm=False)

    def record():
        frame = atoms.copy()
        frame.set_constraint()
        frame.arrays['local_energy'] = atoms.get_potential_energies()
        frame.info['time_ps'] = dynamics.nsteps * 0.002
        write(path, frame, append=dynamics.nsteps > 0)

    dynamics.attach(record, interval=25)
    dynamics.run(100)
    return path


paths = {t: [run(t, seed, f'run-{t}-{seed}.extxyz') for seed in (0, 1)] for t in (250, 350)}

# %% [markdown]
# A timeline is a pandas table with one row per frame; the names of its columns contain the units. If it is written to a
# file and the trajectory has grown since, only the new frames are analysed.

# %%
settings = Settings(min_grain=20)
tables = {t: [timeline(path, f'{path}.csv', settings=settings, progress=False) for path in paths[t]] for t in paths}
tables[250][0][['time_ps', 'height_A', 'cn_surface', 'e_surface_eV', 'ptm_bcc_column', 'n_grains']].round(3)

# %% [markdown]
# Do the results at the two temperatures differ? With only two runs each, no test can show a significant difference.

# %%
rates = {t: [collapse_rate(table['time_ps'], table['height_A']) for table in tables[t]] for t in tables}
print('collapse rate, 250 K and 350 K (Å/ps):', compare(rates[250], rates[350]))

# %% [markdown]
# Each frame provides its grains, the boundaries between them, and arrays by which atoms can be coloured.

# %%
frame = keyframes(paths[250][0], [4], settings)[0]
ids, grains = frame.grains
print(f'{len(grains)} grains of {[g.size for g in grains]} atoms;', *frame.boundaries)
write('coloured.extxyz', frame.coloured())

# %% [markdown]
# Open the file with `ase gui coloured.extxyz`, press C, and choose an array. If OVITO is installed, first
# set the environment variable MPLBACKEND=TkAgg, because the graphs of `ase gui` fail otherwise.
#
# If a Vulkan driver is installed (a software driver is enough), OVITO draws images:
# `mlffvv_analysis.render.render(frame.coloured(), 'grains.png', 'grain', view='side')` draws one, `movie(...)` many.

# %%
crystal = Frame(read(paths[250][0], 0), settings)
print(f'{(crystal.templates[0][crystal.deep] == 3).mean():.0%} of the inner atoms are bcc in the first frame')
