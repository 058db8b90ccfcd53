"""Whatever comes to a door, it is either used correctly or refused with one of the exceptions of the package."""

# ruff: noqa: PT017 (what is refused depends on the example)

import json

import numpy as np
from ase import Atoms
from ase.build import bulk
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mlffvv_analysis.coordination import coordination_numbers

from ase_mlffvv import VVSpec
from ase_mlffvv.checks import check_array, check_number, check_seed, check_whole
from ase_mlffvv.errors import InsufficientMemoryError, SettingError, StructureError
from ase_mlffvv.fitting import FitWeights
from ase_mlffvv.jobs import RunSettings
from ase_mlffvv.md import CSVR, Berendsen, Langevin
from ase_mlffvv.neighbors import SkinList, pair_list
from ase_mlffvv.structures import column, slab

FEW = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
MANY = settings(FEW, max_examples=300)

numbers = st.floats() | st.integers() | st.sampled_from([0, -0.0, 1e-320, 1e308, 2**1100])
anything = (
    numbers | st.none() | st.booleans() | st.text(max_size=5) | st.complex_numbers() | st.binary(max_size=3)
    | st.lists(numbers, max_size=3) | st.dictionaries(st.text(max_size=2), numbers, max_size=2)
    | arrays(float, st.integers(0, 4), elements=st.floats()) | st.just(object())
)  # fmt: skip
coordinates = st.floats(-1e3, 1e3) | st.sampled_from([np.nan, np.inf, 1e9, 1e300, 0.0, 1e-9])
lengths = st.floats(-20, 20) | st.sampled_from([0.0, 1e-300, 1e-6, 1e-3, 0.1, 1e4, 1e9, 1e300, np.nan, np.inf])


@MANY
@given(anything)
def test_numbers(value):
    try:
        found = check_number(value, 'skin', 'Å', low=0)
    except SettingError as error:
        assert str(error).startswith('skin must be zero or positive and finite (Å), got ')
        assert not (isinstance(value, float) and 0 <= value < np.inf)
    else:
        assert type(found) is float
        assert found == value
        assert 0 <= found < np.inf


@MANY
@given(anything)
def test_whole_numbers(value):
    try:
        found = check_whole(value, 'steps', low=1)
    except SettingError as error:
        assert str(error).startswith('steps must be a whole number of 1 or more, got ')
        assert not (type(value) is int and 1 <= value < 1e300)
    else:
        assert type(found) is int
        assert found == value
        assert found >= 1


@MANY
@given(anything)
def test_seeds(value):
    try:
        found = check_seed(value)
    except SettingError:
        assert type(value) is not int or not 0 <= value < 2**63
    else:
        np.random.default_rng(found)


@MANY
@given(anything)
def test_arrays(value):
    try:
        found = check_array(value, 'positions', (None, 3), 'Å')
    except SettingError as error:
        assert str(error).startswith('positions must ')
    else:
        assert found.shape[1:] == (3,)
        assert np.isfinite(found).all()


def or_refused(make, value):
    """Settings with this value, or None if they are refused with a message that is not empty."""
    try:
        return make(value)
    except SettingError as error:
        assert 'must be' in str(error)
        return None


@FEW
@given(anything, st.sampled_from(['timestep', 'temperature', 'taut', 'steps', 'frame_interval', 'seed', 'thermostat']))
def test_settings_of_runs(value, name):
    """What is accepted can be stored as JSON without NaN, and is a sensible number."""
    made = or_refused(
        lambda v: RunSettings(**{name: v, **({'log_interval': 1} if name == 'frame_interval' else {})}), value
    )
    if made is not None:
        json.dumps(getattr(made, name), allow_nan=False)
        assert getattr(made, name) == value


@FEW
@given(anything, st.sampled_from(['energy', 'forces', 'energies', 'stress', 'group_width']))
def test_weights(value, name):
    made = or_refused(lambda v: FitWeights(**{name: v}), value)
    assert made is None or 0 <= getattr(made, name) < np.inf


@FEW
@given(anything, st.sampled_from(['cutoff', 'two_body', 'terms', 'single', 'repulsion', 'width_factor', 'density']))
def test_specs(value, name):
    made = or_refused(lambda v: VVSpec('Li', **{name: v}), value)
    if made is not None:
        assert VVSpec.from_dict(made.to_dict()) == made


@FEW
@given(anything, st.sampled_from([Berendsen, CSVR, Langevin]))
def test_thermostats(value, thermostat):
    made = or_refused(thermostat, value)
    assert made is None or 0 < made.temperature <= 1e5


@FEW
@given(anything)
def test_builders(value):
    """A structure has finite positions and a cell, or is refused."""
    for make in (lambda v: column(3, v, 6), lambda v: column(3, 3, 6, a=v), lambda v: slab('100', layers=v)):
        try:
            atoms = make(value)
        except (SettingError, InsufficientMemoryError):
            continue
        assert np.isfinite(atoms.positions).all()
        assert len(atoms) > 0


structures = st.tuples(
    arrays(float, st.tuples(st.integers(1, 4), st.just(3)), elements=coordinates),
    arrays(float, (3, 3), elements=lengths),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
    st.floats(0.1, 6.0) | st.sampled_from([1e3, 1e6, 1e300]),
)


@FEW
@given(structures)
@example((np.zeros((1, 3)), 0.1 * np.eye(3), (True, True, True), 6.5))
@example((np.zeros((1, 3)), np.array([[4.0, 0, 0], [1e7, 4, 0], [0, 0, 4]]), (True, True, True), 6.0))
@example((np.array([[0.0, 0, 0], [1e300, 0, 0]]), np.eye(3), (False, False, False), 6.0))
@example((np.array([[0.0, 0, 0], [1e300, 0, 0]]), np.eye(3), (True, False, False), 6.0))
def test_pair_lists(structure):
    """Any positions and any cell: the list is complete, or the structure is refused before it costs anything."""
    positions, cell, pbc, cutoff = structure
    try:
        pairs = pair_list(positions, cell, pbc, cutoff)
    except (StructureError, InsufficientMemoryError) as error:
        assert len(str(error)) > 20
        return
    D = pairs.vectors(positions, np.where(np.array(pbc)[:, None], cell, 0.0))
    assert np.isfinite(D).all()
    assert (np.linalg.norm(D, axis=1) < cutoff * (1 + 1e-9)).all()
    assert len(pairs.j) % 2 == 0


@FEW
@given(structures)
def test_coordination_numbers(structure):
    positions, cell, pbc, cutoff = structure
    atoms = Atoms(f'Li{len(positions)}', positions, cell=cell, pbc=pbc)
    try:
        found = coordination_numbers(atoms, cutoff)
    except (ValueError, StructureError, InsufficientMemoryError) as error:
        assert len(str(error)) > 20
        return
    assert found.shape == (len(positions),)
    assert (found >= 0).all()


@FEW
@given(st.lists(st.floats(-0.05, 0.05), min_size=9, max_size=9), st.floats(0, 2))
def test_a_reused_list_is_complete(strain, skin):
    """Cells and positions that change: the list holds every pair within the cutoff."""
    atoms = bulk('Li', cubic=True, a=3.44)
    listed = SkinList(3.0, skin)
    for scale in (0.0, 0.5, 1.0):
        cell = atoms.cell[:] @ (np.eye(3) + scale * np.reshape(strain, (3, 3)))
        positions = atoms.get_scaled_positions() @ cell
        pairs = listed.get(positions, cell, (True, True, True))
        D = np.linalg.norm(pairs.vectors(positions, cell), axis=1)
        assert (D < 3.0).sum() == len(pair_list(positions, cell, True, 3.0).j)
