"""MOVEMENT files of short dynamics with model potentials, in the formats and with the signs of the program.

The texts are written here, not by the package, so that reading them tests signs and units: "Force" is +dE/dR, the
stress block is the strain derivative of the energy, velocities are in Bohr/fs, and atomic energies lack a constant.
"""

from functools import cache

import numpy as np
from ase import units
from ase.build import bulk, molecule
from ase.calculators.lj import LennardJones
from ase.calculators.morse import MorsePotential
from ase.calculators.singlepoint import SinglePointCalculator
from ase.md.velocitydistribution import thermalize_momenta
from ase.md.verlet import VelocityVerlet

from .files import block, row

CONFIG = """          8
 LATTICE
      6.10000000     0.00000000     0.00000000
      1.00000000    -5.20000000    -0.22000000
      0.50000000     1.40000000     6.30000000
 POSITION
   3     0.10200000     0.12500000     0.12400000 1 1 1
   3     0.60100000     0.12300000     0.12600000 1 1 1
   3     0.12400000     0.62600000     0.12500000 1 1 1
   3     0.62300000     0.62400000     0.12700000 1 1 1
   3     0.12500000     0.12600000     0.62400000 1 1 1
   3     0.62400000     0.12400000     0.62600000 1 1 1
  14     0.12600000     0.62500000     0.62500000 1 1 1
  14     0.62500000     0.62700000     0.62300000 1 1 1
"""

_THERMOSTAT = """P_sph(bar),Rcut_MD_sp(A)  0.000000E+00  0.000000E+00
     MD_INFO: METHOD(1-VV,2-NH,3-LV,4-LVPR,5-NHRP) TIME(fs) TEMP(K) DESIRED_TEMP(K) AVE_TEMP(K)
              2    0.1000000000E+01   0.52796E+03   0.30000E+03   0.52796E+03
     TOTAL MOMENTUM
              -0.17056E+00  -0.40836E-01   0.99646E-01
     MD_NH_INFO: Nose-Hoover Dynamics (NVT), IONS' THERMOSTAT VELOCITY(1/fs)
              0.9374515744E-02
"""


def movement_text(frames, constant, timestep, plane_waves=None):
    """Text of a MOVEMENT.

    Parameters
    ----------
    frames : list of Atoms
        With positions that do not jump by cell vectors, momenta, energy, forces, energies and stress.
    constant : float
        What completes the atomic energies of the file to the energy, eV.
    timestep : float
        fs.
    plane_waves : float, optional
        A strain derivative of the energy that is the same in all directions, eV. Given, the file has the stress, the
        thermostat and the nonperiodic positions too.
    """
    text = ''
    for k, atoms in enumerate(frames, 1):
        z, n, x = atoms.numbers, len(atoms), atoms.cell.scaled_positions(atoms.positions)
        potential, kinetic = atoms.get_potential_energy(), atoms.get_kinetic_energy()
        text += f'{n:4d} atoms,Iteration (fs) = {k * timestep:19.10E}, Etot,Ep,Ek (eV) = '
        text += ' '.join(f'{e:19.10E}' for e in (potential + kinetic, potential, kinetic)) + ', SCF =     6\n'
        text += _THERMOSTAT if plane_waves is not None else ''
        text += ' Lattice vector (Angstrom)\n'
        virial = atoms.get_stress(voigt=False) * atoms.get_volume() + (plane_waves or 0) * np.eye(3)
        for a, s in zip(atoms.cell, virial):
            text += ' '.join(f'{c:19.10E}' for c in a)
            text += '' if plane_waves is None else '     stress (eV): ' + ' '.join(f'{c:13.6E}' for c in s)
            text += '\n'
        if plane_waves is not None:
            pressure = -virial / atoms.get_volume() * units.Bohr**3 / units.Hartree
            text += ' Pressure Internal(Hartree/bohr^3)\n' + ''.join(f'{row(s)}\n' for s in pressure)
        text += block('Position (normalized), move_x, move_y, move_z', x % 1, z, '     1  1  1')
        if plane_waves is not None:
            text += block('nonperiodic_Position (normalized), move_x, move_y, move_z', x, z, '     1  1  1')
        text += block('Force (-force, eV/Angstrom)', -atoms.get_forces(), z)
        text += block('Velocity (bohr/fs)', atoms.get_velocities() * units.fs / units.Bohr, z)
        text += f'Atomic-Energy, Etot(eV),E_nonloc(eV),Q_atom:dE(eV)= {constant:19.10E}\n'
        for number, e in zip(z, atoms.get_potential_energies() - constant / n):
            text += f'{number:4d} {e:19.10E} {-1.5:19.10E} {1.0:19.10E}\n'
        text += ' ' + 49 * '-' + '\n'
    return text


@cache
def lithium():
    """Ten frames of two lithium atoms in bcc, 2 fs apart; no stress, positions in the cell only."""
    atoms = bulk('Li', 'bcc', a=3.51, cubic=True)
    atoms.calc = MorsePotential(epsilon=0.1, r0=3.2, rho0=4.0, rcut1=6.0, rcut2=7.0)
    return movement_text(_dynamics(atoms, 600, 2.0, 10), constant=-420.1, timestep=2.0)


@cache
def methane():
    """Ten frames of five atoms around the corner of a box, 1 fs apart, with stress and nonperiodic positions."""
    atoms = molecule('CH4', cell=[10, 10, 10], pbc=True)
    atoms.calc = LennardJones(sigma=1.1 / 2 ** (1 / 6), epsilon=0.3, rc=4.5)
    return movement_text(_dynamics(atoms, 500, 1.0, 10), constant=-579.6, timestep=1.0, plane_waves=-0.4)


def _dynamics(atoms, temperature, timestep, n):
    thermalize_momenta(atoms, temperature_K=temperature, rng=np.random.default_rng(3))
    frames, dynamics = [], VelocityVerlet(atoms, timestep * units.fs)
    dynamics.attach(lambda: frames.append(_with_results(atoms)))
    dynamics.run(n - 1)
    return frames


def _with_results(atoms):
    copy = atoms.copy()
    copy.calc = SinglePointCalculator(
        copy,
        energy=atoms.get_potential_energy(),
        energies=atoms.get_potential_energies(),
        forces=atoms.get_forces(),
        stress=atoms.get_stress(),
    )
    return copy
