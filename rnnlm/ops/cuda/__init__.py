"""The GPU backend: the hot spots of `Reference` for CuPy arrays, as CUDA kernels of our own.

Here is only what surrounds the kernels: arrays in one piece, sizes of grids, and what a kernel is compiled for. Matrix
products are cuBLAS's, through CuPy. No number depends on how blocks are scheduled: sums have a fixed order.
"""

from __future__ import annotations

from .class_outputs import ClassOutputs
from .clipping import Clipping
from .context import Context
from .elementwise import Elementwise
from .jordan import Jordan
from .outer import Outers
from .outputs import Outputs
from .recurrences import Recurrences
from .tables import Tables
from .updates import Updates


class Cuda(Recurrences, Jordan, Context, ClassOutputs, Outputs, Elementwise, Tables, Clipping, Updates, Outers):
    """`Reference` on CuPy arrays, by kernels. It never waits for the device; what it raises, CuPy raises."""
