"""Groups of runs side by side: differences with intervals, effect sizes, and what could have been seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from mlffvv_analysis.extras import need
from mlffvv_analysis.statistics import adjusted, compare, detectable, effect_size, mean_interval

from .claims.criteria import at, late
from .work import PARQUET, TABLE, analyse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas
    from mlffvv_analysis.frame import Settings

KEY = ('height_A', 'aspect', 'convexity', 'kink_deg', 'cn_surface', 'surface_fraction', 'e_surface_eV', 'e_interior_eV',
       'e_boundary_eV', 'ptm_bcc_column', 'n_grains', 'n_boundary', 'top_misorientation_deg', 'abs_dz_all_A',
       'dxy_all_A', 'top_slide_A')  # fmt: skip


def group_runs(folders: Iterable[str | Path]) -> dict[str, list[Path]]:
    """Run folders by the folder that contains them, in the order given.

    Raises
    ------
    FileNotFoundError
        A path is not the folder of a run.
    """
    groups: dict[str, list[Path]] = {}
    for folder in map(Path, folders):
        if not any((folder / name).exists() for name in (PARQUET, TABLE, 'settings.json')):
            raise FileNotFoundError(
                f"'{folder}' is not the folder of a run: it has neither a timeline nor settings.json. Give folders "
                'that mlffvv run or mlffvv study wrote, such as: mlffvv compare study/a/* study/b/*'
            )
        groups.setdefault(folder.absolute().parent.as_posix(), []).append(folder)
    names = {parent: Path(parent).name for parent in groups}
    unique = len(set(names.values())) == len(names)
    return {(names[parent] if unique else parent): runs for parent, runs in groups.items()}


def read_timeline(folder: str | Path, settings: Settings | None = None) -> pandas.DataFrame:
    """Timeline of the run in a folder; it is computed and written there if there is none."""
    pandas, folder = need('pandas'), Path(folder)
    if (folder / PARQUET).exists():
        return pandas.read_parquet(folder / PARQUET)
    if (folder / TABLE).exists():
        return pandas.read_csv(folder / TABLE)
    return analyse(folder, settings)


def read_study(folder: str | Path) -> dict[str, dict[int, pandas.DataFrame]]:
    """Timelines of all finished runs of a study: condition -> seed -> table.

    The folder may be that of a study, or hold only the timelines ``CONDITION/seed-N/timeline.parquet``.
    """
    out: dict[str, dict] = {}
    for path in sorted(Path(folder).glob(f'*/seed-*/{PARQUET}')):
        seed = path.parent.name.removeprefix('seed-')
        if seed.isdigit():
            out.setdefault(path.parent.parent.name, {})[int(seed)] = read_timeline(path.parent)
    return {name: dict(sorted(runs.items())) for name, runs in out.items()}


def difference_table(
    first: Sequence[pandas.DataFrame],
    second: Sequence[pandas.DataFrame],
    columns: Sequence[str] = KEY,
    times: Sequence[float] = (),
    level: float = 0.95,
) -> pandas.DataFrame:
    """Differences between two groups of runs.

    Parameters
    ----------
    first, second : sequence of DataFrame
        Timelines of the runs.
    columns : sequence of str
        Columns of the timelines.
    times : sequence of float, ps
        Times at which values are compared, means over 2 ps before and after each. By default, means over the last
        tenth of each run.
    level : float
        Confidence level.

    Returns
    -------
    DataFrame
        One row per column and time: means, ``difference`` (second minus first) with its interval ``low`` to ``high``,
        p-values of Welch's test and of permutations, ``p_adjusted`` (the larger of both, corrected for the number of
        rows by Benjamini and Hochberg), ``effect_size`` (Hedges' g), and ``detectable``, the difference that these
        numbers of runs find with a probability of 80 %. With fewer than two runs of a group, there are only means.
    """
    pandas = need('pandas')
    for column in columns:
        if not any(column in table for table in (*first, *second)):
            raise ValueError(f"no timeline has the column '{column}'")
    rows = []
    for column in columns:
        for time in times or (None,):
            groups = [np.array([_value(t, column, time) for t in tables]) for tables in (first, second)]
            rows.append({'quantity': column, 'time_ps': np.nan if time is None else time, **_row(groups, level)})
    out = pandas.DataFrame(rows)
    worst = out[['p_welch', 'p_permutation']].max(axis=1).to_numpy()
    out.insert(out.columns.get_loc('p_permutation') + 1, 'p_adjusted', adjusted(worst))
    return out


def _value(table, column, time):
    if column not in table:
        return np.nan
    return late(table, column) if time is None else at(table, column, time)


def _row(groups, level):
    groups = [g[np.isfinite(g)] for g in groups]
    means = [mean_interval(g, level) for g in groups]
    row = {'mean_1': means[0].value, 'mean_2': means[1].value, 'runs_1': len(groups[0]), 'runs_2': len(groups[1]),
           'difference': means[1].value - means[0].value}  # fmt: skip
    empty = dict.fromkeys(('low', 'high', 'p_welch', 'p_permutation', 'effect_size', 'detectable'), np.nan)
    if min(map(len, groups)) < 2:
        return row | empty
    found = compare(*groups, level=level)
    n, m = map(len, groups)
    pooled = np.sqrt(((n - 1) * groups[0].var(ddof=1) + (m - 1) * groups[1].var(ddof=1)) / (n + m - 2))
    return row | {'low': found.low, 'high': found.high, 'p_welch': found.p_welch, 'p_permutation': found.p_permutation,
                  'effect_size': effect_size(*groups), 'detectable': detectable(pooled, n, m, level)}  # fmt: skip


def table_text(table: pandas.DataFrame) -> str:
    """A table of differences as text."""
    lines = [f'{"":24}{"first":>10}{"second":>10}{"difference":>12}{"95 % interval":>24}{"p (adj.)":>10}{"g":>7}'
             f'{"seen from":>11}']  # fmt: skip
    for r in table.to_dict('records'):
        name = r['quantity'] if np.isnan(r['time_ps']) else f'{r["quantity"]} {r["time_ps"]:g} ps'
        interval = '–' if np.isnan(r['low']) else f'{r["low"]:.3g} to {r["high"]:.3g}'
        formats = {'p_adjusted': '.2g', 'effect_size': '.1f', 'detectable': '.3g'}
        p, g, seen = ('–' if np.isnan(r[key]) else f'{r[key]:{form}}' for key, form in formats.items())
        lines.append(f'{name:24}{r["mean_1"]:>10.4g}{r["mean_2"]:>10.4g}{r["difference"]:>12.3g}{interval:>24}{p:>10}'
                     f'{g:>7}{seen:>11}')  # fmt: skip
    return '\n'.join(lines)


def by_role(runs: Mapping[str, Mapping[int, pandas.DataFrame]], roles: Mapping[str, str], names: Iterable[str]) -> dict:
    """Timelines for :func:`.judge`: conditions that play a part, or have its name, as lists in the order of seeds."""
    chosen = {name: roles.get(name, name) for name in names}
    return {name: list(runs[condition].values()) for name, condition in chosen.items() if condition in runs}
