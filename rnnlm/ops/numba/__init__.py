"""The Numba backend: the hot loops of `Reference` for NumPy arrays, compiled, on several threads.

A file has the kernels of an operation, then the class that overrides the operation: arrays in one piece, and the
division into parts for threads. Only this folder imports Numba. Every kernel works on a part of its rows (streams,
tokens, words) that the caller names, releases the interpreter lock, and computes each number in an order that does not
depend on the part: so any number of threads gives the same bits. Arrays are C-contiguous; offsets are in elements, on
the flattened array.

Kernels are made of `jit`, which says how they are compiled, `vectors`, the two innermost loops of all matrix products
as vector instructions, `product`, `exponential`, `reductions` and `waiting`.
"""

from __future__ import annotations

from . import environment as environment  # isort: skip  # before Numba itself
from .affine import Affine
from .class_softmax import ClassSoftmax
from .clipping import Clipping
from .convolution import Convolution
from .elementwise import Elementwise
from .elman import Elman
from .jordan import Jordan
from .ngrams import Ngrams
from .outer_product import OuterProducts
from .pooling import Pooling
from .softmax import Softmax
from .tables import Tables
from .updates import Updates


class NumbaBackend(
    Elman,
    Jordan,
    Affine,
    Convolution,
    Pooling,
    ClassSoftmax,
    Softmax,
    Elementwise,
    Tables,
    Ngrams,
    Clipping,
    Updates,
    OuterProducts,
):
    """`Reference` on NumPy arrays, compiled. `threads` of them share the work; one or many give the same bits."""
