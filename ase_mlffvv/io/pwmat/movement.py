"""Trajectories with labels: MOVEMENT and OUT.MLMD, the ASE format ``pwmat-movement``."""

from __future__ import annotations

import re
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from ...errors import PWmatFileError, PWmatWarning
from .blocks import PER_ATOM, lattice_text, parse, per_atom_text
from .frame import ATOMIC_ENERGY, check, labels, movable, scaled, stress_of_cell, to_atoms, velocities
from .text import CutOff, Place, appending, reading, replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import TextIO


NEEDED = ('force', 'energies')  # in every frame
LABELS = {
    **{name: f'a {name} block' for name in PER_ATOM if name != 'position'},
    'energies': 'Etot,Ep,Ek in the first line', 'time_fs': 'a time', 'iteration': 'an iteration',
    'lattice_stress': 'the stress',
}  # fmt: skip
_FIRST_LINE = re.compile(r'\s*\d+\s+atoms\b', re.IGNORECASE)
_END = ' -------------------------------------------------\n'


def read_pwmat_movement(
    file: str | Path | TextIO, index: int | slice = slice(None), unwrapped: bool = False
) -> Iterator[Atoms]:
    """Frames of a PWmat trajectory, one at a time: no more than one is held in memory.

    Parameters
    ----------
    file : path or text file
    index : int or slice
        Frames that are not asked for are skipped without being understood. Negative numbers take a pass over the file
        to count its frames.
    unwrapped : bool
        Positions of the nonperiodic_Position blocks where the file has them: atoms do not jump by cell vectors.

    Yields
    ------
    Atoms
        The calculator holds ``energy`` (E_p, not E_tot), ``forces`` (minus the "Force" block, which is dE/dR in every
        spelling), ``stress`` (tensile positive, eV/Å^3) and ``energies``: atomic energies, shifted by one number so
        that they sum to the energy, as those of any ASE calculator do and as :func:`ase_mlffvv.fit` needs it when it
        uses both. As written in the file they are in the array ``E_atom``, beside ``E_nonloc`` and ``Q_atom``
        (electrons, or weights), and the constant that completes them to the energy is ``info['dE']``. ``info`` also
        has ``time_fs`` (or ``iteration`` of a relaxation), ``kinetic_energy`` in eV and ``scf_iterations``. Velocities
        become momenta, fixed axes constraints.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    PWmatFileError
        The file is damaged or of another kind. A last frame that is cut off is left out, with a PWmatWarning.
    IndexError
        There is no frame of this number.
    """
    wanted = index if isinstance(index, slice) else slice(index, index + 1 or None)
    start, stop, step = wanted.start or 0, wanted.stop, wanted.step or 1
    with reading(file) as (text, name):
        if min(start, step, 0 if stop is None else stop) < 0:
            beginning = text.tell()
            start, stop, step = wanted.indices(sum(1 for _ in _frames(text, name)))
            text.seek(beginning)
        if step > 0:
            chosen: Iterable = islice(_frames(text, name), start, stop, step)
        else:
            k = range(start, stop, step)
            chosen = list(islice(_frames(text, name), k[-1], k[0] + 1, -step))[::-1] if k else []
        frame = None
        for frame in chosen:
            yield to_atoms(frame(), unwrapped)
        if frame is None and start > 0 and wanted.stop is None:
            raise IndexError(f'{name} has fewer than {start + 1} frames')


@dataclass
class _Frame:
    """Lines of a frame; ``how`` it ended: with dashes, at the next frame, at the end of the file, or cut in a line."""

    lines: list
    place: Place
    how: str

    def blocks(self, needed=()):
        """Blocks of the frame, which must be those of ``needed``; these of the first frame are needed in all others."""
        blocks = parse(self.lines, self.place)
        found = {name for name in LABELS if name in blocks}
        missing = sorted({*NEEDED, *needed} - found)
        if missing:
            names = ', '.join(LABELS[name] for name in missing)
            raise CutOff(f'{self.place}: expected {names} in the frame that begins here, found none')
        if needed and found - set(needed):
            names = ', '.join(LABELS[name] for name in sorted(found - set(needed)))
            raise self.place.error('the same blocks as in the first frame', f'{names}, which the first frame lacks')
        return blocks


