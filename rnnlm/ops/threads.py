"""One thread for matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """A context in which BLAS runs on one thread.

    At these sizes a second thread costs more than it gives, most of all on a busy machine, and it changes the order of
    sums: with one, training, perplexity and samples give the same numbers every time.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield
