"""Jobs that are stopped in the middle, by Ctrl-C or worse, and the command line."""

import os
import signal
import subprocess
import sys

import pytest
from ase.io import read, write

from ase_mlffvv import VVPotential
from ase_mlffvv.cli import main

from .inline import chain
from .test_labelling import copper
from .test_pool import alive, wait_for

pytestmark = pytest.mark.skipif(not hasattr(os, 'killpg'), reason='needs POSIX signals')


def start(tmp_path, n=12, sleep=0.25):
    write(tmp_path / 'frames.extxyz', copper(n))
    command = [sys.executable, '-m', 'ase_mlffvv.cli', 'label', tmp_path / 'frames.extxyz', '-o', tmp_path / 'labels',
               '--calculator', 'tests.labelling.factories:counted', '--processes', '2',
               '--settings', f'calls={tmp_path / "calls"}', f'sleep={sleep}']  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                            preexec_fn=ctrl_c)  # fmt: skip


def ctrl_c():
    """Let a process respond to Ctrl-C, also where the tests run in the background and ignore it (``make test &``)."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def results(tmp_path):
    return {p: p.stat().st_mtime_ns for p in (tmp_path / 'labels').glob('*/result.json')}


def calls(tmp_path):
    lines = [line.split() for line in (tmp_path / 'calls').read_text().splitlines()]
    return [line[0] for line in lines], {int(line[2]) for line in lines}


def test_killed_job_repeats_nothing(tmp_path):
    job = start(tmp_path)
    wait_for(lambda: len(results(tmp_path)) >= 3)
    job.kill()
    job.communicate()
    workers = calls(tmp_path)[1]
    wait_for(lambda: not any(alive(pid) for pid in workers))  # else they would go on beside the next job
    finished = results(tmp_path)
    assert 3 <= len(finished) < 12, 'the job was over before it could be killed'
    (tmp_path / 'calls').unlink()
    out, err = start(tmp_path).communicate(timeout=60)
    assert '12 structures: 12 labelled, 0 failed' in out, err
    assert f'({12 - len(finished)} computed now' in out
    again, _ = calls(tmp_path)
    assert len(again) == len(set(again)) == 12 - len(finished)
    assert not set(again) & {p.parent.name for p in finished}
    after = results(tmp_path)
    assert all(after[path] == time for path, time in finished.items())
    assert len(read(tmp_path / 'labels' / 'labelled.extxyz', ':')) == 12
    assert not list((tmp_path / 'labels').rglob('*.part'))


def test_interrupt(tmp_path):
    job = start(tmp_path)
    wait_for(lambda: len(results(tmp_path)) >= 2)
    os.killpg(job.pid, signal.SIGINT)  # as the terminal does
    err = job.communicate(timeout=30)[1]
    assert job.returncode == 130
    last = err.strip().splitlines()[-1]
    assert 'of 12 structures labelled in' in last
    assert 'give the same command again' in last
    assert 'Traceback' not in err
    n = len(read(tmp_path / 'labels' / 'labelled.extxyz', ':'))
    assert 2 <= n < 12
    wait_for(lambda: not any(alive(pid) for pid in calls(tmp_path)[1]))


def run(*args):
    return main([str(a) for a in args])


def test_label_and_fit_on_the_command_line(tmp_path, capsys):
    write(tmp_path / 'a.extxyz', copper(6))
    write(tmp_path / 'b.extxyz', [*copper(2, seed=1), chain(1, 'Li')])
    command = ['label', tmp_path / 'a.extxyz', tmp_path / 'b.extxyz', '-o', tmp_path / 'labels', '--calculator', 'emt']
    assert run(*command) == 0
    out, err = capsys.readouterr()
    assert '9 structures: 8 labelled, 1 failed (9 computed now' in out
    assert 'No EMT-potential for Li' in out
    assert '--retry-failed' in out
    assert 'atom/s' in err
    assert run('fit', tmp_path / 'labels' / 'labelled.extxyz', '-o', tmp_path / 'cu.vv', '--set', 'cutoff=4.5',
               'two_body=8', 'three_body=[2,2]', 'terms=5', 'single=4') == 0  # fmt: skip
    assert VVPotential.load(tmp_path / 'cu.vv').elements == ('Cu',)
    assert 'group 1' in capsys.readouterr().out


def test_mistakes_are_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'path', sys.path[:])
    write('a.extxyz', chain(1, 'Li'))
    (tmp_path / 'full').mkdir()
    (tmp_path / 'full' / 'x').write_text('')
    (tmp_path / 'mine.py').write_text('def make(atoms, safe, directory, ecut):\n    raise OSError("no binary")\n')
    for args, message in (
        (['a.extxyz', '-o', 'labels', '--calculator', 'abinit'], "no calculator 'abinit'"),
        (['a.extxyz', '-o', 'labels', '--calculator', 'emt', '--settings', 'ecut'], "expected KEY=VALUE, got 'ecut'"),
        (['a.extxyz', '-o', 'full', '--calculator', 'emt'], 'is not empty and does not hold labels'),
        (['none.extxyz', '-o', 'labels', '--calculator', 'emt'], 'none.extxyz'),
        (['a.extxyz', '-o', 'labels', '--calculator', 'mine:make'], "missing a required argument: 'ecut'"),
        (['a.extxyz', '-o', 'labels', '--calculator', 'mine:make', '--settings', 'ecut=1'], 'could be labelled'),
    ):
        assert run('label', *args) == 1
        out, err = capsys.readouterr()
        assert message in err.strip().splitlines()[-1]
        assert 'Traceback' not in err
    assert 'OSError: no binary' in out
