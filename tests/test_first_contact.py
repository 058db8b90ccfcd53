"""What a newcomer meets first: help with examples, lists of what there is, and messages that say what to do."""

import shlex
import subprocess
import sys

import pytest
from ase.build import bulk

from ase_mlffvv import VVCalculator
from ase_mlffvv.cli import look, main
from ase_mlffvv.cli.examples import EXAMPLES
from ase_mlffvv.cli.program import COMMANDS, parser
from ase_mlffvv.jobs.settings import RunSettings
from ase_mlffvv.model.find import find_potential, shipped


def commands():
    return parser()._subparsers._group_actions[0].choices


def test_every_command_has_examples_that_its_parser_takes():
    names = {module.__name__.rpartition('.')[2] for module in COMMANDS}
    assert set(EXAMPLES) == names
    for name, lines in EXAMPLES.items():
        text = commands()[name].format_help()
        for line in lines:
            assert f'  {line}' in text
            words = shlex.split(line, comments=True)
            words = words[words.index('mlffvv') :]  # after mpiexec -n 4
            assert words[:2] == ['mlffvv', name]
            parser().parse_args(words[1:])


def test_help_fits_the_screen_and_shows_choices(monkeypatch):
    monkeypatch.setenv('COLUMNS', '80')
    text = commands()['run'].format_help()
    assert '{berendsen,csvr,langevin,none}' in text
    assert '{auto,extxyz,packed}' in text
    assert '{cpu,cuda}' in text


def test_the_american_spelling_is_a_command():
    assert parser().parse_args(['analyze', 'a.extxyz']).run is parser().parse_args(['analyse', 'a.extxyz']).run


def test_models_are_listed_and_unknown_names_list_them(capsys):
    assert main(['models']) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[1].split()[0] == 'li-pbe-2-fast'
    assert {line.split()[0] for line in out[1 : 1 + len(shipped())]} == set(shipped())
    assert '89' in out[1]
    assert '2.6' in out[1]
    with pytest.raises(FileNotFoundError, match=r'does not exist, and is no potential.*li-pbe-2-fast'):
        find_potential('li-pbe-9')


@pytest.mark.parametrize('shell', ['bash', 'zsh', 'tcsh'])
def test_completion_knows_commands_and_options(capsys, shell):
    pytest.importorskip('shtab')
    assert main(['completion', shell]) == 0
    text = capsys.readouterr().out
    assert 'analyse' in text
    assert 'frame-interval' in text


def test_the_package_is_a_program():
    done = subprocess.run([sys.executable, '-m', 'ase_mlffvv', '--version'], capture_output=True, text=True, check=True)
    assert done.stdout.startswith('ase-mlffvv ')


def test_a_calculator_that_did_nothing_counts_nothing():
    atoms, calc = bulk('Li', cubic=True), VVCalculator()
    assert 'built' not in str(calc)
    atoms.calc = calc
    atoms.get_forces()
    assert 'pair list built 1 times' in str(calc)


def test_long_trajectories_are_packed_and_short_ones_are_text():
    paper = RunSettings(steps=100_000)  # 200 ps
    assert 1.7e9 < paper.size(9145, 'extxyz') < 2.0e9
    assert paper.resolve(9145, True).trajectory == 'packed'
    assert RunSettings(steps=5000).resolve(9145, True).trajectory == 'extxyz'
    assert RunSettings(steps=5000).resolve(50_000, True).trajectory == 'packed'
    assert RunSettings(steps=100_000, trajectory='extxyz').resolve(9145, True).trajectory == 'extxyz'


@pytest.mark.parametrize(
    ('qt', 'library', 'backend', 'prefix'),
    [
        (True, None, None, 'MPLBACKEND=TkAgg '),
        (True, 'libxcb-cursor.so.0', None, ''),
        (False, None, None, ''),
        (True, None, 'agg', ''),
    ],
)
def test_ase_gui_is_shown_without_the_dialog_of_qt(monkeypatch, qt, library, backend, prefix):
    monkeypatch.setattr(look.sys, 'platform', 'linux')
    monkeypatch.setattr(look, 'find_spec', lambda name: object() if qt else None)
    monkeypatch.setattr(look, 'find_library', lambda name: library)
    monkeypatch.delenv('MPLBACKEND', raising=False)
    if backend:
        monkeypatch.setenv('MPLBACKEND', backend)
    assert look.gui_command('a b.extxyz') == f"{prefix}ase gui 'a b.extxyz'"


def test_a_compilation_is_told_and_a_load_is_not(tmp_path, monkeypatch):
    code = ('import logging, sys; logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout); '
            'sys.path.insert(0, sys.argv[1]); import small; print(small.one(1.0))')  # fmt: skip
    (tmp_path / 'small.py').write_text(
        'from ase_mlffvv.jit.compile import kernel\n\n\n@kernel()\ndef one(x):\n    return x + 1\n'
    )
    monkeypatch.setenv('NUMBA_CACHE_DIR', str(tmp_path / 'cache'))
    command = [sys.executable, '-c', code, str(tmp_path)]
    outs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert outs[0].splitlines() == ['compiling kernels once for this machine, about 30 s', '2.0']
    assert outs[1].splitlines() == ['2.0']
