"""Options and helpers shared by several commands."""

from __future__ import annotations

import json

MACHINE = {'device': 'cpu', 'engine': 'auto', 'threads': None}


def add_machine(p):
    """Add the options for the evaluation of a model: device, engine and threads; see :func:`machine`."""
    p.add_argument('--device', metavar='{cpu,cuda}', help='where the model is evaluated (default: cpu)')
    p.add_argument('--engine', choices=('auto', 'numba', 'torch', 'cuda'), help='implementation that '
                   'evaluates the model (default: auto)')  # fmt: skip
    p.add_argument('--threads', type=int, help='number of CPU threads (default: all processors)')


def machine(args):
    """Device, engine and threads as arguments of a calculator."""
    return {name: default if getattr(args, name) is None else getattr(args, name) for name, default in MACHINE.items()}


def add_overwrite(p, what):
    """Add the option that permits existing output to be replaced; ``what`` is its help text."""
    p.add_argument('--overwrite', action='store_true', help=what)


def add_file_type(p):
    """Add the options that describe a file of structures."""
    p.add_argument('--format', metavar='NAME', help="format of the file in ASE ('ase info --formats'), if it is not "
                   'recognized')  # fmt: skip
    p.add_argument('--types', nargs='+', default=[], metavar='ELEMENT', help='elements of the atom types 1, 2, ... of '
                   'files of LAMMPS, e.g. Li')  # fmt: skip


def file_type(args):
    """The :class:`.FileType` that the options describe."""
    from ..io.reading import FileType

    return FileType(args.format, tuple(args.types))


def refuse_together(args, option, others, why):
    """Raise ValueError if ``option`` was given together with one of ``others`` (names as in ``args``)."""
    given = [name for name in others if getattr(args, name) not in (None, False, [], ())]
    if given and getattr(args, option) not in (None, False, [], ()):
        names = ', '.join('--' + name.replace('_', '-') for name in given)
        raise ValueError(f'{names} cannot be given with --{option.replace("_", "-")}: {why}')


def key_values(words):
    """Convert ``['a=1', 'b=[2, 3]', 'c=x']`` to a dict; values that are not valid JSON are taken as text."""
    out = {}
    for word in words:
        key, sign, value = word.partition('=')
        if not (sign and key):
            raise ValueError(f"expected KEY=VALUE, got '{word}'")
        if key in out:
            raise ValueError(f"'{key}' is given twice")
        try:
            out[key] = json.loads(value)
        except (json.JSONDecodeError, RecursionError):
            out[key] = value
    return out
