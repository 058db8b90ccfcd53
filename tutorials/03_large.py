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
# # Many atoms
#
# Dynamics that stays on the device, with samples during the run and a packed trajectory. The
# diameter of the needle is in lattice constants; 60 corresponds to half a million atoms.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
from ase.io import read
from ase.md.velocitydistribution import thermalize_momenta

from ase_mlffvv.md import Berendsen, Dynamics, Frames, Samples, minimise
from ase_mlffvv.structures import column, freeze_bottom

picoseconds = 0.1
diameter = 4.0

# %%
atoms = column(diameter=diameter, height=1.5 * diameter, box=round(2.5 * diameter))
atoms = freeze_bottom(atoms, layers=2)  # as if they belonged to a thick electrode
atoms = minimise(atoms, fmax=0.05)  # FIRE; the surface relaxes before it is heated
thermalize_momenta(atoms, temperature_K=500)  # half of it becomes potential energy

# %% [markdown]
# Reporters observe a run. `Samples` takes energies, coordination and displacements (it is the default reporter),
# and `Frames` writes a trajectory, which can be viewed with `ase gui large.vvtraj`. `device='cuda'` puts all on a
# GPU. After Ctrl-C, `md.run` continues as if the run had not been interrupted.

# %%
Path('large.vvtraj').unlink(missing_ok=True)
reporters = [Samples(10), Frames('large.vvtraj', 10)]
md = Dynamics(atoms, integrator=Berendsen(250, taut=100), timestep=2.0, reporters=reporters)
md.run(round(1000 * picoseconds / md.timestep), progress=True)

# %%
samples = md.samples  # energies, coordination and displacements at every tenth step
mean, deviation = md.averages(skip=len(samples['step']) // 2)['temperature_K']
frames = read('large.vvtraj', ':')
print(f'{len(atoms)} atoms, {len(frames)} frames, {mean:.0f} K with deviations of {deviation:.0f} K in the second half')

# %%
figure, axes = plt.subplots(2, 1, sharex=True, figsize=(6, 4), layout='constrained')
time = samples['step'] * md.timestep / 1000
axes[0].plot(time, samples['temperature_K'])
axes[0].set_ylabel('temperature (K)')
axes[1].plot(time, samples['mean_distance_A'])
axes[1].set(xlabel='time (ps)', ylabel='mean displacement (Å)')
figure.savefig('large.png', dpi=120)
