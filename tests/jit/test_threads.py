import time

import pytest

from ase_mlffvv.jit import available_threads, in_order, over_blocks


@pytest.mark.parametrize('threads', [1, 2, 5])
def test_results_come_in_the_order_of_blocks_whenever_they_are_done(threads):
    def slow_first(begin, end):
        time.sleep(0.02 / (1 + begin))
        return begin, end

    assert list(in_order(slow_first, [0, 3, 4, 10, 11], threads)) == [(0, 3), (3, 4), (4, 10), (10, 11)]
    assert over_blocks(slow_first, 7, threads)[-1][1] == 7
    assert over_blocks(slow_first, 0, threads) == [(0, 0)]


@pytest.mark.parametrize('threads', [1, 2])
def test_errors_arrive(threads):
    def fail(begin, end):
        if begin == 2:
            raise ZeroDivisionError
        return begin

    with pytest.raises(ZeroDivisionError):
        over_blocks(fail, 4, 4 * threads)


def test_environment_lowers_the_number(monkeypatch):
    monkeypatch.delenv('NUMBA_NUM_THREADS', raising=False)
    monkeypatch.setenv('OMP_NUM_THREADS', '1')
    assert available_threads() == 1
    monkeypatch.setenv('OMP_NUM_THREADS', '100000')
    everything = available_threads()
    monkeypatch.delenv('OMP_NUM_THREADS')
    assert available_threads() == everything >= 1
