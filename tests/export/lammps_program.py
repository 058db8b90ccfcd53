"""Runs in LAMMPS on all processes of mpiexec: python -m tests.export.lammps_program OUTPUT.npz

With ``killed FOLDER``, the last process of a run kills itself between two checkpoints.
"""

import os
import signal
import sys

import numpy as np
from ase.md.velocitydistribution import Stationary, thermalize_momenta

from ase_mlffvv.errors import StructureError
from ase_mlffvv.export.lammps.library import let_ase_be_serial, load_mpi
from ase_mlffvv.export.lammps.simulation import Simulation
from ase_mlffvv.model.find import find_potential
from ase_mlffvv.structures import column, freeze_bottom

from ..systems import zoo
from ..toys import random_potential

ELEMENTS = ('Li', 'Na')
STEPS, TIMESTEP = 100, 2.0


def toy():
    return random_potential(ELEMENTS, families=('density',), seed=1)


def needle(frozen=False):
    atoms = column(diameter=3, height=4, box=6)
    atoms.rattle(0.05, seed=0)
    thermalize_momenta(atoms, temperature_K=500, rng=np.random.default_rng(1))
    Stationary(atoms)
    return freeze_bottom(atoms, 1) if frozen else atoms


def systems():
    """Name -> structure and potential."""
    potential = toy()
    found = {name: (atoms, potential) for name, atoms in zoo(ELEMENTS).items()}
    return {**found, 'column': (needle(), find_potential())}


def main(path):
    let_ase_be_serial()
    comm = load_mpi().COMM_WORLD
    first, out = comm.rank == 0, {}
    for name, (atoms, potential) in systems().items():
        simulation = Simulation(comm, atoms if first else None, potential, threads=1)
        out[f'{name} energies'], out[f'{name} forces'] = simulation.energies(), simulation.forces()
        out[f'{name} virial'], out[f'{name} size'] = simulation.virial(), simulation.size()
        out[f'{name} energy'], out[f'{name} positions'] = (
            simulation.potential_energy(),
            (simulation.state() or [None])[0],
        )
        out[f'{name} coordination'] = simulation.coordination(3.45)
        if potential.uncertainty is not None:
            out[f'{name} grade'] = simulation.grade()
        simulation.close()
    for frozen in (False, True):
        name, atoms = f'run {"frozen" if frozen else "free"}', needle(frozen)
        simulation = Simulation(comm, atoms if first else None, find_potential(), TIMESTEP, threads=1)
        before = simulation.potential_energy() + simulation.kinetic_energy()
        for n in (30, 1, STEPS - 31):
            simulation.run(n)
        out[f'{name} drift'] = simulation.potential_energy() + simulation.kinetic_energy() - before
        out[f'{name} temperature'] = simulation.temperature()
        out[f'{name} positions'], out[f'{name} momenta'] = simulation.state() or (None, None)
        simulation.close()
    for thermostat in ('berendsen', 'csvr', 'langevin'):
        simulation = Simulation(comm, needle(thermostat == 'csvr') if first else None, find_potential(), TIMESTEP,
                                temperature=250, taut=50, thermostat=thermostat, seed=3, threads=1)  # fmt: skip
        before = simulation.potential_energy() + simulation.kinetic_energy()
        simulation.run(60)
        after = simulation.potential_energy() + simulation.kinetic_energy()
        out[f'{thermostat} work'], out[f'{thermostat} change'] = simulation.thermostat_work(), after - before
        out[f'{thermostat} temperature'] = simulation.temperature()
        simulation.close()
    atoms = needle()
    atoms.set_momenta(atoms.get_momenta() * 1e4)
    simulation = Simulation(comm, atoms if first else None, find_potential(), TIMESTEP, threads=1)
    try:
        simulation.run(20)
        out['unstable'] = 'nothing'
    except StructureError as error:
        out['unstable'] = str(error)
    simulation.close()
    if first:
        np.savez(path, **{name: np.asarray(values) for name, values in out.items()})


def killed(folder):
    from ase_mlffvv import VVCalculator
    from ase_mlffvv.export.lammps import Team
    from ase_mlffvv.jobs import RunSettings, start

    comm = load_mpi().COMM_WORLD
    run = Simulation.run

    def run_until_killed(self, steps):
        run(self, steps)
        if self.step == 25 and comm.rank == comm.size - 1:
            os.kill(os.getpid(), signal.SIGKILL)

    Simulation.run = run_until_killed
    settings = RunSettings(steps=30, frame_interval=10, log_interval=5, checkpoint_interval=20, dynamics='lammps')
    with Team(comm) as team:
        if team.leads:
            start(needle(), VVCalculator(), folder, settings, progress=False, drive=team)


if __name__ == '__main__':
    if sys.argv[1] == 'killed':
        killed(sys.argv[2])
    else:
        main(sys.argv[1])
