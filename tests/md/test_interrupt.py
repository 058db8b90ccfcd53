"""Ctrl-C and errors at any moment leave a state that continues bit for bit."""

import random
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from ase_mlffvv.errors import StructureError
from ase_mlffvv.md import Dynamics, Samples
from ase_mlffvv.md.interrupt import interrupt_flag
from ase_mlffvv.model.find import find_potential

from .test_dynamics import INTEGRATORS, structures, warm

STEPS = 60


@pytest.fixture(autouse=True)
def ctrl_c():
    """Python's handler of SIGINT, also where the parent ignores the signal (``nohup make test &``)."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


POTENTIAL, ATOMS = find_potential(), warm(structures()['frozen'])


def make(kind):
    return Dynamics(ATOMS, POTENTIAL, INTEGRATORS[kind], on_extrapolation='ignore', reporters=[Samples(1)], threads=1)


def same(broken, whole):
    a, b = broken.atoms(), whole.atoms()
    np.testing.assert_array_equal(a.positions, b.positions)
    np.testing.assert_array_equal(a.get_momenta(), b.get_momenta())
    np.testing.assert_array_equal(a.get_forces(), b.get_forces())
    assert float(broken.thermostat_work) == float(whole.thermostat_work)
    for name, values in whole.samples.items():
        np.testing.assert_array_equal(broken.samples[name], values, err_msg=name)


def whole_run(kind):
    md = make(kind)
    md.run(STEPS)
    return md


class Failing:
    """Forces that raise an error before or after each evaluation whose number is in ``when``."""

    def __init__(self, forces, when, error, after):
        self.forces, self.when, self.error, self.after, self.calls = forces, set(when), error, after, 0

    def __call__(self, positions):
        self.calls += 1
        raises = self.calls in self.when
        if raises and not self.after:
            raise self.error
        found = self.forces(positions)
        if raises:
            raise self.error
        return found

    def __getattr__(self, name):
        return getattr(self.forces, name)


@pytest.mark.parametrize('after', [False, True], ids=['before', 'after'])
@pytest.mark.parametrize('error', [KeyboardInterrupt(), StructureError('atoms meet')], ids=['ctrl-c', 'error'])
@pytest.mark.parametrize('kind', INTEGRATORS)
def test_inside_a_step(kind, error, after):
    md = make(kind)
    md.forces = Failing(md.forces, [1, 2, 9, 10, 31, 32, 50], error, after)
    hits = 0
    while md.state.step < STEPS:
        before = md.state.step, md.structure().positions
        try:
            md.run(STEPS - md.state.step)
        except type(error):
            hits += 1
            assert md.state.step < STEPS
            if md.state.step == before[0]:
                np.testing.assert_array_equal(md.structure().positions, before[1])
    assert hits == 7
    same(md, whole_run(kind))


@pytest.mark.parametrize('kind', INTEGRATORS)
def test_at_random_moments(kind):
    """Ctrl-C from another thread, eight times."""
    md, rng = make(kind), random.Random(2)
    md.run(0)
    for _ in range(8):
        timer = threading.Timer(rng.uniform(0, 0.02), lambda: signal.raise_signal(signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012 (it may come before the run begins)
            timer.start()
            md.run(10**6)
        timer.join()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    whole = make(kind)
    whole.run(md.state.step)
    same(md, whole)


class Springs:
    """Forces in Python alone: Numba's kernels cannot be left by an error at any moment."""

    forget = None

    def __init__(self, places):
        self.places = places

    def __call__(self, positions):
        moved = positions - self.places
        return 0.5 * (moved * moved).sum(1), -moved

    def coordination(self, cutoff):
        return np.ones(len(self.places))


class raises_at:
    """KeyboardInterrupt in front of the n-th bytecode of ``ase_mlffvv.md``, as a second Ctrl-C could raise it."""

    def __init__(self, n):
        self.left = n

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.trace)

    def __exit__(self, *_):
        sys.settrace(self.before)

    def trace(self, frame, event, arg):
        if Path(frame.f_code.co_filename).parent.name != 'md':
            return None
        frame.f_trace_opcodes = True
        if event == 'opcode' and frame.f_code.co_name not in ('interrupt_flag', 'stop'):
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self.trace


@pytest.mark.parametrize('kind', INTEGRATORS)
def test_between_any_bytecodes_of_a_step(kind):
    def springs():
        md = make(kind)
        md.forces = Springs(md.state.positions + 0.1)
        return md

    whole = springs()
    whole.run(3)
    n, hit = 0, True
    while hit:
        n, md = n + 7, springs()
        try:
            with raises_at(n):
                md.run(1)
            hit = False
        except KeyboardInterrupt:
            assert md.state.step in (0, 1)
        md.run(3 - md.state.step)
        same(md, whole)
    assert n > 100


def test_the_step_is_finished_first():
    md = make('Berendsen')
    evaluate, calls = md.forces, []

    class Stops(Failing):
        def __call__(self, positions):
            calls.append(1)
            if len(calls) == 4:
                signal.raise_signal(signal.SIGINT)
            return evaluate(positions)

    md.forces = Stops(evaluate, (), None, False)
    with pytest.raises(KeyboardInterrupt, match='stopped after step 3'):
        md.run(10)
    np.testing.assert_array_equal(md.samples['step'], [0, 1, 2, 3])


def test_handlers():
    with interrupt_flag() as outer:
        with interrupt_flag() as inner:
            signal.raise_signal(signal.SIGINT)
            assert outer.is_set()
            assert not inner.is_set()
        with pytest.raises(KeyboardInterrupt):  # the second one
            signal.raise_signal(signal.SIGINT)
    for other in (signal.SIG_IGN, lambda *_: None):
        signal.signal(signal.SIGINT, other)
        with interrupt_flag():
            assert signal.getsignal(signal.SIGINT) is other
        with interrupt_flag(always=True) as event:
            signal.raise_signal(signal.SIGINT)
            assert event.is_set()
        assert signal.getsignal(signal.SIGINT) is other
    found = []

    def elsewhere():
        with interrupt_flag(always=True) as event:
            found.append(event.is_set())

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found == [False]
