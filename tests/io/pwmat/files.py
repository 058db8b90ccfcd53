"""Synthetic files in the formats of PWmat; the numbers obey the conventions of the program."""

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.units import Bohr

CELL = np.array([[4.0, 0.1, 0.0], [0.2, 5.0, -0.1], [0.0, 0.3, 6.0]])
VIRIAL = np.array([[0.6, 0.1, -0.2], [0.1, 0.3, 0.05], [-0.2, 0.05, -0.4]])  # dE/d(strain), eV
HARMONIC = 0.7  # eV/Å^2, each atom is bound to its site
SITES = np.array([[0.1, 0.2, 0.3], [0.6, 0.5, 0.4], [0.99, 0.8, 0.02]])
E_ATOM = np.array([16.2, 16.3, 16.5])
CONSTANT = -630.1


def row(numbers):
    return ' '.join(f'{x:20.15f}' for x in numbers)


def block(title, rows, numbers=(3, 3, 3), after=''):
    return f' {title}\n' + ''.join(f'{z:4d} {row(np.atleast_1d(r))}{after}\n' for z, r in zip(numbers, rows))


def frame(k=0, *, first='md', extra='', stress=True, nonperiodic=True, force='Force (-force, eV/Angstrom)',
          velocity=True, atomic=True, shift=0.0, end=' ' + 49 * '-' + '\n'):  # fmt: skip
    """Text of a frame in which three lithium atoms swing about their sites; ``k`` is its number."""
    u = 0.1 * np.sin(0.3 * k + np.arange(9).reshape(3, 3))  # Å
    v = 0.02 * np.cos(0.3 * k + np.arange(9).reshape(3, 3))  # Bohr/fs
    E_i = E_ATOM + 0.5 * HARMONIC * (u**2).sum(axis=1)
    Ep, Ek = E_i.sum() + CONSTANT, 0.1 + 0.01 * k
    x = SITES + u @ np.linalg.inv(CELL)
    text = f'   3 atoms,Iteration (fs) = {2.0 * k:19.10E}, Etot,Ep,Ek (eV) = {Ep + Ek:19.10E} {Ep:19.10E} {Ek:19.10E}'
    text += ', SCF =     5\n'
    if first == 'relax':
        text = f'   3 atoms,Iteration = {k:3d}, Etot,Ep,Ek = {Ep:19.10E} {Ep:19.10E} {0:19.10E}'
        text += ', Average Force= 0.1E-02\n'
    text += extra + ' Lattice vector (Angstrom)\n'
    for a, s in zip(CELL, VIRIAL):
        text += ' '.join(f'{c:19.10E}' for c in a)
        text += ('     stress (eV): ' + ' '.join(f'{c:13.6E}' for c in s) if stress else '') + '\n'
    if stress:
        text += ' Pressure Internal(Hartree/bohr^3)\n' + ''.join(f'{row(s)}\n' for s in -VIRIAL / 120)
    text += block('Position (normalized), move_x, move_y, move_z', x % 1, after='     1  1  1')
    if nonperiodic:
        text += block('nonperiodic_Position (normalized), move_x, move_y, move_z', x, after='     1  1  1')
    text += block(force, HARMONIC * u)
    if velocity:
        text += block('Velocity (bohr/fs)', v)
    if atomic:
        text += f'Atomic-Energy, Etot(eV),E_nonloc(eV),Q_atom:dE(eV)= {CONSTANT:19.10E}\n'
        text += ''.join(f'   3 {e + shift:19.10E} {-99.4:19.10E} {3.0:19.10E}\n' for e in E_i)
    return text + end


MD = """P_sph(bar),Rcut_MD_sp(A)  0.000000E+00  0.000000E+00
     MD_INFO: METHOD(1-VV,2-NH,3-LV,4-LVPR,5-NHRP) TIME(fs) TEMP(K) DESIRED_TEMP(K) AVE_TEMP(K)
              5    0.2000000000E+01   0.59517E+03   0.29800E+03   0.59517E+03
     TOTAL MOMENTUM
     ********    ********    ********
"""
NPT = (
    MD
    + """     MD_NHRP_INFO: Nose-Hoover and Rahman-Parrinello (NPT), IONS' THERMOSTAT VELOCITY(1/fs)
              0.9374515744E-02
     LATTICE_VELOCITY(bohr/fs)
       0.1E-02 0.0E+00 0.0E+00
       0.0E+00 0.1E-02 0.0E+00
       0.0E+00 0.0E+00 0.1E-02
 LATTICE VELOCITY, POSITION and FORCE of the barostat
       0.1E-02 0.0E+00 0.0E+00
 VELOCITY of the thermostat
       0.1E-02 0.0E+00 0.0E+00
"""
)


def labelled(n=1):
    """Structures with every label and property that a MOVEMENT can hold."""
    frames = []
    rng = np.random.default_rng(n)
    for k in range(n):
        atoms = Atoms('Li2H', rng.normal(scale=7, size=(3, 3)), cell=CELL + 0.1 * rng.normal(size=(3, 3)), pbc=True)
        atoms.set_velocities(rng.normal(size=(3, 3)))
        atoms.info = {'time_fs': 1.5 * k, 'scf_iterations': 7 + k}
        energies = rng.normal(size=3) - 193.0
        atoms.calc = SinglePointCalculator(
            atoms, energy=energies.sum(), free_energy=energies.sum(), energies=energies,
            forces=rng.normal(size=(3, 3)), stress=rng.normal(size=6),
        )  # fmt: skip
        frames.append(atoms)
    return frames


def bohr_per_fs(k=0):
    """Velocities of :func:`frame`, Å/fs."""
    return 0.02 * np.cos(0.3 * k + np.arange(9).reshape(3, 3)) * Bohr
