"""Structure and diffusion of the liquid."""

from __future__ import annotations

import numpy as np
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary
from matscipy.neighbours import neighbour_list
from tqdm.auto import tqdm

from ..structures import crystal_of_density
from .dynamics import dynamics
from .relaxing import PropertyError

DENSITY = 0.512  # g/cm^3, liquid lithium at the melting point (periodictable.com)
TEMPERATURE = 470.0  # K, just above the melting point, to which DENSITY refers


def radial_distribution(frames, bins=180, cutoff=None):
    """Radial distribution function g(r), averaged over periodic structures of the same density.

    Parameters
    ----------
    frames : list of Atoms
    bins : int
        Number of bins.
    cutoff : float, Å, optional
        Largest distance; by default, half of the shortest cell vector.

    Returns
    -------
    r : ndarray, Å
        Centres of the bins.
    g : ndarray
    """
    cutoff = cutoff or min(frames[0].cell.lengths()) / 2
    edges = np.linspace(0, cutoff, bins + 1)
    counts = sum(np.histogram(neighbour_list('d', atoms, cutoff), edges)[0] for atoms in frames)
    n, volume = len(frames[0]), frames[0].get_volume()
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    return (edges[1:] + edges[:-1]) / 2, counts / (len(frames) * n * n / volume * shells)


def first_peak(r, g):
    """Position (Å) and height of the first peak, from a parabola fitted to its highest points."""
    k = int(np.argmax(g))
    near = slice(max(k - 4, 0), k + 5)
    a, b, c = np.polyfit(r[near], g[near], 2)
    if not a < 0:
        return float(r[k]), float(g[k])
    return float(-b / (2 * a)), float(c - b**2 / (4 * a))


def liquid(attach, temperature=TEMPERATURE, cells=5, melt=1000, settle=1000, sample=3000, timestep=2.0, seed=0,
           progress=False):  # fmt: skip
    """Radial distribution function of the liquid at the experimental density.

    The crystal is melted at 1200 K and then equilibrated at ``temperature``.

    Parameters
    ----------
    attach : function
        See :func:`ase_mlffvv.properties.relaxing.use`.
    temperature : float, K
    cells : int
        Number of cubic cells along each axis.
    melt, settle, sample : int
        Numbers of steps for melting at 1200 K, for equilibration at ``temperature``, and for sampling, in which every
        20th step is used.
    timestep : float, fs

    Returns
    -------
    dict
        ``r`` (Å), ``g``, ``position`` (Å) and ``height`` of the first peak, and the ``diffusion`` coefficient (Å^2/ps).

    Raises
    ------
    PropertyError
        If the crystal does not melt, the liquid freezes, or the dynamics become unstable.
    """
    rng = np.random.default_rng(seed)
    atoms = attach(crystal_of_density(DENSITY, cells=cells))
    MaxwellBoltzmannDistribution(atoms, temperature_K=2400, rng=rng)  # half becomes potential energy
    Stationary(atoms)
    with tqdm(total=melt + settle + sample, unit='step', desc='liquid', leave=False, disable=not progress) as bar:
        dynamics(atoms, 1200.0, melt, timestep, rng, bar)
        dynamics(atoms, temperature, settle, timestep, rng, bar)
        frames = dynamics(atoms, temperature, sample, timestep, rng, bar, every=20)
    paths = np.array([frame.positions for frame in frames])
    paths -= paths.mean(axis=1, keepdims=True)
    half = len(paths) // 2
    moved = ((paths[half:] - paths[: len(paths) - half]) ** 2).sum(axis=-1).mean()
    diffusion = moved / (6 * half * 20 * timestep * 1e-3)
    if moved < 1.0:
        raise PropertyError(f'not a liquid at {temperature:g} K: the root mean square displacement is '
                            f'{np.sqrt(moved):.2f} Å in {half * 20 * timestep * 1e-3:.1f} ps')  # fmt: skip
    r, g = radial_distribution(frames)
    position, height = first_peak(r, g)
    return {'r': r.tolist(), 'g': g.tolist(), 'position': position, 'height': height, 'diffusion': float(diffusion)}
