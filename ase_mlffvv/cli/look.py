"""The command that shows a file in ase gui on this machine."""

from __future__ import annotations

import os
import shlex
import sys
from ctypes.util import find_library
from importlib.util import find_spec


def gui_command(path) -> str:
    """``ase gui PATH``, with the graphs of matplotlib in Tk where Qt would end with an error dialog.

    OVITO brings Qt, which matplotlib then prefers. Qt 6.5 and later need the library libxcb-cursor under X11, which
    few systems have: ``ase gui`` opens, and shows "Plotting failed" instead of the energies.
    """
    command = f'ase gui {shlex.quote(str(path))}'
    if sys.platform != 'linux' or 'MPLBACKEND' in os.environ or find_spec('PySide6') is None:
        return command
    return command if find_library('xcb-cursor') else f'MPLBACKEND=TkAgg {command}'
