"""Tasks of a validation: what is computed, in which order, and which other tasks each needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from ase.build import bulk
from mlffvv_analysis.surfaces import surface_energy

from ..structures import ADATOM_SLABS, TILT_BOUNDARIES, slab
from . import adatoms, boundaries, elastic, expansion, lattice, liquid, melting, phonons, surfaces, vacancy
from .reference import SURFACES
from .relaxing import PropertyError

ELEMENT = 'Li'
GROUPS = ('lattice', 'elastic', 'vacancy', 'surfaces', 'adatoms', 'boundaries', 'phonons', 'expansion', 'liquid',
          'melting')  # fmt: skip
DYNAMIC = ('expansion', 'liquid', 'melting')
SLOW = ('melting',)  # computed only on request


@dataclass
class Lab:
    """The calculator and the results so far, from which tasks compute theirs.

    Attributes
    ----------
    attach : function
        Attaches the calculator to a structure.
    done : dict
        Records of finished tasks.
    """

    attach: Callable
    seed: int = 0
    progress: bool = False
    done: dict = field(default_factory=dict)

    def value(self, task, key):
        """Value computed by an earlier task."""
        record = self.done.get(task)
        if record is None or record['status'] != 'done':
            raise PropertyError(f"this property needs the result of '{task}', which failed")
        return record['values'][key]

    @property
    def a(self):
        """Lattice constant of bcc, Å."""
        return self.value('bcc', 'a_bcc')

    @property
    def energy(self):
        """Energy of bcc, eV/atom."""
        return self.value('bcc', 'energy_bcc')

    def primitive(self):
        return self.attach(bulk(ELEMENT, 'bcc', a=self.a))

    def crystal(self, n=1):
        return self.attach(bulk(ELEMENT, 'bcc', a=self.a, cubic=True) * (n, n, n))


@dataclass(frozen=True)
class Task:
    """A unit of computation.

    Attributes
    ----------
    name, group : str
    gives : tuple of str
        Names of the properties that it computes.
    function : callable
        ``function(lab)`` returns ``values`` (dict), and optionally ``curves`` (dict) and ``note`` (str).
    needs : tuple of str
        Names of tasks that must be finished before it.
    """

    name: str
    group: str
    gives: tuple
    function: Callable
    needs: tuple = ('bcc',)


def _phase(lab, name):
    key = name.lower()
    atoms = lattice.relaxed_phase(name, lab.attach, ELEMENT, **({} if name == 'bcc' else {'a': lab.a}))
    a, ratio = lattice.lattice_constants(name, atoms)
    energy = float(atoms.get_potential_energy() / len(atoms))
    values = {f'a_{key}': a, f'energy_{key}': energy}
    if name != 'bcc':
        values[f'de_{key}'] = 1000 * (energy - lab.energy)
    if name == 'hcp':
        values['ca_hcp'] = ratio
    if name == '9R':
        return {'values': values}
    eos = lattice.equation_of_state(atoms)
    values[f'B_{key}'] = eos['bulk_modulus']
    return {'values': values, 'curves': {'volumes': eos['volumes'], 'energies': eos['energies']}}


def _elastic(lab):
    return {'values': elastic.elastic_constants(lab.crystal()), 'note': f'strains of ±{elastic.STRAIN:.1%}'}


def _vacancy_formation(lab):
    energy, _ = vacancy.vacancy_energy(lab.crystal(4), lab.attach)
    return {'values': {'vacancy_formation': energy}, 'note': '127 atoms, constant volume'}


def _path(found, key):
    energy, path = found
    return {'values': {key: energy}, 'curves': {'path': path}}


def _vacancy_migration(lab):
    return _path(vacancy.migration_barrier(lab.crystal(4), lab.attach), 'vacancy_migration')


def _surface(lab, hkl):
    atoms = lab.attach(slab(hkl, lab.a, ELEMENT))
    return {'values': {f'surface_{hkl}': surface_energy(atoms, lab.energy)}, 'note': f'{len(atoms)} atoms'}


def _surface_order(lab):
    found = surfaces.compare_order({hkl: lab.value(f'surface_{hkl}', f'surface_{hkl}') for hkl in SURFACES})
    order = found.pop('order')
    return {'values': found, 'note': ' < '.join(order)}


def _adatom(lab, face):
    return _path(adatoms.hop_barrier(face, lab.a, lab.attach, ELEMENT), f'adatom_{face}')


def _boundary(lab, name):
    energy, atoms, grid = boundaries.boundary_energy(name, lab.a, lab.energy, lab.attach, ELEMENT)
    return {'values': {name: energy}, 'curves': {'shifts': grid}, 'note': f'{len(atoms)} atoms'}


def _phonons(lab):
    atoms = lab.primitive()
    curves = phonons.dispersion(atoms, phonons.force_constants(atoms, lab.attach))
    points = curves['points']
    values = {'phonon_H': sum(points['H']) / 3, 'phonon_P': sum(points['P']) / 3}
    values.update({f'phonon_N_{k + 1}': value for k, value in enumerate(points['N'])})
    return {'values': values, 'curves': curves, 'note': f'displacements of ±{phonons.DISPLACEMENT:g} Å'}


def _expansion(lab):
    found = expansion.expansion(lab.attach, lab.a, ELEMENT, seed=lab.seed, progress=lab.progress)
    note = f'NVT dynamics, zero mean pressure, 200 to 400 K; ±{1e6 * found["error"]:.1f}e-6/K'
    return {'values': {'expansion': 1e6 * found['expansion'], 'a_300': found['length']},
            'curves': {'pressures': found['pressures']}, 'note': note}  # fmt: skip


def _liquid(lab):
    found = liquid.liquid(lab.attach, seed=lab.seed, progress=lab.progress)
    note = f'{liquid.TEMPERATURE:g} K, {liquid.DENSITY:g} g/cm³; diffusion {found["diffusion"]:.2f} Å²/ps'
    return {'values': {'gr_position': found['position'], 'gr_height': found['height']},
            'curves': {'r': found['r'], 'g': found['g']}, 'note': note}  # fmt: skip


def _melting(lab):
    found = melting.coexistence(lab.attach, lab.a, seed=lab.seed, progress=lab.progress)
    return {'values': {'melting': found['temperature']}, 'curves': {'temperatures': found['temperatures']},
            'note': f'coexistence, statistical error {found["error"]:.0f} K'}  # fmt: skip


def _tasks():
    yield Task('bcc', 'lattice', ('a_bcc', 'B_bcc'), partial(_phase, name='bcc'), ())
    yield Task('fcc', 'lattice', ('a_fcc', 'de_fcc', 'B_fcc'), partial(_phase, name='fcc'))
    yield Task('hcp', 'lattice', ('a_hcp', 'ca_hcp', 'de_hcp', 'B_hcp'), partial(_phase, name='hcp'))
    yield Task('9R', 'lattice', ('de_9r',), partial(_phase, name='9R'))
    yield Task('elastic', 'elastic', ('C11', 'C12', 'C44', 'Cprime'), _elastic)
    yield Task('vacancy_formation', 'vacancy', ('vacancy_formation',), _vacancy_formation)
    yield Task('vacancy_migration', 'vacancy', ('vacancy_migration',), _vacancy_migration)
    facets = [f'surface_{hkl}' for hkl in SURFACES]
    for hkl, name in zip(SURFACES, facets):
        yield Task(name, 'surfaces', (name,), partial(_surface, hkl=hkl))
    yield Task('surface_order', 'surfaces', ('surface_lowest', 'surface_mae', 'surface_spearman'), _surface_order,
               ('bcc', *facets))  # fmt: skip
    for face in ADATOM_SLABS:
        yield Task(f'adatom_{face}', 'adatoms', (f'adatom_{face}',), partial(_adatom, face=face))
    for name in TILT_BOUNDARIES:
        yield Task(name, 'boundaries', (name,), partial(_boundary, name=name))
    yield Task('phonons', 'phonons', ('phonon_H', 'phonon_P', *(f'phonon_N_{k}' for k in (1, 2, 3))), _phonons)
    yield Task('expansion', 'expansion', ('a_300', 'expansion'), _expansion)
    yield Task('liquid', 'liquid', ('gr_position', 'gr_height'), _liquid, ())
    yield Task('melting', 'melting', ('melting',), _melting)


TASKS = {task.name: task for task in _tasks()}


def choose(only=None, quick=False, melting=False):
    """Names of the tasks to do, in order, including those that others need.

    Parameters
    ----------
    only : sequence of str, optional
        Groups of properties; by default, all except ``SLOW``.
    quick : bool
        Leave out groups that need molecular dynamics.
    melting : bool
        Add the melting point.

    Raises
    ------
    ValueError
        If a group is unknown, or no group is left.
    """
    unknown = sorted(set(only or ()) - set(GROUPS))
    if unknown:
        raise ValueError(f'unknown groups {", ".join(unknown)}; known: {", ".join(GROUPS)}')
    groups = set(only) if only else set(GROUPS) - set(SLOW)
    groups |= {'melting'} if melting else set()
    groups -= set(DYNAMIC) if quick else set()
    if not groups:
        raise ValueError('nothing to compute: quick leaves out ' + ', '.join(DYNAMIC))
    wanted = {task.name for task in TASKS.values() if task.group in groups}
    wanted |= {need for name in wanted for need in TASKS[name].needs}
    return [name for name in TASKS if name in wanted]
