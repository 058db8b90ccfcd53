"""Options of a run by name, as in ``mlffvv run`` and in the conditions of a study, and what is made of them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from .settings import RunSettings, steps_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ase import Atoms

    from ..io.reading import FileType

HELD = 2  # lowest atomic layers of a built needle that stay fixed, as those of a thick electrode would
BUILT = {'diameter': 6.0, 'height': 10.0, 'box': 10, 'substrate_layers': 5}  # options of needles only
STRUCTURE = {'shape': 'column', **BUILT, 'structure': None, 'freeze': None, 'adatoms': 0.0}
DYNAMICS = {f.name: f.default for f in fields(RunSettings) if f.name != 'steps'}
CALCULATOR = {'engine': 'auto', 'precision': 'float64', 'on_extrapolation': 'warn'}
CHANGEABLE = {'time': 8.0, 'model': None, 'device': 'cpu', 'threads': None}  # options that a restart may change
DEFAULTS = {'preset': None, **STRUCTURE, **DYNAMICS, **CALCULATOR, **CHANGEABLE}
SHAPES = ('column', 'training', 'cuboid-100', 'cuboid-110')

_PAPER = {'diameter': 10.0, 'height': 25.0, 'box': 32, 'temperature': 250.0, 'time': 200.0, 'frame_interval': 250}
PRESETS: dict[str, dict] = {  # the systems of the paper; ours: diameter and box of the larger column, and its adatoms
    'column-250': {'shape': 'column', **_PAPER},
    'column-350': {'shape': 'column', **_PAPER, 'temperature': 350.0},
    'cuboid-a': {'shape': 'cuboid-100', **_PAPER},
    'cuboid-b': {'shape': 'cuboid-110', **_PAPER},
    'adatoms': {'shape': 'column', **_PAPER, 'diameter': 20.0, 'box': 40, 'temperature': 350.0, 'adatoms': 0.1},
}


def complete_options(given: Mapping[str, Any]) -> dict:
    """All options of a run: those given, then those of the preset, then the defaults.

    Raises
    ------
    ValueError
        An option or the preset is unknown, or ``taut`` is given without a thermostat.
    """
    unknown = sorted(set(given) - set(DEFAULTS))
    if unknown:
        raise ValueError(f'unknown options of a run: {", ".join(unknown)}; known are {", ".join(DEFAULTS)}')
    options = {**DEFAULTS, **_preset(given), **given}
    if options['thermostat'] == 'none' and 'taut' in given:
        raise ValueError('--taut is a setting of a thermostat; it cannot be given with --thermostat none')
    return options


def settings_of(options: Mapping[str, Any]) -> RunSettings:
    """Settings of the dynamics."""
    settings = RunSettings(**{name: options[name] for name in DYNAMICS})
    return replace(settings, steps=steps_of(options['time'], settings.timestep))


def build_structure(given: Mapping[str, Any], kind: FileType | None = None) -> tuple[Atoms, dict]:
    """Structure of a run, with its lowest layers held, and its origin.

    Parameters
    ----------
    given : dict
        Options that differ from the defaults and from those of the preset.
    kind : FileType, optional
        Format of the file ``structure`` and elements of its atom types, if the file does not tell them.

    Returns
    -------
    atoms : Atoms
    source : dict
        Everything that determines the structure, as for :func:`ase_mlffvv.jobs.start`.

    Raises
    ------
    ValueError
        Options do not go together.
    """
    from ..structures import add_adatoms, column, cuboid, freeze_bottom, training_cell

    options = complete_options(given)
    given = {**_preset(given), **given}
    freeze = min(HELD, options['substrate_layers']) if options['freeze'] is None else options['freeze']
    if options['structure']:
        from ..io.reading import read_structure
        from .describe import describe_file

        useless, instead = [name for name in ('preset', 'shape', *BUILT) if name in given], '--structure'
        atoms, source = read_structure(options['structure'], kind=kind), describe_file(options['structure'])
        freeze = options['freeze'] or 0
    elif options['shape'] == 'training':
        useless, instead = [name for name in BUILT if name in given], '--shape training'
        atoms, source = training_cell(), {'shape': 'training'}
    else:
        useless, instead, shape = [], '', options['shape']
        if shape not in SHAPES:
            raise ValueError(f'shape must be one of {", ".join(SHAPES)}, got {shape!r}')
        source = {'shape': shape, **{name: options[name] for name in BUILT}}
        sizes = {name: options[name] for name in BUILT if name != 'diameter'}
        if shape == 'column':
            atoms = column(diameter=options['diameter'], **sizes)
        else:
            atoms = cuboid(shape.removeprefix('cuboid-'), side=options['diameter'], **sizes)
    if useless:
        raise ValueError(
            f'{", ".join("--" + name.replace("_", "-") for name in useless)} cannot be given with {instead}, which has '
            'its own sizes'
        )
    if options['preset']:
        source['preset'] = options['preset']
    source.update(freeze=freeze, adatoms=options['adatoms'])
    if options['adatoms']:
        atoms = add_adatoms(atoms, options['adatoms'], seed=options['seed'])
    return freeze_bottom(atoms, freeze) if freeze else atoms, source


def _preset(given):
    """Options of the preset that is given, if any."""
    name = given.get('preset')
    if name is not None and name not in PRESETS:
        raise ValueError(f'preset must be one of {", ".join(PRESETS)}, got {name!r}')
    return PRESETS[name] if name else {}
