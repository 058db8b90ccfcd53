"""Evaluator: a potential and the atoms to which it applies, with their engine, pair list and grade."""

from __future__ import annotations

import copy
from itertools import tee
from typing import TYPE_CHECKING

import numpy as np
from ase.calculators.calculator import CalculatorSetupError

from ..errors import check_structure
from ..model import Prediction, VVPotential
from ..model.uncertainty import committee
from ..neighbors import pair_list
from .batch import can_join, evaluate_batches
from .choice import choose, make_engine
from .grade import GradeWatch, require_uncertainty
from .places import DevicePlace, HostPlace

if TYPE_CHECKING:
    from collections.abc import Iterator


class Evaluator:
    """Energies, forces, virials and uncertainties of a set of atoms for successive positions.

    It owns everything that an evaluation needs: the species of the atoms, the engine, and the pair list. The pair list
    is stored on the device of the engine and is reused until an atom has moved so far that a pair could be missing.
    Only one thread may use an Evaluator at a time.

    Parameters
    ----------
    potential : VVPotential or sequence of VVPotential
        Several potentials can be evaluated for the same atoms, see :meth:`evaluate_all`. On the CPU they share a pair
        list.
    numbers : array_like, shape (n_atoms,)
        Atomic numbers.
    cell : array_like, shape (3, 3), Å
        Cell vectors, as rows. Vectors along directions that are not periodic are ignored.
    pbc : bool or array_like, shape (3,)
    device, engine, skin, threads, precision
        As for :class:`.VVCalculator`.
    virials : bool
        Whether to compute virials on a GPU. Without them only :meth:`compute` works there. Virials are always
        computed on the CPU.
    watch : GradeWatch, optional
        What :meth:`check_grade` does if the grade of an atom exceeds one. By default it does nothing.

    Attributes
    ----------
    potentials : tuple of VVPotential
    engine_names : list of str
    watch : GradeWatch

    Raises
    ------
    CalculatorSetupError
        The engine or the device is not available, or does not support the potential.
    ElementError
        The potential does not contain an element.
    StructureError
        The cell is periodic but has no volume.

    Notes
    -----
    On a GPU the last bits of the results depend on the positions for which the pair list was built, see :meth:`forget`.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from ase_mlffvv.engines.evaluator import Evaluator
    >>> from ase_mlffvv.model import find_potential
    >>> atoms = bulk('Li', cubic=True)
    >>> evaluator = Evaluator(find_potential(), atoms.numbers, atoms.cell, atoms.pbc)
    >>> evaluator.evaluate(atoms.positions).forces.shape
    (2, 3)
    """

    def __init__(self, potential, numbers=(), cell=None, pbc=False, *, device='cpu', engine='auto', skin=0.8,
                 threads=None, precision='float64', virials=True, watch=None):  # fmt: skip
        self.potentials = (potential,) if isinstance(potential, VVPotential) else tuple(potential)
        self.engine_names = names = [choose(p, engine, device, precision) for p in self.potentials]
        if all(name == 'cuda' for name in names):
            self._places = [DevicePlace(p, device, skin, precision, virials) for p in self.potentials]
        else:
            self._places = [HostPlace.of(self.potentials, names, device, skin, threads, precision)]
        self._threads = threads
        self.watch = watch or GradeWatch(self.potentials[0], 'ignore', threads=threads)
        self._gpu_engines = []  # that take pair lists of the CPU, for many structures
        self._members = []  # engines of the committee that gives standard deviations of forces
        self._start(numbers, np.zeros((3, 3)) if cell is None else cell, pbc)

    def _start(self, numbers, cell, pbc):
        self._place, self._cell, self._pbc = self._places[0], None, None
        self.forget = self._place.forget
        self.set_atoms(numbers, cell, pbc)

    def fresh(self, skin=0.0):
        """Evaluator with the same engines and settings, without atoms, and with a separate pair list."""
        other = copy.copy(self)
        other._places = [place.fresh(skin) for place in self._places]
        other._start((), np.zeros((3, 3)), False)
        return other

    def set_atoms(self, numbers, cell, pbc):
        """Change the atoms or the cell. The pair list is kept if it is still complete."""
        numbers = np.asarray(numbers) if len(numbers) else np.zeros(0, int)
        pbc = np.array(np.broadcast_to(np.asarray(pbc, bool), 3))
        cell = np.where(pbc[:, None], np.asarray(cell, float), 0.0)
        if not (np.array_equal(cell, self._cell) and np.array_equal(pbc, self._pbc)):
            check_structure(np.zeros((0, 3)), cell, pbc)
            self._cell, self._pbc = cell, pbc
        species = [potential.species(numbers) for potential in self.potentials]
        if len(self._places) == 1:
            self._place.set_atoms(species, cell, pbc)
        else:
            for place, own in zip(self._places, species):
                place.set_atoms([own], cell, pbc)

    @property
    def statistics(self):
        """Numbers of builds and reuses of the pair list, and the time spent building in seconds (dict)."""
        lists = [place.statistics for place in self._places]
        return {name: sum(x[name] for x in lists) for name in lists[0]}

    @property
    def engine(self):
        """The first engine, or None if it works on a GPU."""
        return self._place.engines[0] if isinstance(self._place, HostPlace) else None

    def evaluate(self, positions) -> Prediction:
        """Prediction, as NumPy arrays, for positions in a NumPy array of shape (n_atoms, 3), Å.

        Raises
        ------
        StructureError
            Positions are not finite, or two atoms coincide.
        """
        return self._place.predict(positions)[0]

    def evaluate_listed(self, species, positions, cell, pairs) -> Prediction:
        """Prediction of the first potential for a system with an existing pair list, as in a fit; on the CPU only.

        Parameters
        ----------
        species : ndarray, shape (n_atoms,), int
            Element indices of the potential.
        positions, cell : ndarray, shapes (n_atoms, 3) and (3, 3), Å
        pairs : PairList
            Pair list that is complete up to at least the cutoff of the potential.

        Raises
        ------
        CalculatorSetupError
            The evaluator works on a GPU, which cannot use pair lists of the CPU.
        """
        if self.engine is None:
            raise CalculatorSetupError("a pair list at hand needs an evaluator on the CPU; use device='cpu'")
        return self.engine.evaluate(species, positions, cell, pairs)

    def evaluate_many_listed(self, systems) -> Iterator[Prediction]:
        """Predictions of the first potential for systems with existing pair lists, many in one call of the engine.

        Parameters
        ----------
        systems : iterable of (species, positions, cell, pairs)
            As the arguments of :meth:`evaluate_listed`. They are read in batches.

        Raises
        ------
        CalculatorSetupError
            The evaluator works on a GPU.
        """
        if self.engine is None:
            raise CalculatorSetupError("a pair list at hand needs an evaluator on the CPU; use device='cpu'")
        return evaluate_batches(self.engine, systems, can_join(self.potentials[0]))

    def evaluate_many(self, structures) -> Iterator[list[Prediction]]:
        """Predictions of all potentials for many structures, in order; many are evaluated in one call of an engine.

        Parameters
        ----------
        structures : iterable of (numbers, positions, cell, pbc)
            Atomic numbers, positions and cell vectors (Å) and periodicity. They are read in batches. Pair lists are
            made on the CPU, also for a GPU.

        Yields
        ------
        list of Prediction
            One for each potential. They agree with those of :meth:`evaluate_all` to rounding.

        Raises
        ------
        ElementError, StructureError
            A structure cannot be evaluated.
        """
        engines = self._batch_engines()
        listed = tee(self._listed(structures, max(engine.cutoff for engine in engines)), len(engines))
        found = [
            evaluate_batches(engine, _with_species(systems, potential), can_join(potential))
            for engine, systems, potential in zip(engines, listed, self.potentials)
        ]
        yield from map(list, zip(*found))

    def _batch_engines(self):
        if isinstance(self._place, HostPlace):
            return self._place.engines
        if not self._gpu_engines:
            self._gpu_engines.extend(place.engine() for place in self._places)
        return self._gpu_engines

    def _listed(self, structures, cutoff):
        """Atomic numbers, positions, cell and pair list of each structure."""
        for numbers, positions, cell, pbc in structures:
            pbc = np.broadcast_to(np.asarray(pbc, bool), 3)
            cell = np.where(pbc[:, None], np.asarray(cell, float), 0.0)
            yield numbers, np.asarray(positions, float), cell, pair_list(positions, cell, pbc, cutoff, self._threads)

    def evaluate_all(self, positions) -> list[Prediction]:
        """Predictions of all potentials; otherwise as :meth:`evaluate`."""
        return [found for place in self._places for found in place.predict(positions)]

    def array(self, values):
        """Copy an array to the device, for :meth:`compute`: a NumPy array on the CPU, a torch tensor on a GPU."""
        return self._place.array(values)

    def compute(self, positions):
        """Energies (n_atoms,), eV, and forces (n_atoms, 3), eV/Å, on the device of the positions (n_atoms, 3), Å."""
        return self._place.compute(positions)

    __call__ = compute

    def coordination(self, cutoff):
        """Number of neighbors of each atom in the last evaluation within ``cutoff`` (Å, at most the potential's)."""
        return self._place.coordination(cutoff)

    def system(self, positions=None):
        """Species, positions, cell and pairs as arguments of an engine on the CPU; by default those of the last one."""
        return self._place.system(positions)

    def check_grade(self):
        """Count an evaluation, and let :attr:`watch` check the grade if a check is due."""
        if self.watch.due():
            self.watch.check(*self.system())

    def uncertainty(self, positions=None, members=0, system=None):
        """Extrapolation grade and standard deviations.

        Parameters
        ----------
        positions : ndarray, shape (n_atoms, 3), Å, optional
            The default is the positions of the last evaluation.
        system : (species, positions, cell, pairs), optional
            System with an existing pair list, used instead of ``positions``; see :meth:`evaluate_listed`.
        members : int
            Size of the committee for standard deviations of forces. Each member takes one evaluation on the CPU. The
            engines of the members are kept for later calls.

        Returns
        -------
        dict
            ``grade``, ``energies``, ``energy`` and, if ``members`` is not 0, ``forces``: see
            :meth:`.VVCalculator.uncertainty`.

        Raises
        ------
        CalculatorSetupError
            The potential has no uncertainty.
        """
        potential = self.potentials[0]
        require_uncertainty(potential)
        system = self.system(positions) if system is None else system
        energies, energy, grade = self.watch.uncertainty(*system)
        out = {'grade': grade, 'energies': energies, 'energy': energy}
        if members:
            if members > len(self._members):
                for member in committee(potential, members)[len(self._members) :]:
                    self._members.append(make_engine(member, 'numba', 'cpu', self._threads))
            engines = self._members[:members]
            square = sum((engine.evaluate(*system).forces ** 2).sum(axis=1) for engine in engines)
            out['forces'] = np.sqrt(square / members)
        return out


def _with_species(systems, potential):
    for numbers, *others in systems:
        yield potential.species(numbers), *others
