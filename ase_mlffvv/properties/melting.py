"""Melting point from the coexistence of crystal and liquid."""

from __future__ import annotations

import numpy as np
from ase import units
from ase.build import bulk
from ase.constraints import FixAtoms
from ase.md.nptberendsen import Inhomogeneous_NPTBerendsen
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary
from tqdm.auto import tqdm

from .dynamics import dynamics
from .relaxing import PropertyError

COMPRESSIBILITY = 1 / (11.0 * units.GPa)  # of lithium; used only by the barostat
ORDERED = 0.4  # |<exp(ik·r)>| of a slice: a few tenths above the value of a liquid, below that of a hot crystal


def coexistence(attach, a, guess=450.0, cells=(6, 6, 16), melt=1500, settle=2000, sample=30000, timestep=2.0, seed=0,
                progress=False, element='Li'):  # fmt: skip
    """Temperature at which crystal and liquid coexist at zero pressure, from dynamics without a thermostat.

    Parameters
    ----------
    attach : function
        See :func:`ase_mlffvv.properties.relaxing.use`.
    a : float, Å
        Lattice constant of bcc at 0 K.
    guess : float, K
        Initial temperature; the method works if the melting point is within about 60 K of it.
    cells : (int, int, int)
        Numbers of cubic bcc cells; the solid-liquid interfaces are normal to z.
    melt, settle, sample : int
        Numbers of steps for melting one half, for equilibration at ``guess``, and for sampling without a thermostat.
    timestep : float, fs

    Returns
    -------
    dict
        ``temperature`` (K, mean over the second half of sampling), its ``error`` (K, from eight block averages),
        ``solid``, the crystalline fraction at the end, and ``temperatures`` (K, every 100 steps).

    Raises
    ------
    PropertyError
        If the whole system freezes or melts.
    """
    rng = np.random.default_rng(seed)
    atoms = attach(bulk(element, 'bcc', a=1.015 * a, cubic=True) * cells)
    lower = atoms.get_scaled_positions()[:, 2] < 0.5
    with tqdm(total=melt + settle + sample, unit='step', desc='melting', leave=False, disable=not progress) as bar:
        atoms.set_constraint(FixAtoms(mask=lower))
        MaxwellBoltzmannDistribution(atoms, temperature_K=2400, rng=rng)
        dynamics(atoms, 1200.0, melt, timestep, rng, bar)
        atoms.set_constraint()
        MaxwellBoltzmannDistribution(atoms, temperature_K=guess, rng=rng)
        Stationary(atoms)
        _barostat(atoms, settle, timestep, bar, temperature=guess)
        temperatures = _barostat(atoms, sample, timestep, bar)
    solid = solid_share(atoms, cells)
    if not 0.1 < solid < 0.9:
        state, side = ('crystal', 'above') if solid > 0.5 else ('liquid', 'below')
        raise PropertyError(f'no coexistence: from {guess:g} K, everything became {state}, so the melting point is '
                            f'{side} this temperature (the last one was {temperatures[-1]:.0f} K)')  # fmt: skip
    second = np.array(temperatures[len(temperatures) // 2 :])
    blocks = [block.mean() for block in np.array_split(second, 8)]
    return {'temperature': float(second.mean()), 'error': float(np.std(blocks, ddof=1) / np.sqrt(8)), 'solid': solid,
            'temperatures': temperatures}  # fmt: skip


def _barostat(atoms, steps, timestep, bar, temperature=None):
    """Run a Berendsen barostat on each axis, with a thermostat if a temperature is given.

    Returns the temperatures (K) of every 100th step.
    """
    taut = 100 * units.fs if temperature else 1e12 * units.fs
    out = []
    settings = {'temperature_K': temperature or 1.0, 'taut': taut, 'pressure_au': 0.0, 'taup': 1000 * units.fs,
                'compressibility_au': COMPRESSIBILITY}  # fmt: skip
    with Inhomogeneous_NPTBerendsen(atoms, timestep * units.fs, **settings) as run:
        for k, _ in enumerate(run.irun(steps)):
            if k % 100 == 0:
                out.append(float(atoms.get_temperature()))
                if not np.isfinite(out[-1]):
                    raise PropertyError(f'the dynamics became unstable after {k} steps')
            if k:
                bar.update()
    return out


def solid_share(atoms, cells):
    """Fraction of slices along z in which the atoms lie on the lattice planes of the initial crystal."""
    s = atoms.get_scaled_positions()
    slices = (s[:, 2] * cells[2]).astype(int) % cells[2]
    phases = [np.exp(2j * np.pi * (cells[0] * s[:, 0] + sign * cells[1] * s[:, 1])) for sign in (1, -1)]
    order = [np.mean([abs(p[slices == k].mean()) for p in phases]) if (slices == k).any() else 0.0
             for k in range(cells[2])]  # fmt: skip
    return float(np.mean(np.array(order) > ORDERED))
