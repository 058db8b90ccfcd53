"""Command line: mlffvv run | analyse | fit | evaluate | validate | cut | label | learn | study | compare | ..."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from .. import __version__
from . import (
    analyse,
    compare,
    completion,
    convert,
    cut,
    evaluate,
    export,
    fit,
    info,
    label,
    lammps,
    learn,
    models,
    run,
    streams,
    study,
    validate,
)
from .examples import Formatter, add_examples

COMMANDS = (
    *(run, lammps, analyse, fit, evaluate, validate, cut, label, learn, study, compare, info, models, convert),
    *(export, completion),
)
EXPECTED = (ValueError, OSError, RuntimeError, TypeError, ImportError, MemoryError)  # with messages for the user


def main(argv=None):
    """Run a command and return its exit status.

    Errors are printed to stderr as one line, without a traceback: 1 for those that a user can correct, 70 for faults of
    the program, 130 after Ctrl-C.
    """
    streams.prepare()
    args = parser().parse_args(argv)
    level = logging.DEBUG if args.verbose else logging.INFO
    logging.basicConfig(level=logging.WARNING, format='%(message)s', stream=sys.stderr)
    logging.raiseExceptions = False  # a message that cannot be written is lost, without a traceback
    logging.getLogger('mlffvv').setLevel(level)
    logging.getLogger('ase_mlffvv').setLevel(level)
    try:
        args.run(args)
        sys.stdout.flush()  # report it now if the result cannot be written
    except KeyboardInterrupt as stop:
        return _end(130, f'\n{stop}' if str(stop) else f'\nmlffvv {args.command}: stopped by Ctrl-C')
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except EXPECTED as error:
        if args.verbose:
            raise
        return _end(1, f'mlffvv {args.command}: {_text(error)}')
    except Exception as error:
        if args.verbose:
            raise
        text = f'{type(error).__name__}: {_text(error)}'
        return _end(70, f'mlffvv {args.command}: this should not happen: {text}. Please report it with the traceback '
                    'that the same command with --verbose shows.')  # fmt: skip
    return 0


def parser():
    """Argument parser of all commands."""
    out = argparse.ArgumentParser(prog='mlffvv', description='VV machine-learned force fields for lithium dendrites',
                                  formatter_class=Formatter,
                                  epilog='mlffvv COMMAND --help shows options and examples of a command')  # fmt: skip
    out.add_argument('--version', action='version', version=f'ase-mlffvv {__version__}')
    commands = out.add_subparsers(dest='command', required=True, metavar='command')
    for module in COMMANDS:
        command = module.add(commands)
        add_examples(command.prog.split()[-1], command)
        command.set_defaults(run=module.run, program=out)
        command.add_argument('-v', '--verbose', action='store_true', help='show debug messages and tracebacks')
    return out


def _end(status, message):
    """Print a message, and return the status, also if stdout cannot be written any more."""
    print(message, file=sys.stderr)
    try:
        sys.stdout.flush()
    except (OSError, ValueError):  # else Python tries again at its end, and fails with a traceback
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return status


def _text(error):
    """Message of an error as one line."""
    if isinstance(error, MemoryError) and not str(error):
        return 'there is too little memory'
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"'{error.filename}': {error.strerror}"
    return ' '.join(str(error).split()) or type(error).__name__
