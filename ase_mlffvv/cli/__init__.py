"""The command line: one file a command."""

import os
import signal
import threading

__all__ = ['main', 'parser']


def main(argv=None):
    """Run a command and return its exit status; see :func:`ase_mlffvv.cli.program.main`.

    Until all is imported, which takes some tenths of a second, Ctrl-C ends the process at once and without a traceback.
    """
    usual = signal.default_int_handler
    early = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is usual
    if early:
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    try:
        from .program import main as run
    finally:
        if early:
            signal.signal(signal.SIGINT, usual)
    return run(argv)


def parser():
    """Argument parser of all commands."""
    from .program import parser as make

    return make()
