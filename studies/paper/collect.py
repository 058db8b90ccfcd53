"""Copy the finished runs of the paper's study into the repository: timelines, ten frames and settings of each.

    python -m studies.paper.collect FOLDER [RUNS]

FOLDER is that of ``mlffvv study studies/paper/study.yaml -o FOLDER``; RUNS is ``studies/paper/runs`` by default. Runs
that exist in both are compared: a timeline that is not the same bit for bit is reported and left as it is.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas

from ase_mlffvv.io.files import complete
from ase_mlffvv.jobs import read_settings
from ase_mlffvv.jobs.run import SETTINGS
from ase_mlffvv.studies import read_plan
from ase_mlffvv.studies.runner import work_of
from ase_mlffvv.studies.work import FRAMES, PARQUET, finished

HERE = Path(__file__).parent


def collect(folder, runs=HERE / 'runs', plan=HERE / 'study.yaml'):
    """Copy the runs that are finished, and return lines that say what became of each."""
    plan, lines = read_plan(plan), []
    for condition, seed in plan.runs():
        work = work_of(plan, condition, seed, Path(folder))
        if not finished(work):
            continue
        name = f'{condition.name}/seed-{seed}'
        target = Path(runs) / name
        if (target / PARQUET).exists():
            lines.append(f'{name}: {difference(work.folder / PARQUET, target / PARQUET)}')
            continue
        target.mkdir(parents=True, exist_ok=True)
        here = Path(str((read_settings(work.folder)['model'] or {}).get('name'))).is_absolute()
        for file in (*(() if here else (SETTINGS,)), FRAMES, PARQUET):  # the timeline marks the run as complete
            if (work.folder / file).exists():
                with complete(target / file) as temporary:
                    shutil.copyfile(work.folder / file, temporary)
        lines.append(f'{name}: copied{", without its settings, which name a file of this machine" if here else ""}')
    return lines


def difference(new, old):
    """How a timeline differs from an earlier one of the same run."""
    if new.read_bytes() == old.read_bytes():
        return 'the same, byte for byte'
    a, b = pandas.read_parquet(new), pandas.read_parquet(old)
    if a.equals(b):
        return 'the same numbers, bit for bit'
    if list(a.columns) != list(b.columns):
        return f'other columns: {", ".join(sorted(set(a.columns) ^ set(b.columns)))}'
    n = min(len(a), len(b))
    with np.errstate(invalid='ignore'):
        same = ((a[:n].to_numpy() == b[:n].to_numpy()) | (a[:n].isna() & b[:n].isna()).to_numpy()).all(axis=1)
    if same.all():
        return f'the same numbers in {n} frames; {len(a)} frames now, {len(b)} before'
    time = b['time_ps'].iloc[int(np.flatnonzero(~same)[0])]
    return f'other numbers from {time:g} ps on (trajectories are chaotic: round-off of another machine grows)'


if __name__ == '__main__':
    if not 2 <= len(sys.argv) <= 3 or sys.argv[1].startswith('-'):
        sys.exit(__doc__)
    print('\n'.join(collect(*sys.argv[1:]) or ['no run is finished']))
