"""Every operation of the GPU backend against the plain array code: our CUDA kernels, run on the host.

The arguments are those of the compiled backend (test_operations.py). What is compared is the kernels' logic; that they
are right and fast on a GPU only a GPU can say (tools/gpu_check.py, tools/gpu_bench.py).
"""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pytest
from array_checks import REFERENCE, Numbers, agree
from stand_in import DeviceArray
from stand_in.kernels import set_order
from test_operations import CASES

from rnnlm.ops import ops_for
from rnnlm.ops.cuda import Cuda
from rnnlm.ops.gradients import Outer
from rnnlm.ops.reference import Reference

ON_THE_HOST = {"u"}  # arguments that are numbers of the host though they are no integers
OPERATIONS = [
    name for name in CASES if inspect.getattr_static(Cuda, name) is not inspect.getattr_static(Reference, name)
]
MOST = 3_000  # numbers in the largest argument: a thread of the GPU takes microseconds here


def there(cupy, value, name=""):
    """Arguments on the device: all numbers that are no integers."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and name not in ON_THE_HOST:
        return cupy.ascontiguousarray(cupy.asarray(value))
    if isinstance(value, tuple | list):
        moved = [there(cupy, part) for part in value]
        return type(value)(*moved) if hasattr(value, "_fields") else type(value)(moved)
    if isinstance(value, Outer):
        return replace(value, d=there(cupy, value.d), rows=there(cupy, value.rows))
    return value


def here(value):
    """Results on the host."""
    if isinstance(value, DeviceArray):
        return value.get()
    if isinstance(value, tuple | list):
        moved = [here(part) for part in value]
        return type(value)(*moved) if hasattr(value, "_fields") else type(value)(moved)
    return replace(value, d=here(value.d), rows=here(value.rows)) if isinstance(value, Outer) else value


def comparable(ops, name, given):
    """The results of an operation that mean the same on every backend."""
    found = getattr(ops, name)(*given)
    if not name.endswith("_nll"):
        return found
    nll, dh, own, *more = found  # `own`: the gradient of the weights in the backend's own form
    return [nll, dh, ops.softmax_gradient(own, 0.3), *more] if given[-1] else [nll]


def largest(value):
    if isinstance(value, np.ndarray):
        return value.size
    if isinstance(value, Outer):
        value = (value.d, value.rows)
    return max(map(largest, value), default=0) if isinstance(value, tuple | list) else 0


@pytest.mark.parametrize("order", [0, 1, 5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_kernels_agree_with_the_plain_array_code(gpu, name, dtype, order):
    make, sizes = CASES[name]
    names = list(inspect.signature(getattr(Reference, name)).parameters)[1:]
    device = ops_for(gpu.asarray(np.ones(1, dtype)))
    assert isinstance(device, Cuda)
    ran = 0
    set_order(order)
    try:
        for size in sizes:
            for given in make(Numbers(dtype), *size):
                if largest(given) > MOST:
                    continue
                moved = tuple(there(gpu, value, name) for value, name in zip(given, names, strict=False))
                wanted, found = comparable(REFERENCE, name, given), comparable(device, name, moved)
                if name.endswith("_draw") and dtype == "float32":  # where two words meet, either may be drawn
                    same = found[0] == wanted[0]
                    assert (~same).sum() <= 1 + 0.01 * len(same)
                    found, wanted = ([array[same] for array in both] for both in (found, wanted))
                agree(here(found), wanted, dtype)
                agree(here(moved), given, dtype)  # what was changed in place
                ran += 1
    finally:
        set_order(0)
    assert ran
