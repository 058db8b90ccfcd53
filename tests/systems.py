"""The zoo: structures of every boundary kind that any engine must get right."""

import numpy as np
from ase import Atoms
from ase.build import bulk


def zoo(symbols='Li'):
    """Name -> Atoms. With several symbols they alternate."""
    rng = np.random.default_rng(7)

    def cluster(n, size):
        points = []
        while len(points) < n:
            new = rng.random(3) * size
            if all(np.linalg.norm(new - p) > 1.9 for p in points):
                points.append(new)
        return np.array(points)

    cubic = bulk('Li', 'bcc', a=3.44, cubic=True)
    sheared = bulk('Li', 'bcc', a=3.44)
    sheared.set_cell(sheared.cell @ np.array([[1, 0.1, 0], [0.05, 1, 0.3], [0, 0, 1]]), scale_atoms=True)
    slab = cubic * (2, 2, 1)
    slab.center(vacuum=8.0, axis=2)
    slab.pbc = (True, True, False)
    flat = slab.copy()
    flat.cell[2] = 0
    unwrapped = (cubic * (2, 1, 1)).copy()
    unwrapped.positions[0] += 5 * unwrapped.cell[0] - 2 * unwrapped.cell[1]
    negative = cubic.copy()
    negative.positions[0, 0] = -4e-52
    left = cubic.copy()
    left.cell[:] = left.cell[[1, 0, 2]]
    systems = {
        'primitive': bulk('Li', 'bcc', a=3.44) * (2, 1, 1),
        'cubic': cubic * (2, 1, 1),
        'thin': Atoms('Li2', [[0, 0, 0], [1.3, 1.4, 1.6]], cell=[2.7, 3.1, 3.3], pbc=True),
        'sheared': sheared * (1, 2, 1),
        'very skewed': Atoms('Li3', cluster(3, 4.0), cell=[[4, 0, 0], [9, 4, 0], [-5, 4, 4]], pbc=True),
        'left-handed': left,
        'slab': slab,
        'slab without third vector': flat,
        'wire': Atoms('Li5', cluster(5, 4.5), cell=[0, 0, 4.6], pbc=(False, False, True)),
        'mixed': Atoms('Li5', cluster(5, 4.5), cell=[[4.6, 0, 0], [0, 9, 0], [1, 1, 6]], pbc=(False, True, False)),
        'cluster': Atoms('Li6', cluster(6, 4.5)),
        'cluster in a dummy cell': Atoms('Li6', cluster(6, 4.5), cell=[0.1, 0.1, 0.1]),
        'unwrapped': unwrapped,
        'tiny negative': negative,
        'one atom': Atoms('Li'),
        'one atom, periodic': Atoms('Li', cell=[3.1, 3.3, 3.6], pbc=True),
        'two far atoms': Atoms('Li2', [[0, 0, 0], [0, 0, 50.0]]),
    }
    symbols = [symbols] if isinstance(symbols, str) else list(symbols)
    for atoms in systems.values():
        if len(atoms) > 2:
            atoms.rattle(0.1, seed=3)
        atoms.symbols[:] = [symbols[k % len(symbols)] for k in range(len(atoms))]
    return systems


def cell_of(atoms):
    """Cell with zero rows where not periodic, as the engines take it."""
    return np.where(atoms.pbc[:, None], atoms.cell[:], 0.0)
