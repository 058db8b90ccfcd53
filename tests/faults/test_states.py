"""States that break physics are refused with the remedy, or put right."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.constraints import FixAtoms, FixCartesian

from ase_mlffvv import VVCalculator
from ase_mlffvv.engines.evaluator import Evaluator
from ase_mlffvv.errors import ElementError, StructureError
from ase_mlffvv.fitting import Dataset
from ase_mlffvv.jobs import RunSettings, start
from ase_mlffvv.jobs.drivers import with_velocities
from ase_mlffvv.labelling import label
from ase_mlffvv.learning import cut_out, select
from ase_mlffvv.md import CSVR, Berendsen, Dynamics, Langevin, minimise
from ase_mlffvv.model import find_potential
from ase_mlffvv.neighbors import pair_list
from ase_mlffvv.structures import add_adatoms

from .rows import INF, NAN, refuses, row, table

POTENTIAL = find_potential()


def crystal(repeat=2, **changes):
    """Warm crystal, whose arrays are changed: ``name={index: value}``."""
    atoms = bulk('Li', cubic=True, a=3.44) * (repeat, repeat, repeat)
    atoms.set_momenta(np.random.default_rng(0).normal(size=(len(atoms), 3)))
    for name, values in changes.items():
        if name == 'masses':
            atoms.set_masses(atoms.get_masses())
        for index, value in values.items():
            atoms.arrays[name][index] = value
    return atoms


def energy(atoms):
    atoms.calc = VVCalculator(POTENTIAL, on_extrapolation='ignore')
    return atoms.get_potential_energy()


def dynamics(atoms, integrator=None):
    return Dynamics(atoms, POTENTIAL, integrator)


def run(atoms, **settings):
    return start(atoms, VVCalculator(POTENTIAL), 'never', RunSettings(**settings), progress=False)


def labelled(atoms):
    atoms.info['REF_energy'] = -1.9
    return [crystal_with_label(), atoms]


def crystal_with_label():
    atoms = crystal()
    atoms.info['REF_energy'] = -1.9
    return atoms


def dataset(atoms):
    return Dataset(labelled(atoms), 'Li', 3.5)


def frozen(atoms, kind=FixAtoms):
    atoms.set_constraint([kind(k) for k in range(len(atoms))] if kind is FixCartesian else kind(range(len(atoms))))
    return atoms


def resting(atoms):
    atoms.set_momenta(np.zeros((len(atoms), 3)))
    return atoms


def cellless():
    return Atoms('Li2', [[0, 0, 0], [0, 0, 3]], pbc=True)


BROKEN = {'positions': {3: (NAN, 0, 0)}}
LOST = {'positions': {3: (INF, 0, 0)}}
TWICE = {'positions': {1: (0, 0, 0)}}

POSITIONS = [
    *[
        row(f'{name} {what}', lambda call=call, given=given: call(crystal(**given)), error, *words, *extra)
        for name, call, error, extra in (
            ('VVCalculator', energy, StructureError, ()),
            ('pair_list', lambda a: pair_list(a.positions, a.cell, a.pbc, 4.0), StructureError, ()),
            ('run', run, StructureError, ()),
            ('select', lambda a: select(a, POTENTIAL), StructureError, ()),
            ('cut_out', lambda a: cut_out(a, 0, size=10, reach=2.0), StructureError, ()),
            ('label', lambda a: label([crystal(), a], 'vv', 'never'), StructureError, ('structure 1',)),
            ('Dataset', dataset, ValueError, ('frame 1',)),
            ('minimise', lambda a: minimise(a, POTENTIAL), StructureError, ()),
            ('add_adatoms', lambda a: add_adatoms(a, 0.1, where='all'), StructureError, ()),
        )
        for what, given, words in (
            ('nan', BROKEN, ('positions', 'finite', '3')),
            ('inf', LOST, ('positions', 'finite')),
        )
    ],
    row(
        'VVCalculator coincident', lambda: energy(crystal(**TWICE)), StructureError, 'atoms 0 and 1 coincide', 'Remove'
    ),
    row('Dataset coincident', lambda: dataset(crystal(**TWICE)), StructureError, 'frame 1', '0 and 1 coincide'),
    row('select coincident', lambda: select(crystal(**TWICE), POTENTIAL), StructureError, '0 and 1 coincide'),
    row('no volume', lambda: energy(cellless()), StructureError, 'cell', 'pbc = False'),
    row('run without a cell', lambda: run(cellless()), StructureError, 'cell', 'pbc = False'),
    row('Evaluator cell=nan', lambda: Evaluator(POTENTIAL, [3], np.full((3, 3), NAN), True), StructureError, 'cell'),
    row(
        'far outside', lambda: energy(crystal(positions={0: (1e8, 0, 0)})), StructureError, 'the time step is too long'
    ),
]

ELEMENTS = [
    *[
        row(
            f'{name} of {number}',
            lambda call=call, number=number: call(crystal(numbers={2: number})),
            ElementError,
            str(number),
            '2',
        )
        for name, call in (('VVCalculator', energy), ('Dynamics', dynamics), ('select', lambda a: select(a, POTENTIAL)))
        for number in (-116, -1, 119, 10**6)
    ],
    row('Dataset of -116', lambda: dataset(crystal(numbers={2: -116})), ElementError, 'frame 1', '-116'),
    row('Dataset of X', lambda: dataset(crystal(numbers={2: 0})), ElementError, 'frame 1', 'X'),
    row('Evaluator of X', lambda: Evaluator(POTENTIAL, [3, 0]), ElementError, 'X', 'Li'),
    row('Evaluator of text', lambda: Evaluator(POTENTIAL, ['Li']), ElementError, 'Li'),
    row('species of halves', lambda: POTENTIAL.species([3.5]), ElementError, 'whole numbers'),
    row('other element', lambda: energy(bulk('Cu')), ElementError, 'Cu', 'Li'),
]

MOTION = [
    *[
        row(
            f'{name} {what}={value}',
            lambda call=call, what=what, value=value: call(crystal(**{what: {1: value}})),
            StructureError,
            what,
            str(value),
            '1',
        )
        for name, call in (('Dynamics', dynamics), ('run', run))
        for what, value in (('momenta', NAN), ('momenta', INF), ('masses', NAN), ('masses', 0), ('masses', -7))
    ],
    row('Berendsen from rest', lambda: dynamics(resting(crystal()), Berendsen(250)), StructureError, 'zero', 'Draw'),
    row('CSVR from rest', lambda: dynamics(resting(crystal()), CSVR(250)), StructureError, 'zero', 'Draw'),
    row('Dynamics all frozen', lambda: dynamics(frozen(crystal())), StructureError, '16 atoms are frozen', 'Remove'),
    row('minimise all frozen', lambda: minimise(frozen(crystal()), POTENTIAL), StructureError, 'frozen', 'Remove'),
    row('run all frozen', lambda: run(frozen(crystal())), StructureError, 'no degree of freedom', 'freeze fewer'),
    row('run all bound', lambda: run(frozen(crystal(), FixCartesian)), StructureError, 'no degree of freedom'),
    row(
        'Dynamics other constraint', lambda: dynamics(frozen(crystal(), FixCartesian)), NotImplementedError, 'FixAtoms'
    ),
    row('Berendsen of one atom', lambda: dynamics(crystal()[:1], Berendsen(250)), StructureError, 'single', 'Verlet'),
    row('CSVR of one atom', lambda: dynamics(crystal()[:1], CSVR(250)), StructureError, 'single', 'Verlet'),
    row('run of one atom', lambda: run(crystal()[:1]), StructureError, 'single', 'langevin'),
    row('run of nothing', lambda: run(crystal()[:0]), StructureError, 'no atoms'),
    row('Dynamics of nothing', lambda: dynamics(crystal()[:0]), StructureError, 'no atoms'),
    row('label of nothing', lambda: label([crystal()[:0]], 'vv', 'never'), ValueError, 'structure 0', 'no atoms'),
    row('label of no list', lambda: label([], 'vv', 'never'), ValueError, 'no structures'),
    row('label of text', lambda: label(['a'], 'vv', 'never'), TypeError, 'structure 0', 'str'),
]


@table(POSITIONS)
def test_positions(row):
    refuses(row)


@table(ELEMENTS)
def test_elements(row):
    refuses(row)


@table(MOTION)
def test_motion(row):
    refuses(row)


@pytest.mark.parametrize('thermostat', ['berendsen', 'csvr', 'langevin', 'none'])
@pytest.mark.parametrize('at_rest', [True, False])
def test_velocities_are_drawn_where_there_are_none(thermostat, at_rest):
    atoms = resting(crystal()) if at_rest else crystal()
    if not at_rest:
        del atoms.arrays['momenta']
    warm = with_velocities(atoms, RunSettings(temperature=300, thermostat=thermostat))
    assert 200 < warm.get_temperature() < 1200
    np.testing.assert_allclose(warm.get_momenta().sum(axis=0), 0, atol=1e-12)
    assert not atoms.get_momenta().any()


def test_momenta_that_are_given_are_kept():
    atoms = crystal()
    np.testing.assert_array_equal(with_velocities(atoms, RunSettings()).get_momenta(), atoms.get_momenta())


def test_one_free_atom_can_be_coupled_to_a_bath():
    md = Dynamics(crystal()[:1], POTENTIAL, Langevin(300), on_extrapolation='ignore')
    md.run(3)
    assert np.isfinite(md.temperature)


@pytest.mark.parametrize('integrator', [None, Berendsen(250), CSVR(250), Langevin(250)])
def test_blow_ups_are_told_as_such(integrator):
    """Steps that are much too long: the message says so, and the state is that of the last complete step."""
    atoms = crystal()
    atoms.set_momenta(30 * atoms.get_momenta())
    md = Dynamics(atoms, POTENTIAL, integrator, timestep=100.0, on_extrapolation='ignore', reporters=())
    with pytest.raises(StructureError, match='the time step of 100 fs is too long') as caught:
        md.run(2000)
    assert 'wrap()' not in str(caught.value)
    assert np.isfinite(md.structure().positions).all()


def test_a_blow_up_in_a_run_names_the_time_step(tmp_path):
    atoms = crystal()
    atoms.set_momenta(30 * atoms.get_momenta())
    settings = RunSettings(steps=2000, timestep=100.0, thermostat='none', temperature=300)
    calc = VVCalculator(POTENTIAL, on_extrapolation='ignore')
    with pytest.raises(StructureError, match=r'blew up between steps .* time step of 100 fs is too long') as caught:
        start(atoms, calc, tmp_path / 'run', settings, progress=False)
    assert 'checkpoint' in str(caught.value)
    assert 'wrap()' not in str(caught.value)


def test_relaxed_atoms_keep_their_calculator():
    relaxed = minimise(crystal(1), POTENTIAL, fmax=0.1)
    relaxed.positions[0, 0] += 0.05
    assert np.abs(relaxed.get_forces()).max() > 1e-3
