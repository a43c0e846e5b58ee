"""Every operation of the GPU backend against the plain array code: our CUDA kernels, run on the host.

The arguments are those of the Numba backend too (rnnlm/checks/cases). What is compared is the kernels' logic; that
they are right and fast on a GPU only a GPU can say (tools/gpu_check.py, tools/gpu_bench.py).
"""

from __future__ import annotations

import numpy as np
import pytest
from array_checks import REFERENCE, Numbers, agree
from stand_in import DeviceArray
from stand_in.kernels import set_order

from rnnlm.checks.cases import OPERATIONS
from rnnlm.checks.overrides import comparable, each, leaves, moved, overridden
from rnnlm.ops import ops_for
from rnnlm.ops.cuda import CudaBackend
from rnnlm.ops.reference.elementwise import ACTIVATIONS

# Updates are tested against the optimizers in test_cuda_updates.py, `softmax_gradient` is with the scores.
WITHOUT_CASES = {"update", "update_all", "softmax_gradient"}
OVERRIDES = [name for name in overridden(CudaBackend) if name not in WITHOUT_CASES]
ORDERS = [0, 1, 5]  # in which the threads run; a missing barrier changes results in one of them
MANY = 100  # arguments of an operation
MOST = 3_000  # numbers in the largest argument: a thread of the GPU takes microseconds here


def here(value):
    """Results on the host."""
    return each(value, lambda part: part.get() if isinstance(part, DeviceArray) else part)


@pytest.fixture(autouse=True)
def usual_order_afterwards():
    yield
    set_order(0)


def arguments(name, dtype):
    """Those of at most so many numbers."""
    make, sizes = OPERATIONS[name]
    made = [given for size in sizes for given in make(Numbers(dtype), *size)]
    small = [given for given in made if max(map(np.size, leaves(given))) <= MOST]
    assert small
    return small


def bits(value):
    return [np.asarray(part).tobytes() for part in leaves(value)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OVERRIDES)
def test_kernels_agree_with_the_plain_array_code(gpu, name, dtype):
    """And give the same bits in whatever order their threads run.

    Of an operation with many arguments, windows with every activation, each is computed in one order, in turn.
    """
    device = ops_for(gpu.asarray(np.ones(1, dtype)))
    assert isinstance(device, CudaBackend)
    made = arguments(name, dtype)
    for number, given in enumerate(made, dtype == "float64"):
        orders, seen = ORDERS if len(made) <= MANY else [ORDERS[number % len(ORDERS)]], []
        for order in orders:
            set_order(order)
            there = moved(name, given, lambda array: gpu.ascontiguousarray(gpu.asarray(array)))
            found = comparable(device, name, there)
            seen.append(here((found, there)))
        found, there = seen[0]
        wanted = comparable(REFERENCE, name, given)
        if name.endswith("_draw") and dtype == "float32":  # where two words meet, either may be drawn
            same = found[0] == wanted[0]
            assert (~same).sum() <= 1 + 0.01 * len(same)
            found, wanted = ([array[same] for array in both] for both in (found, wanted))
        agree(found, wanted, dtype)
        agree(there, given, dtype)  # what was changed in place
        for order, other in zip(orders, seen, strict=True):
            assert bits(other) == bits(seen[0]), f"threads in the order {order} give other bits"


@pytest.mark.parametrize("name", OVERRIDES)
def test_arrays_may_begin_anywhere(gpu, name):
    """A part of an array need not begin where several numbers can be read at once, as CuPy's own arrays do."""

    def put(array):
        room = gpu.zeros(array.size + 1, array.dtype)
        room[1:] = gpu.asarray(array.reshape(-1))
        return room[1:].reshape(array.shape)

    make, sizes = OPERATIONS[name]
    device = ops_for(gpu.zeros(1))
    for size in (sizes[0], [-(-number // 4) * 4 for number in sizes[0]]):  # rows of one number, and of four
        for given in make(Numbers("float32"), *size):
            found = here(comparable(device, name, moved(name, given, put)))
            agree(found, comparable(REFERENCE, name, given), "float32")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_what_is_no_number_stays(gpu, name):
    """A GPU's max and min drop it, and a training that has gone wrong would look as if it had not."""
    a, one = np.array([np.nan, -2, 0, 3, 25, np.nan], np.float32), np.ones(6, np.float32)
    device = ops_for(gpu.zeros(1))
    for found, wanted in (
        (device.activate(name, gpu.asarray(a)), REFERENCE.activate(name, a)),
        (device.activate_backward(name, gpu.asarray(one), gpu.asarray(a)), REFERENCE.activate_backward(name, one, a)),
    ):
        np.testing.assert_allclose(found.get(), wanted, rtol=1e-6)
    x, W, b, h0 = np.zeros((2, 1, 3), np.float32), np.eye(3, dtype=np.float32), one[:3], np.zeros((1, 3), np.float32)
    x[0, 0, 1] = np.nan
    found = device.elman_forward(*map(gpu.asarray, (x, W, b, h0)), None, name).get()
    np.testing.assert_array_equal(np.isnan(found), np.isnan(REFERENCE.elman_forward(x, W, b, h0, None, name)))
