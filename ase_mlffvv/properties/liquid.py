"""Structure of the liquid."""

from __future__ import annotations

import numpy as np
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary
from matscipy.neighbours import neighbour_list
from tqdm import tqdm

from ..structures import crystal_of_density
from .dynamics import dynamics
from .relaxing import PropertyError

DENSITY = 0.512  # g/cm^3, liquid lithium at the melting point (periodictable.com)
TEMPERATURE = 470.0  # K, just above the melting point, where the density is that of DENSITY


def radial_distribution(frames, bins=180, cutoff=None):
    """g(r) of periodic structures of one density.

    Parameters
    ----------
    frames : list of Atoms
    bins : int
    cutoff : float, Å, optional
        Default half of the shortest cell vector.

    Returns
    -------
    r : ndarray, Å
        Middles of the bins.
    g : ndarray
    """
    cutoff = cutoff or min(frames[0].cell.lengths()) / 2
    edges = np.linspace(0, cutoff, bins + 1)
    counts = sum(np.histogram(neighbour_list('d', atoms, cutoff), edges)[0] for atoms in frames)
    n, volume = len(frames[0]), frames[0].get_volume()
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    return (edges[1:] + edges[:-1]) / 2, counts / (len(frames) * n * n / volume * shells)


def first_peak(r, g):
    """Position (Å) and height of the first peak, by a parabola through its highest points."""
    k = int(np.argmax(g))
    near = slice(max(k - 4, 0), k + 5)
    a, b, c = np.polyfit(r[near], g[near], 2)
    if not a < 0:
        return float(r[k]), float(g[k])
    return float(-b / (2 * a)), float(c - b**2 / (4 * a))


def liquid(attach, temperature=TEMPERATURE, cells=5, melt=1000, settle=1000, sample=3000, timestep=2.0, seed=0,
           progress=False):  # fmt: skip
    """g(r) of the liquid at the measured density: molten at 1200 K, then kept at ``temperature``.

    Parameters
    ----------
    attach : function
        See :func:`ase_mlffvv.properties.relaxing.use`.
    temperature : float, K
    cells : int
        Cubic cells along each axis.
    melt, settle, sample : int
        Steps of ``timestep`` (fs) at 1200 K, at ``temperature``, and while sampling every 20th.

    Returns
    -------
    dict
        ``r`` (Å), ``g``, ``position`` (Å) and ``height`` of the first peak, ``diffusion`` (Å^2/ps).

    Raises
    ------
    PropertyError
        It did not melt, froze, or the dynamics blew up.
    """
    rng = np.random.default_rng(seed)
    atoms = attach(crystal_of_density(DENSITY, cells=cells))
    MaxwellBoltzmannDistribution(atoms, temperature_K=2400, rng=rng)  # half of it becomes potential energy
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
        raise PropertyError(f'not a liquid at {temperature:g} K: atoms moved by {np.sqrt(moved):.2f} Å in '
                            f'{half * 20 * timestep * 1e-3:.1f} ps')  # fmt: skip
    r, g = radial_distribution(frames)
    position, height = first_peak(r, g)
    return {'r': r.tolist(), 'g': g.tolist(), 'position': position, 'height': height, 'diffusion': float(diffusion)}
