"""Molecular dynamics of a structure in LAMMPS, on all processes of an MPI communicator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase import units

from ...checks import check_number
from ...errors import StructureError
from .fix import attach
from .library import Constants, command, image_bits, open_lammps, pack_images, unpack_images
from .setup import THERMOSTAT, Box, Types, body, check_images, head, thermostat

if TYPE_CHECKING:
    from typing import Any

    from ase import Atoms

    from ...model import VVPotential

_BLOCK = 200_000  # atoms in a message
_BALANCE = 1000  # steps between adaptations of the domains to the atoms


class Simulation:
    """A structure in LAMMPS with the forces of a VV potential.

    All methods and the constructor must be called by all processes of the communicator together. Atoms and gathered
    results are those of process 0; the other processes give and get None. Functions of ASE that process 0 calls alone
    may wait for the others, see :func:`.let_ase_be_serial`.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    atoms : Atoms or None
        Structure with momenta. Fixed atoms (:class:`ase.constraints.FixAtoms`) do not move.
    potential : VVPotential
    timestep : float, fs
    temperature, taut : float, K and fs
    thermostat : {'none', 'berendsen', 'csvr', 'langevin'}
        LAMMPS' fixes ``temp/berendsen``, ``temp/csvr`` and ``langevin``. With Berendsen's thermostat, the motion of the
        centre of mass is removed unless atoms are fixed, as in :class:`.Berendsen`.
    seed : int
        Seed of stochastic thermostats.
    **settings
        Settings of a :class:`.Domain`.

    Raises
    ------
    ImportError
        LAMMPS, mpi4py or an MPI library is missing.
    ElementError, StructureError, NotImplementedError
        LAMMPS or the potential cannot take the structure.
    """

    def __init__(self, comm: Any, atoms: Atoms | None, potential: VVPotential, timestep: float = 2.0, *,
                 temperature: float = 300.0, taut: float = 500.0, thermostat: str = 'none', seed: int = 0,
                 **settings: Any):  # fmt: skip
        self.comm, self.potential, self.step = comm, potential, 0
        self.lmp = open_lammps(comm)
        self._bits = image_bits(self.lmp)
        self._create(atoms)
        self._constants = Constants.of(self.lmp)  # those of 'units metal', which is set now
        skin = check_number(settings.pop('skin', 0.8), 'skin', 'Å', above=0)
        command(self.lmp, body(self.types, potential.cutoff, skin, timestep, self._constants))
        command(self.lmp, self._thermostat(thermostat, temperature, taut, seed))
        elements = [potential.elements[s] for s in self.types.species]
        self.callback = attach(self.lmp, potential, elements=elements, comm=comm, skin=skin, **settings)
        self._heat = thermostat
        command(self.lmp, 'thermo_style custom step atoms\nthermo_modify norm no flush no')
        self._next_balance = 0
        self._prepare()
        self._begin = self.potential_energy() + self.kinetic_energy()

    def __len__(self):
        return self._n_atoms

    def run(self, steps: int) -> None:
        """Run a number of steps.

        Raises
        ------
        StructureError
            Positions or the energy are not finite, atoms coincide, or atoms were lost.
        """
        while steps > 0:
            if self.comm.size > 1 and self.step >= self._next_balance:
                self._prepare()
            n = min(steps, self._next_balance - self.step) if self.comm.size > 1 else steps
            command(self.lmp, f'run {n} pre no post no')
            self.callback.check()
            steps, self.step = steps - n, self.step + n

    def kinetic_energy(self) -> float:
        """Kinetic energy of all atoms, eV, in every process."""
        n, total = self._n_own(), np.zeros(1)
        if n:
            velocities, types = self._extract('v', 3), self._extract('type')
            masses = self.types.masses[types - 1]
            total[0] = 0.5 * (masses @ np.einsum('ic,ic->i', velocities, velocities)) / Constants.velocity**2
        return float(self._sum(total)[0])

    def temperature(self) -> float:
        """Temperature of the mobile atoms, K, in every process."""
        return 2 * self.kinetic_energy() / (3 * self._n_mobile * units.kB)

    def potential_energy(self) -> float:
        """Potential energy of all atoms, eV, in every process."""
        return self.callback.energy

    def virial(self) -> np.ndarray:
        """dE/d(strain) of all atoms, eV, shape (3, 3), in the system of coordinates of the structure."""
        rotation = self.box.rotation
        return rotation @ self.callback.virial @ rotation.T

    def thermostat_work(self) -> float:
        """Energy that the thermostat has added since the start, eV, in every process.

        That of Langevin's is the change of the total energy, as in :class:`ase_mlffvv.md.Langevin`.
        """
        if self._heat == 'langevin':
            return self.potential_energy() + self.kinetic_energy() - self._begin
        return 0.0 if self._heat == 'none' else -float(self.lmp.extract_fix(THERMOSTAT, 0, 0))

    def state(self) -> tuple | None:
        """Positions (not wrapped, Å) and momenta (ASE's units), each (n_atoms, 3), in the order of the structure."""
        images = unpack_images(self._extract('image'), self._bits) if self._n_own() else np.zeros((0, 3), int)
        positions = self._gather(self.box.outof(self._extract('x', 3), images))
        momenta = self.types.masses[self._extract('type') - 1][:, None] * self._extract('v', 3) / Constants.velocity
        momenta = self._gather(self.box.vectors_outof(momenta))
        return None if positions is None else (positions, momenta)

    def forces(self) -> np.ndarray | None:
        """Forces (n_atoms, 3), eV/Å."""
        return self._gather(self.box.vectors_outof(self._extract('f', 3)))

    def energies(self) -> np.ndarray | None:
        """Energies of the atoms (n_atoms,), eV."""
        return self._gather(self.callback.energies)

    def grade(self) -> np.ndarray | None:
        """Extrapolation grade of the atoms (n_atoms,)."""
        return self._gather(self.callback.domain.grade())

    def largest_grade(self) -> float:
        """Largest extrapolation grade of all atoms, in every process."""
        return max(self.comm.allgather(float(self.callback.domain.grade().max(initial=0.0))))

    def coordination(self, cutoff: float) -> np.ndarray | None:
        """Numbers of neighbors of the atoms (n_atoms,) within ``cutoff`` (Å, at most that of the potential)."""
        return self._gather(self.callback.domain.coordination(min(cutoff, self.potential.cutoff)))

    def size(self) -> list | None:
        """For each process: numbers of own atoms, of ghosts, and of evaluated atoms (own and ghosts)."""
        counts = self._n_own(), self.lmp.extract_setting('nghost'), self.callback.domain.n_evaluated
        return self.comm.gather(counts)

    def close(self) -> None:
        """Free LAMMPS."""
        self.lmp.close()

    def _create(self, atoms):
        """Create the box and the atoms."""
        about, error = None, None
        if self.comm.rank == 0:
            try:
                types, number = Types.of(atoms, self.potential)
                box = Box(atoms)
                x, shifts = box.into(atoms.positions)
                check_images(shifts, self._bits)
                images = pack_images(shifts, self._bits)
                velocities = atoms.get_momenta() / atoms.get_masses()[:, None]
                if not np.isfinite(velocities).all():
                    raise StructureError('momenta hold values that are not finite numbers')
                velocities[types.frozen[number - 1]] = 0.0
                v = box.vectors_into(velocities) * Constants.velocity
                about = box, types, len(atoms), int((~types.frozen[number - 1]).sum())
            except Exception as found:  # the other processes wait
                error = found
        about = self.comm.bcast((about, None if error is None else str(error)))
        if error is not None:
            raise error
        if about[1] is not None:
            raise StructureError(about[1])
        self.box, self.types, self._n_atoms, self._n_mobile = about[0]
        command(self.lmp, head(self.box, len(self.types.masses)))
        for begin in range(0, self._n_atoms, _BLOCK):
            part = slice(begin, begin + _BLOCK)
            block = (number[part], x[part], v[part], images[part]) if self.comm.rank == 0 else None
            self._create_block(begin, *self.comm.bcast(block))
        taken = int(self.lmp.get_natoms())
        if taken != self._n_atoms:
            raise StructureError(
                f'LAMMPS took {taken} of {self._n_atoms} atoms. Wrap them into the cell with atoms.wrap().'
            )

    def _create_block(self, begin, types, x, v, images):
        tags = range(begin + 1, begin + len(types) + 1)
        self.lmp.create_atoms(len(tags), tags, types.tolist(), x.ravel().tolist(), v.ravel().tolist(), images.tolist())

    def _thermostat(self, name, temperature, taut, seed):
        drift = name == 'berendsen' and not self.types.frozen.any()
        if name in ('berendsen', 'csvr') and not self.kinetic_energy() > 0:
            raise StructureError(
                f'{name} scales momenta, and those of the structure are zero. Draw them first: '
                f'ase.md.velocitydistribution.thermalize_momenta(atoms, temperature_K={temperature:g})'
            )
        return thermostat(name, temperature, taut, seed, self._constants, drift)

    def _prepare(self):
        """Adapt the domains to the atoms, and compute the forces of the present positions."""
        if self.comm.size > 1:
            command(self.lmp, 'balance 1.1 shift xyz 20 1.05')
        command(self.lmp, 'run 0 post no')
        self.callback.check()
        self._next_balance = self.step - self.step % _BALANCE + _BALANCE

    def _n_own(self):
        return self.lmp.extract_setting('nlocal')

    def _extract(self, name, dim=1):
        """Values of own atoms."""
        n = self._n_own()
        if n == 0:
            return np.zeros((0, 3)) if dim == 3 else np.zeros(0, int)
        return self.lmp.numpy.extract_atom(name, nelem=n, dim=dim).copy()

    def _sum(self, values):
        out = np.empty_like(values)
        self.comm.Allreduce(values, out)
        return out

    def _gather(self, values):
        """Values of all atoms, in their order, in process 0; they arrive in blocks."""
        comm, tags = self.comm, self._extract('id').astype(np.int64) - 1
        values = np.ascontiguousarray(values)
        if comm.rank > 0:
            comm.send(len(values), 0)
            for begin in range(0, len(values), _BLOCK):
                comm.Send(tags[begin : begin + _BLOCK], 0)
                comm.Send(values[begin : begin + _BLOCK], 0)
            return None
        out = np.zeros((self._n_atoms, *values.shape[1:]), values.dtype)
        out[tags] = values
        for rank in range(1, comm.size):
            n = comm.recv(source=rank)
            for begin in range(0, n, _BLOCK):
                size = min(_BLOCK, n - begin)
                tags, values = np.empty(size, np.int64), np.empty((size, *out.shape[1:]), out.dtype)
                comm.Recv(tags, rank)
                comm.Recv(values, rank)
                out[tags] = values
        return out
