import json

import numpy as np
import pytest
from ase.io import write

from ase_mlffvv.cli import main
from ase_mlffvv.learning import learn, loop
from ase_mlffvv.structures import column

RECIPE = {
    'structures': [{'file': 'needle.extxyz', 'temperature': 300, 'time': 0.04, 'frames': 1}],
    'calculator': 'vv',
    'settings': {'model': 'li-pbe-2-accurate'},
    'model': 'li-pbe-2-fast',
    'select': 'change',
    'rounds': 1,
    'number': 2,
    'size': 60,
    'weights': {'energies': 0.0},
}


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / 'needle.extxyz', column(diameter=3, height=5, box=6))
    (tmp_path / 'recipe.json').write_text(json.dumps(RECIPE))
    return tmp_path


def test_the_loop_closes(folder, capsys):
    assert main(['learn', str(folder)]) == 0
    assert 'round 1: force MAE on new cores' in capsys.readouterr().out
    first, last = (json.loads((folder / f'loop/round_{k}/round.json').read_text()) for k in range(2))
    assert first['errors_after']['force_mae'] < first['errors']['force_mae']
    assert last['structures'] == 2
    page = (folder / 'report.html').read_text()
    assert page.count('data:image/png') == 3
    recipe = {**RECIPE, 'number': 3}
    (folder / 'recipe.json').write_text(json.dumps(recipe))
    assert main(['learn', str(folder)]) == 1
    assert 'number: 2 before, 3 now' in capsys.readouterr().err


@pytest.mark.parametrize('stage', ['_explore', 'cut', 'label', '_refit', 'core_errors', '_finish'])
def test_interrupted_in_a_stage(folder, monkeypatch, stage):
    real, calls = getattr(loop, stage), []

    def killed(*args, **settings):
        out = real(*args, **settings)
        calls.append(stage)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return out

    monkeypatch.setattr(loop, stage, killed)
    with pytest.raises(KeyboardInterrupt):
        learn(folder, progress=False)
    before = {p: p.stat().st_mtime_ns for p in folder.glob('loop/round_0/**/*.extxyz')}
    monkeypatch.undo()
    learn(folder, progress=False)
    after = {p: p.stat().st_mtime_ns for p in before}
    stages = ('run_0.extxyz', 'cut_outs.extxyz')
    assert all(after[p] == before[p] for p in before if p.name in stages)  # not computed again


def test_bad_recipes(folder):
    for change, words in (
        ({'colour': 1}, 'unknown entries colour'),
        ({'calculator': ''}, 'missing entries calculator'),
        ({'structures': [{'file': 'needle.extxyz', 'time': 1}]}, 'temperature'),
    ):
        (folder / 'recipe.json').write_text(json.dumps({**RECIPE, **change}))
        with pytest.raises(ValueError, match=words):
            learn(folder, progress=False)
    (folder / 'recipe.json').unlink()
    with pytest.raises(FileNotFoundError, match='recipe.json'):
        learn(folder, progress=False)


def test_nothing_new(folder):
    (folder / 'recipe.json').write_text(json.dumps({**RECIPE, 'select': 'grade', 'limit': 1e5}))
    found = learn(folder, progress=False)
    assert len(found) == 1
    assert 'no atom of' in found[0]['converged']
    assert np.isfinite(found[0]['grades']['quantiles']['1.0'])


def test_all_labels_fail_and_are_tried_again(folder, monkeypatch):
    recipe = {**RECIPE, 'calculator': 'tests.learning.factories:accurate_unless_broken', 'settings': {}}
    (folder / 'recipe.json').write_text(json.dumps(recipe))
    monkeypatch.chdir(folder)
    (folder / 'broken').touch()
    with pytest.raises(RuntimeError, match='not one of 2 cut-outs could be labelled'):
        learn(folder, progress=False)
    (folder / 'broken').unlink()
    assert learn(folder, progress=False)[0]['structures'] == 2
