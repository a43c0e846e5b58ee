"""Threads that share the parts of one computation."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

# How often a thread reads a flag before it goes to sleep. A read takes about a nanosecond.
READS_BEFORE_SLEEP = 1_000_000  # about a millisecond
READS_FOR_A_START = 20_000  # by the caller, for a worker that may have gone to sleep already
# How much longer it spins after the flag is set, until the thread that set it has released the interpreter lock: a
# few microseconds.
READS_FOR_THE_LOCK = 6_000


class Pool:
    """`threads` threads, the caller's own included, that run a function over a list of arguments.

    The functions release the interpreter lock and write to disjoint places, so which thread takes which part changes
    nothing. A second caller at the same time, as from another thread of the user's, computes alone.

    To wake a sleeping thread takes longer than many a loop here, so between two loops the workers spin for a moment
    before they sleep; `spin_wait` and `signal` are the kernels for that (see `numba/waiting.py`).
    """

    def __init__(self, threads: int, spin_wait: Callable[..., bool], signal: Callable[..., None]) -> None:
        self.threads, self._spin_wait, self._signal = threads, spin_wait, signal
        self._busy = threading.Lock()
        self._workers: list[_Worker] = []
        self._process = os.getpid()

    def run(self, function: Callable[..., Any], parts: Sequence[tuple]) -> list[Any]:
        """function(*part) for every part; the results in the order of the parts. The first error is raised."""
        if self.threads == 1 or len(parts) == 1 or not self._busy.acquire(blocking=False):
            return [function(*part) for part in parts]
        try:
            return self._together(function, parts)
        finally:
            self._busy.release()

    def _together(self, function: Callable[..., Any], parts: Sequence[tuple]) -> list[Any]:
        if not self._workers or self._process != os.getpid():  # threads do not survive a fork
            self._process = os.getpid()
            self._workers = []
            with suppress(RuntimeError):  # the system gives us no more threads (ulimit -u), so there are fewer
                while len(self._workers) < self.threads - 1:
                    self._workers.append(_Worker(self._spin_wait, self._signal))
        results: list[Any] = [None] * len(parts)
        errors: list[BaseException] = []
        next_part = itertools.count().__next__  # atomic under the interpreter lock

        def work(started: Callable[[], None] | None = None) -> None:
            try:
                i = next_part()
                if started:
                    started()
                while i < len(parts):
                    results[i] = function(*parts[i])
                    i = next_part()
            except BaseException as error:
                errors.append(error)

        helpers = self._workers[: len(parts) - 1]
        try:
            for worker in helpers:
                worker.give(work)
            work()
            for worker in helpers:
                worker.wait()
        except BaseException:  # Ctrl-C while it waits: which parts are done is not known any more, so new threads
            self._workers = []
            raise
        if errors:
            raise errors[0]
        return results


GIVEN, STARTED, DONE = 0, 8, 16  # places of the flags, in cache lines of their own


class _Worker:
    """A thread that waits for work: first it spins for a moment, then it sleeps."""

    def __init__(self, spin_wait: Callable[..., bool], signal: Callable[..., None]) -> None:
        self._spin_wait, self._signal = spin_wait, signal
        self._given, self._done = threading.Lock(), threading.Lock()
        self._given.acquire()
        self._done.acquire()
        self._flags = np.zeros(24, dtype=np.int64)
        self._number = 0  # of the work that was given last
        self._work: Callable[..., None] = lambda started: None
        threading.Thread(target=self._loop, name="rnnlm worker", daemon=True).start()

    def _loop(self) -> None:
        number = 0
        while True:
            number += 1
            self._spin_wait(self._flags, GIVEN, number, READS_BEFORE_SLEEP, 0)
            self._given.acquire()  # the locks decide; the flags only save the sleep
            self._work(lambda: self._flags.__setitem__(STARTED, self._number))
            self._flags[DONE] = number
            self._done.release()

    def give(self, work: Callable[..., None]) -> None:
        """Let the thread call `work`."""
        self._work = work
        self._number += 1
        self._given.release()
        self._signal(self._flags, GIVEN, STARTED, self._number, READS_FOR_A_START, READS_FOR_THE_LOCK)

    def wait(self) -> None:
        """Wait until the work that was given last is done."""
        self._spin_wait(self._flags, DONE, self._number, READS_BEFORE_SLEEP, READS_FOR_THE_LOCK)
        self._done.acquire()