def _frames(text, name):
    """Complete frames with their blocks. A last one that is cut off is left out; one before the last is an error.

    Yields
    ------
    callable
        Returns the blocks of the frame. Frames that end with a line of dashes are only understood when it is called.
    """
    needed: set = set()
    for frame in _split(text, name):
        try:
            blocks = None
            if not needed:
                blocks = frame.blocks()
                if frame.how == 'cut':
                    raise CutOff(f'{frame.place}: the only frame ends within a line')
                if frame.how == 'end':
                    hint = 'the only frame does not end with a line of dashes: it may be cut off and lack blocks'
                    warnings.warn(f'{frame.place}: {hint}', PWmatWarning, stacklevel=2)
                needed = {label for label in LABELS if label in blocks}
            elif frame.how != 'dashes':
                blocks = frame.blocks(needed)
        except CutOff as error:
            if not needed:
                hint = "A structure without forces is read with format='pwmat-config'."
                raise CutOff(f'{error}. {name} has no complete frame. {hint}') from None
            if frame.how not in ('end', 'cut'):
                raise
            warnings.warn(f'{error}: the last frame is cut off and left out', PWmatWarning, stacklevel=2)
            return
        yield partial(_blocks, frame, needed, blocks)
    if not needed:
        raise PWmatFileError(f'{name}: expected frames that begin with the number of atoms, found an empty file')


def _blocks(frame, needed, blocks):
    return frame.blocks(needed) if blocks is None else blocks


def _split(text, name):
    """All frames of a file, as lines."""
    lines, first = [], 1
    for number, line in enumerate(text, 1):
        if line.lstrip().startswith('-----'):
            if lines:
                yield _Frame(lines, Place(name, first), 'dashes')
            lines = []
        elif _FIRST_LINE.match(line) or not lines:
            if lines:
                yield _Frame(lines, Place(name, first), 'next')
            lines, first = [line] if line.strip() else [], number
        else:
            lines.append(line)
    if lines:
        whole = lines[-1].endswith('\n')
        yield _Frame(lines if whole else lines[:-1], Place(name, first), 'end' if whole else 'cut')


def write_pwmat_movement(file: str | Path | TextIO, images: Atoms | Iterable[Atoms], append: bool = False) -> None:
    """Write labelled structures as a PWmat trajectory.

    Parameters
    ----------
    file : path or text file
        A file of this name is replaced only when the new one is complete.
    images : Atoms or iterable of Atoms
        Labels are REF_energy, REF_forces, REF_energies, REF_stress, or the results of a calculator. Energy and forces
        are needed. The arrays E_atom, E_nonloc, Q_atom with ``info['dE']`` are written if present, otherwise the atomic
        energies with the constant that completes them to the energy.
    append : bool
        Add to the file.

    Raises
    ------
    ValueError
        A structure lacks energy or forces, or has no volume; names the frame.
    """
    images = [images] if isinstance(images, Atoms) else images
    target = nullcontext(file) if hasattr(file, 'write') else appending(file) if append else replacing(file)
    with target as out:
        for k, atoms in enumerate(images):
            out.write(_frame_text(atoms, k, f'{file} frame {k}'))


def _frame_text(atoms, k, where):
    check(atoms, where)
    label, n, numbers, v = labels(atoms), len(atoms), atoms.numbers, velocities(atoms)
    if label.energy is None or label.forces is None:
        raise ValueError(f'{where}: a MOVEMENT needs energy and forces; set REF_energy and REF_forces or a calculator')
    for name in ('energy', 'forces', 'energies', 'stress'):
        value = getattr(label, name)
        if value is not None and not np.isfinite(value).all():
            raise ValueError(f'{where}: {name} is not finite')
    kinetic = float(atoms.info.get('kinetic_energy', atoms.get_kinetic_energy()))
    if 'iteration' in atoms.info:
        clock = f'Iteration = {atoms.info["iteration"]:.10g}'
    else:
        clock = f'Iteration (fs) = {atoms.info.get("time_fs", k):24.16E}'
    energies = ' '.join(f'{x:24.16E}' for x in (label.energy + kinetic, label.energy, kinetic))
    scf = f', SCF = {atoms.info["scf_iterations"]:5d}' if 'scf_iterations' in atoms.info else ''
    stress = None if label.stress is None else stress_of_cell(label.stress, atoms)
    parts = [
        f'{n:8d} atoms,{clock}, Etot,Ep,Ek (eV) = {energies}{scf}\n',
        f' Lattice vector (Angstrom)\n{lattice_text(atoms.cell, stress)}',
        f' Position (normalized), move_x, move_y, move_z\n{per_atom_text(numbers, scaled(atoms), movable(atoms))}',
        f' Force (-force, eV/Angstrom)\n{per_atom_text(numbers, -label.forces)}',
    ]
    if v is not None:
        parts.append(f' Velocity (bohr/fs)\n{per_atom_text(numbers, v)}')
    columns = [atoms.arrays[name] for name in ATOMIC_ENERGY if name in atoms.arrays]
    constant = atoms.info.get('dE')
    if label.energies is not None and not (columns and np.ptp(label.energies - columns[0]) < 1e-6):
        columns, constant = [label.energies], label.energy - label.energies.sum()  # new labels, not those of the arrays
    if columns:
        title = 'Atomic-Energy, Etot(eV),E_nonloc(eV),Q_atom:dE(eV)='
        constant = '' if constant is None else f'{constant:24.16E}'
        parts.append(f'{title}{constant}\n{per_atom_text(numbers, np.transpose(columns))}')
    return ''.join(parts) + _END
