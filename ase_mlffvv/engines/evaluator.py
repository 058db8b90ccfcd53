"""Evaluator: a potential and the atoms it is for, with their engine, pair list and grade."""

from __future__ import annotations

import copy

import numpy as np
from ase.calculators.calculator import CalculatorSetupError

from ..errors import check_structure
from ..model import Prediction, VVPotential
from ..model.uncertainty import committee
from .choice import choose, make_engine
from .grade import GradeWatch, require_uncertainty
from .places import DevicePlace, HostPlace


class Evaluator:
    """Energies, forces, virials and uncertainties of some atoms at one set of positions after another.

    It owns what an evaluation needs: the species of the atoms, the engine, and the pair list, which lies where the
    engine is and is kept while no atom moved so far that a pair could be missing. One thread may use it at a time.

    Parameters
    ----------
    potential : VVPotential or sequence of VVPotential
        Several are evaluated for the same atoms: see :meth:`evaluate_all`. On the CPU they share a pair list.
    numbers : array_like, shape (n_atoms,)
        Atomic numbers.
    cell : array_like, shape (3, 3), Å
        Rows are the cell vectors; vectors of directions that are not periodic are ignored.
    pbc : bool or array_like, shape (3,)
    device, engine, skin, threads, precision
        As for :class:`.VVCalculator`.
    virials : bool
        Whether to compute virials on a GPU; without them only :meth:`compute` works there. The CPU always does.
    watch : GradeWatch, optional
        What :meth:`check_grade` does where an atom is extrapolated; default nothing.

    Attributes
    ----------
    potentials : tuple of VVPotential
    engine_names : list of str
    watch : GradeWatch

    Raises
    ------
    CalculatorSetupError
        The engine or the device is not here, or does not have what the potential needs.
    ElementError, StructureError
        Elements that the potential does not have; a periodic cell without volume.

    Notes
    -----
    On a GPU the last bits of results depend on where the pair list was built: see :meth:`forget`.

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
        self._members = []  # engines of the committee of the uncertainty
        self._start(numbers, np.zeros((3, 3)) if cell is None else cell, pbc)

    def _start(self, numbers, cell, pbc):
        self._place, self._cell, self._pbc = self._places[0], None, None
        self.forget = self._place.forget
        self.set_atoms(numbers, cell, pbc)

    def fresh(self, skin=0.0):
        """Evaluator with the same engines and settings, no atoms, and a pair list of its own."""
        other = copy.copy(self)
        other._places = [place.fresh(skin) for place in self._places]
        other._start((), np.zeros((3, 3)), False)
        return other

    def set_atoms(self, numbers, cell, pbc):
        """Other atoms, or another cell. The pair list is kept where it is still complete."""
        numbers = np.asarray(numbers, int)
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
        """Builds and reuses of the pair list, and seconds spent building: a dict."""
        lists = [place.statistics for place in self._places]
        return {name: sum(x[name] for x in lists) for name in lists[0]}

    @property
    def engine(self):
        """The first engine, or None where it works on a GPU."""
        return self._place.engines[0] if isinstance(self._place, HostPlace) else None

    def evaluate(self, positions) -> Prediction:
        """Prediction for NumPy positions, shape (n_atoms, 3), Å, in NumPy arrays.

        Raises
        ------
        StructureError
            Positions that are not finite, or atoms that meet.
        """
        return self._place.predict(positions)[0]

    def evaluate_listed(self, species, positions, cell, pairs) -> Prediction:
        """Prediction of the first potential for a system whose pair list is at hand, as in a fit; on the CPU.

        Parameters
        ----------
        species : ndarray, shape (n_atoms,), int
            Element indices of the potential.
        positions, cell : ndarray, shapes (n_atoms, 3) and (3, 3), Å
        pairs : PairList
            Complete to at least the cutoff of the potential.

        Raises
        ------
        CalculatorSetupError
            The evaluator works on a GPU, where pair lists of the CPU cannot be used.
        """
        if self.engine is None:
            raise CalculatorSetupError("a pair list at hand needs an evaluator on the CPU; use device='cpu'")
        return self.engine.evaluate(species, positions, cell, pairs)

    def evaluate_all(self, positions) -> list[Prediction]:
        """As :meth:`evaluate`, of each potential."""
        return [found for place in self._places for found in place.predict(positions)]

    def array(self, values):
        """A copy of an array where the atoms live, for :meth:`compute`: NumPy on the CPU, a torch tensor on a GPU."""
        return self._place.array(values)

    def compute(self, positions):
        """Energies (n_atoms,), eV, and forces (n_atoms, 3), eV/Å, where the positions (n_atoms, 3), Å, live."""
        return self._place.compute(positions)

    __call__ = compute

    def coordination(self, cutoff):
        """Neighbors of each atom within ``cutoff`` (Å, not beyond that of the potential) at the last evaluation."""
        return self._place.coordination(cutoff)

    def system(self, positions=None):
        """Species, positions, cell and pairs, as engines on the CPU take them: of the last evaluation, or others."""
        return self._place.system(positions)

    def check_grade(self):
        """Count an evaluation, and let :attr:`watch` look at the grade when its turn has come."""
        if self.watch.due():
            self.watch.check(*self.system())

    def uncertainty(self, positions=None, members=0, system=None):
        """Extrapolation grade and standard deviations.

        Parameters
        ----------
        positions : ndarray, shape (n_atoms, 3), Å, optional
            Default those of the last evaluation.
        system : (species, positions, cell, pairs), optional
            A system whose pair list is at hand, instead of positions; see :meth:`evaluate_listed`.
        members : int
            Members of the committee for standard deviations of forces, which cost as many evaluations on the CPU. Their
            engines are kept.

        Returns
        -------
        dict
            ``grade``, ``energies`` and ``energy``, and with members ``forces``: as :meth:`.VVCalculator.uncertainty`.

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
