"""Write the pages of the API reference: one for each room that has public names, so that no new room is forgotten."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import textwrap
from pathlib import Path

import mlffvv_analysis
from sphinx.util import logging

import ase_mlffvv
from ase_mlffvv.cli import parser

HIDDEN = {'ase_mlffvv', 'ase_mlffvv.cli', 'ase_mlffvv.jit'}  # short names; commands have a page; compilation
MODULES = {  # public modules of rooms, beside the names in __all__ of the room
    'ase_mlffvv.errors': [],
    'ase_mlffvv.dft': ['ase_mlffvv.dft.cavity', 'ase_mlffvv.dft.electrode'],
    'ase_mlffvv.engines': ['ase_mlffvv.engines.evaluator', 'ase_mlffvv.engines.choice', 'ase_mlffvv.engines.grade'],
    'ase_mlffvv.datasets': ['ase_mlffvv.datasets.solvent_set'],
    'ase_mlffvv.io': ['ase_mlffvv.io.datasets', 'ase_mlffvv.io.packed.frames', 'ase_mlffvv.io.convert'],
    'ase_mlffvv.io.pwmat': [
        f'ase_mlffvv.io.pwmat.{name}'
        for name in ('atom_config', 'movement', 'outputs', 'report', 'steps', 'etot_input', 'solvent_input')
    ],
    'ase_mlffvv.pages': ['ase_mlffvv.pages.atoms'],
    'ase_mlffvv.labelling': ['ase_mlffvv.labelling.engines'],
}


def modules_of(package):
    """Names of all modules and packages below a package, without private ones."""
    found = pkgutil.walk_packages(package.__path__, package.__name__ + '.')
    return [module for module in found if not any(part.startswith('_') for part in module.name.split('.'))]


def rooms():
    """Page name: modules that it documents, the room itself first if it has an ``__all__``."""
    pages = {}
    for module in modules_of(ase_mlffvv):
        if module.name in HIDDEN:
            continue
        own = module.ispkg and hasattr(importlib.import_module(module.name), '__all__')
        if own or module.name in MODULES:
            pages[module.name] = [module.name] if own or not MODULES[module.name] else []
            pages[module.name] += MODULES.get(module.name, [])
    pages['mlffvv_analysis'] = [module.name for module in modules_of(mlffvv_analysis)]
    return pages


def public_names(module):
    """Names of ``__all__`` of a module; without one, those of the functions and classes that it defines."""
    module = importlib.import_module(module)
    if hasattr(module, '__all__'):
        return list(module.__all__)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith('_') and name != 'main' and getattr(value, '__module__', None) == module.__name__
    ]


def directive(module, name):
    """Directive of autodoc for a name: the place where it is imported from is the one that users write."""
    value = getattr(importlib.import_module(module), name)
    if inspect.isclass(value):
        return [f'.. autoclass:: {module}.{name}', '   :members:', '']
    if callable(value):
        return [f'.. autofunction:: {module}.{name}', '']
    return [f'.. py:data:: {name}', f'   :value: {textwrap.shorten(repr(value), 200, placeholder=" ...")}', '']


def homes():
    """Module and name of each object that the reference describes; each is described once, in the deepest room."""
    found = {}
    for modules in rooms().values():
        for module in modules:
            for name in public_names(module):
                value = getattr(importlib.import_module(module), name)
                key = id(value) if callable(value) else (module, name)
                if key not in found or (module.startswith(found[key][0] + '.') and module in rooms()):
                    found[key] = module, name
    return set(found.values())


def page(title, modules, described):
    """Text of a page."""
    lines = [f'# `{title}`', '']
    for module in modules:
        if module != title:
            lines += [f'## `{module}`', '']
        lines += ['```{eval-rst}', f'.. automodule:: {module}', '']
        for name in public_names(module):
            if (module, name) in described:
                lines += directive(module, name)
        lines += ['```', '']
    return '\n'.join(lines)


def write_pages(app):
    """Write ``docs/api``."""
    folder = Path(app.srcdir) / 'api'
    folder.mkdir(exist_ok=True)
    described = homes()
    pages = {f'{title}.md': page(title, modules, described) for title, modules in rooms().items()}
    for path in folder.glob('*.md'):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        write_if_new(folder / name, text)


def commands_page():
    """Text of the page of all commands: what ``--help`` prints."""
    os.environ['COLUMNS'] = '110'
    found = parser()
    commands = next(action.choices for action in found._actions if isinstance(action.choices, dict))
    lines = ['# Commands', '', 'What `mlffvv COMMAND --help` prints, for every command.', '']
    for name, command in sorted(commands.items()):
        lines += [f'## `mlffvv {name}`', '', '```text', command.format_help().strip(), '```', '']
    return '\n'.join(lines)


def copy_pages(app):
    """Copy notebooks and cards, which stand beside the code, and write the page of commands."""
    source = Path(app.srcdir)
    groups = {'tutorials': source.parent / 'tutorials', 'potentials': source.parent / 'ase_mlffvv' / 'potentials'}
    for name, suffix in (('tutorials', '.ipynb'), ('potentials', '.md')):
        (source / name).mkdir(exist_ok=True)
        for path in groups[name].glob(f'*{suffix}'):
            write_if_new(source / name / path.name, path.read_text())
    write_if_new(source / 'reference' / 'commands.md', commands_page())


def write_if_new(path, text):
    """Write a file, which keeps its time if the text has not changed, so that a second build is short."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def check_names(app, env):
    """Warn of public names without an entry."""
    entries = env.get_domain('py').objects
    for module, name in sorted(homes()):
        if f'{module}.{name}' not in entries:
            logging.getLogger(__name__).warning('%s.%s is public and has no entry in the API reference', module, name)


def setup(app):
    """Register with Sphinx."""
    app.connect('builder-inited', write_pages)
    app.connect('builder-inited', copy_pages)
    app.connect('env-check-consistency', check_names)
    return {'parallel_read_safe': True}
