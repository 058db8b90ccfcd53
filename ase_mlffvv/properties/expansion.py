"""Lattice constant and thermal expansion near room temperature."""

from __future__ import annotations

import numpy as np
from ase import units
from ase.build import bulk
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary
from tqdm.auto import tqdm

from .dynamics import dynamics
from .relaxing import PropertyError

TEMPERATURES = (200.0, 400.0)  # K
STRETCHES = (1.005, 1.02)  # lattice constants relative to that at 0 K
BLOCKS = 8


def mean_pressure(atoms, temperature, steps, settle, timestep, rng, bar=None):
    """Mean pressure in NVT dynamics.

    Returns
    -------
    pressure, error : float, eV/Å^3
        Mean pressure, and its standard error from block averages.
    """
    MaxwellBoltzmannDistribution(atoms, temperature_K=2 * temperature, rng=rng)  # half becomes potential energy
    Stationary(atoms)
    dynamics(atoms, temperature, settle, timestep, rng, bar)
    values = dynamics(atoms, temperature, steps, timestep, rng, bar, every=5,
                      record=lambda a: -a.get_stress(include_ideal_gas=True)[:3].mean())  # fmt: skip
    blocks = [block.mean() for block in np.array_split(values, BLOCKS)]
    return float(np.mean(values)), float(np.std(blocks, ddof=1) / np.sqrt(BLOCKS))


def expansion(attach, a, element='Li', cells=5, temperatures=TEMPERATURES, stretches=STRETCHES, settle=300, steps=2400,
              timestep=2.0, seed=0, progress=False):  # fmt: skip
    """Linear thermal expansion of bcc from NVT dynamics at two lattice constants and two temperatures.

    The lattice constant at each temperature is where the mean pressure, interpolated linearly between the two lattice
    constants, is zero. The pressure converges faster than a fluctuating volume would. Nuclei are classical.

    Parameters
    ----------
    attach : function
        See :func:`ase_mlffvv.properties.relaxing.use`.
    a : float, Å
        Lattice constant at 0 K.
    cells : int
        Number of cubic cells along each axis.
    temperatures : (float, float), K
    stretches : (float, float)
        The two lattice constants relative to ``a``.
    settle, steps : int
        Numbers of steps for equilibration and for averaging.
    timestep : float, fs

    Returns
    -------
    dict
        ``expansion`` and its statistical ``error`` (1/K) at the mean of the two temperatures, ``length``, the lattice
        constant at this temperature (Å), and ``pressures`` (GPa), with one row for each temperature.

    Raises
    ------
    PropertyError
        If the pressure does not decrease with the volume, the dynamics become unstable, or the pressure is zero only
        far from ``a``.
    """
    rng = np.random.default_rng(seed)
    lengths = a * np.asarray(stretches)
    total = 4 * (settle + steps)
    pressure, error = np.zeros((2, 2)), np.zeros((2, 2))
    with tqdm(total=total, unit='step', desc='expansion', leave=False, disable=not progress) as bar:
        for i, j in np.ndindex(2, 2):
            atoms = attach(bulk(element, 'bcc', a=lengths[j], cubic=True) * (cells, cells, cells))
            pressure[i, j], error[i, j] = mean_pressure(atoms, temperatures[i], steps, settle, timestep, rng, bar)
    slopes = (pressure[:, 1] - pressure[:, 0]) / (lengths[1] - lengths[0])
    if not (slopes < 0).all():
        raise PropertyError(f'the pressure increases with the volume: {np.round(pressure / units.GPa, 3).tolist()} GPa')
    zeros = lengths[0] - pressure[:, 0] / slopes
    if not (abs(zeros / a - 1) < 0.05).all():
        raise PropertyError(f'no lattice constant near {a:.3f} Å has zero pressure: {np.round(zeros, 3).tolist()} Å')
    share = (zeros - lengths[0]) / (lengths[1] - lengths[0])
    deviation = np.hypot(error[:, 0] * (1 - share), error[:, 1] * share) / abs(slopes)
    step = (temperatures[1] - temperatures[0]) * zeros.mean()
    return {'expansion': float((zeros[1] - zeros[0]) / step), 'error': float(np.hypot(*deviation) / step),
            'length': float(zeros.mean()), 'pressures': (pressure / units.GPa).tolist()}  # fmt: skip
