"""A small run, and the comparison of two folders; as a program, the runs of :mod:`.test_restart`."""

import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ase_mlffvv import VVCalculator
from ase_mlffvv.io.checkpoint import load_checkpoint
from ase_mlffvv.jobs import RunSettings, record, resume, start
from ase_mlffvv.structures import column, freeze_bottom


def needle():
    return freeze_bottom(column(diameter=2.5, height=2, box=5, substrate_layers=3), 1)


def same_run(whole, broken):
    """Everything a run leaves is the same, bit for bit."""
    for name in (record.trajectory_path(whole).name, record.LOG):
        assert (whole / name).read_bytes() == (broken / name).read_bytes(), name
    (a, data), (b, other) = (load_checkpoint(folder / record.CHECKPOINT, record.KIND) for folder in (whole, broken))
    assert list(a) == list(b)
    for name, array in a.items():
        np.testing.assert_array_equal(array, b[name], err_msg=name)
    assert data == other


def go_on(folder, settings):
    if (folder / record.CHECKPOINT).exists():
        resume(folder, VVCalculator(threads=1), progress=False)
    else:
        start(needle(), VVCalculator(threads=1), folder, settings, progress=False)


def kill_and_go_on(folder, settings, kills, longest, rng):
    """Fork a process that runs, kill it at a random moment, and again; how often it was still running."""
    hits = 0
    for k in range(kills + 1):
        child = os.fork()
        if child == 0:
            tqdm.set_lock(threading.RLock())  # the one shared between processes stays locked when its holder is killed
            go_on(folder, settings)
            os._exit(0)
        if k < kills:
            time.sleep(rng.uniform(0, longest))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        hits += os.WIFSIGNALED(status)
    assert status == 0
    return hits


def main(out, kills, **settings):
    settings = RunSettings(**settings)
    rng = random.Random(1)
    go_on(out / 'whole', settings)
    begin = time.perf_counter()
    go_on(out / 'again', settings)
    longest = 4 * (time.perf_counter() - begin) / kills
    same_run(out / 'whole', out / 'again')
    hits = kill_and_go_on(out / 'broken', settings, kills, longest, rng)
    same_run(out / 'whole', out / 'broken')
    print(hits)


if __name__ == '__main__':
    main(Path(sys.argv[1]), **json.loads(sys.argv[2]))
