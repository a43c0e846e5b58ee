"""Every operation of the GPU backend against the plain array code: our CUDA kernels, run on the host.

The arguments are those of the compiled backend too (rnnlm/checks/cases). What is compared is the kernels' logic; that
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
from rnnlm.ops.cuda import Cuda
from rnnlm.ops.reference import Reference

# Updates are tested against the optimizers in test_cuda_updates.py, `softmax_gradient` is with the scores.
WITHOUT_CASES = {"update", "update_all", "softmax_gradient"}
OVERRIDES = [name for name in overridden(Cuda) if name not in WITHOUT_CASES]
MOST = 3_000  # numbers in the largest argument: a thread of the GPU takes microseconds here


def here(value):
    """Results on the host."""
    return each(value, lambda part: part.get() if isinstance(part, DeviceArray) else part)


@pytest.mark.parametrize("order", [0, 1, 5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OVERRIDES)
def test_kernels_agree_with_the_plain_array_code(gpu, name, dtype, order):
    make, sizes = OPERATIONS[name]
    device = ops_for(gpu.asarray(np.ones(1, dtype)))
    assert isinstance(device, Cuda)
    ran = 0
    set_order(order)
    try:
        for size in sizes:
            for given in make(Numbers(dtype), *size):
                if max(map(np.size, leaves(given))) > MOST:
                    continue
                there = moved(name, given, lambda array: gpu.ascontiguousarray(gpu.asarray(array)))
                wanted, found = comparable(REFERENCE, name, given), comparable(device, name, there)
                if name.endswith("_draw") and dtype == "float32":  # where two words meet, either may be drawn
                    same = found[0] == wanted[0]
                    assert (~same).sum() <= 1 + 0.01 * len(same)
                    found, wanted = ([array[same] for array in both] for both in (found, wanted))
                agree(here(found), wanted, dtype)
                agree(here(there), given, dtype)  # what was changed in place
                ran += 1
    finally:
        set_order(0)
    assert ran


def test_no_part_of_the_backend_hides_a_method_of_another():
    """`Cuda` is made of several classes; only what `Reference` has may be there twice."""
    parts = [kind for kind in Cuda.__mro__ if kind.__module__.startswith("rnnlm.ops.cuda.")]
    owners = {name: [kind.__name__ for kind in parts if name in vars(kind)] for kind in parts for name in vars(kind)}
    twice = {name: where for name, where in owners.items() if len(where) > 1 and not name.startswith("__")}
    assert {name: where for name, where in twice.items() if not hasattr(Reference, name)} == {}
