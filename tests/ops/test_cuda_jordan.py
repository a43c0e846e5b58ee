"""Jordan's recurrence on the GPU, spread over blocks in several ways: our CUDA kernels, run on the host."""

import numpy as np
import pytest
from array_checks import REFERENCE, Numbers, agree
from stand_in import record
from stand_in.kernels import set_order

from rnnlm.models import JordanLM
from rnnlm.ops import ops_for, use
from rnnlm.ops.cuda import CudaBackend
from rnnlm.ops.cuda.jordan_plan import cost, plan_for, plans_for
from rnnlm.ops.reference.jordan import JordanWeights
from rnnlm.text import Corpus
from rnnlm.text.windows import windows
from rnnlm.training import OPTIMIZERS

H200 = (132, 232_448)  # multiprocessors, bytes of shared memory of a block


@pytest.fixture
def spread(gpu, monkeypatch):
    """Computes on so many multiprocessors, by groups of so many blocks, with so many streams in shared memory."""

    def force(multiprocessors, blocks, chunk, resident):
        def chosen(self, *sizes):
            plans = plans_for(*sizes, multiprocessors, self.shared_memory)
            return next(p for p in plans if (p.blocks, p.chunk, p.resident) == (blocks, chunk, resident))

        monkeypatch.setattr(CudaBackend, "multiprocessors", multiprocessors)
        monkeypatch.setattr(CudaBackend, "_jordan_plan", chosen)

    yield force
    set_order(0)


