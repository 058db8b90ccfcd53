"""The table as a whole: files, going on, failures, the command."""

import json
from dataclasses import replace

import pytest

from ase_mlffvv import VVCalculator
from ase_mlffvv.cli import main
from ase_mlffvv.properties import GROUPS, tasks, validate
from ase_mlffvv.properties.reference import PROPERTIES, beyond, middle

from ..pages.test_page import tags
from .models import Poor, WithoutStress

LJ = 'tests.properties.models:lj'


def run(*args):
    return main([str(a) for a in args])


def test_the_command(tmp_path, capsys):
    folder = tmp_path / 'table'
    assert run('validate', '--only', 'lattice', 'elastic', '--threads', 1, '-o', folder) == 0
    out = capsys.readouterr().out
    assert 'lithium, VVCalculator(li-pbe-2-fast)' in out
    assert 'a, bcc (Å)' in out
    assert 'surface' not in out
    assert (folder / 'validation.txt').read_text() in out
    assert (folder / 'validation.png').stat().st_size > 20_000
    found = tags((folder / 'validation.html').read_text())
    assert sum(tag == 'tr' for tag, _ in found) > 10
    assert any('equation of state' in a.get('alt', '').lower() for tag, a in found if tag == 'img')
    data = json.loads((folder / 'validation.json').read_text())
    table = {row['name']: row for row in data['table']}
    assert table['a_bcc']['value'] == pytest.approx(3.439, abs=0.005)
    assert table['a_bcc']['unit'] == 'Å'
    assert table['C44']['dft'] == [10.1, 11.0]
    assert table['C11']['difference'] < 0
    assert 'Zuo' in table['C44']['source']
    assert not list(folder.glob('*.part'))


def test_going_on(tmp_path, monkeypatch):
    calc = VVCalculator(threads=1)

    def stop(lab):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setitem(tasks.TASKS, 'elastic', replace(tasks.TASKS['elastic'], function=stop))
        with pytest.raises(KeyboardInterrupt, match='stopped with 1 of 2 parts finished.*same command again'):
            validate(calc, tmp_path, only=['elastic'], progress=False)
    before = json.loads((tmp_path / 'validation.json').read_text())['tasks']
    assert list(before) == ['bcc']
    with monkeypatch.context() as patch:
        patch.setitem(tasks.TASKS, 'bcc', replace(tasks.TASKS['bcc'], function=stop))  # must not be computed again
        result = validate(calc, tmp_path, only=['elastic'], progress=False)
    assert result.tasks['bcc'] == before['bcc']
    assert result.value('C11') > result.value('C12')
    with pytest.raises(ValueError, match='holds properties with other settings .*digest: .* before'):
        validate(VVCalculator('li-pbe-solvent-1'), tmp_path, only=['elastic'], progress=False)
    with pytest.raises(ValueError, match='seed: 0 before, 1 now'):
        validate(calc, tmp_path, only=['elastic'], seed=1, progress=False)


def test_a_damaged_table(tmp_path):
    (tmp_path / 'validation.json').write_text('{"format": 1')
    with pytest.raises(FileExistsError, match='is damaged, or is not JSON'):
        validate(None, tmp_path, only=['lattice'], progress=False)
    (tmp_path / 'file').write_text('')
    with pytest.raises(FileExistsError, match='is a file'):
        validate(None, tmp_path / 'file', only=['lattice'], progress=False)


def test_other_files_stay(tmp_path):
    (tmp_path / 'validation.txt').write_text('mine')
    options = {'settings': {'epsilon': 0.3}, 'only': ['lattice'], 'progress': False}
    with pytest.raises(FileExistsError, match='does not hold properties .* found validation.txt'):
        validate(LJ, tmp_path, **options)
    assert [p.name for p in tmp_path.iterdir()] == ['validation.txt']
    (tmp_path / 'notes.txt').write_text('mine')
    assert run('validate', '--calculator', LJ, '--settings', 'epsilon=0.3', '--only', 'lattice', '--overwrite',
               '-o', tmp_path) == 0  # fmt: skip
    assert 'lithium' in (tmp_path / 'validation.txt').read_text()
    assert (tmp_path / 'notes.txt').read_text() == 'mine'
    with pytest.raises(ValueError, match='epsilon: 0.3 before, 0.2 now'):
        validate(LJ, tmp_path, **{**options, 'settings': {'epsilon': 0.2}})
    assert validate(LJ, tmp_path, **{**options, 'settings': {'epsilon': 0.2}}, overwrite=True).failed == []


