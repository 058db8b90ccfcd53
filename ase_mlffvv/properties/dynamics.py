"""Molecular dynamics at constant temperature and volume."""

from __future__ import annotations

import numpy as np
from ase import Atoms, units
from ase.md.bussi import Bussi

from .relaxing import PropertyError


def dynamics(atoms, temperature, steps, timestep, rng, bar=None, every=None, record=Atoms.copy):
    """Run NVT dynamics in place, with stochastic velocity rescaling.

    Parameters
    ----------
    atoms : Atoms
        Structure with a calculator and velocities.
    temperature : float, K
    steps : int
    timestep : float, fs
    rng : numpy Generator
    bar : tqdm, optional
        Progress bar, updated at each step.
    every : int, optional
        Number of steps between records.
    record : function
        ``record(atoms)`` returns what to keep.

    Returns
    -------
    list
        Results of ``record``.

    Raises
    ------
    PropertyError
        If velocities become NaN or infinite.
    """
    out = []
    with Bussi(atoms, timestep * units.fs, temperature, taut=100 * units.fs, rng=rng) as run:
        for k, _ in enumerate(run.irun(steps)):
            if not np.isfinite(atoms.get_kinetic_energy()):
                raise PropertyError(f'the dynamics at {temperature:g} K became unstable after {k} steps')
            if every and k and k % every == 0:
                out.append(record(atoms))
            if bar is not None and k:
                bar.update()
    return out
