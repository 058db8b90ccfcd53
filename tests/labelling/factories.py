"""Calculators for the tests; other processes import this module."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT


class Result(Calculator):
    """Gives what it is told to."""

    implemented_properties = ['energy', 'forces', 'stress', 'energies', 'free_energy']

    def __init__(self, **results):
        super().__init__()
        self.given = results

    def calculate(self, atoms=None, properties=(), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        self.results = dict(self.given)


def counted(atoms, safe, directory, calls='', sleep=0.0, ecut=350):
    """EMT that writes a line for each call."""
    with open(calls, 'a') as file:
        file.write(f'{Path(directory).parent.name} {safe} {os.getpid()}\n')
    time.sleep(sleep)
    return EMT()


def moody(atoms, safe, directory, safer_helps=False):
    """Fails in a way that the number of atoms tells."""
    n = len(atoms)
    (directory / 'output.txt').write_text('begun\n')
    if n == 1 or (safe and safer_helps):
        return EMT()
    good = {'energy': 0.0, 'forces': np.zeros((n, 3))}
    if n == 2:
        raise RuntimeError('no licence\nfor this program')
    if n == 3:
        return Result(**{**good, 'energy': np.nan})
    if n == 4:
        return Result(energy=0.0)
    if n == 5:
        return Result(**{**good, 'forces': np.zeros((n + 1, 3))})
    if n == 6:
        return 'a calculator'
    if n == 7:
        sys.exit('the program gave up')
    raise MemoryError


def deadly(atoms, safe, directory, safer_helps=False):
    """A process that is killed at structures of two atoms, and one that exits at three."""
    if not (safe and safer_helps):
        if len(atoms) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if len(atoms) == 3:
            os._exit(3)
    return EMT()


def periodic(atoms, safe, directory):
    return EMT()


periodic.periodic = True


def smeared(atoms, safe, directory):
    """Energy, free energy and stress as a matrix; charges are seen, info is not."""
    assert not atoms.info
    assert not atoms.constraints
    n, charge = len(atoms), atoms.get_initial_charges().sum()
    stress = np.arange(9.0).reshape(3, 3) + np.arange(9.0).reshape(3, 3).T
    return Result(energy=-1.0, free_energy=-1.1 + charge, forces=np.ones((n, 3)), stress=stress)


class NoStress(EMT):
    def calculate(self, atoms=None, properties=(), system_changes=()):
        if 'stress' in properties:
            raise NotImplementedError('no stress in this mode')
        super().calculate(atoms, properties, system_changes)
        del self.results['stress']


def no_stress(atoms, safe, directory):
    return NoStress()


def sleeper(path):
    """A task with a program of its own."""
    program = subprocess.Popen(['sleep', '100'])
    Path(path).write_text(f'{program.pid} {os.getpid()}')
    program.wait()


def threads():
    return os.environ.get('OMP_NUM_THREADS')


def fails():
    raise ValueError('on purpose')


def two_parts(atoms, safe, directory, n=4):
    """Labels that ASE has no name for; ``n`` rows, one for each atom if it is right."""
    calc = Result(energy=0.0, forces=np.zeros((len(atoms), 3)))
    calc.extra_results = {'surface': 12.5, 'surfaces': np.arange(float(n)), 'el_forces': np.full((n, 3), 2.0)}
    return calc
