"""Minimisation of the energy on the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tqdm.auto import tqdm

from ..calculators import VVCalculator
from ..checks import check_number, check_whole
from ..errors import StructureError
from .dynamics import Dynamics

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from ase import Atoms

    from ..model import VVPotential


def minimise(
    atoms: Atoms,
    model: str | Path | VVPotential | None = None,
    *,
    fmax: float = 0.01,
    steps: int = 10_000,
    maxstep: float = 0.2,
    progress: bool = False,
    **settings: Any,
) -> Atoms:
    """Minimise the energy with respect to the positions by FIRE, on the CPU or a GPU.

    Parameters
    ----------
    atoms : Atoms
        Initial structure, which is not changed. Fixed atoms do not move.
    model : None, str, Path or VVPotential
    fmax : float, eV/Å
        Stop when the force on every mobile atom is smaller than this.
    steps : int
        Maximum number of steps.
    maxstep : float, Å
        Maximum displacement of an atom in one step.
    progress : bool
        Show a progress bar.
    **settings
        Settings ``device``, ``engine``, ``skin``, ``threads`` and ``precision`` of :class:`.Dynamics`.

    Returns
    -------
    Atoms
        Relaxed structure with energy and forces, and with a :class:`.VVCalculator` of the same model and settings.

    Raises
    ------
    StructureError
        The minimisation did not converge within ``steps``, or positions are not finite.

    References
    ----------
    E. Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006), with the parameters of :class:`ase.optimize.FIRE`. Here the
    displacement of each atom is limited, rather than the norm of all displacements, so that the number of steps does
    not grow with the size of the system.
    """
    check_number(fmax, 'fmax', 'eV/Å', above=0)
    check_number(maxstep, 'maxstep', 'Å', above=0)
    steps = check_whole(steps, 'steps', low=0)
    still = atoms.copy()
    still.set_momenta(np.zeros((len(atoms), 3)), apply_constraint=False)
    md = Dynamics(still, model, on_extrapolation='ignore', reporters=(), **settings)
    state, mobile = md.state, md.state.mobile
    md.atoms()
    velocities = 0.0 * state.positions
    dt, mixing, good = 0.2, 0.1, 0  # the first step, from rest, halves dt
    with tqdm(total=steps, unit='step', desc='FIRE', disable=not progress) as bar:
        for _ in range(steps + 1):
            force = state.forces * mobile
            largest = float((force * force).sum(1).max()) ** 0.5
            bar.set_postfix_str(f'largest force {largest:.4f} eV/Å', refresh=False)
            if largest <= fmax:
                return _with_calculator(md, settings)
            power = float((force * velocities).sum())
            if power > 0.0:
                ratio = float((velocities * velocities).sum() / (force * force).sum()) ** 0.5
                velocities = (1.0 - mixing) * velocities + mixing * ratio * force
                if good > 5:
                    dt, mixing = min(1.1 * dt, 1.0), 0.99 * mixing
                good += 1
            else:
                velocities, mixing, good = 0.0 * velocities, 0.1, 0
                dt *= 0.5
            velocities = velocities + dt * force
            move = dt * velocities
            longest = float((move * move).sum(1).max()) ** 0.5
            state.positions += min(1.0, maxstep / longest) * move
            state.energies, state.forces = md.forces(state.positions)
            bar.update()
    raise StructureError(
        f'not relaxed to {fmax:g} eV/Å in {steps} steps: the largest force is {largest:.4f} eV/Å. Allow more steps.'
    )


def _with_calculator(md, settings):
    """Relaxed structure with a calculator that contains its results and can be used further."""
    relaxed = md.atoms()
    calc = VVCalculator(md.potential, **settings)
    calc.atoms, calc.results = relaxed.copy(), dict(relaxed.calc.results)
    relaxed.calc = calc
    return relaxed