def moved(gpu, value):
    if isinstance(value, tuple | list):
        parts = [moved(gpu, part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return gpu.asarray(value) if isinstance(value, np.ndarray) else value


def fetched(value):
    return [fetched(part) for part in value] if isinstance(value, tuple | list) else value.get()


# dtype, T, B, H, n, deep layers, activation; multiprocessors, blocks of a group, chunk, resident; order, stop
CASES = [
    ("float32", 3, 5, 7, 11, 0, "tanh", 8, 3, 2, True, 1, 0),  # two groups, of 3 and of 2 streams
    ("float64", 4, 6, 5, 9, 2, "elu", 5, 4, 4, False, 5, 2),  # more streams than a chunk, weights from the cache
    ("float32", 3, 3, 3, 8, 1, "logistic", 6, 6, 4, True, 5, 1),  # more blocks than hidden units
    ("float64", 1, 1, 4, 3, 1, "relu", 4, 2, 1, True, 1, 0),
    ("float32", 2, 18, 6, 5, 1, "leaky_relu", 2, 2, 16, True, 5, 0),  # a thread has 8 of 16 streams
    ("float32", 2, 21, 6, 5, 2, "clipped_relu", 1, 1, 16, True, 1, 1),  # two groups on one multiprocessor
    ("float32", 3, 2, 33, 150, 1, "tanh", 4, 1, 1, False, 5, 0),  # four warps; more columns than at once
    ("float64", 2, 2, 150, 2, 0, "tanh", 4, 2, 1, False, 5, 0),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_every_way_to_spread_a_window_agrees_with_the_plain_array_code(gpu, spread, case):
    dtype, T, B, H, n, layers, activation, multiprocessors, blocks, chunk, resident, order, stop = case
    spread(multiprocessors, blocks, chunk, resident)
    r = Numbers(dtype)
    U, R, b, c, z0 = r.weights(n, H), 3 * r.weights(n, H), r(H), r(n), REFERENCE.softmax(r(B, n))
    deep = [(r.weights(H, H), r(H)) for _ in range(layers)]
    for keep, dh, dlast in ((r.keep(T, B), r(T, B, H), r(B, n)), (None, None, r(B, n)), (None, r(T, B, H), None)):
        weights = JordanWeights(U, b, deep, R, c)
        forward = r(T, B, H), weights, z0, keep, activation
        wanted = REFERENCE.jordan_forward(*forward)
        backward = dh, dlast, wanted, z0, weights, keep, activation, stop
        for name, given, right in (
            ("jordan_forward", forward, wanted),
            ("jordan_backward", backward, REFERENCE.jordan_backward(*backward)),
        ):
            operation, there = getattr(ops_for(gpu.asarray(z0)), name), moved(gpu, given)
            set_order(0)
            first = fetched(operation(*there))
            agree(first, list(right), dtype)
            set_order(order)
            np.testing.assert_equal(fetched(operation(*there)), first)  # not a bit depends on who comes first


def test_a_window_is_one_launch_each_way(gpu):
    r = Numbers("float32")
    ops = ops_for(gpu.zeros(1))
    x, U, b, R, c, z0 = moved(gpu, [r(3, 2, 5), r(4, 5), r(5), r(4, 5), r(4), r(2, 4)])
    record.clear()
    weights = JordanWeights(U, b, [], R, c)
    states = ops.jordan_forward(x, weights, z0, None, "tanh")
    ops.jordan_backward(None, None, states, z0, weights, None, "tanh", 0)
    assert record.what == ["jordan_forward", "jordan_backward"]


@pytest.mark.parametrize("size", [4, 8])
@pytest.mark.parametrize(
    "shape",
    [
        (100, 200, 64, 0),  # n, H, B, deep layers
        (100, 200, 4096, 1),
        (7, 3, 1, 0),
        (10_000, 200, 64, 0),
        (500, 1024, 128, 2),
        (300_000, 64, 8, 0),
    ],
)
def test_the_plan_fits_the_machine_and_none_is_estimated_to_be_faster(shape, size):
    n, _, B, _ = shape
    plan = plan_for(*shape, size, *H200)
    assert plan.shared <= H200[1]
    assert plan.alone or -(-B // plan.tile) * plan.blocks <= H200[0]
    assert plan.rows * size <= 32
    assert plan.chunk % plan.rows == 0
    assert plan.blocks <= n
    mine = cost(plan, *shape, size, H200[0])
    assert all(mine <= cost(other, *shape, size, H200[0]) for other in plans_for(*shape, size, *H200))


def test_a_block_is_alone_and_keeps_the_weights_where_they_fit():
    small = plan_for(100, 200, 64, 0, 4, *H200)
    assert (small.blocks, small.tile, small.resident) == (1, 1, True)
    assert small.shared >= 4 * 2 * 100 * 200
    assert plan_for(100, 1024, 64, 0, 4, *H200).blocks > 1
    assert plan_for(10**8, 8, 1, 0, 4, *H200) is None  # not even one stream fits


def test_what_fits_nowhere_is_computed_by_plain_array_code(gpu, monkeypatch):
    monkeypatch.setattr(CudaBackend, "shared_memory", 100)
    r = Numbers("float64")
    weights, z0 = JordanWeights(r(4, 5), r(5), [], r(4, 5), r(4)), r(2, 4)
    given = r(3, 2, 5), weights, z0, None, "tanh"
    wanted = REFERENCE.jordan_forward(*given)
    ops = ops_for(gpu.zeros(1))
    agree(fetched(ops.jordan_forward(*moved(gpu, given))), list(wanted), "float64")
    back = r(3, 2, 5), None, wanted, z0, weights, None, "tanh", 0
    agree(fetched(ops.jordan_backward(*moved(gpu, back))), list(REFERENCE.jordan_backward(*back)), "float64")


TEXT = "\n".join(" ".join(f"w{(3 * i + j * j) % 23}" for j in range(2 + i % 5)) for i in range(30))
MODELS = [
    {"classes": 5, "layers": 2, "activation": "logistic"},
    {"classes": 0, "dropout": 0.2},
    {"classes": 0, "feedback": "embedding"},
]


@pytest.mark.parametrize("config", MODELS, ids=str)
def test_a_model_trained_with_the_kernels_is_the_one_that_the_cpu_trains(gpu, config):
    use("numpy")
    corpus = Corpus.from_text(TEXT)
    trained, losses = [], []
    for device in ("cpu", "gpu"):
        model = JordanLM(corpus.vocabulary, hidden=6, seed=3, dtype="float64", **config).to(device)
        optimizer, state, total = OPTIMIZERS["adagrad"](model.params, 0.1), model.start(3), 0.0
        for number, (x, y, keep) in enumerate(list(windows(corpus.ids, 3, 5, independent=True))[:4]):
            logp, state, tape = model.forward(x, y, state, keep, train=(1, number))
            model.backward(tape, 1.0)
            optimizer.step()
            total += ops_for(logp).to_host(logp.sum()).item()
        trained.append({name: ops_for(param.value).to_host(param.value) for name, param in model.params.items()})
        losses.append(total)
    assert losses[1] == pytest.approx(losses[0], rel=1e-9)
    for name, wanted in trained[0].items():
        np.testing.assert_allclose(trained[1][name], wanted, rtol=1e-7, atol=1e-10, err_msg=name)
