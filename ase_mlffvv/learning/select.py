"""Selection of atoms in frames of large runs whose surroundings are new and differ from one another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.geometry import find_mic

from ..checks import check_choice, check_number, check_threads, check_whole
from ..engines.grade import require_uncertainty
from ..jit import available_threads
from ..kernels.cpu.cosine import make_system
from ..kernels.fit.project import raw_features
from ..kernels.fit.uncertainty import UncertaintyEngine
from ..kernels.shared.tables import feature_tables
from ..model.find import find_potential
from ..neighbors import pair_list

CRITERIA = ('grade', 'change')
SHARE = 0.02  # fraction of all atoms that are candidates if no limit of the change is given


@dataclass(frozen=True)
class Choice:
    """A centre for a cut-out.

    Attributes
    ----------
    frame : int
    atom : int
    value : float
        Grade, or change of the feature vector in standard deviations of the training data.
    novelty : float
        What remains of ``value`` once all earlier choices are known.
    """

    frame: int
    atom: int
    value: float
    novelty: float


def select(frames, model=None, number=20, *, by='grade', limit=None, apart=7.0, start=None, threads=None):
    """Choose centres of cut-outs.

    Candidates are atoms with a value above the limit. They are chosen greedily. First the candidate with the largest
    value is taken. Its row and those of the atoms within half of ``apart`` around it are added to the information
    matrix, which reduces the values of all atoms with similar surroundings. Then the next candidate is chosen in the
    same way.

    Parameters
    ----------
    frames : sequence of Atoms
    model : None, str, Path or VVPotential
        ``'grade'`` requires a model with an uncertainty.
    number : int
        Number of choices. The result is shorter if there are not enough candidates.
    by : {'grade', 'change'}
        ``'grade'`` is the extrapolation grade. ``'change'`` is the distance of the feature vector of the atom from that
        at the start of the run, with each component in units of its standard deviation over the training data. This is
        the criterion of W. Zhang et al., Adv. Energy Mater. 13, 2202892 (2023).
    limit : float, optional
        Candidates have a larger value. The default is 1 for the grade and the 98th percentile for the change.
    apart : float, Å
        Smallest distance between choices in the same frame.
    start : Atoms, optional
        Start of the run for ``'change'``, with the same atoms in the same order. The default is the first frame.
    threads : int, optional

    Returns
    -------
    list of Choice
        In the order of choice.

    Raises
    ------
    ValueError
        No atom is a candidate, or the frames and the start contain different atoms.
    CalculatorSetupError
        The model has no uncertainty.
    """
    frames = [frames] if isinstance(frames, Atoms) else list(frames)
    check_choice(by, 'by', CRITERIA)
    number = check_whole(number, 'number', 'cut-outs', low=1)
    check_number(apart, 'apart', 'Å', low=0)
    check_threads(threads)
    if limit is not None:
        check_number(limit, 'limit', low=0)
    if not frames:
        raise ValueError('there are no frames to select from')
    potential = find_potential(model)
    if by == 'grade':
        rows = grade_rows(frames, potential, threads)
        limit = 1.0 if limit is None else limit
    else:
        rows = change_rows(frames, frames[0] if start is None else start, potential, threads)
    values = [np.sqrt((y**2).sum(axis=1)) for y in rows]
    if limit is None:
        limit = float(np.quantile(np.concatenate(values), 1 - SHARE))
    keys = [(k, i) for k, value in enumerate(values) for i in np.flatnonzero(value > limit)]
    if not keys:
        raise ValueError(
            f'no atom of {len(frames)} frames has a {by} above {limit:.3g}: the largest is '
            f'{max(value.max(initial=0.0) for value in values):.3g}. Use a lower limit, or more or later frames.'
        )
    known = 1.0 if by == 'grade' else max(float(np.median(np.concatenate(values))), 1e-9)
    candidates = np.concatenate([rows[k][i][None] for k, i in keys])
    return _greedy(frames, keys, candidates, number, apart, known)


def grade_rows(frames, model=None, threads=None):
    """Draws of each atom, scaled so that the norm of a row is the grade: a list of arrays (n_atoms, n_draws)."""
    potential = find_potential(model)
    require_uncertainty(potential)
    engine = UncertaintyEngine(potential, threads)
    out = []
    for atoms in frames:
        y = np.zeros((len(atoms), potential.uncertainty[0].draws.shape[1]))
        for t, index, draws in engine.draws(*_system(atoms, potential, threads)):
            y[index] = draws / (engine.largest[t] * np.sqrt(draws.shape[1]))
        out.append(y)
    return out


def change_rows(frames, start, model=None, threads=None):
    """Change of the scaled components of each atom since the start: a list of arrays (n_atoms, n_components)."""
    potential = find_potential(model)
    for k, atoms in enumerate(frames):
        if len(atoms) != len(start) or (atoms.numbers != start.numbers).any():
            raise ValueError(
                f'frame {k} has {len(atoms)} atoms and does not belong to the start with {len(start)}: the change of '
                "surroundings needs the same atoms in the same order. Give their own start, or select by 'grade'."
            )
    first = components(start, potential, threads)
    scale = np.sqrt(first.shape[1])
    return [(components(atoms, potential, threads) - first) / scale for atoms in frames]


def components(atoms, model=None, threads=None):
    """Scaled components of the features of each atom, (n_atoms, n); of order one over the training data."""
    potential = find_potential(model)
    tables = feature_tables(potential)
    species, positions, cell, pairs = _system(atoms, potential, threads)
    cutoff = max(max(family.cutoff) for family in potential.features)
    f = raw_features(tables, cutoff, make_system(species, positions, cell, pairs), threads or available_threads())
    out = np.zeros((len(atoms), max(block.n for block in potential.blocks)))
    for t, block in enumerate(potential.blocks):
        mine = species == t
        out[mine, : block.n] = (f[mine][:, : potential.n_features(t)] @ block.projection - block.shift) * block.scale
    return out


def _system(atoms, potential, threads):
    """Species, positions, cell and pairs of a structure."""
    cell = np.where(atoms.pbc[:, None], atoms.cell[:], 0.0)
    return (
        potential.species(atoms.numbers),
        atoms.positions,
        cell,
        pair_list(atoms.positions, cell, atoms.pbc, potential.cutoff, threads),
    )


def _greedy(frames, keys, rows, number, apart, known):
    """Choose in turn the candidate whose row has the largest remaining norm.

    ``rows @ rows.T`` is the covariance of the candidates. A choice with row y corresponds to an observation with
    standard deviation ``known``, which shrinks the rows along y. This is the square-root form of the update of a
    covariance matrix.
    """
    value = np.sqrt((rows**2).sum(axis=1))
    frame, atom = np.array(keys).T
    free = np.ones(len(keys), bool)
    out = []
    while len(out) < number and free.any():
        novelty = np.where(free, (rows**2).sum(axis=1), -1.0)
        best = int(novelty.argmax())
        out.append(Choice(int(frame[best]), int(atom[best]), float(value[best]), float(np.sqrt(novelty[best]))))
        same = np.flatnonzero(frame == frame[best])
        atoms = frames[frame[best]]
        distance = find_mic(atoms.positions[atom[same]] - atoms.positions[atom[best]], atoms.cell, atoms.pbc)[1]
        free[same[distance < apart]] = False
        free[best] = False
        for k in [best, *same[(distance <= apart / 2) & (same != best)]]:
            norm = np.linalg.norm(rows[k])
            if norm > 0:
                direction = rows[k] / norm
                rows -= np.outer(rows @ direction, (1 - known / np.hypot(known, norm)) * direction)
    return out
