"""The machine: every piece of array arithmetic that costs time, behind one set of signatures.

`reference` states each once, in plain array code that runs on NumPy and on CuPy arrays; `cpu` overrides for NumPy
arrays what compiled loops do faster, `cuda` for CuPy arrays what kernels of our own do faster. The array decides the
machine: `ops_for(array)` returns the backend that belongs to it. What works on NumPy arrays, and on how many threads,
is one choice for the process (`use`), and so is how exact products are on the GPU (`use_precision`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from ..errors import UsageError
from .precision import PRECISIONS, precision, use_precision
from .reference import Reference

__all__ = [
    "BACKENDS",
    "PRECISIONS",
    "Reference",
    "backend",
    "cores",
    "ops_for",
    "precision",
    "tell_when_compiling",
    "use",
    "use_kernels",
    "use_precision",
]

BACKENDS = ("numpy", "numba")


@cache
def _reference() -> Reference:
    return Reference(np)


@cache
def _gpu(kernels: bool) -> Reference:
    import cupy

    from .cuda import Cuda

    return Cuda(cupy) if kernels else Reference(cupy)


@cache
def _compiled(threads: int) -> Reference:
    from .cpu import Cpu  # imports Numba

    return Cpu(threads)


_host: Reference | None = None  # what works on NumPy arrays


def use(backend: str | None = None, threads: int | None = None) -> Reference:
    """Choose the backend for NumPy arrays in this process, and its number of threads; returns it.

    "numba" is compiled loops, "numpy" plain array code on one thread, None the first of them that can be imported;
    threads None is every core that this process may use. The backend and the threads change how long a result takes:
    the threads not a bit of it, the backend its last digits. Raises UsageError for what there is not.
    """
    global _host
    if backend not in (None, *BACKENDS):
        raise UsageError(f"backend {backend!r} is not known. Give one of {', '.join(BACKENDS)}.")
    if threads is not None and threads < 1:
        raise UsageError(f"threads={threads} is too few. Give a whole number >= 1.")
    if backend == "numpy":
        if threads not in (None, 1):
            raise UsageError(f"the backend numpy runs on one thread, not on {threads}. Leave --threads out.")
        _host = _reference()
        return _host
    try:
        _host = _compiled(threads or cores())
    except ImportError as error:  # not installed, or not for this NumPy
        if backend == "numba":
            raise UsageError(
                f"the backend numba needs Numba, which cannot be imported: {error}. Install it (pip install numba), "
                "or use --backend numpy."
            ) from error
        _host = _reference()
    return _host


_kernels = True  # CuPy arrays are computed with by kernels of our own


def use_kernels(wanted: bool) -> None:
    """Compute with CuPy arrays by our CUDA kernels (as at the start), or by plain array code, their judge."""
    global _kernels
    _kernels = wanted


_tell: Callable[[], None] | None = None


def tell_when_compiling(tell: Callable[[], None] | None) -> None:
    """Call `tell` whenever a kernel is compiled: seconds that pass on the first use on a machine, and never again."""
    global _tell
    _tell = tell


def compiling() -> None:
    """A kernel is being compiled."""
    if _tell is not None:
        _tell()


def backend() -> Reference:
    """What works on NumPy arrays now: what `use` chose, else its defaults."""
    return _host or use()


def ops_for(array: Any) -> Reference:
    """The operations for the machine on which `array` lives."""
    kind: Any = type(array)
    return _gpu(_kernels) if kind is not np.ndarray and _of_cupy(kind) else _host or use()


@cache
def _of_cupy(kind: type) -> bool:
    """Whether arrays of this type are CuPy's; asked many times a window."""
    return kind.__module__.partition(".")[0] == "cupy"


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
