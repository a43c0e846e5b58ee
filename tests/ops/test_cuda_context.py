"""The last inputs of every step on the GPU: our CUDA kernels, run on the host, and the launches that models take."""

import numpy as np
import pytest
from array_checks import REFERENCE, Numbers, agree
from stand_in import record
from stand_in.kernels import set_order

from rnnlm.ops import ops_for
from rnnlm.ops.cuda import CudaBackend


@pytest.fixture(params=[0, 1, 5])
def order(request):
    set_order(request.param)
    yield request.param
    set_order(0)


# T, B, E, n, stop: more places than steps, rows longer than a warp, one place, one step, more rows than warps
SHAPES = [(3, 2, 5, 6, 1), (7, 3, 37, 4, 2), (4, 2, 3, 1, 0), (1, 1, 2, 3, 0), (9, 21, 3, 3, 8), (12, 9, 2, 5, 0)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_both_ways_agree_with_the_plain_array_code(gpu, monkeypatch, order, dtype, shape):
    T, B, E, n, stop = shape
    monkeypatch.setattr(CudaBackend, "multiprocessors", 1)  # so that a warp has several rows
    r = Numbers(dtype)

    def moved(*arrays):
        return [gpu.asarray(a) if isinstance(a, np.ndarray) else a for a in arrays]

    ops = ops_for(gpu.zeros(1))
    for keep in (None, r.keep(T, B)):
        x, before, dy, dlast = r(T, B, E), r(B, (n - 1) * E), r(T, B, n * E), r(B, (n - 1) * E)
        there = moved(x, before, keep, n)
        record.clear()
        found = ops.context_forward(*there)
        assert record.what == ["context_forward"]
        agree(found.get(), REFERENCE.context_forward(x, before, keep, n), dtype)
        for given in ((dy, dlast), (dy, None), (None, dlast), (None, None)):
            there = moved(*given, x, keep, n, stop)
            record.clear()
            found = ops.context_backward(*there)
            assert record.what == ["context_backward"]
            agree([a.get() for a in found], list(REFERENCE.context_backward(*given, x, keep, n, stop)), dtype)
