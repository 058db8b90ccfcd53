"""The command line: one file a command."""

from .main import main, parser

__all__ = ['main', 'parser']
