"""Available memory, and the check that a structure fits into it before work starts."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import InsufficientMemoryError


def available_memory():
    """Bytes that this process may still allocate, limited by the machine and its control groups; None if unknown."""
    found = [_of_machine(), *_of_groups()]
    return min((x for x in found if x is not None), default=None)


def check_memory(needed, n_atoms, n_neighbors):
    """Raise InsufficientMemoryError if ``needed`` bytes are not available for ``n_atoms`` with ``n_neighbors`` each."""
    available = available_memory()
    if available is not None and needed > available:
        raise InsufficientMemoryError(
            f'{n_atoms} atoms with {n_neighbors:.0f} neighbors each need {needed / 1e9:.3g} GB, and '
            f'{available / 1e9:.3g} GB are available. Use a potential with a shorter cutoff (li-pbe-2-fast), a smaller '
            'skin, fewer atoms, or a machine with more memory.'
        )


def _of_machine():
    try:
        for line in Path('/proc/meminfo').read_text().splitlines():
            if line.startswith('MemAvailable:'):
                return int(line.split()[1]) * 1024
        return os.sysconf('SC_AVPHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')
    except (OSError, ValueError, AttributeError):  # not Linux
        return None


def _of_groups():
    """Memory left in those control groups (versions 2 and 1) of this process that have a limit."""
    try:
        groups = [line.split(':', 2) for line in Path('/proc/self/cgroup').read_text().splitlines()]
    except OSError:
        return
    for _, controllers, path in groups:
        if controllers == '':
            root, names = Path('/sys/fs/cgroup'), ('memory.max', 'memory.current')
        elif 'memory' in controllers.split(','):
            root, names = Path('/sys/fs/cgroup/memory'), ('memory.limit_in_bytes', 'memory.usage_in_bytes')
        else:
            continue
        for folder in (root / path.lstrip('/'), root):
            try:
                limit, used = ((folder / name).read_text().strip() for name in names)
                yield int(limit) - int(used)
            except (OSError, ValueError):  # another layout, or no limit ('max')
                continue
