"""A calculator for studies."""

from ase.calculators.emt import EMT


def emt(atoms, safe, directory, asap_cutoff=False):
    return EMT(asap_cutoff=asap_cutoff)


def broken(atoms, safe, directory):
    raise RuntimeError('no licence\nfor this machine')
