"""Migration paths, and calculators without stress; relaxation is that of the analysis package."""

from __future__ import annotations

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.fd import calculate_numerical_stress
from ase.calculators.singlepoint import SinglePointCalculator
from ase.mep import NEB
from ase.optimize import FIRE
from mlffvv_analysis.relaxing import PropertyError, relax

__all__ = ['NumericalStress', 'PropertyError', 'barrier', 'relax', 'use']


class NumericalStress(Calculator):
    """Adds stress, by finite differences of the energy, to a calculator that has none.

    Parameters
    ----------
    calculator : ASE calculator
    """

    implemented_properties = ['energy', 'forces', 'stress']

    def __init__(self, calculator):
        super().__init__()
        self.calculator = calculator

    def calculate(self, atoms=None, properties=('energy',), system_changes=all_changes):
        """Energy and forces of the calculator; stress where asked for."""
        super().calculate(atoms, properties, system_changes)
        inner = self.atoms.copy()
        inner.calc = self.calculator
        self.results = {'energy': inner.get_potential_energy(), 'forces': inner.get_forces()}
        if 'stress' in properties:
            self.results['stress'] = calculate_numerical_stress(inner, eps=1e-4, force_consistent=False)


def use(calculator):
    """Function that gives structures this calculator, with stress.

    Parameters
    ----------
    calculator : ASE calculator, or function(atoms) giving one

    Returns
    -------
    function
        ``attach(atoms)``; returns the same structure.
    """

    def attach(atoms):
        calc = calculator if hasattr(calculator, 'get_property') else calculator(atoms)
        atoms.calc = calc if 'stress' in calc.implemented_properties else NumericalStress(calc)
        return atoms

    return attach


def barrier(initial, final, attach, images=5, fmax=0.01, steps=300):
    """Energy barrier between two relaxed structures by a climbing-image nudged elastic band.

    Parameters
    ----------
    initial, final : Atoms
        Relaxed, with calculators; atoms in the same order, and displacements shorter than half of the cell.
    attach : function
        See :func:`use`.
    images : int
        Between the two.
    fmax : float, eV/Å
    steps : int
        The limit, before and while an image climbs.

    Returns
    -------
    barrier : float, eV
        The highest climb along the path: from ``initial``, or from a lower minimum on the way, to a later image.
    path : list of float, eV
        Energies of all images over that of the first.

    Raises
    ------
    PropertyError
        Not converged, from neither a straight path nor one that leaves its symmetry.
    """
    for noise in (0.03, 0.0):  # off a path of high symmetry, which may be a ridge; on it if there is no end otherwise
        band = [_frozen(initial), *(attach(initial.copy()) for _ in range(images)), _frozen(final)]
        neb = NEB(band, k=0.1, method='improvedtangent', allow_shared_calculator=True)
        neb.interpolate(mic=True, apply_constraint=False)
        for k, image in enumerate(band[1:-1]):
            image.rattle(noise, seed=k)
        if _converge(neb, fmax, steps):
            break
    else:
        raise PropertyError(f'the path has not converged after {steps} steps (largest force {neb.get_residual():.3g} '
                            f'eV/Å, wanted {fmax:g})')  # fmt: skip
    path = np.array([image.get_potential_energy() for image in band])
    if not np.isfinite(path).all():
        raise PropertyError('energies along the path are not finite numbers')
    return float((path - np.minimum.accumulate(path)).max()), (path - path[0]).tolist()


def _converge(neb, fmax, steps):
    """Relax a band, at the end with a climbing image; whether it converged."""
    for climb, goal in ((False, 5 * fmax), (True, fmax)):
        neb.climb = climb
        with FIRE(neb, logfile=None, maxstep=0.1) as run:
            if not run.run(fmax=goal, steps=steps):
                return False
    return True


def _frozen(atoms):
    """A copy that remembers energy and forces, so that an end of the band is not computed at every step."""
    out = atoms.copy()
    out.calc = SinglePointCalculator(out, energy=atoms.get_potential_energy(), forces=atoms.get_forces())
    return out
