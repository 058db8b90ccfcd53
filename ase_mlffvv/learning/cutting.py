"""The stage that selects centres in frames and writes their cut-outs to a folder."""

from __future__ import annotations

import csv
import io
import logging
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read, write
from tqdm.auto import tqdm

from ..calculators import VVCalculator
from ..errors import StructureError
from ..io.files import complete
from ..jobs.folder import JobFolder
from ..model.find import find_potential
from .cut_out import cut_out
from .pictures import draw_cut_outs
from .select import select

log = logging.getLogger(__name__)
FILE, CUT_OUTS, TABLE, PICTURE = 'cut.json', 'cut_outs.extxyz', 'cut_outs.csv', 'cut_outs.png'
COLUMNS = ('name', 'frame', 'time', 'centre', 'value', 'novelty', 'atoms', 'n_core', 'removed', 'added',
           'shortest_distance', 'core_force_change', 'grade_core', 'grade_buffer')  # fmt: skip


def cut(frames, folder, *, model=None, by='grade', number=20, size=80, limit=None, apart=7.0, reach=4.5,
        shape='periodic', start=None, source='structures', overwrite=False, threads=None, progress=True):  # fmt: skip
    """Select centres and cut them out. A complete folder is not computed again.

    Parameters
    ----------
    frames : sequence of Atoms
        The table contains ``info['time']`` if present.
    folder : path
        Folder for ``cut_outs.extxyz``, ``cut_outs.csv`` and ``cut_outs.png``.
    model : None, str, Path or VVPotential
    by, number, limit, apart, start, threads
        As for :func:`.select`.
    size, reach, shape
        As for :func:`.cut_out`.
    source : str
        Origin of the frames.
    overwrite : bool
        Begin anew in a folder that holds another job.

    Returns
    -------
    list of Atoms
        The cut-outs, with ``name``, ``parent``, ``frame``, ``time``, ``value`` and ``novelty`` in info in addition to
        the entries of :func:`.cut_out`.

    Raises
    ------
    ValueError
        There are no candidates, or the folder holds a job with different settings.
    StructureError
        None of the centres could be cut out.
    """
    frames = [frames] if isinstance(frames, Atoms) else list(frames)
    potential = find_potential(model)
    for atoms in frames:
        potential.species(atoms.numbers)  # an unknown element is refused before there is a folder
    seen = [*frames, *([] if start is None else [start])]
    identity = {'by': by, 'number': number, 'size': size, 'limit': limit, 'apart': apart, 'reach': reach,
                'shape': shape, 'source': str(source), 'model': potential.digest()}  # fmt: skip
    identity['frames'] = _digest(seen)
    with JobFolder(folder, FILE, identity, what='cut-outs', writes=(CUT_OUTS, TABLE, PICTURE),
                   overwrite=overwrite) as job:  # fmt: skip
        path = job.path / CUT_OUTS
        if path.exists():
            log.info('%s is complete', path)
            return job.verified(path, read, ':')
        chosen = select(frames, potential, number, by=by, limit=limit, apart=apart, start=start, threads=threads)
        calc = VVCalculator(potential, threads=threads, on_extrapolation='ignore')
        out, reasons = [], []
        for choice in tqdm(chosen, desc='cut out', unit='structure', disable=not progress):
            atoms = frames[choice.frame]
            try:
                piece = cut_out(atoms, choice.atom, size=size, shape=shape, reach=reach, calc=calc)
            except StructureError as error:
                reasons.append(f'atom {choice.atom} of frame {choice.frame}: {error}')
                log.warning('left out: %s', reasons[-1])
                continue
            piece.info.update(name=f'{Path(source).stem} frame {choice.frame} atom {choice.atom}', group='cut_outs',
                              parent=str(source), frame=choice.frame, selected_by=by, value=choice.value,
                              novelty=choice.novelty)  # fmt: skip
            if 'time' in atoms.info:
                piece.info['time'] = atoms.info['time']
            out.append(piece)
        if not out:
            raise StructureError(f'none of {len(chosen)} centres could be cut out; {reasons[0]}')
        with complete(job.path / TABLE) as temporary:
            temporary.write_text(table(out))
        with complete(job.path / PICTURE) as temporary:
            draw_cut_outs(out, frames[out[0].info['frame']], temporary)
        with complete(path) as temporary:  # written last, because it marks the folder as complete
            write(temporary, out, format='extxyz')
        job.sign(path)
        return read(path, ':')  # with the digits that a later call reads, so that its labels are the same


def _digest(frames):
    from hashlib import sha256

    found = sha256()
    for atoms in frames:
        for array in (atoms.numbers, atoms.positions, atoms.cell[:], atoms.pbc):
            found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def table(cut_outs):
    """CSV table of cut-outs in Å and eV/Å; the time has the unit of the frames."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator='\n')
    rows.writerow(COLUMNS)
    for atoms in cut_outs:
        D = atoms.get_all_distances(mic=True)
        facts = {**atoms.info, 'atoms': len(atoms), 'shortest_distance': D[np.triu_indices(len(D), 1)].min()}
        rows.writerow([_text(facts.get(name, '')) for name in COLUMNS])
    return out.getvalue()


def _text(value):
    return f'{value:.5g}' if isinstance(value, (float, np.floating)) else value
