"""Command line: mlffvv run | analyse | fit | evaluate | validate | cut | label | learn | study | compare | info."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from .. import __version__
from . import analyse, compare, cut, evaluate, fit, info, label, learn, run, study, validate

COMMANDS = (run, analyse, fit, evaluate, validate, cut, label, learn, study, compare, info)


def main(argv=None):
    """Run a command and return its exit status.

    Errors that a user can correct are printed to stderr as one line, without a traceback.
    """
    args = parser().parse_args(argv)
    level = logging.DEBUG if args.verbose else logging.INFO
    logging.basicConfig(level=logging.WARNING, format='%(message)s', stream=sys.stderr)
    logging.getLogger('mlffvv').setLevel(level)
    logging.getLogger('ase_mlffvv').setLevel(level)
    try:
        args.run(args)
    except KeyboardInterrupt as stop:
        print(f'\n{stop or "stopped"}', file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, RuntimeError, TypeError, ImportError) as error:
        if args.verbose:
            raise
        print(f'mlffvv {args.command}: {error}', file=sys.stderr)
        return 1
    return 0


def parser():
    """Argument parser of all commands."""
    out = argparse.ArgumentParser(prog='mlffvv', description='VV machine-learned force fields for lithium dendrites')
    out.add_argument('--version', action='version', version=f'ase-mlffvv {__version__}')
    commands = out.add_subparsers(dest='command', required=True, metavar='command')
    for module in COMMANDS:
        command = module.add(commands)
        command.set_defaults(run=module.run)
        command.add_argument('-v', '--verbose', action='store_true', help='show debug messages and tracebacks')
    return out
