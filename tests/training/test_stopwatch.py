"""How long an epoch takes and how fast it learns, by a clock that the test turns."""

from __future__ import annotations

import pytest

from rnnlm.training import stopwatch
from rnnlm.training.events import Epoch, Saved, Sums, Update
from rnnlm.training.stopwatch import Stopwatch


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(stopwatch, "time", clock)
    return clock


def update(tokens: int) -> Update:
    return Update(1, 1, tokens, tokens, 99, 1, Sums(1.0, 1.0), 0.1)


def epoch() -> Epoch:
    return Epoch(1, 1, 2.0, 2.0, True, False, 0.1, "")


def at(clock, watch: Stopwatch, time: float, event) -> None:
    clock.now = time
    watch(event)


def test_the_first_update_of_a_process_waits_for_the_compiler(clock):
    watch = Stopwatch()
    at(clock, watch, 130, update(10))  # 30 seconds, most of them compiling
    at(clock, watch, 131, update(40))
    at(clock, watch, 132, update(20))
    at(clock, watch, 142, epoch())  # ten seconds of validation
    assert watch.seconds == 42
    assert watch.speed == pytest.approx((40 + 20) / 2)


def test_the_next_epoch_counts_from_the_end_of_the_one_before(clock):
    watch = Stopwatch()
    for time, event in ((130, update(10)), (131, update(40)), (140, epoch())):
        at(clock, watch, time, event)
    for time, event in ((142, update(10)), (144, update(30)), (144, Saved("x", 1, 2)), (149, epoch())):
        at(clock, watch, time, event)
    assert watch.seconds == 9
    assert watch.speed == pytest.approx((10 + 30) / 4)  # its first update counts: nothing was compiled


def test_of_the_very_first_update_alone_no_speed_is_known(clock):
    watch = Stopwatch()
    at(clock, watch, 130, update(10))
    at(clock, watch, 140, epoch())
    assert (watch.seconds, watch.speed) == (40, None)
    at(clock, watch, 145, update(10))
    at(clock, watch, 150, epoch())
    assert (watch.seconds, watch.speed) == (10, 2.0)


def test_what_was_before_the_start_does_not_count(clock):
    watch = Stopwatch()
    clock.now = 500.0
    watch.start()
    for time, event in ((501, update(5)), (503, update(8)), (505, epoch())):
        at(clock, watch, time, event)
    assert (watch.seconds, watch.speed) == (5, 4.0)


def test_an_epoch_without_an_update(clock):
    watch = Stopwatch()
    at(clock, watch, 103, epoch())
    assert (watch.seconds, watch.speed) == (3, None)
