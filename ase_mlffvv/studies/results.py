"""What the finished runs of a study say so far: verdicts, differences, and bands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlffvv_analysis.extras import need

from ..io.files import complete, save_figure
from .claims import ROLES, judge
from .claims.criteria import UNDECIDED
from .compare import KEY, by_role, difference_table, read_study
from .figures import bands_figure
from .page import study_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas

    from .claims import Verdict
    from .plan import Plan

VERDICTS, DIFFERENCES, BANDS, PAGE = 'verdicts.csv', 'differences.csv', 'bands.png', 'study.html'


def write_results(plan: Plan, folder: str | Path, rounds: Sequence[Mapping] = ()) -> list[Verdict]:
    """Write ``verdicts.csv``, ``differences.csv``, ``bands.png`` and the page ``study.html`` of the finished runs.

    Parameters
    ----------
    plan : Plan
    folder : path
        Folder of the study.
    rounds : sequence of dict
        As for :func:`.judge`.

    Returns
    -------
    list of Verdict
        Empty if no condition plays a part in the claims of the paper.
    """
    pandas, folder = need('pandas'), Path(folder)
    runs = {name: found for name, found in read_study(folder).items() if name in plan.conditions}
    if not runs:
        return []
    parts = by_role(runs, plan.claims, ROLES)
    verdicts = judge(parts, rounds) if parts else []
    if verdicts:
        _csv(pandas.DataFrame([row for verdict in verdicts for row in verdict.rows()]), folder / VERDICTS)
    found = differences_of(runs, plan.compare)
    if found is not None:
        _csv(found, folder / DIFFERENCES)
    groups = {name: list(tables.values()) for name, tables in runs.items()}
    bands = bands_figure(groups, KEY)
    save_figure(bands, folder / BANDS, dpi=110)
    study_page(f'Study {folder.name}', runs, verdicts, found, KEY, bands).save(folder / PAGE)
    return verdicts


def differences_of(
    runs: Mapping[str, Mapping[int, pandas.DataFrame]], pairs: Iterable[tuple[str, str]], columns: Sequence[str] = KEY
) -> pandas.DataFrame | None:
    """Differences of all pairs of conditions that have runs; None if there are none."""
    pandas, parts = need('pandas'), []
    for first, second in pairs:
        if first in runs and second in runs:
            table = difference_table(list(runs[first].values()), list(runs[second].values()), columns)
            table.insert(0, 'second', second)
            table.insert(0, 'first', first)
            parts.append(table)
    return pandas.concat(parts, ignore_index=True) if parts else None


def verdict_text(verdicts: Sequence[Verdict]) -> str:
    """Verdicts as lines of text."""
    lines = [f'{v.claim:4}{v.result:14} {v.text}' for v in verdicts]
    decided = sum(v.result != UNDECIDED for v in verdicts)
    return '\n'.join([*lines, f'{decided} of {len(verdicts)} claims are decided'])


def _csv(table, path):
    with complete(path) as temporary:
        table.to_csv(temporary, index=False)
