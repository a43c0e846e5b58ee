"""Threads that share the parts of a computation."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from rnnlm.ops.numba import waiting
from rnnlm.ops.pool import Pool


@pytest.fixture(params=[1, 2, 4])
def pool(request):
    return Pool(request.param, waiting.spin_wait, waiting.signal)


def slow_square(i):
    time.sleep(0.001 * (i % 3))
    return i * i


def test_results_come_in_the_order_of_the_parts(pool):
    for count in (0, 1, 2, 3, 50):
        assert pool.run(slow_square, [(i,) for i in range(count)]) == [i * i for i in range(count)]
    time.sleep(0.05)  # the workers have gone to sleep
    assert pool.run(slow_square, [(i,) for i in range(9)]) == [i * i for i in range(9)]


def test_the_parts_run_side_by_side():
    """Each part waits for the others: it ends only if there are as many threads as parts."""
    meeting = threading.Barrier(3, timeout=30)
    names = Pool(3, waiting.spin_wait, waiting.signal).run(
        lambda i: meeting.wait() >= 0 and threading.current_thread().name, [(0,), (1,), (2,)]
    )
    assert len(names) == 3
    assert threading.current_thread().name in names


def test_the_first_error_is_raised(pool):
    def fail(i):
        if i in (2, 5):
            time.sleep(0.02 * i)
            raise ValueError(f"part {i}")
        return i

    for _ in range(3):
        with pytest.raises(ValueError, match="part 2"):
            pool.run(fail, [(i,) for i in range(7)])
        assert pool.run(slow_square, [(3,), (4,)]) == [9, 16]  # the threads are still there


def test_a_pool_bears_several_callers(pool):
    """A second caller at the same time computes alone, also one that is itself a part."""
    wanted, found = [i * i for i in range(20)], []

    def call():
        for _ in range(20):
            found.append(pool.run(slow_square, [(i,) for i in range(20)]) == wanted)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert found == [True] * 80
    nested = pool.run(lambda n: pool.run(slow_square, [(i,) for i in range(n)]), [(3,), (4,)])
    assert nested == [[0, 1, 4], [0, 1, 4, 9]]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_pool_works_after_a_fork(pool):
    parts = [(i,) for i in range(9)]
    before = pool.run(slow_square, parts)
    child = os.fork()
    if not child:
        signal.alarm(20)  # a child that waits for threads that it does not have
        os._exit(0 if pool.run(slow_square, parts) == before else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert pool.run(slow_square, parts) == before


def test_a_pool_survives_ctrl_c():
    """KeyboardInterrupt while the caller waits for another thread: later results are whole, and come."""
    pool, caller = Pool(2, waiting.spin_wait, waiting.signal), threading.get_ident()

    def part(i, seconds):
        time.sleep(0.02 if threading.get_ident() == caller else seconds)
        return i

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits a deaf ear
    timer = threading.Timer(0.1, signal.raise_signal, (signal.SIGINT,))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            pool.run(part, [(0, 0.4), (1, 0.4)])
    finally:
        signal.signal(signal.SIGINT, before)
    time.sleep(0.6)
    found = []
    later = threading.Thread(
        target=lambda: found.extend(pool.run(part, [(0, 0.1), (1, 0.1)]) for _ in range(3)), daemon=True
    )
    later.start()
    later.join(20)
    assert found == [[0, 1]] * 3


@pytest.mark.parametrize("granted", [0, 1])
def test_a_system_that_gives_no_more_threads(granted, monkeypatch):
    start, given = threading.Thread.start, []

    def limited(thread):
        if len(given) == granted:
            raise RuntimeError("can't start new thread")
        given.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    pool = Pool(4, waiting.spin_wait, waiting.signal)
    assert pool.run(slow_square, [(i,) for i in range(9)]) == [i * i for i in range(9)]
    assert len(given) == granted
