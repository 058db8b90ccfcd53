"""Available memory, and checks that structures and searches for pairs fit into it before work starts."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np

from .errors import InsufficientMemoryError, StructureError

MOST_NEIGHBORS = 100_000  # of an atom; in lithium these are all atoms within 80 Å
_SMALL = 1_000_000  # bytes that are not worth a look at the system's files, which takes longer than a small search
_PER_POINT = 100  # bytes of a search for each atom and each periodic image within the cutoff
_PER_GRID_POINT = 120  # bytes: some 15 fields in float64
_PER_ATOM = 150  # bytes of an Atoms object


def available_memory():
    """Bytes that this process may still allocate, limited by the machine and its control groups; None if unknown."""
    found = [_of_machine(), *_of_groups()]
    return min((x for x in found if x is not None), default=None)


def check_memory(needed, n_atoms, n_neighbors):
    """Raise InsufficientMemoryError if ``needed`` bytes are not available for ``n_atoms`` with ``n_neighbors`` each."""
    if needed < _SMALL:
        return
    available = available_memory()
    if available is not None and needed > available:
        raise InsufficientMemoryError(
            f'{n_atoms} atoms with {n_neighbors:.0f} neighbors each need {needed / 1e9:.3g} GB, and '
            f'{available / 1e9:.3g} GB are available. Use a potential with a shorter cutoff (li-pbe-2-fast), a smaller '
            'skin, fewer atoms, or a machine with more memory.'
        )


def check_n_atoms(n_atoms, hint):
    """Raise InsufficientMemoryError if a structure with this number of atoms cannot be built; ``hint`` is a remedy."""
    n_atoms, available = float(min(n_atoms, 10**100)), available_memory()
    if available is not None and n_atoms * _PER_ATOM > available:
        raise InsufficientMemoryError(
            f'the structure would have {n_atoms:.3g} atoms, which need {n_atoms * _PER_ATOM / 1e9:.3g} GB, and '
            f'{available / 1e9:.3g} GB are available. {hint}'
        )


def check_matrix(n_functions):
    """Raise InsufficientMemoryError if the normal equations of a fit with this number of functions do not fit."""
    needed, available = 3 * 8 * n_functions**2, available_memory()
    if available is not None and needed > available:
        raise InsufficientMemoryError(
            f'the normal equations of {n_functions} functions need {needed / 1e9:.3g} GB, and {available / 1e9:.3g} GB '
            'are available. Use fewer terms (or more loops, each with fewer candidates) or fewer features.'
        )


def check_grid(shape, spacing):
    """Raise InsufficientMemoryError if the fields on a grid of ``shape`` points (``spacing`` in Å) do not fit."""
    points, available = math.prod(shape), available_memory()
    needed = points * _PER_GRID_POINT
    if available is not None and needed > available:
        raise InsufficientMemoryError(
            f'a grid of {" x ".join(map(str, shape))} points needs {needed / 1e9:.3g} GB, and {available / 1e9:.3g} GB '
            f'are available. Use a smaller cell or a larger spacing than {spacing:g} Å.'
        )


def check_search(positions, cell, pbc, cutoff, bytes_per_pair=5):
    """Raise an error, before any work, if a search for all pairs within ``cutoff`` would take too much memory.

    Parameters
    ----------
    positions : ndarray, shape (n_atoms, 3), Å
    cell : ndarray, shape (3, 3), Å
        Rows are the cell vectors; those of non-periodic directions are any that complete the others to a basis.
    pbc : ndarray, shape (3,), bool
    cutoff : float, Å
    bytes_per_pair : float

    Raises
    ------
    StructureError
        Atoms would have more than :data:`MOST_NEIGHBORS` neighbors.
    InsufficientMemoryError
        The list would not fit into memory.
    """
    if len(positions) == 0:
        return
    neighbors, images = estimate(positions, cell, pbc, cutoff)
    if neighbors > MOST_NEIGHBORS:
        where = f'the cell {np.round(np.asarray(cell)[pbc], 6).tolist()}' if pbc.any() else 'the structure'
        raise StructureError(
            f'each of {len(positions)} atoms in {where} would have about {neighbors:.3g} neighbors within '
            f'{cutoff:g} Å, and {MOST_NEIGHBORS} are allowed. Use a larger cell or a shorter cutoff or skin.'
        )
    needed = len(positions) * (neighbors * bytes_per_pair + images * _PER_POINT)
    check_memory(needed, len(positions), neighbors)


def estimate(positions, cell, pbc, cutoff):
    """Mean number of neighbors of an atom, and number of its periodic images within reach of the structure.

    The atoms are taken to fill the cell (along directions that are not periodic, the space between the outermost
    atoms) uniformly.
    """
    inverse = np.linalg.inv(cell)
    heights = 1 / np.linalg.norm(inverse, axis=0)
    scaled = positions @ inverse
    extent = np.where(pbc, 1.0, np.ptp(scaled, axis=0))  # of the atoms, in cell vectors
    inside = np.where(pbc, 2 * cutoff, np.minimum(extent * heights, 2 * cutoff))  # part of the sphere that is filled
    with np.errstate(over='ignore'):
        images = float(np.where(pbc, 1 + 2 * cutoff / heights, 1.0).prod())
        inside = float(min(4 / 3 * math.pi * np.float64(cutoff) ** 3, np.maximum(inside, 1e-9).prod()))
    volume = abs(float(np.linalg.det(cell))) * float(np.maximum(extent * heights, 1e-9).prod() / heights.prod())
    return min(len(positions) * inside / volume, len(positions) * images), images


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
