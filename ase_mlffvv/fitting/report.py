"""Accuracy of a potential: tables of errors by property and group, and parity plots."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from ase.stress import full_3x3_to_voigt_6_stress

from ..engines.evaluator import Evaluator
from ..io.files import save_figure
from ..io.html import table
from .dataset import as_dataset
from .information import NormalMatrix
from .plausible import offsets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ase import Atoms

    from ..model import VVPotential


PROPERTIES = {
    'energy': ('meV/atom', 1e3),
    'forces': ('meV/Å', 1e3),
    'stress': ('GPa', 160.21766),
    'energies': ('meV', 1e3),
}


@dataclass
class Accuracy:
    """Reference and predicted values by property, and the group of each structure.

    Attributes
    ----------
    reference, predicted : dict of list of ndarray
        By property, one array per structure, which is empty if there is no label. Energies are in eV/atom, forces
        (flattened) in eV/Å, known stress components in eV/Å^3, and atomic energies in eV.
    groups : list of str
    """

    reference: dict
    predicted: dict
    groups: list

    def errors(self, name, group=None):
        """Predicted minus reference values of a property for all groups or one group, shape (n,)."""
        chosen = [
            p - r
            for p, r, g in zip(self.predicted[name], self.reference[name], self.groups)
            if group is None or g == group
        ]
        return np.concatenate(chosen) if chosen else np.zeros(0)

    def mae(self, name: str, group: str | None = None) -> float:
        """Mean absolute error (eV/atom, eV/Å, eV/Å^3, eV); NaN without labels."""
        errors = self.errors(name, group)
        return float(np.abs(errors).mean()) if len(errors) else np.nan

    def rmse(self, name: str, group: str | None = None) -> float:
        """Root mean square error, in the units of :meth:`mae`."""
        errors = self.errors(name, group)
        return float(np.sqrt((errors**2).mean())) if len(errors) else np.nan

    def to_dict(self) -> dict:
        """Number of values, MAE and RMSE for each group and property, as a dict that JSON can hold."""
        return {
            group or 'all': {
                name: {
                    'n': len(self.errors(name, group)),
                    'mae': self.mae(name, group),
                    'rmse': self.rmse(name, group),
                }
                for name in PROPERTIES
                if len(self.errors(name, group))
            }
            for group in [None, *sorted({g for g in self.groups if g})]
        }

    def _cell(self, name, group):
        factor = PROPERTIES[name][1]
        if not len(self.errors(name, group)):
            return '-'
        return f'{self.mae(name, group) * factor:.3g} / {self.rmse(name, group) * factor:.3g}'

    def _repr_html_(self, caption='MAE / RMSE'):
        names = [name for name in PROPERTIES if len(self.errors(name))]
        head = ['structures', *(f'{name} ({PROPERTIES[name][0]})' for name in names)]
        rows = []
        for group in [None, *sorted({g for g in self.groups if g})]:
            n = sum(group is None or g == group for g in self.groups)
            rows.append((f'{group or "all"} ({n})', *(self._cell(name, group) for name in names)))
        return table(rows, head, caption)

    def __str__(self):
        names = [name for name in PROPERTIES if len(self.errors(name))]
        titles = [f'{name} ({PROPERTIES[name][0]})' for name in names]
        lines = [f'{"MAE / RMSE":24}' + ''.join(f'{title:>22}' for title in titles)]
        for group in [None, *sorted({g for g in self.groups if g})]:
            n = sum(group is None or g == group for g in self.groups)
            label = f'{group or "all"} ({n})'
            lines.append(f'{label:24.24}' + ''.join(f'{self._cell(name, group):>22}' for name in names))
        for group, (mean, rest) in offsets({g: self.errors('energy', g) for g in sorted(set(self.groups))}).items():
            lines.append(
                f'energies{" of " + group if group else ""} differ from the labels by a constant: {mean:+.4f} eV/atom, '
                f'and by {rest:.4f} without it. The labels may have another zero.'
            )
        return '\n'.join(lines)

    def parity(self, path=None):
        """Draw parity plots of all labelled properties, save them if a path is given, and return the figure."""
        from matplotlib.figure import Figure

        names = [name for name in PROPERTIES if len(self.errors(name))]
        figure = Figure(figsize=(3.6 * len(names), 3.5), layout='constrained')
        for axes, name in zip(np.atleast_1d(figure.subplots(1, len(names))), names):
            unit, factor = PROPERTIES[name]
            if factor == 1e3:
                unit, factor = unit.removeprefix('m'), 1.0
            for group in sorted(set(self.groups)):
                chosen = [k for k, g in enumerate(self.groups) if g == group]
                x = np.concatenate([self.reference[name][k] for k in chosen]) * factor
                y = np.concatenate([self.predicted[name][k] for k in chosen]) * factor
                axes.plot(x, y, '.', ms=3, label=group or None, rasterized=len(x) > 2000)
            low, high = axes.get_xlim()
            axes.plot([low, high], [low, high], 'k-', lw=0.6)
            scale = PROPERTIES[name]
            axes.set(xlabel=f'reference {name} ({unit})', ylabel=f'predicted {name} ({unit})')
            axes.set_title(f'MAE {self.mae(name) * scale[1]:.3g} {scale[0]}', fontsize=9)
            if any(self.groups):
                axes.legend(fontsize=6)
        if path is not None:
            save_figure(figure, path)
        return figure


@dataclass
class FitReport:
    """Report of a fit: settings, decisions and accuracy.

    Attributes
    ----------
    train, validation : Accuracy or None
    n_functions, n_rows : int
        Numbers of coefficients and of equations of the last least-squares problem.
    condition : float
        Condition number of the scaled, regularised normal equations.
    ridge : float
    seconds : dict
        Duration of each stage.
    notes : list of str
        Descriptions of decisions.
    normal : NormalMatrix or None
        Normal matrix of the structures of the fit, for a later :func:`.refit`. It is not part of :meth:`to_dict`.
    """

    train: Accuracy
    validation: Accuracy | None
    n_functions: int
    n_rows: int
    condition: float
    ridge: float
    seconds: dict
    notes: list = field(default_factory=list)
    normal: NormalMatrix | None = field(default=None, repr=False)

    def to_dict(self) -> dict:
        """Report as a dict that JSON can hold."""
        return {
            'train': self.train.to_dict(),
            'validation': self.validation.to_dict() if self.validation else None,
            'n_functions': self.n_functions,
            'n_rows': self.n_rows,
            'condition': self.condition,
            'ridge': self.ridge,
            'seconds': self.seconds,
            'notes': self.notes,
        }

    def _repr_html_(self):
        rows = [
            ('functions', self.n_functions),
            ('equations', self.n_rows),
            ('ridge', f'{self.ridge:g}'),
            ('condition number', f'{self.condition:.1e}'),
            ('time', ', '.join(f'{name} {s:.0f} s' for name, s in self.seconds.items())),
            *(('', note) for note in self.notes),
        ]
        parts = [('training set', self.train), ('validation set', self.validation)]
        tables = [part._repr_html_(f'{title}: MAE / RMSE') for title, part in parts if part is not None]
        return '\n'.join([table(rows, caption='Fit'), *tables])

    def __str__(self):
        lines = [
            f'{self.n_functions} functions, {self.n_rows} equations, ridge {self.ridge:g}, condition number '
            f'{self.condition:.1e}, ' + ', '.join(f'{name} {s:.0f} s' for name, s in self.seconds.items()),
            *self.notes,
            'training set',
            str(self.train),
        ]
        if self.validation is not None:
            lines += ['validation set', str(self.validation)]
        return '\n'.join(lines)


def accuracy(potential: VVPotential, frames: Sequence[Atoms], tick: Callable[[], Any] = lambda: None) -> Accuracy:
    """Compare a potential with the labels of structures.

    Parameters
    ----------
    potential : VVPotential
    frames : sequence of Atoms, or Dataset
        Structures with labels as in :mod:`ase_mlffvv.io.datasets`. Energies of structures with ``energy_weight`` 0, and
        forces and energies of atoms with weight 0, are left out. Other weights have no effect.
    tick : callable
        Called after each frame.
    """
    evaluator = Evaluator(potential)
    reference, predicted = ({name: [] for name in PROPERTIES} for _ in range(2))
    data = as_dataset(frames, potential, 'the structures')
    systems = ((frame.system.species, frame.system.positions, frame.system.cell, frame.pairs) for frame in data)
    for frame, result in zip(data, evaluator.evaluate_many_listed(systems)):
        label, n = frame.labels, len(frame)
        use = slice(None) if frame.atom_weights is None else frame.atom_weights > 0
        pair = {name: (np.zeros(0), np.zeros(0)) for name in PROPERTIES}
        if label.energy is not None and frame.energy_weight > 0:
            pair['energy'] = np.array([label.energy / n]), np.array([result.energies.sum() / n])
        if label.forces is not None:
            pair['forces'] = label.forces[use].ravel(), result.forces[use].ravel()
        if label.energies is not None:
            pair['energies'] = label.energies[use], result.energies[use]
        if label.stress is not None and frame.volume > 0:
            stress = full_3x3_to_voigt_6_stress(result.virials.sum(axis=0)) / frame.volume
            known = np.isfinite(label.stress)
            pair['stress'] = label.stress[known], stress[known]
        for name, (r, p) in pair.items():
            reference[name].append(r)
            predicted[name].append(p)
        tick()
    return Accuracy(reference, predicted, [frame.group for frame in data])
