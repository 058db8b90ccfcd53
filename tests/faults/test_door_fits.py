"""Numbers at the doors of fits and of density-functional calculators."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import CalculatorSetupError

from ase_mlffvv import VVSpec, fit, refit
from ase_mlffvv.dft.cavity import find_cavity
from ase_mlffvv.dft.electrode import electrode_potential, fermi_level
from ase_mlffvv.dft.gpaw.calculator import GPAWSolvent
from ase_mlffvv.dft.gpaw.checks import check_settings
from ase_mlffvv.dft.pwmat import MolecularDynamicsJob, RelaxationJob
from ase_mlffvv.dft.pwmat.kpoints import mp_n123
from ase_mlffvv.dft.solvent import Solvent
from ase_mlffvv.errors import DatasetError, SettingError
from ase_mlffvv.features.grid import grid_from_nodes, make_grid
from ase_mlffvv.fitting import Dataset, FitWeights, add_uncertainty, normal_matrix
from ase_mlffvv.memory import check_matrix
from ase_mlffvv.model import PairTerm, find_potential

from .rows import (
    COUNT,
    FINITE,
    FLAG,
    INF,
    NAN,
    NOT_NEGATIVE,
    POSITIVE,
    SEED,
    door,
    optional,
    refuses,
    row,
    table,
)

SPEC = VVSpec('Li', cutoff=3.2, two_body=4, three_body=(0, 0), terms=0, repulsion=0)
POTENTIAL = find_potential()


def frames(n=2):
    out = []
    for k in range(n):
        atoms = bulk('Li', a=3.4 + 0.1 * k)
        atoms.info.update(REF_energy=-1.9, config_type='all')
        out.append(atoms)
    return out


def fitted(**settings):
    return fit(frames(), SPEC, progress=False, **settings)


def refitted(**settings):
    return refit(POTENTIAL, frames(), progress=False, **settings)


def spec(**changes):
    return VVSpec('Li', **changes)


def weights(**values):
    return FitWeights(**values)


SPECS = [
    *door('VVSpec cutoff', lambda v: spec(cutoff=v), (*POSITIVE, 100.0)),
    *door('VVSpec side_cutoff', lambda v: spec(side_cutoff=v), optional(POSITIVE)),
    *door('VVSpec two_body', lambda v: spec(two_body=v), (NAN, -1, 1.5, 'a', 10**9)),
    *door('VVSpec terms', lambda v: spec(terms=v), (NAN, INF, -1, 1.5, 'a', 10**12)),
    *door('VVSpec single', lambda v: spec(single=v), (NAN, -1, 1.5, 'a', 10**9)),
    *door('VVSpec product', lambda v: spec(product=v), (NAN, -1, 1.5, 'a', 10**9)),
    *door('VVSpec components', lambda v: spec(components=v), optional(COUNT)),
    *door('VVSpec width_factor', lambda v: spec(width_factor=v), POSITIVE),
    *door('VVSpec repulsion', lambda v: spec(repulsion=v), NOT_NEGATIVE),
    *door('VVSpec grid_start', lambda v: spec(grid='uniform', grid_start=v), optional(FINITE)),
    *door('VVSpec projection', lambda v: spec(projection=v), ('other', 3, None)),
    *door('VVSpec centres', lambda v: spec(centres=v), ('other', 3, None)),
    *door('VVSpec cubic', lambda v: spec(cubic=v), FLAG),
    *door('VVSpec grid', lambda v: spec(grid=v), ('other',), error=ValueError),
    *door('VVSpec elements', VVSpec, ('Xx', 'X'), 'chemical symbols'),
    row('VVSpec elements twice', lambda: VVSpec(['Li', 'Li']), ValueError, 'elements', 'different'),
    row('VVSpec elements=3', lambda: VVSpec(3), ValueError, 'elements', 'chemical symbols', '3'),
    row('VVSpec three_body=3', lambda: spec(three_body=3), ValueError, 'three_body', 'two whole numbers'),
    row('VVSpec three_body=nan', lambda: spec(three_body=(NAN, 2)), ValueError, 'three_body', 'nan'),
    row('VVSpec density=-1', lambda: spec(density=(3, -1)), ValueError, 'density', '-1'),
    row('VVSpec density huge', lambda: spec(density=(100, 100), degree=(100, 100)), ValueError, 'products', '3e+06'),
    row('VVSpec degree=a', lambda: spec(degree=(8, 'a')), ValueError, 'degree', "'a'"),
    row('VVSpec no features', lambda: spec(two_body=0, three_body=(0, 0)), ValueError, 'features'),
    row('grid with nan', lambda: make_grid([[0, NAN]], 5.0, 1), ValueError, 'grid', 'nan'),
    row('grid beyond', lambda: make_grid([[0, 9.0]], 5.0, 1), ValueError, 'cutoff', '9.0'),
    row('grid of falling nodes', lambda: grid_from_nodes([0, 2, 1]), ValueError, 'increasing'),
    row('pair term nan', lambda: PairTerm(np.ones(1), np.full((2, 1, 1), NAN)), ValueError, 'pair weights', 'nan'),
    row('pair term radius', lambda: PairTerm(-np.ones(1), np.ones((2, 1, 1))), ValueError, 'radius', '-1'),
]

FITS = [
    *door('FitWeights energy', lambda v: weights(energy=v), NOT_NEGATIVE),
    *door('FitWeights forces', lambda v: weights(forces=v), NOT_NEGATIVE),
    *door('FitWeights energies', lambda v: weights(energies=v), NOT_NEGATIVE),
    *door('FitWeights stress', lambda v: weights(stress=v), NOT_NEGATIVE),
    *door('FitWeights group_width', lambda v: weights(group_width=v), NOT_NEGATIVE),
    *door('FitWeights per_atom', lambda v: weights(per_atom=v), FLAG),
    row('FitWeights all zero', lambda: weights(energy=0, forces=0, energies=0, stress=0), ValueError, 'all zero'),
    row('weights of a wrong name', lambda: fitted(weights={'force': 1}), ValueError, 'weights', 'forces', "'force'"),
    row('weights=3', lambda: fitted(weights=3), ValueError, 'weights', '3'),
    *door('fit ridge', lambda v: fitted(ridge=v), NOT_NEGATIVE),
    *door('fit seed', lambda v: fitted(seed=v), (*SEED, None)),
    *door('fit loops', lambda v: fitted(loops=v), optional(COUNT)),
    *door('fit stride', lambda v: fitted(stride=v), (0, -1, 1.5, NAN, None)),
    *door('fit validation', lambda v: fitted(validation=v), (NAN, INF, -0.5, 1.5, 1, 'a', None)),
    row(
        'fit cutoff below neighbors',
        lambda: fit(frames(), replace(SPEC, cutoff=1.5), progress=False),
        ValueError,
        'cutoff',
        '1.5',
    ),
    row('fit stride beyond', lambda: fitted(stride=[5]), ValueError, 'stride', '0 to 1', '5'),
    row('fit stride empty', lambda: fitted(stride=[]), ValueError, 'stride', 'empty'),
    row('fit leaves nothing', lambda: fitted(validation=0.9), ValueError, 'validation', 'none of 2'),
    row('fit spec', lambda: fit(frames(), 'fast'), ValueError, 'spec', 'VVSpec', "'fast'"),
    row('group weight nan', lambda: fitted(group_weights={'all': NAN}), DatasetError, "'all'", 'nan'),
    row('group weight a', lambda: fitted(group_weights={'all': 'a'}), DatasetError, "'all'", "'a'"),
    row('group weight 0', lambda: fitted(group_weights={'all': 0}), DatasetError, 'weight zero'),
    row('no such group', lambda: fitted(group_weights={'x': 1}), DatasetError, 'x', 'all'),
    *door('refit ridge', lambda v: refitted(ridge=v), NOT_NEGATIVE),
    *door('refit seed', lambda v: refitted(seed=v), (*SEED, None)),
    *door('refit new_zero', lambda v: refitted(new_zero=v), FLAG),
    *door('refit validation', lambda v: refitted(validation=v), (NAN, -0.5, 1.5, 'a', None)),
    *door('Dataset cutoff', lambda v: Dataset(frames(), 'Li', v), POSITIVE),
    *door('add_uncertainty n_draws', lambda v: add_uncertainty(POTENTIAL, frames(), n_draws=v), COUNT),
    *door('add_uncertainty seed', lambda v: add_uncertainty(POTENTIAL, frames(), seed=v), (*SEED, None)),
    row('normal_matrix weights', lambda: normal_matrix(POTENTIAL, [], weights={'x': 1}), ValueError, 'weights', "'x'"),
    row('normal equations that do not fit', lambda: check_matrix(10**9), MemoryError, 'functions', 'GB', 'available'),
]

SETTINGS = {**GPAWSolvent.default_parameters}


def gpaw(**changes):
    return check_settings({**SETTINGS, **changes})


def solvent(**changes):
    return Solvent(**{'permittivity': 10.0, **changes})


def dynamics(**changes):
    return MolecularDynamicsJob(**{'temperature_K': 300, 'steps': 10, **changes})


DFT = [
    *door('GPAW cutoff', lambda v: gpaw(cutoff=v), (NAN, INF, 0, -1, 'a', None, 10, 1e9)),
    *door('GPAW smearing', lambda v: gpaw(smearing=v), (*POSITIVE, 1e3)),
    *door('GPAW spacing', lambda v: gpaw(spacing=v), POSITIVE),
    *door('GPAW solver_tolerance', lambda v: gpaw(solver_tolerance=v), POSITIVE),
    *door('GPAW potential_tolerance', lambda v: gpaw(potential_tolerance=v), POSITIVE),
    *door('GPAW maxiter', lambda v: gpaw(maxiter=v), COUNT),
    *door('GPAW charge', lambda v: gpaw(charge=v), FINITE),
    *door('GPAW kpts', lambda v: gpaw(kpts=v), POSITIVE),
    *door('GPAW gamma', lambda v: gpaw(gamma=v), FLAG),
    *door('GPAW symmetry', lambda v: gpaw(symmetry=v), FLAG),
    *door('GPAW xc', lambda v: gpaw(xc=v), ('other', 3, None)),
    *door('GPAW distribution', lambda v: gpaw(distribution=v), ('other', 3, None)),
    *door('GPAW convergence', lambda v: gpaw(convergence=v), (3, 'a'), error=CalculatorSetupError),
    *door('GPAW reference', lambda v: gpaw(reference=v), ('Na', 3, None), error=CalculatorSetupError),
    *door('GPAW potential', lambda v: gpaw(potential=v, solvent=Solvent.pc_dme()), optional(FINITE)),
    row('GPAW kpts of two', lambda: gpaw(kpts=(2, 2)), ValueError, 'kpts', '(3,)', '(2,)'),
    row('GPAW kpts nan', lambda: gpaw(kpts=(2, 2, NAN)), ValueError, 'kpts', 'nan'),
    row('GPAW kpts zero', lambda: gpaw(kpts=(2, 2, 0)), ValueError, 'kpts', '1 or more', '0'),
    row('GPAW charge without ions', lambda: gpaw(charge=1.0), CalculatorSetupError, 'charge', 'ions'),
    *door('Solvent permittivity', lambda v: solvent(permittivity=v), (NAN, INF, 0.5, 'a', None), error=ValueError),
    *door('Solvent surface_tension', lambda v: solvent(surface_tension=v), FINITE, error=ValueError),
    *door('Solvent kappa_squared', lambda v: solvent(kappa_squared=v), NOT_NEGATIVE, error=ValueError),
    row('Solvent switch', lambda: solvent(dielectric_switch=(1e-4, 5e-3)), ValueError, 'dielectric_switch', 'first'),
    *door('fermi_level potential', fermi_level, FINITE),
    *door('electrode_potential level', electrode_potential, FINITE),
    *door('find_cavity spacing', lambda v: find_cavity(Atoms('Li', cell=[9] * 3), solvent(), spacing=v), POSITIVE),
    row(
        'cavity on a fine grid',
        lambda: find_cavity(Atoms('Li', cell=[9] * 3), solvent(), spacing=1e-6),
        MemoryError,
        'points',
        'GB',
        'available',
        '1e-06',
    ),
    *door('RelaxationJob fmax', lambda v: RelaxationJob(fmax=v), POSITIVE),
    *door('RelaxationJob steps', lambda v: RelaxationJob(steps=v), COUNT),
    *door('RelaxationJob stress_tolerance', lambda v: RelaxationJob(stress_tolerance=v), POSITIVE),
    *door('RelaxationJob method', lambda v: RelaxationJob(method=v), ('other', 3, None), error=CalculatorSetupError),
    *door('MolecularDynamicsJob temperature_K', lambda v: dynamics(temperature_K=v), POSITIVE),
    *door('MolecularDynamicsJob steps', lambda v: dynamics(steps=v), COUNT),
    *door('MolecularDynamicsJob timestep', lambda v: dynamics(timestep=v), (*POSITIVE, 1e9)),
    *door('MolecularDynamicsJob taut', lambda v: dynamics(taut=v), optional(POSITIVE)),
    *door('MolecularDynamicsJob friction', lambda v: dynamics(friction=v, method='langevin'), optional(POSITIVE)),
    *door('MolecularDynamicsJob seed', lambda v: dynamics(seed=v), optional(SEED)),
    *door('PWmat kpts', lambda v: mp_n123(v, bulk('Li')), optional(POSITIVE), error=CalculatorSetupError),
    *door('PWmat symmetry', lambda v: mp_n123(None, bulk('Li'), v), ('x', 3), error=CalculatorSetupError),
]


@table(SPECS)
def test_specs(row):
    refuses(row)


@table(FITS)
def test_fits(row):
    refuses(row)


@table(DFT)
def test_density_functional_theory(row):
    refuses(row)


@pytest.mark.parametrize('terms', [100, 10_000])
def test_terms_above_what_exists(terms):
    settings = VVSpec('Li', cutoff=3.2, two_body=4, three_body=(0, 0), single=2, product=2, terms=terms, repulsion=0)
    with pytest.raises(SettingError, match=rf'terms must be at most \d+ .*, got {terms}'):
        fit(frames(4), settings, progress=False)
