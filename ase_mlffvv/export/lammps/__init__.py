"""LAMMPS as engine for many processes: runs through ``fix external``, and models for ``pair_style mliap unified``.

Names are imported on first use, because a model for LAMMPS must not need MPI.
"""

from importlib import import_module

_WHERE = {
    'Domain': 'domain',
    'ForceCallback': 'fix',
    'Simulation': 'simulation',
    'Team': 'drive',
    'attach': 'fix',
    'save_mliap': 'mliap',
    'write_input': 'write',
}

__all__ = sorted(_WHERE)


def __getattr__(name):
    if name in _WHERE:
        return getattr(import_module(f'.{_WHERE[name]}', __name__), name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
