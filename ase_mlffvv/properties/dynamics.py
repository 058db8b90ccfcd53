"""Molecular dynamics at constant temperature and volume."""

from __future__ import annotations

import numpy as np
from ase import Atoms, units
from ase.md.bussi import Bussi

from .relaxing import PropertyError


def dynamics(atoms, temperature, steps, timestep, rng, bar=None, every=None, record=Atoms.copy):
    """NVT dynamics in place, with stochastic velocity rescaling.

    Parameters
    ----------
    atoms : Atoms
        With a calculator and velocities.
    temperature : float, K
    steps : int
    timestep : float, fs
    rng : numpy Generator
    bar : tqdm, optional
        Told of each step.
    every : int, optional
        Keep ``record(atoms)`` of each ``every``-th step.

    Returns
    -------
    list
        What was recorded.

    Raises
    ------
    PropertyError
        Velocities became NaN or infinite.
    """
    out = []
    with Bussi(atoms, timestep * units.fs, temperature, taut=100 * units.fs, rng=rng) as run:
        for k, _ in enumerate(run.irun(steps)):
            if not np.isfinite(atoms.get_kinetic_energy()):
                raise PropertyError(f'the dynamics at {temperature:g} K blew up after {k} steps')
            if every and k and k % every == 0:
                out.append(record(atoms))
            if bar is not None and k:
                bar.update()
    return out
