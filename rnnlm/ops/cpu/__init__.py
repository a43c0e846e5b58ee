"""The compiled backend: the hot loops of `Reference` for NumPy arrays, by Numba, on several threads.

Here is only what surrounds the kernels of `compiled/`: arrays in one piece, and the division into parts for threads.
No number depends on the division: each row's arithmetic is the same in any company, and sums over parts are not made.
"""

from __future__ import annotations

from .convolutions import Convolutions
from .outputs import Outputs
from .recurrences import Recurrences
from .updates import Updates


class Cpu(Recurrences, Convolutions, Outputs, Updates):
    """`Reference` on NumPy arrays, compiled. `threads` of them share the work; one or many give the same bits."""
