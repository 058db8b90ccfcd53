"""Numbers at the doors of calculators, pair lists, dynamics and runs: name, value and range are told."""

import numpy as np
from ase.build import bulk
from ase.calculators.calculator import CalculatorSetupError

from ase_mlffvv import VVCalculator
from ase_mlffvv.calculators import CommitteeCalculator
from ase_mlffvv.engines.evaluator import Evaluator
from ase_mlffvv.jobs import RunSettings
from ase_mlffvv.jobs.settings import steps_of
from ase_mlffvv.labelling import label
from ase_mlffvv.md import CSVR, Berendsen, Dynamics, Frames, Langevin, Reporter, Samples, minimise
from ase_mlffvv.model import find_potential
from ase_mlffvv.neighbors import SkinList, pair_list
from ase_mlffvv.properties import validate

from .rows import (
    CHOICE,
    COUNT,
    NAN,
    NATURAL,
    NOT_NEGATIVE,
    POSITIVE,
    SEED,
    door,
    optional,
    refuses,
    row,
    table,
)

CRYSTAL = bulk('Li', cubic=True, a=3.44)
WARM = CRYSTAL.copy()
WARM.set_momenta(np.eye(3)[:2])
CELL = CRYSTAL.cell[:]
POTENTIAL = find_potential()


def listed(**changes):
    given = {'positions': CRYSTAL.positions, 'cell': CELL, 'pbc': True, 'cutoff': 4.0, **changes}
    return pair_list(**given)


def dynamics(**settings):
    return Dynamics(WARM, POTENTIAL, **settings)


CALCULATORS = [
    *door('VVCalculator skin', lambda v: VVCalculator(POTENTIAL, skin=v), NOT_NEGATIVE),
    *door('VVCalculator threads', lambda v: VVCalculator(POTENTIAL, threads=v), optional(COUNT)),
    *door('VVCalculator check_interval', lambda v: VVCalculator(POTENTIAL, check_interval=v), COUNT),
    *door('VVCalculator set skin', lambda v: VVCalculator(POTENTIAL).set(skin=v), NOT_NEGATIVE),
    *door(
        'VVCalculator on_extrapolation',
        lambda v: VVCalculator(POTENTIAL, on_extrapolation=v),
        ('other', 3, None),
        error=CalculatorSetupError,
    ),
    *door(
        'VVCalculator precision',
        lambda v: VVCalculator(POTENTIAL, precision=v),
        ('half', 3, None),
        error=CalculatorSetupError,
    ),
    *door('CommitteeCalculator skin', lambda v: CommitteeCalculator([POTENTIAL] * 2, skin=v), NOT_NEGATIVE),
    *door('CommitteeCalculator threads', lambda v: CommitteeCalculator([POTENTIAL] * 2, threads=v), optional(COUNT)),
    *door('Evaluator skin', lambda v: Evaluator(POTENTIAL, skin=v), NOT_NEGATIVE),
    *door('Evaluator threads', lambda v: Evaluator(POTENTIAL, threads=v), optional(COUNT)),
    row('model of a wrong type', lambda: VVCalculator(3.0), TypeError, 'model', '3.0'),
    row('committee of numbers', lambda: CommitteeCalculator([1, 2]), TypeError, 'model', '1'),
]

LISTS = [
    *door('pair_list cutoff', lambda v: listed(cutoff=v), POSITIVE),
    *door('pair_list threads', lambda v: listed(threads=v), (NAN, -3, 1.5, 'a')),
    *door('SkinList skin', lambda v: SkinList(4.0, v), NOT_NEGATIVE),
    *door('SkinList cutoff', lambda v: SkinList(v), NOT_NEGATIVE),
    row('pair_list positions flat', lambda: listed(positions=[0.0, 0, 0]), ValueError, 'positions', '(n, 3)', '(3,)'),
    row('pair_list positions text', lambda: listed(positions=[['a', 0, 0]]), ValueError, 'positions', 'numbers'),
    row('pair_list positions complex', lambda: listed(positions=[[1j, 0, 0]]), ValueError, 'positions', 'numbers'),
    row('pair_list cell flat', lambda: listed(cell=[3.0, 3, 3]), ValueError, 'cell', '(3, 3)', '(3,)'),
]

