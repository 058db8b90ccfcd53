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
from ase_mlffvv.studies import read_plan, study

PLAN = """
seeds: 2
defaults: {diameter: 2.5, height: 2, box: 5, substrate_layers: 3, time: 0.06, frame_interval: 10,
           checkpoint_interval: 5}
conditions:
  cold: {temperature: 100}
  hot: {temperature: 300, trajectory: packed}
frames: [0, 0.06]
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


def stamps(folder):
    return {p: p.stat().st_mtime_ns for p in folder.glob('*/*/finished.json')}


def main(out, kills):
    path = out / 'plan.yaml'
    path.write_text(PLAN)
    plan, rng, hits, longest, before = read_plan(path), random.Random(0), 0, 5.0, {}
    for k in range(kills + 1):  # forks come first: threads of OVITO would not survive them
        child = os.fork()
        if child == 0:
            tqdm.set_lock(threading.RLock())
            go_on(plan, out / 'broken')
            os._exit(0)
        if k < kills:
            time.sleep(rng.uniform(0.5, longest))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        hits += os.WIFSIGNALED(status)
        now = stamps(out / 'broken')
        assert all(now[p] == stamp for p, stamp in before.items()), 'a finished run was repeated'
        before = now
    assert status == 0
    assert len(before) == 4
    assert go_on(plan, out / 'whole').computed == 4
    assert go_on(plan, out / 'broken').computed == 0
    for folder in (out / 'whole').glob('*/*/'):
        other = out / 'broken' / folder.relative_to(out / 'whole')
        for name in (record.trajectory_path(folder).name, 'log.csv', 'timeline.csv', 'timeline.parquet',
                     'frames.vvtraj'):  # fmt: skip
            assert (folder / name).read_bytes() == (other / name).read_bytes(), f'{folder}: {name}'
    print(hits)


if __name__ == '__main__':
    main(Path(sys.argv[1]), int(sys.argv[2]))
