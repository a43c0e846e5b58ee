"""The machine: every piece of array arithmetic that costs time, behind one set of signatures.

A grid: one file an operation, one column a backend. `reference/` states each operation once, in plain array code that
runs on NumPy and on CuPy arrays; `numba/` overrides for NumPy arrays what compiled loops do faster, `cuda/` for CuPy
arrays what kernels of our own do faster. The array decides the machine: `ops_for(array)` returns the backend that
belongs to it. What works on NumPy arrays, and on how many threads, is one choice for the process (`use`), and so is
how exact products are on the GPU (`use_precision`).
"""

from __future__ import annotations

from .backends import BACKENDS, backend, cores, ops_for, use, use_kernels
from .compiling import tell_when_compiling
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
