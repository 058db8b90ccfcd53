"""Dynamics on Numba's CUDA simulator: ``python -m tests.md.simulate_dynamics OUT`` writes arrays to OUT (.npz)."""

import sys

import numpy as np
from ase.constraints import FixAtoms
from ase.md.velocitydistribution import thermalize_momenta

from ase_mlffvv.md import Berendsen, Dynamics, Samples

from ..systems import zoo
from ..toys import random_potential

SETTINGS = {'potential': {'families': ('density',), 'seed': 1}, 'steps': 6}


def slab():
    atoms = zoo()['slab']
    atoms.set_constraint(FixAtoms([0]))
    thermalize_momenta(atoms, temperature_K=300, rng=np.random.default_rng(0))
    return atoms


def make(device, precision='float64'):
    potential = random_potential(**SETTINGS['potential'])
    return Dynamics(slab(), potential, Berendsen(300, taut=50), 1.0, device=device, precision=precision,
                    reporters=[Samples(2)], on_extrapolation='ignore')  # fmt: skip


def arrays(md):
    after = md.atoms()
    return {'positions': after.positions, 'momenta': after.get_momenta(), 'forces': after.get_forces(),
            'energies': after.get_potential_energies(), **md.samples}  # fmt: skip


def main(out):
    found = {}
    for precision in ('float64', 'float32'):
        md = make('cuda', precision)
        md.run(SETTINGS['steps'])
        found.update({f'{precision}/{name}': value for name, value in arrays(md).items()})
        assert md.forces.statistics['reuses'] > 0
    # a checkpoint in the middle, where the run itself forgets its pair list, and a restart from it
    md = make('cuda', 'float32')
    md.run(3)
    middle = md.structure()
    md.forget()
    md.run(3)
    again = make('cuda', 'float32')
    again.state.positions[:] = again.forces.array(middle.positions)
    again.state.momenta[:] = again.forces.array(middle.get_momenta())
    again.run(3)
    found.update({'whole': md.structure().positions, 'restarted': again.structure().positions})
    species, positions, _, pairs = md.forces.system()
    assert len(species) == len(positions) == len(pairs.first) - 1
    np.savez(out, **found)


if __name__ == '__main__':
    main(sys.argv[1])
