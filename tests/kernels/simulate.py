"""Results of the CUDA engine on Numba's simulator, in a process of its own: ``python -m tests.kernels.simulate OUT``.

The simulator is chosen when numba is imported, with NUMBA_ENABLE_CUDASIM=1. Arrays go to OUT (.npz); what the
calculator says, and messages of errors, to standard output as JSON.
"""

import json
import sys
from collections import Counter
from dataclasses import replace

import numpy as np

from ase_mlffvv.neighbors import pair_list

from ..systems import cell_of, zoo
from ..toys import random_potential
from .test_centres import groups

GROUPED = 'slab', 'mixed', 'cluster', 'one atom'
ELEMENTS = {'one element': ('Li',), 'two elements': ('Li', 'Na')}


def density_potential(label, **settings):
    return random_potential(ELEMENTS[label], families=('density',), seed=len(ELEMENTS[label]), **settings)


def system(potential, atoms, skin=0.0):
    """What engines take."""
    pairs = pair_list(atoms.positions, cell_of(atoms), atoms.pbc, potential.cutoff + skin)
    return potential.species(atoms.numbers), atoms.positions, cell_of(atoms), pairs


def linear(potential):
    """The potential without its Gaussians and cubic terms."""
    blocks = (replace(b, terms=b.terms[:0], coefficients=b.coefficients[: b.n + 1]) for b in potential.blocks)
    return replace(potential, blocks=tuple(blocks))


def message(call, *args, **settings):
    """Class and text of the error that a call raises."""
    try:
        call(*args, **settings)
    except Exception as error:
        return f'{type(error).__name__}: {error}'
    return 'no error'


def moving():
    """Structures one after another: some steps of a slab, one more atom, none, another cell, another periodicity."""
    atoms = zoo()['slab']
    for k in range(3):
        atoms.positions += 0.02 * np.sin(np.arange(3 * len(atoms)) + k).reshape(-1, 3)
        yield f'step {k}', atoms.copy()
    atoms.append('Li')
    atoms.positions[-1] = atoms.positions[0] + [0.3, 0.2, 4.5]
    yield 'one more', atoms.copy()
    yield 'empty', atoms[:0]
    atoms = zoo()['cubic']
    yield 'cubic', atoms.copy()
    atoms.set_cell(1.01 * atoms.cell[:], scale_atoms=True)
    yield 'strained', atoms.copy()
    atoms.pbc = True, True, False
    yield 'not periodic', atoms.copy()


def main(out):
    from ase_mlffvv import VVCalculator
    from ase_mlffvv.engines.choice import make_engine
    from ase_mlffvv.kernels.cuda.engine import CudaEngine

    arrays, said = {}, {}

    def keep(name, prediction):
        arrays.update({f'{name}/{field}': value for field, value in prediction._asdict().items()})

    for label, elements in ELEMENTS.items():
        potential = density_potential(label)
        engine = CudaEngine(potential)
        for name, atoms in zoo(elements).items():
            keep(f'{label}/{name}', engine.evaluate(*system(potential, atoms)))

    for name in GROUPED:
        potential = density_potential('two elements')
        atoms, engine = zoo(ELEMENTS['two elements'])[name], CudaEngine(potential, scratch=6000)
        args, total = system(potential, atoms, skin=0.5), Counter()
        for centres in groups(len(atoms)):
            prediction = engine.evaluate(*args, centres=centres)
            kept = engine._device_pairs
            again = engine.evaluate(*args, centres=centres[::-1])
            said.setdefault('kept for the same centres', []).append(kept is engine._device_pairs)
            total.update({f'sum/{name}/{field}': value for field, value in prediction._asdict().items()})
            others = np.setdiff1d(np.arange(len(atoms)), centres)
            total[f'others/{name}'] += (
                np.abs(prediction.energies[others]).sum() + np.abs(prediction.virials[others]).sum()
            )
            total[f'others/{name}'] += np.abs(again.forces - prediction.forces).sum()
        arrays.update(total)
    said['repeated centres'] = message(engine.evaluate, *args, centres=[0, 0])

    potential = density_potential('one element')
    atoms = zoo()['slab']
    keep('linear', CudaEngine(linear(potential)).evaluate(*system(potential, atoms)))
    both, mixed = linear(density_potential('two elements')), zoo(ELEMENTS['two elements'])['thin']
    keep('linear, two elements', CudaEngine(both).evaluate(*system(both, mixed)))
    keep('no pair', CudaEngine(density_potential('one element', pair=None)).evaluate(*system(potential, atoms)))
    engine = CudaEngine(potential, scratch=6000)
    said['chunk'] = engine._model.chunk
    species, positions, cell, pairs = system(potential, atoms, skin=1.0)
    keep('chunks', engine.evaluate(species, positions, cell, pairs))
    copies = engine._device_pairs
    moved = positions + 0.1 * np.sin(np.arange(positions.size)).reshape(-1, 3)
    keep('moved', engine.evaluate(species, moved, cell, pairs))
    said['kept'] = copies is engine._device_pairs
    keep('after', engine.evaluate(*system(potential, zoo()['thin'])))
    said['kept for another list'] = copies is engine._device_pairs
    keep('empty', engine.evaluate(*system(potential, atoms[:0])))

    met = positions.copy()
    met[1] = met[0]
    said['met'] = message(engine.evaluate, species, met, cell, pairs)
    said['features'] = message(CudaEngine, random_potential())
    said['minimum image'] = message(CudaEngine, density_potential('one element', pair='original'))

    for choice in ('auto', 'cuda'):
        atoms.calc = VVCalculator(potential, device='cuda', engine=choice)
        arrays[f'calculator/{choice}'] = atoms.get_forces()
        said[f'engine={choice}'] = atoms.calc.engine_info()
    calc = VVCalculator(potential, device='cuda')
    for name, atoms in moving():
        atoms.calc = calc
        arrays[f'calculator/{name}/forces'] = atoms.get_forces()
        arrays[f'calculator/{name}/stresses'] = calc.results.get('stresses', np.zeros(0))
    said['reused'] = calc.engine_info()['pair_list']
    for k, results in enumerate(calc.evaluate_many([atoms for _, atoms in moving()], ['forces'])):
        arrays[f'calculator/many/{k}'] = results['forces']
    said['after many'] = calc.engine_info()['pair_list']
    atoms = zoo()['slab']
    engine = make_engine(potential, 'cuda', 'cuda', precision='float32')
    keep('float32', engine.evaluate(*system(potential, atoms)))
    said['calculator, features'] = message(VVCalculator, random_potential(), device='cuda', engine='cuda')
    said['calculator, features, auto'] = message(VVCalculator, random_potential(), device='cuda')
    said['second GPU'] = message(VVCalculator, potential, device='cuda:1', engine='cuda')
    np.savez(out, **arrays)
    print(json.dumps(said))


if __name__ == '__main__':
    main(sys.argv[1])
