"""The CUDA backend: the hot spots of `Reference` for CuPy arrays, as CUDA kernels of our own.

A file NAME.py has what surrounds the kernels NAME_*.cu of an operation: arrays in one piece, sizes of grids, and what a
kernel is compiled for. Matrix products are cuBLAS's, through CuPy. No number depends on how blocks are scheduled: sums
have a fixed order.
"""

from __future__ import annotations

from .affine import Affine
from .class_softmax import ClassSoftmax
from .clipping import Clipping
from .context import Context
from .elementwise import Elementwise
from .elman import Elman
from .gating import Gating
from .jordan import Jordan
from .outer_product import OuterProducts
from .softmax import Softmax
from .sums import Sums
from .tables import Tables
from .updates import Updates


class CudaBackend(
    Elman,
    Jordan,
    Context,
    ClassSoftmax,
    Softmax,
    Gating,
    Elementwise,
    Tables,
    Sums,
    Affine,
    Clipping,
    Updates,
    OuterProducts,
):
    """`Reference` on CuPy arrays, by kernels. It never waits for the device; what it raises, CuPy raises."""
