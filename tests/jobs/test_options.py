"""Options of a run: presets of the paper, held layers, and what does not go together."""

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write

from ase_mlffvv.jobs.options import PRESETS, build_structure, complete_options, settings_of

SMALL = {'diameter': 2.5, 'height': 2, 'box': 5}


def test_presets_are_the_systems_of_the_paper():
    atoms, source = build_structure({'preset': 'column-250'})
    assert len(atoms) == 9145
    assert source == {'shape': 'column', 'diameter': 10.0, 'height': 25.0, 'box': 32, 'substrate_layers': 5,
                      'preset': 'column-250', 'freeze': 2, 'adatoms': 0.0}  # fmt: skip
    assert len(atoms.constraints[0].index) == 2 * 32 * 32
    temperatures = {name: settings_of(complete_options({'preset': name})).temperature for name in PRESETS}
    assert temperatures == {'column-250': 250, 'column-350': 350, 'cuboid-a': 250, 'cuboid-b': 250, 'adatoms': 350}
    assert settings_of(complete_options({'preset': 'cuboid-a'})).steps == 100_000
    a, b = (build_structure({'preset': name})[0] for name in ('cuboid-a', 'cuboid-b'))
    for atoms, axis in ((a, [1, 0, 0]), (b, [1, 1, 0])):
        body = atoms.positions[atoms.get_tags() == 1] @ (np.array(axis) / np.linalg.norm(axis))
        assert np.ptp(body) == pytest.approx(10 * 3.44, abs=3.44)


def test_other_options_change_a_preset():
    atoms, source = build_structure({'preset': 'adatoms', **SMALL})
    assert (atoms.get_tags() == 2).any()
    assert (source['diameter'], source['adatoms'], source['preset']) == (2.5, 0.1, 'adatoms')
    assert complete_options({'preset': 'adatoms', 'temperature': 300.0})['temperature'] == 300


@pytest.mark.parametrize(('given', 'held'), [({}, 2), ({'freeze': 0}, 0), ({'freeze': 1}, 1),
                                             ({'substrate_layers': 1}, 1)])  # fmt: skip
def test_the_lowest_layers_are_held(given, held):
    atoms, source = build_structure({**SMALL, **given})
    assert source['freeze'] == held
    assert sum(len(c.index) for c in atoms.constraints) == held * 25


def test_a_structure_from_a_file_moves_freely(tmp_path):
    write(tmp_path / 'a.xyz', bulk('Li', cubic=True) * (2, 2, 2))
    atoms, source = build_structure({'structure': str(tmp_path / 'a.xyz')})
    assert (atoms.constraints, source['freeze']) == ([], 0)


@pytest.mark.parametrize(('given', 'message'), [
    ({'preset': 'tower'}, "preset must be one of column-250, .*, got 'tower'"),
    ({'shape': 'cone'}, "shape must be one of column, .*, got 'cone'"),
    ({'temprature': 3}, 'unknown options of a run: temprature; known are preset, shape'),
    ({'thermostat': 'none', 'taut': 3.0}, '--taut is a setting of a thermostat'),
    ({'shape': 'training', 'box': 3}, '--box cannot be given with --shape training'),
    ({'preset': 'adatoms', 'structure': 'LI'}, '--preset, --shape, --diameter, .* cannot be given with --structure'),
])  # fmt: skip
def test_mistakes(tmp_path, monkeypatch, given, message):
    monkeypatch.chdir(tmp_path)
    write('LI', bulk('Li'), format='extxyz')
    with pytest.raises(ValueError, match=message):
        build_structure(given)
