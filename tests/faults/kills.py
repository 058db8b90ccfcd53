"""Kill commands at random moments and repeat them: what they leave is the same as without kills.

    python -m tests.faults.kills FOLDER --kills 100

Jobs are small. Each runs in a forked process, which is killed (SIGKILL) after a random part of the time that the
whole job takes, and the command is given again until it has finished. Then its files are compared with those of a job
that was not killed, and the next job begins, until the kills are used up. A line for each command says how many kills
there were. With ``--stages``, learning is killed once in each of its stages instead.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

ONE_THREAD = ('NUMBA_NUM_THREADS', 'OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS')
STAGES = ('_explore', 'cut', 'label', 'core_errors', '_refit', '_finish')
RECIPE = {
    'structures': [{'file': 'needle.extxyz', 'temperature': 100, 'time': 0.01, 'timestep': 1.0, 'frames': 1}],
    'calculator': 'tests.faults.factories:morse',
    'model': 'start.vv',
    'train': 'start.extxyz',
    'select': 'change',
    'rounds': 1,
    'number': 1,
    'size': 60,
    'weights': {'energies': 0.0},
}
DENSITY = ['--set', 'cutoff=4.5', 'two_body=0', 'three_body=[0,0]', 'density=[4,2]', 'degree=[4,2]']
FIT = [*DENSITY, 'single=4', 'terms=6']
START = [*DENSITY, 'projection=none', 'terms=0']
NEEDLE = ['--diameter', '2.5', '--height', '2', '--box', '5', '--substrate-layers', '3', '--threads', '1']


def inputs(folder):
    """Files from which the jobs begin."""
    import numpy as np
    from ase.build import bulk
    from ase.io import write

    from ase_mlffvv.structures import column

    from .factories import morse

    def label(atoms):
        atoms.calc = morse(atoms, False, folder)
        atoms.info['REF_energy'], atoms.arrays['REF_forces'] = atoms.get_potential_energy(), atoms.get_forces()
        return atoms

    rng, frames = np.random.default_rng(0), []
    for k in range(8):
        atoms = bulk('Li', 'bcc', a=3.3 + 0.03 * k, cubic=True) * (2, 1, 1)
        atoms.rattle(0.12, rng=rng)
        frames.append(label(atoms))
    write(folder / 'train.extxyz', frames)
    needle, moved = column(diameter=3, height=4, box=6), []
    write(folder / 'needle.extxyz', needle)
    for k in range(3):
        moved.append(needle.copy())
        moved[-1].rattle(0.1, seed=k)
        moved[-1].info['time_ps'] = 0.1 * k
    write(folder / 'run.extxyz', moved)
    write(folder / 'start.extxyz', [*frames, *map(label, moved)])


def command(name, here, folder):
    """The command line of a job that begins or goes on in ``here``; None if it has finished."""
    if name == 'run':
        if (here / 'run' / 'checkpoint.state').exists():
            return ['run', '--restart', str(here / 'run')]
        return ['run', *NEEDLE, '--time', '0.2', '--frame-interval', '10', '--checkpoint-interval', '20', '-o',
                str(here / 'run')]  # fmt: skip
    if name == 'label':
        return ['label', str(folder / 'train.extxyz'), '-o', str(here / 'labels'), '--calculator',
                'tests.faults.factories:morse']  # fmt: skip
    if name == 'fit':
        model = here / 'm.vv'
        return None if model.exists() else ['fit', str(folder / 'train.extxyz'), '-o', str(model), *FIT]
    if name == 'start':
        return ['fit', str(folder / 'start.extxyz'), '-o', str(folder / 'start.vv'), *START]
    if name == 'learn':
        if not (here / 'recipe.json').exists():
            for file in ('needle.extxyz', 'start.extxyz', 'start.vv'):
                shutil.copy(folder / file, here)
            (here / 'recipe.json').write_text(json.dumps(RECIPE))
        return ['learn', str(here)]
    return ['analyse', str(folder / 'run.extxyz'), '-o', str(here / 'report'), '--processes', '1', '--pictures', '1']


def result(name, here):
    """What a finished job left: bytes or numbers by file, without the time that the work took."""
    import numpy as np
    from ase.io import read

    from ase_mlffvv import VVPotential
    from ase_mlffvv.io.checkpoint import load_checkpoint

    if name == 'run':
        arrays, data = load_checkpoint(here / 'run' / 'checkpoint.state', 'run')
        state = {key: array.tobytes() for key, array in arrays.items()}
        return {file: (here / 'run' / file).read_bytes() for file in ('trajectory.extxyz', 'log.csv')} | state | data
    if name == 'label':
        out = {}
        for k, atoms in enumerate(read(here / 'labels' / 'labelled.extxyz', ':')):
            out[k] = [atoms.info['REF_energy'], np.round(atoms.arrays['REF_forces'], 10).tobytes(),
                      atoms.positions.tobytes()]  # fmt: skip
        return out
    if name == 'fit':
        return {'digest': VVPotential.load(here / 'm.vv').digest()}
    if name == 'learn':
        out = {'digest': VVPotential.load(here / 'loop' / 'round_0' / 'model.vv').digest()}
        for file in sorted(here.glob('loop/round_*/round.json')):
            out[str(file.relative_to(here))] = {
                k: v for k, v in json.loads(file.read_text()).items() if k not in ('seconds', 'checksum')
            }
        for file in sorted([*here.glob('loop/round_*/run_*.extxyz'), *here.glob('loop/round_*/cuts/cut_outs.*')]):
            out[str(file.relative_to(here))] = file.read_bytes()
        return out
    report = here / 'report'
    page = re.sub(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '', (report / 'index.html').read_text())  # of Bokeh
    return {file: (report / file).read_bytes() for file in ('timeline.csv', 'coloured.extxyz')} | {'page': page}


def fork(name, here, folder, log, prepare=None):
    """Start the command in a process of its own, after ``prepare()``; None if the job has finished."""
    words = command(name, here, folder)
    if words is None:
        return None
    child = os.fork()
    if child:
        return child
    status = 99
    try:
        from tqdm import tqdm

        from ase_mlffvv.cli import main

        tqdm.set_lock(threading.RLock())  # the one shared between processes stays locked when its holder is killed
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        if prepare is not None:
            prepare()
        status = main(words)
    except BaseException:
        Path(log).write_text(traceback.format_exc())
    finally:
        os._exit(status)


def finish(name, here, folder, log, prepare=None):
    """Run the job to its end without kills; how long that took, s."""
    begin = time.perf_counter()
    child = fork(name, here, folder, log, prepare)
    status = 0 if child is None else os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        raise SystemExit(f'mlffvv {name} ended with status {status}:\n{log.read_text()[-3000:]}')
    return time.perf_counter() - begin


def kill(name, here, folder, log, seconds):
    """Start the job, and kill it after a time; whether it was still running."""
    child = fork(name, here, folder, log)
    if child is None:
        return False
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def compare(name, here, expected):
    """End the program unless a finished job left what it should."""
    found = result(name, here)
    different = sorted(str(key) for key in {*expected, *found} if expected.get(key) != found.get(key))
    if different:
        raise SystemExit(f'mlffvv {name}: after kills in {here}, these differ: {", ".join(different)}')
    left = [str(path) for path in here.rglob('*.part')]
    if left:
        raise SystemExit(f'mlffvv {name}: temporary files were left in {here}: {", ".join(left)}')


def torment(name, folder, kills, rng):
    """Kill jobs of a command; number of kills, number of jobs, and the time of a whole job."""
    whole, log = folder / name / 'whole', folder / name / 'log.txt'
    whole.mkdir(parents=True)
    longest = finish(name, whole, folder, log)
    expected, done, jobs = result(name, whole), 0, 0
    while done < kills:
        here, jobs, tries = folder / name / f'killed_{jobs}', jobs + 1, 0
        here.mkdir()
        while done < kills and tries < 8:  # then it may finish
            hit = kill(name, here, folder, log, rng.uniform(0, longest))
            done, tries = done + hit, tries + 1
            if not hit:
                break
        finish(name, here, folder, log)
        compare(name, here, expected)
    return done, jobs, longest


def timed(path):
    """Make a child note how long each stage of learning takes, s."""
    from ase_mlffvv.learning import loop

    def wrap(stage):
        real = getattr(loop, stage)

        def measured(*args, **settings):
            begin = time.perf_counter()
            out = real(*args, **settings)
            with open(path, 'a') as file:
                file.write(f'{stage} {time.perf_counter() - begin}\n')
            return out

        setattr(loop, stage, measured)

    for stage in STAGES:
        wrap(stage)


def armed(stage, seconds):
    """Make a child kill itself some time after a stage of learning began, at the latest when the stage ends."""
    from ase_mlffvv.learning import loop

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    real = getattr(loop, stage)

    def deadly(*args, **settings):
        threading.Timer(seconds, die).start()
        real(*args, **settings)
        die()

    setattr(loop, stage, deadly)


def finished_files(here):
    """Times at which the results of finished stages were written, by file."""
    patterns = ('run_*.extxyz', 'cuts/cut_outs.extxyz', 'labels/*/result.json', 'model.vv', 'round.json')
    return {path: path.stat().st_mtime_ns for pattern in patterns for path in here.glob(f'loop/round_*/{pattern}')}


def torment_stages(folder, stages, rng):
    """Kill learning in each of its stages: it goes on without repeating what was finished, with the same results."""
    whole, log, times = folder / 'stages' / 'whole', folder / 'stages' / 'log.txt', folder / 'stages' / 'times'
    whole.mkdir(parents=True)
    finish('learn', whole, folder, log, lambda: timed(times))
    expected, took = result('learn', whole), dict(line.split() for line in reversed(times.read_text().splitlines()))
    for stage in stages:
        here, seconds = folder / 'stages' / stage, rng.uniform(0, 1.2 * float(took[stage]))
        here.mkdir()
        child = fork('learn', here, folder, log, lambda stage=stage, seconds=seconds: armed(stage, seconds))
        if not os.WIFSIGNALED(os.waitpid(child, 0)[1]):
            raise SystemExit(f'learning was not killed in {stage}:\n{log.read_text()[-3000:]}')
        before = finished_files(here)
        finish('learn', here, folder, log)
        after = finished_files(here)
        again = [str(path) for path, when in before.items() if after[path] != when]
        if again:
            raise SystemExit(f'killed in {stage}, these were made again: {", ".join(again)}')
        compare('learn', here, expected)
        print(f'{stage:12} killed after {seconds:.2f} s, {len(before):3} results kept', flush=True)


def prepare(folder):
    """Write the inputs, and the model with which learning starts."""
    folder.mkdir(parents=True, exist_ok=True)
    inputs(folder)
    import numba  # noqa: F401 (children inherit what is imported)
    import torch

    import ase_mlffvv.cli.program
    import ase_mlffvv.fitting
    import ase_mlffvv.learning  # noqa: F401

    torch.set_num_threads(1)
    finish('start', folder, folder, folder / 'start.log')


def main():
    """Kill, compare, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=Path, help='new folder for the jobs')
    parser.add_argument('--kills', type=int, default=100, help='number of kills, shared by the commands (default: 100)')
    parser.add_argument('--commands', nargs='+', default=['run', 'label', 'learn', 'fit', 'analyse'])
    parser.add_argument('--stages', nargs='*', choices=STAGES, metavar='STAGE', help='kill learning once in each of '
                        'these stages (default: all)')  # fmt: skip
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()
    os.environ.update(dict.fromkeys(ONE_THREAD, '1'))
    rng, folder = random.Random(args.seed), args.folder.resolve()
    prepare(folder)
    if args.stages is not None:
        torment_stages(folder, args.stages or STAGES, rng)
        return
    print('command   kills  jobs  whole job (s)')
    for k, name in enumerate(args.commands):
        share = args.kills // len(args.commands) + (k < args.kills % len(args.commands))
        done, jobs, longest = torment(name, folder, share, rng)
        print(f'{name:8}{done:7}{jobs:6}{longest:15.1f}', flush=True)
    print('all results are identical')


if __name__ == '__main__':
    sys.exit(main())
