"""A stand-in for CuPy and an NVIDIA GPU on a machine that has neither: arrays, kernels, and a record of both.

`arrays` refuses what CuPy refuses (mixing with NumPy arrays, implicit conversion), `module` is the module that
`import cupy` finds, and `kernels` runs the CUDA sources thread by thread on the host. What only a real GPU shows,
its speed, its memory model and its rounding in library calls, is not tested by any of it.
"""

from .arrays import DeviceArray, record
from .module import installed

__all__ = ["DeviceArray", "installed", "record"]