def test_failures_are_reported_and_tried_again(tmp_path, monkeypatch):
    result = validate(Poor(threads=1), tmp_path, only=['elastic', 'vacancy'], progress=False)
    assert result.failed == ['vacancy_formation', 'vacancy_migration']
    text = str(result)
    assert 'failed: vacancy_formation: ' in text
    assert 'NaN' in text
    assert result.value('vacancy_formation') is None
    assert result.value('C11') > 0
    assert run('validate', '--only', 'lattice', '-o', tmp_path) == 1  # another calculator
    good = tasks.TASKS['vacancy_formation']
    monkeypatch.setitem(tasks.TASKS, good.name, replace(good, function=lambda lab: {'values': {good.name: 0.5}}))
    again = validate(Poor(threads=1), tmp_path, only=['vacancy'], progress=False)
    assert again.failed == ['vacancy_migration']
    assert again.value('vacancy_formation') == 0.5


def test_what_needs_a_failed_part_fails_with_it(tmp_path, monkeypatch):
    def broken(lab):
        raise ZeroDivisionError('none')

    monkeypatch.setitem(tasks.TASKS, 'bcc', replace(tasks.TASKS['bcc'], function=broken))
    result = validate(None, tmp_path, only=['elastic'], progress=False)
    reasons = {r.name: r.reason for r in result.results}
    assert reasons['a_bcc'] == 'ZeroDivisionError: none'
    assert reasons['C11'] == "this property needs the result of 'bcc', which failed"


def test_other_calculators(tmp_path, capsys):
    args = ('validate', '--calculator', LJ, '--settings', 'epsilon=0.3', '--only', 'elastic', '-o')
    assert run(*args, tmp_path / 'lj') == 0
    out = capsys.readouterr().out
    assert f'lithium, {LJ}(epsilon=0.3)' in out
    data = json.loads((tmp_path / 'lj' / 'validation.json').read_text())
    assert data['identity']['epsilon'] == 0.3
    direct = validate(WithoutStress(threads=1), tmp_path / 'a', only=['elastic'], progress=False)
    stress = validate(VVCalculator(threads=1), tmp_path / 'b', only=['elastic'], progress=False)
    assert direct.value('C11') == pytest.approx(stress.value('C11'), abs=0.3)


def test_mistakes_are_one_line(tmp_path, capsys):
    for args, message in (
        (['--only', 'latice'], 'unknown groups latice; known: lattice'),
        (['--only', 'liquid', '--quick'], 'nothing to compute'),
        (['li-pbe-1', '--calculator', 'vv'], 'not both'),
        (['--settings', 'a=1'], '--settings are those of --calculator'),
        (['--calculator', 'emt'], 'cannot compute bcc lithium: NotImplementedError: No EMT-potential for Li'),
        (['--calculator', 'vv', '--settings', 'modl=x'], 'modl'),
        (['none.vv'], 'does not exist'),
    ):
        assert run('validate', *args, '-o', tmp_path / 'x') == 1, args
        assert message in capsys.readouterr().err.strip().splitlines()[-1]


def test_every_line_has_a_part_and_a_group():
    given = [key for task in tasks.TASKS.values() for key in task.gives]
    assert sorted(given) == sorted(PROPERTIES)
    assert {p.group for p in PROPERTIES.values()} == set(GROUPS)
    for task in tasks.TASKS.values():
        assert {PROPERTIES[key].group for key in task.gives} == {task.group}
        assert set(task.needs) <= set(tasks.TASKS)


def test_choice():
    assert 'liquid' in tasks.choose()
    assert 'melting' not in tasks.choose()
    assert tasks.choose(['melting']) == ['bcc', 'melting']
    assert not {'liquid', 'expansion'} & set(tasks.choose(quick=True))
    assert tasks.choose(['surfaces'])[0] == 'bcc'


def test_differences():
    assert beyond(1.2, (1.0, 1.1)) == pytest.approx(0.1)
    assert beyond(1.05, (1.0, 1.1)) == 0
    assert beyond(0.9, 1.0) == pytest.approx(-0.1)
    assert beyond('100', '100') is None
    assert middle((1.0, 2.0)) == 1.5
    assert middle(None) is None
