"""Table of properties of lithium for any calculator, compared with DFT and experiment."""

from __future__ import annotations

import json
import logging
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from ase.build import bulk
from tqdm.auto import tqdm

from ..checks import check_seed
from ..io.files import save_text
from ..jobs.folder import JobFolder
from ..labelling.engines import check_settings, code_of, find_engine
from ..labelling.store import identity_of
from .page import page
from .plots import plot
from .relaxing import PropertyError, use
from .results import Validation
from .tasks import ELEMENT, TASKS, Lab, choose

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


JSON, TEXT, PNG, PAGE = 'validation.json', 'validation.txt', 'validation.png', 'validation.html'
log = logging.getLogger(__name__)


def validate(
    calculator: Any = None,
    folder: str | Path = 'validation',
    *,
    settings: Mapping[str, Any] | None = None,
    only: Sequence[str] | None = None,
    quick: bool = False,
    melting: bool = False,
    seed: int = 0,
    overwrite: bool = False,
    progress: bool = True,
) -> Validation:
    """Compute properties of lithium and compare them with DFT and experiment.

    The call can be repeated after Ctrl-C or a crash, or with more groups. Finished properties are kept, and failed ones
    are computed again.

    Parameters
    ----------
    calculator : ASE calculator, str or callable, optional
        A calculator; or, as for :func:`ase_mlffvv.label`, a name (``'vv'``, ``'gpaw'``), an import path
        ``'module:function'`` or a function of a module: ``function(atoms, safe, directory, **settings)``. The default
        is the lithium potential of the package. The calculator must provide energy and forces. If it has no stress, the
        stress is computed from energy differences.
    folder : path
        New folder, or that of an earlier call with the same calculator, for ``validation.json`` (all numbers and
        curves), ``validation.txt`` (the table), ``validation.png`` and the page ``validation.html``.
    settings : dict, optional
        Keyword arguments of the function.
    only : sequence of str, optional
        Groups to compute, from ``'lattice'``, ``'elastic'``, ``'vacancy'``, ``'surfaces'``, ``'adatoms'``,
        ``'boundaries'``, ``'phonons'``, ``'expansion'``, ``'liquid'`` and ``'melting'``. Groups on which these depend
        are computed as well.
    quick : bool
        Skip groups with molecular dynamics (expansion, liquid, melting).
    melting : bool
        Include the melting point, which takes several times as long as everything else.
    seed : int
        Seed of velocities and thermostat.
    overwrite : bool
        Begin anew in a folder that holds properties of another calculator, which are removed, or other files, which
        stay.
    progress : bool
        Show progress bars.

    Returns
    -------
    Validation
        Its ``results`` contain names, values, units, DFT and experimental values and their sources. ``print`` shows
        the table.

    Raises
    ------
    ValueError
        The calculator cannot compute lithium, a group is unknown, or the folder belongs to another calculator.
    FileExistsError
        The folder is a file or holds something else, or another process is working in it.
    TypeError
        ``calculator`` is not a calculator, or does not accept the settings.
    KeyboardInterrupt
        Ctrl-C was pressed. The message explains how to continue.

    Notes
    -----
    Everything is computed at the bcc lattice constant of the calculator. A property that cannot be computed (because a
    relaxation does not converge, a phonon is imaginary, or a result is NaN) is reported as failed with the reason; the
    others are still computed.

    Examples
    --------
    >>> from ase_mlffvv import VVCalculator
    >>> from ase_mlffvv.properties import validate
    >>> print(validate(VVCalculator(), only=['lattice', 'elastic']))        # doctest: +SKIP
    """
    seed = check_seed(seed)
    names, folder = choose(only, quick, melting), Path(folder)
    options: dict = {'seed': seed, 'progress': progress}
    with TemporaryDirectory() as trial:  # a refused call leaves no folder
        make, identity, title = _calculator(calculator, dict(settings or {}), Path(trial))
        _check(Lab(use(make), **options), identity)
    identity['seed'] = seed
    make, _, _ = _calculator(calculator, dict(settings or {}), folder / 'calculator')
    lab = Lab(use(make), **options)
    validation = Validation(title, folder, lab.done)
    with JobFolder(folder, JSON, identity, what='properties', writes=(TEXT, PNG, PAGE), overwrite=overwrite) as job:
        earlier = job.entries.get('tasks', {})
        lab.done.update({k: record for k, record in earlier.items() if record['status'] == 'done' and k in TASKS})
        _run(names, lab, job, validation)
    return validation


