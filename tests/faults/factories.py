"""A fast calculator for the labels of lithium in tests, which imports no compiled kernels."""

from pathlib import Path

from ase.calculators.morse import MorsePotential


def morse(atoms, safe, directory, calls=None):
    """A Morse potential; each call is noted in the file ``calls``."""
    if calls is not None:
        with open(calls, 'a') as file:
            file.write(f'{Path(directory).parent.name}\n')
    return MorsePotential(epsilon=0.35, r0=3.0, rho0=3.5, rcut1=4.5, rcut2=6.0)
