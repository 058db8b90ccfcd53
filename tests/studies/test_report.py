"""The page of the reproduction, from made-up timelines and short frames."""

import sys
from pathlib import Path

import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator

from ase_mlffvv.io.files import save_json
from ase_mlffvv.io.packed.frames import append_frame
from ase_mlffvv.jobs import JobFolder
from ase_mlffvv.jobs.run import SETTINGS
from ase_mlffvv.structures import column
from ase_mlffvv.studies import read_plan
from ase_mlffvv.studies.runner import work_of

from .test_claims import TIME, story

for package in ('ovito', 'pyarrow', 'yaml'):
    pytest.importorskip(package, reason='the extra analysis is not installed')

ROOT = Path(__file__).parents[2]
MORE = ('top_slide_A', 'acna_bcc_top', 'ptm_bcc_top', 'ptm_fcc_top', 'ptm_hcp_top', 'adatom_incorporated_share',
        'n_grains', 'n_boundary', 'surface_fraction')  # fmt: skip


@pytest.fixture
def paper(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    from studies.paper import collect, report

    yield report, collect
    for name in [n for n in sys.modules if n.split('.')[0] == 'studies']:
        del sys.modules[name]


def made_up(folder, role, seeds):
    rng = np.random.default_rng(1)
    for seed in range(seeds):
        path = folder / role / f'seed-{seed}'
        path.mkdir(parents=True)
        table = story(role, rng).assign(**{name: 0.5 + 0.01 * rng.normal() for name in MORE})
        table[:: len(TIME) // 40].to_parquet(path / 'timeline.parquet')


def test_the_page(tmp_path, paper):
    report, _ = paper
    runs, page = tmp_path / 'runs', tmp_path / 'docs' / 'page.md'
    page.parent.mkdir()
    made_up(runs, 'column-250', 5)
    made_up(runs, 'column-350', 2)
    for k in (0, 1):
        atoms = column(diameter=3, height=4, box=6)
        atoms.positions += np.random.default_rng(k).normal(scale=0.1, size=(len(atoms), 3))
        atoms.arrays['local_energy'] = np.zeros(len(atoms))
        atoms.info['time_ps'] = 20.0 * k
        atoms.calc = SinglePointCalculator(atoms, energy=0.0)
        append_frame(runs / 'column-250' / 'seed-0' / 'frames.vvtraj', atoms)
    text = report.report(runs, out=tmp_path / 'report', page=page, methods=False, ovito=False)
    assert page.read_text() == text
    assert '| **C2** A grain boundary' in text
    assert '| **supported** | grains of more than 100 atoms | 3 (3 to 3, 5 runs) | ≥ 2 |' in text
    assert '| **C12** Cuboid A twists' in text
    assert 'no runs' in text
    assert '5 of 5' in text
    assert '`mlffvv run --threads 1' in text
    assert '## What these runs could have seen' in text
    assert 'How to redo it' in text
    names = {p.name for p in (tmp_path / 'report').iterdir()}
    assert {'fig3.png', 's10.png', 's16.png', 'snapshots-column-250.png'} <= names
    assert 'fig4.png' not in names
    assert '](../report/fig3.png)' in text


def test_timelines_are_compared(tmp_path, paper):
    _, collect = paper
    made_up(tmp_path, 'column-250', 2)
    one, two = (tmp_path / 'column-250' / f'seed-{k}' / 'timeline.parquet' for k in (0, 1))
    assert collect.difference(one, one) == 'the same, byte for byte'
    assert 'other numbers from 0 ps on' in collect.difference(one, two)


def test_finished_runs_are_collected(tmp_path, paper):
    """Timeline, frames and settings; unfinished runs wait, and what exists is compared, not replaced."""
    _, collect = paper
    plan = tmp_path / 'plan.yaml'
    plan.write_text('{seeds: 2, defaults: {time: 0.01}, conditions: {column-250: {}}}')
    made_up(tmp_path / 'study', 'column-250', 2)
    for work in (
        work_of(read_plan(plan), read_plan(plan).conditions['column-250'], k, tmp_path / 'study') for k in (0, 1)
    ):
        with JobFolder(work.folder, SETTINGS, {'structure': {}}, what='a run', overwrite=True) as job:
            job.save(model={'name': 'li-pbe-2-fast', 'sha256': ''}, steps=5)
        if work.options['seed'] == 0:
            save_json(work.folder / 'finished.json', {'steps': 5, 'seconds': 1.0, **work.wanted})
    runs = tmp_path / 'runs'
    assert collect.collect(tmp_path / 'study', runs, plan) == ['column-250/seed-0: copied']
    assert {p.name for p in (runs / 'column-250' / 'seed-0').iterdir()} == {'settings.json', 'timeline.parquet'}
    assert collect.collect(tmp_path / 'study', runs, plan) == ['column-250/seed-0: the same, byte for byte']
