"""A fast calculator for the labels of lithium in tests, which imports no compiled kernels."""

from ase.calculators.morse import MorsePotential


def morse(atoms, safe, directory):
    """A Morse potential with the distances of lithium."""
    return MorsePotential(epsilon=0.35, r0=3.0, rho0=3.5, rcut1=4.5, rcut2=6.0)
