"""Processes for long calculations. Each has one task at a time, so that only this task is lost if the process dies.

A ``ProcessPoolExecutor`` loses all its tasks when one process dies, and does not know which task caused it.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import threading
import time
import traceback
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process

_environment = threading.Lock()


class WorkerDied(RuntimeError):
    """The process of a task ended before the task was finished."""


class WorkerCannotStart(RuntimeError):
    """A new process ended before it could take a task."""


class LocalPool(Executor):
    """Executor of ``processes`` spawned processes.

    A task whose process dies raises :class:`WorkerDied`; the next task gets a new process. Programs started by a task
    end together with its process, and the processes end together with the one that made the pool.

    Parameters
    ----------
    processes : int
        Number of processes. Unless ``OMP_NUM_THREADS`` is set, the processors are divided equally among their threads.
    """

    def __init__(self, processes):
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix='label')
        self._share = max(1, _processors() // processes)
        self._idle = queue.SimpleQueue()
        self._lock, self._workers, self._closed = threading.Lock(), set(), False
        for _ in range(processes):
            self._idle.put(None)

    def submit(self, fn, /, *args, **kwargs):
        return self._threads.submit(self._call, pickle.dumps((fn, args, kwargs)))

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Wait for the tasks, except those waiting if ``cancel_futures`` is True, and end the processes."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        if wait:
            self.kill()

    def kill(self):
        """End all processes immediately."""
        with self._lock:
            self._closed = True
            for worker in self._workers:
                worker.kill()
            for worker in self._workers:
                worker.process.join(1)
            self._workers.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _call(self, task):
        worker = self._idle.get()  # never waits, because there are as many as threads
        try:
            if worker is None:
                worker = self._start()
            return worker.run(task)
        except WorkerDied:
            with self._lock:
                self._workers.discard(worker)
            worker = None
            raise
        finally:
            self._idle.put(worker)

    def _start(self):
        with self._lock:
            if self._closed:
                raise WorkerDied('the pool is closed')
            worker = _Worker(self._share)
            self._workers.add(worker)
        worker.wait()
        return worker


class _Worker:
    """One process and a pipe to it."""

    def __init__(self, threads):
        context = get_context('spawn')
        self.pipe, end = context.Pipe()
        self.process = context.Process(target=_serve, args=(end,))
        with _default_threads(threads):
            self.process.start()
        end.close()  # so that the pipe ends with the process

    def wait(self):
        try:
            self.pipe.recv_bytes()
        except (EOFError, OSError):
            raise WorkerCannotStart(
                f'a worker process could not start: {self._end()}. In a script, the call must stand under '
                "if __name__ == '__main__': because new processes import the script."
            ) from None

    def run(self, task):
        try:
            self.pipe.send_bytes(task)
            good, answer = pickle.loads(self.pipe.recv_bytes())
        except (EOFError, OSError):
            raise WorkerDied(f'the worker process {self._end()}') from None
        if not good:
            raise RuntimeError(answer)
        return answer

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (AttributeError, OSError):  # there are no process groups, or the process has none yet
            self.process.kill()

    def _end(self):
        deadline = time.monotonic() + 5
        # not join(5): another thread may be collecting the process now and may not have stored its status yet
        while (code := self.process.exitcode) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        self.kill()  # also ends programs that it started
        if code == -9:
            return 'was killed by signal 9 (SIGKILL), as systems do when memory runs out'
        if code is not None and code < 0:
            return f'was ended by signal {-code} ({signal.Signals(-code).name})'
        return f'ended with status {code}'


def _serve(pipe):
    """Do tasks until the pipe is closed."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if hasattr(os, 'setpgid'):
        os.setpgid(0, 0)  # Ctrl-C at the terminal reaches only the parent, which decides
    pipe.send_bytes(b'ready')
    while True:
        try:
            task = pipe.recv_bytes()
        except EOFError:
            return
        try:
            function, args, kwargs = pickle.loads(task)
            answer = pickle.dumps((True, function(*args, **kwargs)))
        except Exception as error:
            answer = pickle.dumps((False, f'{type(error).__name__}: {error}\n\n{traceback.format_exc()}'))
        pipe.send_bytes(answer)


def _end_with_parent():
    """End this process with its parent; otherwise processes of a killed job would interfere with its successor."""
    parent_process().join()
    if hasattr(os, 'killpg') and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _processors():
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


@contextmanager
def _default_threads(n):
    """Set ``OMP_NUM_THREADS`` while a process starts, because libraries read it when they are loaded."""
    with _environment:
        if 'OMP_NUM_THREADS' in os.environ:
            yield
            return
        os.environ['OMP_NUM_THREADS'] = str(n)
        try:
            yield
        finally:
            del os.environ['OMP_NUM_THREADS']
