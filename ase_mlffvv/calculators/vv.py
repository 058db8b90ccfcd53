"""VVCalculator and CommitteeCalculator: thin ASE adaptors over the engines."""

from __future__ import annotations

from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np
from ase.calculators.calculator import Calculator, CalculatorSetupError, all_changes

from ..checks import check_number, check_threads
from ..engines.choice import check_choice, choose
from ..engines.evaluator import Evaluator
from ..engines.grade import GradeWatch, check_action, require_uncertainty
from ..model.find import DEFAULT, find_potential
from ..model.potential import VVPotential
from ..model.prediction import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ase import Atoms


_MEMBERS = 16  # committee members for standard deviations of forces


class VVCalculator(Calculator):
    """ASE calculator of a VV force field.

    It computes ``energy`` = ``free_energy`` (eV), ``energies`` (eV, per atom; their sum is the energy), ``forces``
    (eV/Å) and, if the cell has three vectors, ``stress`` and ``stresses`` (eV/Å^3, Voigt order xx, yy, zz, yz, xz, xy,
    tensile positive; ``stresses`` add up to ``stress``).

    Parameters
    ----------
    model : None, str, Path or VVPotential
        A ``.vv`` file, a folder written by the original PWMLFF programs, a potential, or None for the lithium
        potential that comes with the package.
    device : str
        ``'cpu'``, or ``'cuda'`` (``'cuda:1'``, ...). A GPU requires a CUDA build of torch or, for engine ``'cuda'``,
        the extra ``cuda``.
    engine : {'auto', 'numba', 'torch', 'cuda'}
        ``'auto'`` is the fused Numba engine on the CPU. On a GPU it is the fused CUDA engine if the model has only
        density features and Numba finds the device, and torch otherwise. All engines agree to within rounding errors.
    skin : float, Å
        The pair list is reused until an atom has moved so far that a pair could be missing. With 0 it is rebuilt
        whenever positions change. On a GPU this applies to the pair list of the fused CUDA engine.
    threads : int, optional
        Number of threads of the Numba engine. The default is the number of processors available to the process.
    precision : {'float64', 'float32'}
        Floating-point precision of the features; ``'float32'`` requires a model with only density features. Positions,
        sums over atoms and results are float64 in either case. With the potentials of the package, float32 changes
        energies by less than 1e-4 meV per atom and forces by less than 0.005 meV/Å.
    on_extrapolation : {'warn', 'stop', 'ignore'}
        What to do if the extrapolation grade of an atom (see :meth:`uncertainty`) exceeds one: issue an
        :class:`ExtrapolationWarning` once, raise an :class:`ExtrapolationError`, or nothing. ``'stop'`` requires a
        model with an uncertainty.
    check_interval : int
        Number of calculations from one check of the grade to the next. The first calculation is always checked.

    Notes
    -----
    Results for atoms outside the range of the training data are extrapolations; the card of the model
    (:attr:`potential`.card) describes the data to which it was fitted. Use ``VVCalculator(other.potential)`` to share
    a model between calculators without reading it again.

    Several threads may use one calculator, each with its own Atoms: methods such as ``atoms.get_forces()`` always
    return the results for these atoms. The calculations run one after another, so it is faster to give each thread its
    own calculator. ``calc.results`` holds the results of the last calculation of any thread.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from ase_mlffvv import VVCalculator
    >>> atoms = bulk('Li', cubic=True)
    >>> atoms.calc = VVCalculator()
    >>> round(atoms.get_potential_energy() / len(atoms), 1)
    -1.9
    """

    implemented_properties = ['energy', 'free_energy', 'energies', 'forces', 'stress', 'stresses']
    ignored_changes = {'initial_charges', 'initial_magmoms'}
    default_parameters = {'model': None, 'device': 'cpu', 'engine': 'auto', 'skin': 0.8, 'threads': None,
                          'precision': 'float64', 'on_extrapolation': 'warn', 'check_interval': 10}  # fmt: skip
    nolabel = True

    def __init__(
        self,
        model: str | Path | VVPotential | None = None,
        *,
        device: str = 'cpu',
        engine: str = 'auto',
        skin: float = 0.8,
        threads: int | None = None,
        precision: str = 'float64',
        on_extrapolation: str = 'warn',
        check_interval: int = 10,
    ):
        self._lock = RLock()
        super().__init__(model=model, device=device, engine=engine, skin=skin, threads=threads, precision=precision,
                         on_extrapolation=on_extrapolation, check_interval=check_interval)  # fmt: skip

    def _get_name(self):
        return 'vv'

    def set(self, **settings: Any) -> dict:
        """Change settings; a new model discards the results."""
        unknown = sorted(set(settings) - set(self.default_parameters))
        if unknown:
            raise TypeError(f'unknown settings {", ".join(unknown)}; known: {", ".join(self.default_parameters)}')
        new = {**self.parameters, **settings}
        check_choice(new['engine'], new['device'])
        check_threads(new['threads'])
        check_number(new['skin'], 'skin', 'Å', low=0)
        check_action(new['on_extrapolation'], new['check_interval'])
        with self._lock:
            if 'model' in settings:
                self._load(settings['model'])
                settings['model'] = self._label(settings['model'])
                self.reset()
            self._watch = self._make_watch(new)
            for potential in self._potentials():
                choose(potential, new['engine'], new['device'], new['precision'])
            self._evaluator = self._aside = None
            return super().set(**settings)

    def _load(self, model):
        self.potential = find_potential(model)

    @staticmethod
    def _label(model):
        """Name of a model for files and databases, as a value that JSON can hold."""
        if isinstance(model, VVPotential):
            return f'VVPotential {model.digest()[:12]}'
        return DEFAULT if model is None else str(Path(model))

    def _potentials(self):
        return [self.potential]

    def __getstate__(self):
        state = {**self.__dict__, '_evaluator': None, '_aside': None}
        del state['_lock']
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._lock = RLock()

    def __str__(self):
        p = self.parameters
        counts = self._statistics()
        text = f'{type(self).__name__}({p["model"]}): {self._potentials()[0]!r}, engine {p["engine"]} on {p["device"]}'
        if counts['builds'] == 0:  # nothing was calculated yet
            return text
        return f'{text}, pair list built {counts["builds"]} times and reused {counts["reuses"]} times'

    def engine_info(self) -> dict:
        """Engine, device, threads, the method by which torch sums over pairs, and pair-list statistics."""
        with self._lock:
            evaluator = self._get_evaluator()
            name = evaluator.engine_names[0]
            info = {'engine': name, 'device': self.parameters['device'], 'pair_list': self._statistics()}
        if name == 'numba':
            info['threads'] = evaluator.engine.threads
        elif name == 'torch':
            from ..model.reduce import SCATTER

            info['sum_over_pairs'] = SCATTER
        return info

    def _statistics(self):
        """Statistics of the pair list since the settings were last changed."""
        return (
            {'builds': 0, 'reuses': 0, 'seconds': 0.0} if self._evaluator is None else dict(self._evaluator.statistics)
        )

    def _get_evaluator(self):
        if self._evaluator is None:
            names = 'device', 'engine', 'skin', 'threads', 'precision'
            settings = {name: self.parameters[name] for name in names}
            self._evaluator = Evaluator(self._potentials(), watch=self._watch, **settings)
        return self._evaluator

    def _evaluator_aside(self, atoms):
        """Evaluator for other atoms, which does not use the pair list of the calculator."""
        if self._aside is None:
            self._aside = self._get_evaluator().fresh()
        self._aside.set_atoms(atoms.numbers, atoms.cell, atoms.pbc)
        return self._aside

    def _results(self, atoms, predictions):
        return as_results(predictions[0], atoms)

    def get_property(self, name: str, atoms: Atoms | None = None, allow_calculation: bool = True) -> Any:
        """See :class:`ase.calculators.calculator.Calculator`. One thread at a time, so each gets its own results."""
        with self._lock:
            return super().get_property(name, atoms, allow_calculation)

    def calculate_properties(self, atoms: Atoms, properties: Sequence[str]) -> Any:
        """See :class:`ase.calculators.calculator.Calculator`. One thread at a time."""
        with self._lock:
            return super().calculate_properties(atoms, properties)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ('energy',),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Compute all properties at once."""
        with self._lock:
            super().calculate(atoms, properties, system_changes)
            evaluator = self._get_evaluator()
            evaluator.set_atoms(self.atoms.numbers, self.atoms.cell, self.atoms.pbc)
            predictions = evaluator.evaluate_all(self.atoms.positions)
            self._check_grade(evaluator)
            self.results = self._results(self.atoms, predictions)

    def _make_watch(self, settings):
        return GradeWatch(self.potential, settings['on_extrapolation'], settings['check_interval'], settings['threads'],
                          self._label(settings['model']))  # fmt: skip

    def reset_check(self, calculations: int = 0) -> None:
        """Schedule checks of the grade as if this number of calculations had been done before."""
        if self._watch is not None:
            self._watch.calls = calculations

    def _check_grade(self, evaluator):
        """Warn or raise an error if the grade of an atom exceeds one; done once in ``check_interval`` calls."""
        evaluator.check_grade()

    def uncertainty(self, atoms: Atoms | None = None, forces: Any = True) -> dict:
        """Extrapolation grades and standard deviations of the prediction.

        Parameters
        ----------
        atoms : Atoms, optional
            The default is the atoms of the last calculation.
        forces : bool
            Also return standard deviations of forces. They are computed from a committee of 16 members, which takes
            16 evaluations.

        Returns
        -------
        dict
            ``grade`` (n_atoms,): values above 1 mean that the surroundings of an atom lie outside the training data.
            Standard deviations: ``energy`` (eV), ``energies`` (eV, per atom), ``forces`` (eV/Å, per atom: the square
            root of the sum of the variances of the three components).

        Raises
        ------
        CalculatorSetupError
            The model has no uncertainty.

        See Also
        --------
        ase_mlffvv.model.uncertainty.Uncertainty : Definition and reference.
        """
        require_uncertainty(self.potential)
        with self._lock:
            atoms = atoms if atoms is not None else self.atoms
            return self._evaluator_aside(atoms).uncertainty(atoms.positions, _MEMBERS if forces else 0)

    def evaluate_many(self, frames: Sequence[Atoms], properties: Sequence[str] | None = None) -> list[dict]:
        """Results of many structures, in order; many small structures are evaluated in one call of the engine.

        The results stored in the calculator do not change. They agree with those of single structures to rounding.

        Parameters
        ----------
        frames : iterable of Atoms
        properties : sequence of str, optional
            Names of the properties to return. The default is all properties that a structure has.

        Returns
        -------
        list of dict
            One dict per structure, like ``calc.results``.
        """
        unknown = sorted(set(properties or ()) - set(self.implemented_properties))
        if unknown:
            known = ', '.join(self.implemented_properties)
            raise ValueError(f'unknown properties {", ".join(unknown)}; known: {known}')
        out, frames = [], list(frames)
        structures = ((atoms.numbers, atoms.positions, atoms.cell[:], atoms.pbc) for atoms in frames)
        with self._lock:
            for atoms, found in zip(frames, self._get_evaluator().evaluate_many(structures)):
                results = self._results(atoms, found)
                out.append(results if properties is None else {k: results[k] for k in properties if k in results})
        return out


class CommitteeCalculator(VVCalculator):
    """Mean of several VV force fields; the standard deviation measures their disagreement.

    Parameters
    ----------
    models : sequence
        Two or more models, each in any form that :class:`VVCalculator` accepts.
    device, engine, skin, threads
        As for :class:`VVCalculator`.

    Examples
    --------
    >>> calc = CommitteeCalculator(['a.vv', 'b.vv', 'c.vv'])            # doctest: +SKIP
    >>> atoms.calc = calc                                               # doctest: +SKIP
    >>> atoms.arrays['force_std'] = calc.uncertainty(atoms)['forces']   # doctest: +SKIP
    """

    def __init__(
        self,
        models: Sequence[str | Path | VVPotential],
        *,
        device: str = 'cpu',
        engine: str = 'auto',
        skin: float = 0.8,
        threads: int | None = None,
    ):
        chosen: Any = list(models)
        super().__init__(chosen, device=device, engine=engine, skin=skin, threads=threads)

    def _get_name(self):
        return 'vv-committee'

    def _check_grade(self, evaluator):
        pass

    def _make_watch(self, settings):
        if settings['on_extrapolation'] == 'stop':
            raise CalculatorSetupError("a committee has no grade: on_extrapolation='stop' needs one model")

    def _load(self, models):
        if models is None or len(models) < 2:
            raise CalculatorSetupError(f'a committee needs two or more models, got {models!r}')
        self.members = [find_potential(model) for model in models]

    @staticmethod
    def _label(models):
        return [VVCalculator._label(model) for model in models]

    def _potentials(self):
        return self.members

    def _results(self, atoms, predictions):
        return as_results(Prediction(*(np.mean(values, axis=0) for values in zip(*predictions))), atoms)

    def uncertainty(self, atoms: Atoms | None = None, forces: Any = True) -> dict:
        """Standard deviations over the members.

        Parameters
        ----------
        atoms : Atoms, optional
            The default is the atoms of the last calculation.
        forces : bool
            Whether to compute the standard deviations of forces.

        Returns
        -------
        dict
            ``energy`` (eV), ``energies`` (eV, shape (n_atoms,)), and ``forces`` (eV/Å, shape (n_atoms,)): the square
            root of the sum of the variances of the three components.
        """
        with self._lock:
            atoms = atoms if atoms is not None else self.atoms
            predictions = self._evaluator_aside(atoms).evaluate_all(atoms.positions)
        energies = np.array([p.energies for p in predictions])
        out = {'energy': float(energies.sum(axis=1).std(ddof=1)), 'energies': energies.std(axis=0, ddof=1)}
        if forces:
            forces = np.array([p.forces for p in predictions])
            out['forces'] = np.sqrt(forces.var(axis=0, ddof=1).sum(axis=1))
        return out


def as_results(prediction: Prediction, atoms):
    """Results of a prediction as ASE names them: energies, forces and, if the cell has a volume, stresses."""
    energy = float(prediction.energies.sum())
    results = {
        'energy': energy,
        'free_energy': energy,
        'energies': prediction.energies,
        'forces': prediction.forces,
    }
    if atoms.cell.rank == 3:
        stresses = np.empty((len(atoms), 6))
        for k, (a, b) in enumerate(((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))):  # avoids copies of all virials
            stresses[:, k] = 0.5 * (prediction.virials[:, a, b] + prediction.virials[:, b, a])
        stresses /= atoms.cell.volume
        results['stresses'] = stresses
        results['stress'] = stresses.sum(axis=0)
    return results
