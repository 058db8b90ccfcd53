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
# # Fit a force field
#
# Labels are `REF_energy`, `REF_forces`, `REF_stress` and, if the code that made them can decompose the energy into
# atomic energies, `REF_energies`. Here the shipped potential takes the role of DFT. The command
# `mlffvv fit train.extxyz -o model.vv` does the same for a file of labelled structures.

# %%
import numpy as np
from ase.build import bulk

from ase_mlffvv import VVCalculator, VVSpec, fit

rng = np.random.default_rng(0)
reference = VVCalculator()
frames = []
for _ in range(24):
    atoms = bulk('Li', 'bcc', a=rng.uniform(3.35, 3.55), cubic=True) * (2, 2, 2)
    atoms.rattle(0.2, rng=rng)
    results = reference.evaluate_many([atoms])[0]
    atoms.info.update(REF_energy=results['energy'], REF_stress=results['stress'], config_type='bulk')
    atoms.arrays['REF_forces'] = results['forces']
    frames.append(atoms)

# %% [markdown]
# The specification defines the form of the model. Features are projected onto principal components; terms (Gaussians of
# one component and products of two) are selected by how much they reduce the total error of energies, forces and
# stresses.

# %%
spec = VVSpec('Li', cutoff=5.0, three_body=(4, 4), terms=60)
potential, report = fit(frames, spec, validation=0.25, seed=1)
report

# %%
report.validation.parity('tutorial-parity.png')

# %%
potential.save('tutorial.vv')
atoms = bulk('Li', cubic=True)
atoms.calc = VVCalculator('tutorial.vv')
print(f'{atoms.get_potential_energy() / len(atoms):.4f} eV/atom')
atoms.calc.potential
