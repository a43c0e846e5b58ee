"""Which backend works on which arrays: a choice for the process."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ..cache_folder import warn_once
from ..errors import UsageError
from ..limits import cores
from .reference import Reference

BACKENDS = ("numpy", "numba")
MOST_THREADS = 1024  # more than any machine has cores, and few enough to be started


@cache
def _numpy() -> Reference:
    return Reference(np)


@cache
def _numba(threads: int) -> Reference:
    from .numba import NumbaBackend  # imports Numba, which need not be installed

    return NumbaBackend(threads)


@cache
def _cupy(kernels: bool) -> Reference:
    import cupy

    from .cuda import CudaBackend

    return CudaBackend(cupy, backend) if kernels else Reference(cupy)


_host: Reference | None = None  # what works on NumPy arrays


def use(backend: str | None = None, threads: int | None = None) -> Reference:
    """Choose the backend for NumPy arrays in this process, and its number of threads; returns it.

    "numba" is compiled loops, "numpy" plain array code on one thread, None the first of them that can be imported;
    threads None is every core that this process may use. The backend and the threads change how long a result takes:
    the threads not a bit of it, the backend its last digits. Raises UsageError for a backend that is not known or
    cannot be imported, and for a number of threads that it cannot have.
    """
    global _host
    if backend not in (None, *BACKENDS):
        raise UsageError(f"backend {backend!r} is not known. Give one of {', '.join(BACKENDS)}.")
    if threads is not None and threads < 1:
        raise UsageError(f"threads={threads} is too few. Give a whole number >= 1.")
    if threads is not None and threads > MOST_THREADS:
        raise UsageError(f"threads={threads} is too many. Give a whole number <= {MOST_THREADS}.")
    if backend == "numpy":
        if threads not in (None, 1):
            raise UsageError(f"the backend numpy runs on one thread, not on {threads}. Leave `threads` out.")
        _host = _numpy()
        return _host
    if threads is not None and threads > cores():
        warn_once(
            f"threads={threads} is more than this process may use, {cores()}: they wait for each other, and the result "
            "is the same."
        )
    try:
        _host = _numba(threads or cores())
    except (ImportError, OSError) as error:  # not installed, not for this NumPy, or LLVM finds no memory (ulimit -v)
        if backend == "numba":
            raise UsageError(
                f"the backend numba needs Numba, which cannot be imported: {error}. Install it (pip install numba), "
                'or give backend="numpy".'
            ) from error
        if isinstance(error, OSError):
            warn_once(f"Numba cannot be loaded ({' '.join(str(error).split())[:100]}), so the backend is numpy.")
        _host = _numpy()
    return _host


_kernels = True  # CuPy arrays are computed with by kernels of our own


def use_kernels(wanted: bool) -> None:
    """Compute with CuPy arrays by our CUDA kernels (as at the start), or by the reference's plain array code."""
    global _kernels
    _kernels = wanted


def backend() -> Reference:
    """What works on NumPy arrays now: what `use` chose, else its defaults."""
    return _host or use()


def ops_for(array: Any) -> Reference:
    """The operations for the machine on which `array` lives."""
    kind: Any = type(array)
    return _cupy(_kernels) if kind is not np.ndarray and _of_cupy(kind) else _host or use()


@cache
def _of_cupy(kind: type) -> bool:
    """Whether arrays of this type are CuPy's; kept, because it is asked many times a window."""
    return kind.__module__.partition(".")[0] == "cupy"
