"""Migration paths, and the stress of calculators without it; relaxation comes from the analysis package."""

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
    """Calculator that adds the stress, from finite differences of the energy, to another calculator.

    Parameters
    ----------
    calculator : ASE calculator
    """

    implemented_properties = ['energy', 'forces', 'stress']

    def __init__(self, calculator):
        super().__init__()
        self.calculator = calculator

    def calculate(self, atoms=None, properties=('energy',), system_changes=all_changes):
        """Compute energy and forces, and the stress if requested."""
        super().calculate(atoms, properties, system_changes)
        inner = self.atoms.copy()
        inner.calc = self.calculator
        self.results = {'energy': inner.get_potential_energy(), 'forces': inner.get_forces()}
        if 'stress' in properties:
            self.results['stress'] = calculate_numerical_stress(inner, eps=1e-4, force_consistent=False)


def use(calculator):
    """Function that attaches this calculator to structures, with numerical stress if it provides none.

    Parameters
    ----------
    calculator : ASE calculator, or function(atoms) that returns one

    Returns
    -------
    function
        ``attach(atoms)`` sets ``atoms.calc`` and returns the same structure.
    """

    def attach(atoms):
        calc = calculator if hasattr(calculator, 'get_property') else calculator(atoms)
        atoms.calc = calc if 'stress' in calc.implemented_properties else NumericalStress(calc)
        return atoms

    return attach


def barrier(initial, final, attach, images=5, fmax=0.01, steps=300):
    """Energy barrier between two relaxed structures from a climbing-image nudged elastic band.

    Parameters
    ----------
    initial, final : Atoms
        Relaxed structures with calculators, with atoms in the same order and displacements shorter than half of the
        cell.
    attach : function
        See :func:`use`.
    images : int
        Number of images between the two structures.
    fmax : float, eV/Å
    steps : int
        Largest number of steps, both before and after the climbing image is switched on.

    Returns
    -------
    barrier : float, eV
        The largest increase of the energy along the path, from ``initial`` or from a lower minimum on the path to any
        later image.
    path : list of float, eV
        Energies of all images relative to that of the first.

    Raises
    ------
    PropertyError
        If the band converges neither from a perturbed path nor from the straight path.
    """
    for noise in (0.03, 0.0):  # the straight path may be a ridge of high symmetry; it is used only if the other fails
        band = [_frozen(initial), *(attach(initial.copy()) for _ in range(images)), _frozen(final)]
        neb = NEB(band, k=0.1, method='improvedtangent', allow_shared_calculator=True)
        neb.interpolate(mic=True, apply_constraint=False)
        for k, image in enumerate(band[1:-1]):
            image.rattle(noise, seed=k)
        if _converge(neb, fmax, steps):
            break
    else:
        raise PropertyError(f'the path has not converged after {steps} steps: the largest force is '
                            f'{neb.get_residual():.3g} eV/Å, expected at most {fmax:g} eV/Å')  # fmt: skip
    path = np.array([image.get_potential_energy() for image in band])
    if not np.isfinite(path).all():
        raise PropertyError('energies along the path are not finite numbers')
    return float((path - np.minimum.accumulate(path)).max()), (path - path[0]).tolist()


def _converge(neb, fmax, steps):
    """Relax a band, finally with a climbing image; return whether it converged."""
    for climb, goal in ((False, 5 * fmax), (True, fmax)):
        neb.climb = climb
        with FIRE(neb, logfile=None, maxstep=0.1) as run:
            if not run.run(fmax=goal, steps=steps):
                return False
    return True


def _frozen(atoms):
    """Copy with stored energy and forces, so that the ends of the band are not computed at every step."""
    out = atoms.copy()
    out.calc = SinglePointCalculator(out, energy=atoms.get_potential_energy(), forces=atoms.get_forces())
    return out
