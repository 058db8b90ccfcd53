"""A study: its plan, its runs in folders, growth, failures, and kills at any moment."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from ase_mlffvv.cli import main
from ase_mlffvv.jobs import read_settings
from ase_mlffvv.studies import read_plan, study
from ase_mlffvv.studies.plan import Condition
from ase_mlffvv.studies.work import Work, carry_out

from .kills import Inline

for package in ('ovito', 'pandas', 'pyarrow', 'yaml'):
    pytest.importorskip(package, reason='the extra analysis is not installed')

SMALL = {'diameter': 2.5, 'height': 2, 'box': 5, 'substrate_layers': 3, 'frame_interval': 5}
EMT = {'calculator': 'tests.studies.factories:emt', 'settings': {'asap_cutoff': True}}


def plan_file(folder, **data):
    path = folder / 'plan.yaml'
    path.write_text(json.dumps({'defaults': {**SMALL, 'time': 0.02}, **data}))  # JSON is YAML
    return path


def rows_of(folder):
    with open(folder / 'study.csv', newline='') as file:
        return list(csv.DictReader(file))


def test_the_first_seed_of_all_conditions_comes_first(tmp_path, capsys):
    path = plan_file(tmp_path, seeds=2, conditions={'a': {'temperature': 100}, 'b': {'seeds': [7]}, 'c': None})
    plan = read_plan(path)
    assert [(c.name, seed) for c, seed in plan.runs()] == [('a', 0), ('b', 7), ('c', 0), ('a', 1), ('c', 1)]
    command = plan.conditions['a'].command(3)
    assert command.startswith('mlffvv run --threads 1 --diameter 2.5')
    assert command.endswith('--temperature 100 --seed 3 --output a-3')
    short = Condition('a', {'preset': 'cuboid-a', 'time': 200, 'threads': 1, 'timestep': 2.0}, (0,)).command()
    assert short == 'mlffvv run --preset cuboid-a --threads 1 --seed 0 --output a-0'
    assert main(['study', str(path), '-o', str(tmp_path / 'none'), '--list']) == 0
    assert 'b: 1 seed(s) of 0.02 ps.' in capsys.readouterr().out
    assert main(['study', str(path), '-o', str(tmp_path / 'none'), '--results']) == 0
    assert not (tmp_path / 'none').exists()
    assert main(['study', str(path), '-o', str(tmp_path / 'none'), '--only', 'd']) == 1
    assert 'there is no condition d; there are a, b, c' in capsys.readouterr().err


def test_runs_timelines_and_growth(tmp_path, capfd):
    """One call, more seeds and a longer time, and nothing twice; processes of its own."""
    conditions = {'vv': {'trajectory': 'packed'}, 'emt': EMT}
    path = plan_file(tmp_path, conditions={'vv': conditions['vv']}, frames=[0, 0.02])
    assert main(['study', str(path), '-o', str(tmp_path / 's'), '--processes', '1']) == 0
    assert '1 runs: 1 finished (1 in this call' in capfd.readouterr().out
    run = tmp_path / 's' / 'vv' / 'seed-0'
    assert {'settings.json', 'trajectory.vvtraj', 'timeline.csv', 'timeline.parquet', 'frames.vvtraj',
            'finished.json'} <= {p.name for p in run.iterdir()}  # fmt: skip
    settings = read_settings(run)
    assert (settings['threads'], settings['dynamics']['seed'], settings['structure']['n_frozen']) == (1, 0, 50)
    assert (run / 'timeline.csv').read_text().count('\n') == 4
    stamp = (run / 'log.csv').stat().st_mtime_ns
    assert study(path, tmp_path / 's', progress=False).computed == 0
    assert (run / 'log.csv').stat().st_mtime_ns == stamp
    again = read_plan(plan_file(tmp_path, conditions=conditions, defaults={**SMALL, 'time': 0.03}))
    work = Work(run, {**again.conditions['vv'].options, 'seed': 0}, analysis=again.analysis)
    assert carry_out(work)['steps'] == 15
    assert (run / 'timeline.csv').read_text().count('\n') == 5


def test_any_calculator(tmp_path):
    """ASE's dynamics with a calculator of the user, begun and continued; settings of the calculator are part of it."""
    options = {'structure': str(copper(tmp_path)), 'seed': 0, 'time': 0.01, 'frame_interval': 5}
    work = Work(tmp_path / 'run', options, EMT['calculator'], EMT['settings'])
    assert carry_out(work)['steps'] == 5
    assert carry_out(replace(work, options={**options, 'time': 0.02}))['steps'] == 10
    assert read_settings(work.folder)['structure']['source']['settings'] == {'asap_cutoff': True}


