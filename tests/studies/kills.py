"""Kill a study at random moments, continue it, and compare with one that was never interrupted; a program."""

import os
import random
import signal
import sys
import threading
import time
from concurrent.futures import Executor, Future
from pathlib import Path

from tqdm import tqdm

from ase_mlffvv.jobs import record
from ase_mlffvv.studies import read_plan, study, work  # noqa: F401  (imported before the forks)

PLAN = """
seeds: 2
defaults: {diameter: 2.5, height: 2, box: 5, substrate_layers: 3, time: 0.04, frame_interval: 10,
           checkpoint_interval: 5}
conditions:
  cold: {temperature: 100}
  hot: {temperature: 300, trajectory: packed}
frames: [0, 0.04]
analysis: {min_grain: 20}
"""


class Inline(Executor):
    """Does each task when it is submitted, in this process, so that a kill meets everything."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def go_on(plan, folder):
    return study(plan, folder, executor=Inline(), progress=False)


def child(plan, folder):
    """Fork a process that does the study; this process never uses OVITO, whose threads do not survive a fork."""
    pid = os.fork()
    if pid == 0:
        tqdm.set_lock(threading.RLock())  # the one shared between processes stays locked when its holder is killed
        go_on(plan, folder)
        os._exit(0)
    return pid


def size(folder):
    return sum(p.stat().st_size for p in folder.glob('*/*/*') if p.suffix != '.part') if folder.exists() else 0


def stamps(folder):
    return {p: p.stat().st_mtime_ns for p in folder.glob('*/*/finished.json')}


def kill_at(pid, folder, much):
    """Kill a process when its files have reached a size; whether it was still running."""
    while size(folder) < much:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return False
        time.sleep(0.003)
    os.kill(pid, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def main(out, kills):
    path = out / 'plan.yaml'
    path.write_text(PLAN)
    plan, rng, hits, before = read_plan(path), random.Random(2), 0, {}
    assert os.waitpid(child(plan, out / 'whole'), 0)[1] == 0
    total = size(out / 'whole')
    for much in sorted(rng.uniform(0, total) for _ in range(kills)):
        hits += kill_at(child(plan, out / 'broken'), out / 'broken', much)
        assert all(stamps(out / 'broken')[p] == stamp for p, stamp in before.items()), 'a finished run was repeated'
        before = stamps(out / 'broken')
    assert os.waitpid(child(plan, out / 'broken'), 0)[1] == 0
    assert all(stamps(out / 'broken')[p] == stamp for p, stamp in before.items()), 'a finished run was repeated'
    assert len(stamps(out / 'broken')) == 4
    for folder in (out / 'whole').glob('*/*/'):
        other = out / 'broken' / folder.relative_to(out / 'whole')
        for name in (record.trajectory_path(folder).name, 'log.csv', 'timeline.csv', 'timeline.parquet',
                     'frames.vvtraj'):  # fmt: skip
            assert (folder / name).read_bytes() == (other / name).read_bytes(), f'{folder}: {name}'
    print(hits)


if __name__ == '__main__':
    main(Path(sys.argv[1]), int(sys.argv[2]))
