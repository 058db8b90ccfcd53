"""The plan of a study: its conditions and seeds, read from a YAML file."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mlffvv_analysis.extras import need
from mlffvv_analysis.frame import Settings

from ..io.identity import plain
from ..jobs.options import complete_options, settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

TOP = ('name', 'defaults', 'seeds', 'conditions', 'analysis', 'frames', 'claims', 'compare')
OWN = ('seeds', 'calculator', 'settings', 'why')  # entries of a condition that are not options of mlffvv run
FREE = ('time', 'device', 'threads')  # options that may change when a study is continued
NAME = re.compile(r'[A-Za-z0-9][\w.-]*')


@dataclass(frozen=True)
class Condition:
    """A condition: options of ``mlffvv run``, simulated with several seeds.

    Attributes
    ----------
    name : str
        Name of its folder.
    options : dict
        Options of ``mlffvv run`` that differ from the defaults, without the seed.
    seeds : tuple of int
    calculator : str or None
        Calculator other than a :class:`.VVCalculator`, a name or ``'module:function'`` as for
        :func:`ase_mlffvv.labelling.label`.
    settings : dict
        Settings of that calculator.
    why : str
        What the condition is for.
    """

    name: str
    options: dict
    seeds: tuple
    calculator: str | None = None
    settings: dict = field(default_factory=dict)
    why: str = ''

    @property
    def identity(self) -> dict:
        """Everything that must not change when the study is continued."""
        fixed = {name: value for name, value in self.options.items() if name not in FREE}
        return plain({'options': fixed, 'calculator': self.calculator, 'settings': self.settings})

    @property
    def steps(self) -> int:
        """Number of steps of each run."""
        return settings_of(complete_options(self.options)).steps

    @property
    def time(self) -> float:
        """Length of each run, ps."""
        return float(complete_options(self.options)['time'])

    def command(self, seed: int = 0) -> str:
        """Command that makes one run of this condition."""
        if self.calculator:
            return f'# calculator {self.calculator}: mlffvv study STUDY.yaml -o FOLDER --only {self.name}'
        words, preset = ['mlffvv', 'run'], self.options.get('preset')
        usual = complete_options({'preset': preset} if preset else {})
        unusual = {name: value for name, value in self.options.items() if name == 'preset' or value != usual[name]}
        for name, value in {**unusual, 'seed': seed, 'output': f'{self.name}-{seed}'}.items():
            words += [f'--{name.replace("_", "-")}', str(value)]
        return shlex.join(words)


@dataclass(frozen=True)
class Plan:
    """A study.

    Attributes
    ----------
    name : str
    conditions : dict of Condition
        In the order in which they are run.
    analysis : mlffvv_analysis.frame.Settings
        How frames are analysed.
    frames : tuple of float
        Times (ps) of the frames that are kept beside each timeline.
    claims : dict
        Condition that plays each part of the claims of the paper, for example ``{'column-250': 'my-column'}``.
    compare : tuple of (str, str)
        Pairs of conditions to be compared.
    """

    name: str
    conditions: dict
    analysis: Settings = field(default_factory=Settings)
    frames: tuple = ()
    claims: dict = field(default_factory=dict)
    compare: tuple = ()

    def runs(self) -> list[tuple[Condition, int]]:
        """Condition and seed of every run: the first seed of all conditions, then the next one, and so on."""
        longest = max(len(c.seeds) for c in self.conditions.values())
        return [(c, c.seeds[k]) for k in range(longest) for c in self.conditions.values() if k < len(c.seeds)]


def read_plan(path: str | Path) -> Plan:
    """Read the plan of a study from a YAML file.

    Parameters
    ----------
    path : path
        File with the entries ``conditions`` (a name and options of ``mlffvv run`` for each; besides these, ``seeds``,
        ``calculator`` with ``settings``, and ``why``), and optionally ``defaults`` (options of all conditions),
        ``seeds`` (a number, or a list), ``analysis`` (fields of :class:`mlffvv_analysis.frame.Settings`), ``frames``
        (times in ps), ``claims`` (conditions by the part that they play), ``compare`` (pairs of conditions) and
        ``name``. Paths of structures are relative to the file.

    Returns
    -------
    Plan

    Raises
    ------
    FileNotFoundError
        The file does not exist.
    ValueError
        The file is not YAML, or an entry is missing, unknown or has a wrong value.
    """
    yaml, path = need('yaml'), Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no study '{path}'; give the name of a YAML file that lists its conditions")
    try:
        data = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"'{path}' is not YAML: {error}") from None
    try:
        return _plan(data, path)
    except (ValueError, TypeError) as error:
        raise ValueError(f"'{path}': {error}") from None


def _plan(data, path):
    if not isinstance(data, dict) or not isinstance(data.get('conditions'), dict) or not data['conditions']:
        raise ValueError('expected the entry conditions, with options of mlffvv run for each name')
    _known(data, TOP, 'entries')
    defaults, seeds = _options(data.get('defaults'), path, 'defaults'), data.get('seeds', 1)
    conditions = {str(name): _condition(str(name), entry, defaults, seeds, path)
                  for name, entry in data['conditions'].items()}  # fmt: skip
    pairs = tuple(tuple(pair) for pair in data.get('compare') or ())
    for used in [*(data.get('claims') or {}).values(), *(name for pair in pairs for name in pair)]:
        if used not in conditions:
            raise ValueError(f"there is no condition '{used}'; there are {', '.join(conditions)}")
    frames = tuple(float(t) for t in data.get('frames') or ())
    if any(not 0 <= t < float('inf') for t in frames) or any(len(pair) != 2 for pair in pairs):
        raise ValueError(f'frames must be times in ps, and compare pairs of conditions; got {frames} and {pairs}')
    analysis = Settings(**(data.get('analysis') or {}))
    return Plan(str(data.get('name') or path.stem), conditions, analysis, frames, dict(data.get('claims') or {}), pairs)


def _condition(name, entry, defaults, seeds, path):
    if not NAME.fullmatch(name):
        raise ValueError(f"the name '{name}' of a condition must consist of letters, digits, '.', '-' and '_'")
    entry = dict(entry or {})
    own = {key: entry.pop(key) for key in OWN if key in entry}
    options = {'threads': 1, **defaults, **_options(entry, path, name)}
    settings_of(complete_options(options))
    if own.get('settings') and not own.get('calculator'):
        raise ValueError(f"condition '{name}' has settings, but no calculator that they belong to")
    useless = [key for key in ('model', 'engine', 'precision') if key in options] if own.get('calculator') else []
    if useless:
        raise ValueError(f"condition '{name}' has the calculator '{own['calculator']}' and cannot use "
                         f'{", ".join(useless)}')  # fmt: skip
    return Condition(name, options, _seeds(own.get('seeds', seeds)), own.get('calculator'),
                     dict(own.get('settings') or {}), str(own.get('why', '')))  # fmt: skip


def _options(entry: Mapping[str, Any] | None, path, where):
    """Options of ``mlffvv run`` with underscores in their names, and absolute paths."""
    options = {str(key).replace('-', '_'): value for key, value in (entry or {}).items()}
    for name in ('seed', 'output', 'overwrite'):
        if name in options:
            raise ValueError(f'{name} cannot be given in {where}: the study itself chooses it')
    complete_options(options)
    for name in ('structure', 'model'):  # a file beside the plan comes before a name of the package
        if options.get(name) and (path.parent / options[name]).exists():
            options[name] = os.path.abspath(path.parent / options[name])
    return options


def _seeds(value):
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return tuple(range(value))
    good = isinstance(value, list) and value and all(isinstance(s, int) and s >= 0 for s in value)
    if not good or len(set(value)) < len(value):
        raise ValueError(f'seeds must be a number of seeds, 1 or more, or a list of different seeds; got {value!r}')
    return tuple(value)


def _known(data, names, what):
    unknown = sorted(str(key) for key in set(data) - set(names))
    if unknown:
        raise ValueError(f'unknown {what}: {", ".join(unknown)}; known are {", ".join(names)}')
