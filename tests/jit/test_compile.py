"""One process compiles a kernel; those beside it and after it load the same machine code."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from ase_mlffvv.jit import compile as compiling

ROOT = Path(__file__).parents[2]
CALL = """
import hashlib
import numpy as np
from ase_mlffvv.kernels.fit.uncertainty import _product, product
rng = np.random.default_rng(0)
found = product(rng.normal(size=(301, 47)), rng.normal(size=(47, 9)), 2)
hits, misses = (sum(counts.values()) for counts in (_product.stats.cache_hits, _product.stats.cache_misses))
print(hits, misses, hashlib.sha256(found.tobytes()).hexdigest())
"""


def test_processes_share_machine_code(tmp_path):
    environment = {**os.environ, 'NUMBA_CACHE_DIR': str(tmp_path)}

    def start():
        command = [sys.executable, '-c', CALL]
        return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    def end(process):
        hits, misses, bits = process.communicate()[0].split()
        return int(hits), int(misses), bits

    together = [end(process) for process in [start(), start()]]
    later = end(start())
    assert sorted(found[:2] for found in together) == [(0, 1), (1, 0)]
    assert later[:2] == (1, 0)
    assert len({bits for *_, bits in (*together, later)}) == 1


def test_every_cached_kernel_is_compiled_under_the_lock():
    inside = [path.name for path in ROOT.glob('ase_mlffvv/**/*.py') if 'cache=True' in path.read_text()]
    assert inside == ['compile.py']


def test_a_folder_without_locks(monkeypatch):
    asked = []

    def refuse(self, *args, **kwargs):
        asked.append(self.lock_file)
        raise PermissionError('read-only')

    monkeypatch.setattr(compiling.FileLock, 'acquire', refuse)

    @compiling.kernel()
    def double(x):
        return 2 * x

    assert double(np.float64(3.0)) == 6.0
    assert double(np.float64(4.0)) == 8.0
    assert len(asked) == 1
    assert double(4) == 8
    assert len(asked) == 2


def test_machine_code_of_other_sources_is_not_loaded(tmp_path):
    """A change in a file that a kernel uses, but does not stand in, compiles it again."""
    call = CALL.replace('\nimport hashlib', '\nimport hashlib\nfrom ase_mlffvv.jit import compile\n{change}', 1)
    counts = []
    for change in ('', '', "compile.source_digest = lambda: 'other'"):
        code = call.format(change=change)
        environment = {**os.environ, 'NUMBA_CACHE_DIR': str(tmp_path)}
        done = subprocess.run([sys.executable, '-c', code], env=environment, cwd=ROOT, capture_output=True, text=True)
        counts.append(tuple(int(x) for x in done.stdout.split()[:2]))
    assert counts == [(0, 1), (1, 0), (0, 1)]


def test_sources_of_kernels_are_known():
    rooms = {path.relative_to(ROOT / 'ase_mlffvv').parts[0] for path in ROOT.glob('ase_mlffvv/**/*.py')
             if 'njit' in path.read_text() or '@kernel' in path.read_text()}  # fmt: skip
    assert rooms <= set(compiling.SOURCES)
