"""What the original programs computed on toy data of ours (tests/golden_data), and how to read it."""

from pathlib import Path

import numpy as np
from ase import Atoms

GOLDEN = Path(__file__).parent / 'golden_data'


def golden_frames(folder):
    """Frames of the MOVEMENT file of a model folder, with labels.

    Atomic energies are shifted per atom as the original feature programs do; forces are -dE/dR.
    """
    lines = (folder / 'PWdata' / 's1' / 'MOVEMENT').read_text().splitlines()
    starts = [k for k, line in enumerate(lines) if 'Iteration' in line]
    frames = []
    for start, end in zip(starts, [*starts[1:], len(lines)]):
        block = lines[start:end]
        n = int(block[0].split()[0])

        def table(word, columns, block=block, n=n):
            row = next(k for k, line in enumerate(block) if word in line) + 1
            return np.array([line.split()[columns] for line in block[row : row + n]], float)

        cell = np.array([line.split()[:3] for line in block[2:5]], float)
        atoms = Atoms(f'Li{n}', cell=cell, pbc=True, scaled_positions=table('Position', slice(1, 4)))
        atoms.arrays['REF_forces'] = -table('Force', slice(1, 4))
        constant = np.float32(float(next(line for line in block if 'dE(eV)' in line).split('=')[-1]) / n)
        atoms.arrays['REF_energies'] = table('Atomic-Energy', 1).ravel() + float(constant)
        atoms.info['REF_energy'] = atoms.arrays['REF_energies'].sum()  # the original's total energy label
        frames.append(atoms)
    return frames