def _run(names, lab, job, validation):
    """Compute properties that are not finished, and write all results."""
    folder, progress = validation.folder, lab.progress
    todo = [name for name in names if lab.done.get(name, {}).get('status') != 'done']
    try:
        with tqdm(total=len(names), initial=len(names) - len(todo), desc='validate', unit='part',
                  disable=not progress) as bar:  # fmt: skip
            for name in todo:
                bar.set_postfix_str(name)
                lab.done[name] = _compute(TASKS[name], lab)
                _save(job, validation)
                bar.update()
    except KeyboardInterrupt:
        finished = sum(lab.done.get(name, {}).get('status') == 'done' for name in names)
        raise KeyboardInterrupt(
            f"stopped with {finished} of {len(names)} parts finished in '{folder}'; to go on, give the same command "
            'again'
        ) from None
    _save(job, validation)
    save_text(folder / TEXT, f'{validation}\n')
    plot(validation, folder / PNG)
    page(validation, folder / PNG).save(folder / PAGE)


def _calculator(calculator, settings, directory):
    """Function that makes the calculator (with files in ``directory``), its identity, and a readable name."""
    if calculator is None:
        from ..calculators import VVCalculator

        calculator = VVCalculator()
    if hasattr(calculator, 'get_property'):
        if settings:
            raise TypeError('settings are for a calculator given by name; this one is made already')
        parameters = getattr(calculator, 'parameters', None) or {}
        kind = type(calculator).__name__
        identity = {'calculator': kind}
        if not hasattr(calculator, 'potential'):
            identity['parameters'] = json.loads(json.dumps(dict(parameters), default=str, sort_keys=True))
        return calculator, identity, f'{kind}({parameters["model"]})' if 'model' in parameters else kind
    function, name = find_engine(calculator)
    check_settings(function, name, settings)
    identity = identity_of(name, settings)
    if code_of(function, name):
        identity['code'] = code_of(function, name)
    text = ', '.join(f'{key}={value}' for key, value in settings.items())
    return partial(_make, function, settings, directory), identity, f'{name}({text})'


def _make(function, settings, directory, atoms):
    directory.mkdir(parents=True, exist_ok=True)
    return function(atoms, safe=False, directory=directory, **settings)


def _check(lab, identity):
    """Raise ValueError unless the calculator computes energy and forces of lithium; record its potential."""
    atoms = bulk(ELEMENT, 'bcc', a=3.44)
    try:
        numbers = [lab.attach(atoms).get_potential_energy(), *atoms.get_forces().ravel()]
    except Exception as error:
        raise ValueError(f'the calculator cannot compute bcc lithium: {type(error).__name__}: {error}') from error
    if not np.isfinite(numbers).all():
        raise ValueError(f'the calculator gives energy and forces of bcc lithium that are not finite: {numbers}')
    calc = getattr(atoms.calc, 'calculator', atoms.calc)  # wrapped in NumericalStress
    potentials = getattr(calc, 'members', [getattr(calc, 'potential', None)])
    if all(hasattr(potential, 'digest') for potential in potentials):
        identity['digest'] = ' '.join(potential.digest() for potential in potentials)


def _compute(task, lab):
    """Record of a task: the result of its function, or the reason for its failure."""
    start = perf_counter()
    try:
        record = {'status': 'done', **task.function(lab)}
        bad = [key for key, value in record['values'].items() if not isinstance(value, str) and not np.isfinite(value)]
        if bad:
            raise PropertyError(f'not a finite number: {", ".join(bad)}')
    except Exception as error:  # any error of a calculator is reported, and other tasks continue
        reason = str(error) if isinstance(error, PropertyError) else f'{type(error).__name__}: {error}'
        log.debug('%s failed', task.name, exc_info=True)
        record = {'status': 'failed', 'reason': ' '.join(reason.split())}
    record['seconds'] = round(perf_counter() - start, 2)
    return record


def _save(job, validation):
    """Write all finished results in a single step."""
    job.save(title=validation.title, table=validation.to_list(), tasks=validation.tasks)
