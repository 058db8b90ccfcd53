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
# # Learning by cut-outs
#
# A potential runs exploratory simulations, finds surroundings that are new to it, and is improved with labels of small
# cut-outs of these.
#
# It takes a minute on one core. Here the accurate potential of the package replaces DFT. In a real application, the
# calculator is 'gpaw' with a solvent, and the structure is a column of ten thousand atoms.

# %%
import json
import tempfile
from pathlib import Path

import numpy as np
from ase.io import read, write

from ase_mlffvv import VVCalculator
from ase_mlffvv.learning import cut_out, learn
from ase_mlffvv.structures import column

# %% [markdown]
# Make one cut-out: 60 atoms around an atom at the top of a small hot column. The box is periodic along the surface.


# %%
def by_hand():
    needle = column(diameter=5, height=5, box=8)
    needle.positions += np.random.default_rng(0).normal(scale=0.1, size=needle.positions.shape)
    fast = VVCalculator('li-pbe-2-fast', on_extrapolation='ignore')
    piece = cut_out(needle, centre=len(needle) - 1, size=60, calc=fast)
    core = piece.arrays['core']
    print(f'{len(piece)} of {len(needle)} atoms in a box of {piece.cell.lengths().round(1)} Å')
    print(f'{core.sum()} core atoms have the surroundings of the column within {piece.info["reach"]} Å; forces on them')
    print(f'change by {1000 * piece.info["core_force_change"]:.0f} meV/Å, because the potential reaches farther')


# %% [markdown]
# The loop works in a folder with a recipe. It can be stopped at any time and called again; finished stages are kept.


# %%
def close_the_loop():
    folder = Path(tempfile.mkdtemp(prefix='learning_'))
    write(folder / 'needle.extxyz', column(diameter=5, height=5, box=8))
    recipe = {
        'structures': [{'file': 'needle.extxyz', 'temperature': 350, 'time': 0.2}],
        'model': 'li-pbe-2-fast',
        'calculator': 'vv',
        'settings': {'model': 'li-pbe-2-accurate'},
        'select': 'change',
        'rounds': 1,
        'weights': {'energies': 0.0},  # the teacher divides the energy among atoms differently
        'number': 4,
        'size': 60,
    }
    (folder / 'recipe.json').write_text(json.dumps(recipe, indent=1))
    for found in learn(folder, progress=False):
        print(f'round {found["round"]}: force MAE on new cores {1000 * found["errors"]["force_mae"]:.1f} meV/Å')
    print(f'{len(read(folder / "loop/round_0/labels/labelled.extxyz", ":"))} labelled structures of the first round,')
    print(f'the new potential in {folder / "loop/round_0/model.vv"}, and all of it in {folder / "report.html"}')


# %% [markdown]
# Labels are made by other processes, which import this file. Therefore the calls are under the following condition.

# %%
if __name__ == '__main__':
    by_hand()
    close_the_loop()