DYNAMICS = [
    *door('Dynamics timestep', lambda v: dynamics(timestep=v), (*POSITIVE, 1e9)),
    *door('Dynamics skin', lambda v: dynamics(skin=v), NOT_NEGATIVE),
    *door('Dynamics threads', lambda v: dynamics(threads=v), optional(COUNT)),
    *door('Dynamics check_interval', lambda v: dynamics(check_interval=v), optional(COUNT)),
    *door('Dynamics run steps', lambda v: dynamics().run(v), NATURAL),
    *door('Dynamics averages skip', lambda v: dynamics().averages(v), (NAN, -1, 1.5, 'a', None, 100)),
    *door('Berendsen temperature', lambda v: Berendsen(v), (*POSITIVE, 1e9)),
    *door('Berendsen taut', lambda v: Berendsen(250, taut=v), POSITIVE),
    *door('CSVR temperature', lambda v: CSVR(v), POSITIVE),
    *door('CSVR taut', lambda v: CSVR(250, taut=v), POSITIVE),
    *door('CSVR seed', lambda v: CSVR(250, seed=v), SEED),
    *door('Langevin temperature', lambda v: Langevin(v), POSITIVE),
    *door('Langevin friction', lambda v: Langevin(250, friction=v), POSITIVE),
    *door('Langevin seed', lambda v: Langevin(250, seed=v), SEED),
    *door('Reporter interval', Reporter, COUNT),
    *door('Samples cutoff', lambda v: Samples(10, v), POSITIVE),
    *door('Frames interval', lambda v: Frames('never.extxyz', v), COUNT),
    *door('minimise fmax', lambda v: minimise(CRYSTAL, POTENTIAL, fmax=v), POSITIVE),
    *door('minimise steps', lambda v: minimise(CRYSTAL, POTENTIAL, steps=v), NATURAL),
    *door('minimise maxstep', lambda v: minimise(CRYSTAL, POTENTIAL, maxstep=v), POSITIVE),
    row('integrator that is none', lambda: dynamics(integrator='nve'), TypeError, 'integrator', "'nve'"),
    row('reporter that is none', lambda: dynamics(reporters=['a']), TypeError, 'reporters', "'a'"),
    row('function of a reporter', lambda: Reporter(1, 'a'), TypeError, 'function', "'a'"),
]

RUNS = [
    *door('RunSettings timestep', lambda v: RunSettings(timestep=v), (*POSITIVE, 1e9)),
    *door('RunSettings temperature', lambda v: RunSettings(temperature=v), (*POSITIVE, 1e9)),
    *door('RunSettings taut', lambda v: RunSettings(taut=v), POSITIVE),
    *door('RunSettings steps', lambda v: RunSettings(steps=v), NATURAL),
    *door('RunSettings frame_interval', lambda v: RunSettings(frame_interval=v, log_interval=1), COUNT),
    *door('RunSettings checkpoint_interval', lambda v: RunSettings(checkpoint_interval=v), COUNT),
    *door('RunSettings log_interval', lambda v: RunSettings(log_interval=v), optional(COUNT)),
    *door('RunSettings seed', lambda v: RunSettings(seed=v), (*SEED, None)),
    *door('RunSettings thermostat', lambda v: RunSettings(thermostat=v), (*CHOICE, None)),
    *door('RunSettings dynamics', lambda v: RunSettings(dynamics=v), (*CHOICE, None)),
    *door('RunSettings trajectory', lambda v: RunSettings(trajectory=v), (*CHOICE, None)),
    *door('time', lambda v: steps_of(v, 2.0), POSITIVE),
    row('time below a step', lambda: steps_of(1e-5, 2.0), ValueError, 'time', '2 fs', '1e-05 ps'),
    *door('label processes', lambda v: label([CRYSTAL], 'vv', 'never', processes=v), COUNT),
    *door('validate seed', lambda v: validate(VVCalculator(POTENTIAL), 'never', seed=v), SEED),
]


@table(CALCULATORS)
def test_calculators(row):
    refuses(row)


@table(LISTS)
def test_pair_lists(row):
    refuses(row)


@table(DYNAMICS)
def test_dynamics(row):
    refuses(row)


@table(RUNS)
def test_runs(row):
    refuses(row)
