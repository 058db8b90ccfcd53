"""Device-resident pair lists and forces on Numba's simulator: ``python -m tests.kernels.simulate_device OUT``.

As :mod:`.simulate`: arrays go to OUT (.npz), what was said to standard output as JSON.
"""

import json
import sys
from dataclasses import replace

import numpy as np

from ase_mlffvv.model.find import find_potential
from ase_mlffvv.neighbors import PairList

from ..systems import cell_of, zoo
from .simulate import ELEMENTS, density_potential, message

FIELDS = 'first', 'j', 'image', 'shifts'
CUTOFFS = 2.5, 5.3
SCANNED = 1, 31, 32, 33, 1100
MOVES = 12


def random_cells():
    """Name -> positions, cell, pbc: skewed, thin, with atoms outside; and enough atoms for several blocks."""
    rng = np.random.default_rng(11)
    found = {}
    for k in range(12):
        cell = rng.normal(size=(3, 3)) * rng.uniform(1.5, 4)
        while abs(np.linalg.det(cell)) < 4:
            cell = rng.normal(size=(3, 3)) * 3
        found[f'random {k}'] = 8 * rng.normal(size=(5, 3)), cell, rng.random(3) > 0.3
    found['many'] = rng.uniform(-10, 10, (150, 3)), np.diag([11.0, 13, 9]), np.array([True, False, True])
    found['two groups'] = rng.uniform(0, 4, (20, 3)) + 150 * (np.arange(20)[:, None] % 2), np.eye(3), np.zeros(3, bool)
    return found


def path(name):
    """Positions and cells of some steps, the last ones far away, and for the thin cell strained."""
    rng = np.random.default_rng(5)
    atoms = zoo()[name]
    for k in range(MOVES):
        yield atoms.positions.copy(), cell_of(atoms)
        atoms.positions += 0.05 * rng.normal(size=atoms.positions.shape)
        if name == 'thin' and k % 2:
            atoms.set_cell(atoms.cell @ (np.eye(3) + 0.01 * rng.normal(size=(3, 3))), scale_atoms=True)


def stiff(potential):
    """The potential with forces that no integer holds."""
    return replace(potential, blocks=tuple(replace(b, coefficients=1e12 * b.coefficients) for b in potential.blocks))


def lists(arrays):
    from numba import cuda

    from ase_mlffvv.kernels.cuda import cells as cuda_cells

    search = cuda_cells.CellSearch()

    def keep(name, positions, cell, pbc, cutoff):
        pairs = search.build(cuda.to_device(np.array(positions)), cell, pbc, cutoff).to_host()
        arrays.update({f'{name}/{field}': getattr(pairs, field) for field in FIELDS})

    for cutoff in CUTOFFS:
        for name, atoms in zoo().items():
            keep(f'{name}/{cutoff}', atoms.positions, atoms.cell[:], atoms.pbc, cutoff)
    for name, (positions, cell, pbc) in random_cells().items():
        keep(name, positions, cell, pbc, 4.0)
    narrow = cuda_cells.code_dtype
    cuda_cells.code_dtype = lambda *counts: np.dtype(np.int64)
    keep('eight bytes', *random_cells()['random 0'], 4.0)
    cuda_cells.code_dtype = narrow


def reductions(arrays):
    from numba import cuda

    from ase_mlffvv.kernels.cuda.forces import _largest_move
    from ase_mlffvv.kernels.cuda.scan import BLOCK, exclusive_scan

    for n in SCANNED:
        arrays[f'scan/{n}'] = exclusive_scan(cuda.to_device(np.arange(n + 3) % 7), n).copy_to_host()
    moved = np.random.default_rng(0).normal(size=(3 * BLOCK + 5, 3))
    for name, at in {'last': -1, 'first': 0, 'middle': BLOCK}.items():
        for label, value in {'largest': 40.0, 'nan': np.nan}.items():
            positions, out = moved.copy(), cuda.to_device(np.zeros(1))
            positions[at] = value
            args = cuda.to_device(positions), cuda.to_device(np.zeros_like(moved)), cuda.to_device(np.eye(3)), out
            _largest_move[2, BLOCK](*args)
            arrays[f'move/{name}/{label}'] = out.copy_to_host()


