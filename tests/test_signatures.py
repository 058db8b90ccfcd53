"""Signatures of public names have types, which mypy checks in ``make lint`` and users' tools read (py.typed)."""

import importlib
import inspect
import pkgutil
from pathlib import Path

import mlffvv_analysis
import pytest

ROOT = Path(__file__).parents[1]
PUBLIC = [
    *(f'mlffvv_analysis.{module.name}' for module in pkgutil.iter_modules(mlffvv_analysis.__path__)),
    'ase_mlffvv.dft.gpaw:GPAWSolvent.__init__',
    'ase_mlffvv.dft.pwmat:PWmat',
    'ase_mlffvv.dft.solvent:Solvent',
    'ase_mlffvv.io.datasets:read_frames',
    'ase_mlffvv.io.packed.frames:read_mlffvv_packed',
    'ase_mlffvv.io.packed.frames:write_mlffvv_packed',
    'ase_mlffvv.io.pwmat.atom_config',
    'ase_mlffvv.io.pwmat.etot_input',
    'ase_mlffvv.io.pwmat.movement',
    'ase_mlffvv.io.pwmat.outputs',
    'ase_mlffvv.io.pwmat.report',
    'ase_mlffvv.io.pwmat.solvent_input',
    'ase_mlffvv.io.pwmat.steps',
    'ase_mlffvv.model.find',
    'ase_mlffvv.model.potential:VVPotential',
    'ase_mlffvv.model.spec:VVSpec',
    'ase_mlffvv.neighbors:pair_list',
    'ase_mlffvv.calculators:VVCalculator',
    'ase_mlffvv.calculators:VVCalculator.__init__',
    'ase_mlffvv.calculators:CommitteeCalculator.__init__',
    'ase_mlffvv.datasets.solvent_set:load',
    'ase_mlffvv.export.lammps.fix:attach',
    'ase_mlffvv.export.lammps.mliap:save_mliap',
    'ase_mlffvv.export.lammps.simulation:Simulation.__init__',
    'ase_mlffvv.export.lammps.write:write_input',
    'ase_mlffvv.fitting:Dataset.__init__',
    'ase_mlffvv.fitting:accuracy',
    'ase_mlffvv.fitting:add_uncertainty',
    'ase_mlffvv.fitting:differences',
    'ase_mlffvv.fitting:fit',
    'ase_mlffvv.fitting:normal_matrix',
    'ase_mlffvv.fitting:refit',
    'ase_mlffvv.fitting:reliability',
    'ase_mlffvv.jobs:read_log',
    'ase_mlffvv.jobs:read_settings',
    'ase_mlffvv.jobs:resume',
    'ase_mlffvv.jobs:start',
    'ase_mlffvv.jobs:summary',
    'ase_mlffvv.labelling:label',
    'ase_mlffvv.md:Dynamics.__init__',
    'ase_mlffvv.md:Dynamics.run',
    'ase_mlffvv.md:Samples.__init__',
    'ase_mlffvv.md:minimise',
    'ase_mlffvv.properties:validate',
    *(
        f'ase_mlffvv.structures.{name}'
        for name in ('adatoms', 'bicrystals', 'clusters', 'crystals', 'dendrites', 'slabs')
    ),
]


def functions(name):
    """Public functions of a module, public methods of a class, or the function itself."""
    module, _, path = name.partition(':')
    thing = importlib.import_module(module)
    for part in path.split('.') if path else ():
        thing = getattr(thing, part)
    if inspect.isfunction(thing):
        return {name: thing}
    home = getattr(thing, '__module__', module)
    own = {key: getattr(value, '__func__', value) for key, value in vars(thing).items() if not key.startswith('_')}
    return {key: value for key, value in own.items() if inspect.isfunction(value) and value.__module__ == home}


def missing(function):
    parameters = inspect.signature(function).parameters
    names = [p.name for p in parameters.values() if p.annotation is p.empty and p.name not in ('self', 'cls')]
    returns = inspect.signature(function).return_annotation is inspect.Signature.empty
    return names + ['return'] * (returns and function.__name__ != '__init__')


@pytest.mark.parametrize('name', PUBLIC)
def test_public_signatures_are_annotated(name):
    found = {key: missing(function) for key, function in functions(name).items()}
    assert not {key: names for key, names in found.items() if names}


def test_what_is_missing_is_found():
    def half(a, b: int) -> None: ...

    assert missing(half) == ['a']


@pytest.mark.parametrize('package', ['ase_mlffvv', 'analysis'])
def test_packages_say_that_they_are_typed(package):
    assert (ROOT / package / 'py.typed').exists()
    assert f'{package.replace("analysis", "mlffvv_analysis")} = py.typed' in (ROOT / 'setup.cfg').read_text()