def copper(folder):
    from ase.build import bulk
    from ase.io import write

    write(folder / 'cu.xyz', bulk('Cu', cubic=True) * (3, 3, 3))
    return folder / 'cu.xyz'


def test_a_failure_stops_no_other_run(tmp_path):
    """The second call tries it again; the reason is in the overview."""
    path = plan_file(tmp_path, conditions={'bad': {'calculator': 'tests.studies.factories:broken'}, 'good': {}},
                     defaults={**SMALL, 'time': 0.01})  # fmt: skip
    summary = study(path, tmp_path / 's', executor=Inline(), progress=False)
    assert [row['status'] for row in summary.rows] == ['failed', 'finished']
    assert 'failed: bad, seed 0: no licence' in str(summary)
    assert rows_of(tmp_path / 's')[0]['reason'] == 'no licence'
    with pytest.raises(
        ValueError, match=r"condition 'good' has other options .*temperature: not given before, 300 now"
    ):
        study(plan_file(tmp_path, conditions={'good': {'temperature': 300}}), tmp_path / 's', progress=False)


@pytest.mark.parametrize(('data', 'message'), [
    ({'conditions': {}}, 'expected the entry conditions'),
    ({'conditions': {'a': {'temprature': 1}}}, 'unknown options of a run: temprature'),
    ({'conditions': {'a': {'temperature': -1}}}, 'temperature must be positive'),
    ({'conditions': {'a': {'seed': 1}}}, 'seed cannot be given in a'),
    ({'conditions': {'a/b': {}}}, "the name 'a/b' of a condition"),
    ({'conditions': {'a': {}}, 'seeds': 0}, 'seeds must be a number of seeds'),
    ({'conditions': {'a': {'seeds': [1, 1]}}}, 'list of different seeds'),
    ({'conditions': {'a': {}}, 'sedes': 0}, 'unknown entries: sedes'),
    ({'conditions': {'a': {}}, 'compare': [['a', 'b']]}, "there is no condition 'b'"),
    ({'conditions': {'a': {'settings': {'x': 1}}}}, 'but no calculator'),
    ({'conditions': {'a': {'calculator': 'emt', 'model': 'x'}}}, 'cannot use model'),
    ({'conditions': {'a': {}}, 'frames': [-1]}, 'frames must be times in ps'),
])  # fmt: skip
def test_mistakes_in_a_plan(tmp_path, data, message):
    with pytest.raises(ValueError, match=message):
        read_plan(plan_file(tmp_path, **data))


def test_no_plan(tmp_path):
    with pytest.raises(FileNotFoundError, match='there is no study'):
        read_plan(tmp_path / 'none.yaml')
    (tmp_path / 'bad.yaml').write_text('a: [1')
    with pytest.raises(ValueError, match='is not YAML'):
        read_plan(tmp_path / 'bad.yaml')


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='needs fork')
def test_killed_at_random_and_continued(tmp_path):
    """No run is repeated and none is lost: the files are those of a study that was never interrupted."""
    done = subprocess.run([sys.executable, '-m', 'tests.studies.kills', tmp_path, '3'], capture_output=True, text=True,
                          env={**os.environ, 'OVITO_THREAD_COUNT': '1'})  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) == 3, 'each kill meets the study while it is running'
