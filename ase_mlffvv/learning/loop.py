"""The loop: explore, cut out, label, verify and fit again. Each stage has a folder, and finished stages are kept."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from time import perf_counter

import numpy as np
from ase.io import read, write
from ase.md.velocitydistribution import thermalize_momenta

from ..checks import check_choice, check_number, check_seed, check_temperature, check_timestep, check_whole
from ..errors import DatasetError
from ..fitting import NormalMatrix, normal_matrix, refit
from ..fitting.rows import as_weights
from ..io.datasets import read_frames
from ..io.files import complete, load_json, save_json, save_text
from ..io.identity import digest_of, digest_of_file
from ..jobs.folder import JobFolder
from ..labelling import label
from ..md import Dynamics, Langevin
from ..model.find import find_potential
from ..structures import freeze_bottom
from .cut_out import LONGEST_REACH
from .cutting import cut
from .loop_report import report
from .select import CRITERIA
from .verify import core_errors, grade_statistics

log = logging.getLogger(__name__)
FILE, RECIPE, MODEL, NORMAL, ROUND, FAILED = (
    'learn.json',
    'recipe.json',
    'model.vv',
    'normal.npz',
    'round.json',
    'all_failed.json',
)


@dataclass(frozen=True)
class Recipe:
    """Settings of a loop, read from a JSON file with these entries.

    Attributes
    ----------
    structures : list of dict
        Exploratory runs, each with ``file`` (relative to the folder), ``temperature`` (K), ``time`` (ps), and
        optionally ``timestep`` (fs, default 2), ``frames`` (default 2) and ``freeze`` (number of fixed atomic layers
        at the bottom, default 0).
    calculator : str
        Calculator of the labels: 'gpaw', 'vv', 'emt' or 'module:function'.
    settings : dict
        Settings of the calculator.
    processes : int
        Number of calculations that run at the same time.
    model : str, optional
        Initial model.
    train : str, optional
        File with the labelled structures to which the initial model was fitted. They are included in each refit and
        in the uncertainty of each new model.
    rounds : int
        Number of rounds with a refit. One more round is explored and labelled to verify the last model.
    select : {'grade', 'change'}
        Criterion of :func:`.select`. ``'change'`` requires a single exploratory run.
    limit : float, optional
        As for :func:`.select`.
    number, size : int
        Number of cut-outs per round, and number of atoms in each.
    reach : float, Å
        As for :func:`.cut_out`.
    buffer_weight : float
        Weight of the labels of atoms outside the core.
    ridge : float
    weights : dict
        As for :func:`.refit`. Use ``{'energies': 0}`` if the labels divide the energy among atoms differently than the
        model does.
    seed : int
    """

    structures: list
    calculator: str
    settings: dict = field(default_factory=dict)
    processes: int = 1
    model: str | None = None
    train: str | None = None
    rounds: int = 2
    select: str = 'grade'
    limit: float | None = None
    number: int = 10
    size: int = 80
    reach: float = 4.5
    buffer_weight: float = 1.0
    ridge: float = 1e-4
    weights: dict = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self):
        for name, low in (('processes', 1), ('rounds', 0), ('number', 1), ('size', 2)):
            check_whole(getattr(self, name), name, low=low)
        check_choice(self.select, 'select', CRITERIA)
        check_number(self.reach, 'reach', 'Å', above=0, high=LONGEST_REACH)
        check_number(self.buffer_weight, 'buffer_weight', low=0)
        check_number(self.ridge, 'ridge', low=0)
        check_seed(self.seed)
        as_weights(self.weights)
        if self.limit is not None:
            check_number(self.limit, 'limit', low=0)
        for k, run in enumerate(self.structures):
            run = {**_RUN, **run}
            check_temperature(run['temperature'], f'temperature of structures[{k}]')
            check_timestep(run['timestep'], f'timestep of structures[{k}]')
            check_number(run['time'], f'time of structures[{k}]', 'ps', above=0)
            check_whole(run['frames'], f'frames of structures[{k}]', low=1)
            check_whole(run['freeze'], f'freeze of structures[{k}]', 'atomic layers', low=0)

    @classmethod
    def read(cls, path):
        """Read a recipe from a JSON file.

        Raises
        ------
        FileNotFoundError
        ValueError
            The file is not JSON, or entries are missing, unknown or of the wrong type.
        """
        if not Path(path).exists():
            raise FileNotFoundError(f"'{path}' does not exist; it holds what the loop does, see {cls.__name__}")
        data = load_json(path)
        known = [f.name for f in fields(cls)]
        unknown = sorted(set(data) - set(known))
        missing = [name for name in ('structures', 'calculator') if not data.get(name)]
        if unknown or missing:
            raise ValueError(
                f"'{path}': {'unknown entries ' + ', '.join(unknown) if unknown else ''}"
                f'{"missing entries " + ", ".join(missing) if missing else ""}; known are {", ".join(known)}'
            )
        wrong = [name for name, kind in _TYPES.items() if not isinstance(data.get(name, kind()), kind)]
        if wrong:
            raise ValueError(f"'{path}': {wrong[0]} must be a {_TYPES[wrong[0]].__name__}, got {data[wrong[0]]!r}")
        for run in data['structures']:
            if not isinstance(run, dict):
                raise ValueError(f"'{path}': entries of structures must be dicts, got {run!r}")
            wrong = {'file', 'temperature', 'time'} - set(run) | set(run) - set(_RUN) - {'file', 'temperature', 'time'}
            if wrong:
                raise ValueError(f"'{path}': missing or unknown {', '.join(sorted(wrong))} in structures: {run}")
        for name in filter(None, [*(run['file'] for run in data['structures']), data.get('train')]):
            if not isinstance(name, str) or Path(name).is_absolute() or '..' in Path(name).parts:
                raise ValueError(
                    f"'{path}': files are named relative to its folder and lie inside of it, got {name!r}. Copy the "
                    'file into the folder, or put a link to it there.'
                )
        if data.get('select') == 'change' and len(data['structures']) > 1:
            raise ValueError(f"'{path}': select 'change' compares with the start of one run; give one of structures")
        return cls(**data)


_RUN = {'timestep': 2.0, 'frames': 2, 'freeze': 0}
_TYPES = {'structures': list, 'calculator': str, 'settings': dict, 'weights': dict}


def learn(folder, progress=True):
    """Run the loop of ``folder/recipe.json``, or continue it.

    Parameters
    ----------
    folder : path
        Folder of the loop. The stages of each round and, after a refit, ``model.vv`` are written to ``loop/round_N``,
        and a summary to ``report.html``.
    progress : bool

    Returns
    -------
    list of dict
        One dict per round, with ``errors`` of the previous model on the cores of the cut-outs, to which that model was
        not fitted; ``grades`` of the frames before and, after a refit, ``grades_after``; ``structures`` and
        ``seconds``. A round without candidates is the last one; its entry ``converged`` contains the reason.

    Raises
    ------
    ValueError
        The recipe is invalid, or differs from that of an earlier call.
    RuntimeError
        No structure of a round could be labelled.
    """
    folder = Path(folder)
    recipe = Recipe.read(folder / RECIPE)
    identity = {**asdict(recipe), 'files': {name: digest_of_file(folder / name) for name in _files(recipe)},
                'start': find_potential(_model(folder, recipe.model)).digest()}  # fmt: skip
    identity.pop('processes')
    with JobFolder(folder / 'loop', FILE, identity, what='a loop') as job:
        rounds = []
        for k in range(recipe.rounds + 1):
            rounds.append(_round(job, folder, recipe, k, progress))
            report(folder, recipe, rounds)
            if 'converged' in rounds[-1]:
                break
    return rounds


def _files(recipe):
    return [run['file'] for run in recipe.structures] + ([recipe.train] if recipe.train else [])


def _model(folder, name):
    """Path of a model file relative to the folder, or the name of a model of the package."""
    return folder / name if name and (folder / name).exists() else name


def _round(job, folder, recipe, k, progress):
    """Summary of a round. Stages that are not finished are computed."""
    here, before = folder / 'loop' / f'round_{k}', folder / 'loop' / f'round_{k - 1}'
    if (here / ROUND).exists():
        remedy = 'Remove it: the round is summarized again from its other files, which are kept.'
        summary = load_json(here / ROUND, remedy=remedy)
        summary.pop('format')
        return summary
    here.mkdir(exist_ok=True)
    begin = perf_counter()
    model = find_potential(before / MODEL if k else _model(folder, recipe.model))
    frames = _explore(job, folder, recipe, k, model, here, progress)
    summary = {'round': k, 'grades': grade_statistics(model, frames)}
    start = read(folder / recipe.structures[0]['file']) if recipe.select == 'change' else None
    try:
        pieces = cut(frames, here / 'cuts', model=model, by=recipe.select, number=recipe.number, size=recipe.size,
                     limit=recipe.limit, reach=recipe.reach, start=start, source=f'round {k}',
                     progress=progress)  # fmt: skip
    except ValueError as reason:
        if 'no atom of' not in str(reason):
            raise
        log.info('round %d: %s', k, reason)
        return _finish(here, {**summary, 'converged': str(reason)}, begin)
    failed = here / FAILED
    labels = label(pieces, recipe.calculator, here / 'labels', settings=recipe.settings, processes=recipe.processes,
                   retry_failed=failed.exists(), progress=progress)  # fmt: skip
    if not labels.labelled:
        save_json(failed, {'failed': len(labels.failed)})
        raise RuntimeError(
            f'round {k}: not one of {len(pieces)} cut-outs could be labelled. When the reason is mended, the same call '
            f'tries them again. {labels}'
        )
    failed.unlink(missing_ok=True)
    labelled = read_frames(here / 'labels' / 'labelled.extxyz')
    summary |= {'structures': len(labelled), 'failed': len(labels.failed), 'errors': core_errors(model, labelled)}
    if k < recipe.rounds:
        fitted = _refit(folder, recipe, k, model, labelled, here, progress)
        summary['errors_after'] = core_errors(fitted, labelled)
        summary['grades_after'] = grade_statistics(fitted, frames)
    return _finish(here, summary, begin)


def _finish(here, summary, begin):
    summary['seconds'] = round(perf_counter() - begin, 1)  # of this call only, if the round was interrupted before
    save_json(here / ROUND, summary, checksum=True)
    return summary


def _explore(job, folder, recipe, k, model, here, progress):
    """Frames of all exploratory runs of a round."""
    frames = []
    for n, run in enumerate(recipe.structures):
        path = here / f'run_{n}.extxyz'
        if not path.exists():
            run = {**_RUN, **run}
            atoms = freeze_bottom(read(folder / run['file']), run['freeze'])
            seed = recipe.seed + 1000 * k + n
            thermalize_momenta(atoms, 2 * run['temperature'], rng=np.random.default_rng(seed))
            md = Dynamics(atoms, model, Langevin(run['temperature'], friction=0.002, seed=seed), run['timestep'],
                          reporters=(), on_extrapolation='ignore')  # fmt: skip
            steps = max(1, round(1000 * run['time'] / run['timestep'] / run['frames']))
            out = []
            for number in range(1, run['frames'] + 1):
                md.run(steps, progress=progress)
                frame = md.structure()
                frame.set_constraint()
                frame.set_momenta(None)
                frame.info = {'time': number * steps * run['timestep'] / 1000, 'run': n}
                out.append(frame)
            with complete(path) as temporary:
                write(temporary, out, format='extxyz')
            job.sign(path)
        frames += job.verified(path, read, ':')
    return frames


def _refit(folder, recipe, k, model, labelled, here, progress):
    """The new model, fitted to all structures so far if those of the initial model are given."""
    path = here / MODEL
    if path.exists():
        return find_potential(path)
    known = None
    if k:
        known = NormalMatrix.load(folder / 'loop' / f'round_{k - 1}' / NORMAL)
    elif recipe.train:
        known = normal_matrix(model, read_frames(folder / recipe.train), weights=recipe.weights or None,
                              progress=progress)  # fmt: skip
    for atoms in labelled:
        atoms.arrays['weight'] = np.where(atoms.arrays['core'], 1.0, recipe.buffer_weight)
    fitted, found = refit(model, labelled, normal=known, uncertainty=True, ridge=recipe.ridge,
                          weights=recipe.weights or None, seed=recipe.seed,
                          new_zero=k == 0, progress=progress)  # fmt: skip
    if found.normal is None:
        raise DatasetError('the refit left no normal matrix for the next round')
    found.normal.save(here / NORMAL)
    save_text(here / 'fit.txt', f'{found}\n')
    with complete(path) as temporary:  # written last, because it marks the stage as complete
        fitted.save(temporary)
    log.info('round %d: model %s', k, digest_of({'model': fitted.digest()})[:12])
    return find_potential(path)  # with the digits that a later call reads