def forces(arrays, said):
    from numba import cuda

    from ase_mlffvv.kernels.cuda.forces import CudaForces

    def of(potential, atoms, **settings):
        return CudaForces(potential, potential.species(atoms.numbers), atoms.cell[:], atoms.pbc, **settings)

    def keep(name, forces, positions):
        energies, found = forces.compute(cuda.to_device(np.array(positions)))
        arrays[f'{name}/energies'], arrays[f'{name}/forces'] = energies.copy_to_host(), found.copy_to_host()

    for label, elements in ELEMENTS.items():
        potential = density_potential(label)
        for name in ('slab', 'thin', 'wire', 'unwrapped', 'one atom'):
            atoms = zoo(elements)[name]
            for dtype in ('float64', 'float32'):
                object_ = of(potential, atoms, dtype=dtype, virials=True)
                keep(f'{label}/{name}/{dtype}', object_, atoms.positions)
                arrays[f'{label}/{name}/{dtype}/virials'] = object_.virials.copy_to_host()

    potential, atoms = density_potential('one element'), zoo()['slab']
    for chunk, scratch in (('whole', 2**20), ('chunks', 3000)):
        object_ = of(potential, atoms, scratch=scratch)
        said[chunk] = object_.model.chunk
        keep(chunk, object_, atoms.positions)
    for name in ('slab', 'thin'):
        object_ = of(potential, zoo()[name], dtype='float64', skin=0.7)
        for k, (positions, cell) in enumerate(path(name)):
            object_.set_cell(cell)
            keep(f'path/{name}/{k}', object_, positions)
            arrays[f'path/{name}/{k}/coordination'] = object_.coordination(3.3).copy_to_host()
        said[f'path/{name}'] = object_.statistics
    object_.forget()
    keep('forgotten', object_, positions)
    said['forgotten'] = object_.statistics

    for name, model, atoms in (('accurate', 'li-pbe-2-accurate', zoo()['thin']), ('fast', None, zoo()['slab'])):
        keep(f'shipped/{name}', of(find_potential(model), atoms, dtype='float32'), atoms.positions)

    atoms = zoo()['slab']
    object_ = of(potential, atoms)
    said['no step'] = message(object_.coordination, 3.0)
    said['far'] = message(object_.coordination, 9.0)
    said['on the host'] = message(object_.compute, atoms.positions)
    said['shape'] = message(object_.compute, cuda.to_device(atoms.positions[:3]))
    said['not contiguous'] = message(object_.compute, cuda.to_device(np.asfortranarray(atoms.positions)))
    said['nan'] = message(object_.compute, cuda.to_device(np.full_like(atoms.positions, np.nan)))
    met = atoms.positions.copy()
    met[1] = met[0]
    said['met'] = message(object_.compute, cuda.to_device(met))
    keep('after errors', object_, atoms.positions)
    said['stiff'] = message(of(stiff(potential), atoms).compute, cuda.to_device(atoms.positions))
    said['dtype'] = message(of, potential, atoms, dtype='float16')
    said['skin'] = message(of, potential, atoms, skin=-1.0)
    said['species'] = message(CudaForces, potential, [0, 1], atoms.cell[:], atoms.pbc)
    said['no atoms'] = message(of, potential, atoms[:0])
    said['flat'] = message(
        CudaForces(potential, [0, 0], np.ones((3, 3)), [True] * 3).compute, cuda.to_device(np.eye(3)[:2])
    )


def read_list(arrays, name, cutoff):
    """PairList kept under this name."""
    return PairList(*(arrays[f'{name}/{field}'] for field in FIELDS), cutoff)


def main(out):
    arrays, said = {}, {}
    lists(arrays)
    reductions(arrays)
    forces(arrays, said)
    np.savez(out, **arrays)
    print(json.dumps(said))


if __name__ == '__main__':
    main(sys.argv[1])
