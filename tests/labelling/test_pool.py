"""Processes that die, threads they use, and what they leave behind."""

import os
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from ase.io import read

from ase_mlffvv.labelling import label
from ase_mlffvv.labelling.pool import LocalPool, WorkerDied

from . import factories
from .inline import chain


def alive(pid):
    try:
        with open(f'/proc/{pid}/stat') as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, 'waited in vain'
        time.sleep(0.02)


def test_a_death_is_one_failure(tmp_path):
    frames = [chain(n) for n in (1, 2, 4, 3, 5, 6)]
    summary = label(frames, factories.deadly, tmp_path / 'labels', processes=2, progress=False)
    reasons = {k: reason for k, _, reason in summary.failed}
    assert set(reasons) == {1, 3}
    assert 'killed by signal 9 (SIGKILL), as systems do when memory runs out' in reasons[1]
    assert 'ended with status 3' in reasons[3]
    assert 'SIGKILL' in (tmp_path / 'labels' / summary.failed[0][1] / 'error.txt').read_text()
    assert [len(a) for a in read(tmp_path / 'labels' / 'labelled.extxyz', ':')] == [1, 4, 5, 6]
    summary = label(frames[:2], 'tests.labelling.factories:deadly', tmp_path / 'safe', settings={'safer_helps': True},
                    progress=False)  # fmt: skip
    assert (summary.labelled, summary.safe) == (2, [1])


def test_an_executor_that_breaks(tmp_path):
    frames = [chain(1), chain(2), chain(4)]
    with (
        ProcessPoolExecutor(1, mp_context=get_context('spawn')) as executor,
        pytest.raises(RuntimeError, match='no more calculations can be started: .* What is finished is kept'),
    ):
        label(frames, factories.deadly, tmp_path / 'labels', executor=executor, progress=False)
    assert label(frames[::2], factories.deadly, tmp_path / 'labels', progress=False).labelled == 2


def test_tasks_and_errors(monkeypatch):
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    with LocalPool(1) as pool:
        assert pool.submit(factories.threads).result() == str(len(os.sched_getaffinity(0)))
        with pytest.raises(RuntimeError, match='ValueError: on purpose'):
            pool.submit(factories.fails).result()
        assert pool.submit(pow, 2, 5).result() == 32
    assert 'OMP_NUM_THREADS' not in os.environ
    with pytest.raises(RuntimeError, match='cannot schedule new futures'):
        pool.submit(pow, 2, 5)


@pytest.mark.skipif(not os.path.isdir('/proc/self'), reason='looks at /proc')
def test_programs_end_with_the_pool(tmp_path):
    pool = LocalPool(1)
    future = pool.submit(factories.sleeper, str(tmp_path / 'pid'))
    wait_for(lambda: (tmp_path / 'pid').exists() and len((tmp_path / 'pid').read_text().split()) == 2)
    program, worker = map(int, (tmp_path / 'pid').read_text().split())
    assert alive(program)
    pool.kill()
    with pytest.raises(WorkerDied, match='SIGKILL'):
        future.result(10)
    wait_for(lambda: not alive(program) and not alive(worker))


def test_script_without_a_main_guard(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text(
        textwrap.dedent("""
        from ase.build import bulk
        from ase_mlffvv.labelling import label
        label([bulk('Cu')], 'emt', 'labels', progress=False)
    """)
    )
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "must stand under if __name__ == '__main__':" in done.stderr.splitlines()[-1]
    script.write_text(
        textwrap.dedent("""
        from ase.build import bulk
        from ase.calculators.emt import EMT
        from ase_mlffvv.labelling import label
        def make(atoms, safe, directory):
            return EMT()
        if __name__ == '__main__':
            print(label([bulk('Cu')], make, 'more', progress=False))
    """)
    )
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert '1 structures: 1 labelled' in done.stdout, done.stderr
    assert '"script:make"' in (tmp_path / 'more' / 'label.json').read_text()


def test_dask(tmp_path):
    distributed = pytest.importorskip('distributed', reason='Dask is not installed')
    frames = [chain(n) for n in (1, 2, 4, 5)]
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        summary = label(frames, factories.moody, tmp_path / 'labels', executor=client.get_executor(), progress=False)
    assert summary.labelled == 1
    assert [k for k, _, _ in summary.failed] == [1, 2, 3]
