"""Elman's recurrence on the GPU where its weights are split over several blocks: our CUDA kernels, run on the host."""

import numpy as np
import pytest
from array_checks import REFERENCE, Numbers, agree
from stand_in import record
from stand_in.kernels import set_order

from rnnlm.ops import ops_for
from rnnlm.ops.cuda import CudaBackend, elman_plan
from rnnlm.ops.cuda.kernels import Kernels
from rnnlm.ops.precision import use_precision
from rnnlm.ops.reference.elementwise import ACTIVATIONS


@pytest.fixture
def split(gpu, monkeypatch):
    """Splits any matrix over so many blocks, with so many registers a thread for weights."""

    def force(blocks, registers=128):
        monkeypatch.setattr(elman_plan, "RESIDENT_WARPS", 0)
        monkeypatch.setattr(elman_plan, "WEIGHT_REGISTERS", registers)
        monkeypatch.setattr(Kernels, "multiprocessors", blocks)

    yield force
    set_order(0)
    use_precision("float32")


def window(dtype, T, B, H, activation, masked=True):
    """Arguments of both ways: (x, W, b, h0, keep) and (dh, dlast, h)."""
    r = Numbers(dtype)
    given = (r(T, B, H), r.weights(H, H), r(H), r(B, H), r.keep(T, B) if masked else None)
    return given, (r(T, B, H), r(B, H), r.hidden(activation, T, B, H))


def moved(gpu, *arrays):
    return [None if array is None else gpu.asarray(array) for array in arrays]


def compare(gpu, dtype, T, B, H, activation, *, stop=0, masked=True, dh=True, dlast=True):
    """Forward and backward against the plain array code, and the launches that they took."""
    (x, W, b, h0, keep), (dy, last, h) = window(dtype, T, B, H, activation, masked)
    dy, last = dy if dh else None, last if dlast else None
    ops = ops_for(gpu.asarray(x))
    assert isinstance(ops, CudaBackend)
    found = ops.elman_forward(*moved(gpu, x, W, b, h0, keep), activation)
    agree(found.get(), REFERENCE.elman_forward(x, W, b, h0, keep, activation), dtype)
    given = moved(gpu, dy, last, h, h0, W, keep)
    record.clear()
    found = ops.elman_backward(*given, activation, stop)
    launches, syncs = record.launches, record.syncs
    wanted = REFERENCE.elman_backward(dy, last, h, h0, W, keep, activation, stop)
    agree([array.get() for array in found], wanted, dtype)
    assert launches <= 5 or stop == T  # where there is no kernel
    assert syncs == 0


SPLITS = [  # dtype, T, B, H, activation, blocks, registers, order, stop: tiles that are not full, on one side or more
    ("float32", 3, 3, 37, "tanh", 4, 128, 0, 0),  # several column tiles
    ("float32", 4, 19, 20, "logistic", 6, 128, 1, 1),  # several batch tiles, the last one not full
    ("float64", 2, 9, 40, "elu", 4, 128, 5, 0),
    ("float32", 1, 1, 1, "relu", 3, 128, 0, 0),
    ("float32", 3, 20, 33, "clipped_relu", 2, 128, 7, 2),  # a block has several batches of streams
    ("float64", 3, 1, 140, "leaky_relu", 3, 128, 0, 1),  # and several column tiles, so weights are read again
    ("float32", 2, 5, 300, "tanh", 2, 16, 1, 0),  # and several parts of the rows
    ("float64", 2, 10, 70, "logistic", 2, 32, 9, 0),
]


@pytest.mark.parametrize(("dtype", "T", "B", "H", "activation", "blocks", "registers", "order", "stop"), SPLITS)
def test_split_weights_give_the_plain_results(gpu, split, dtype, T, B, H, activation, blocks, registers, order, stop):
    split(blocks, registers)
    set_order(order)
    compare(gpu, dtype, T, B, H, activation, stop=stop)


def test_the_cases_above_reach_every_part_of_the_split_kernels(monkeypatch):
    assert {case[4] for case in SPLITS} == set(ACTIVATIONS)
    seen = set()
    for dtype, _, B, H, _, blocks, registers, *_ in SPLITS:
        monkeypatch.setattr(elman_plan, "WEIGHT_REGISTERS", registers)
        way = elman_plan.split(H, B, dtype, blocks, 232_448)
        across, down = way.grid
        sizes = way.constants
        columns, rows = 8 // sizes["KWARPS"] * sizes["WIDTH"], sizes["KWARPS"] * sizes["STEPS"] * 32
        seen |= {"column tiles"} if across > 1 else set()
        seen |= {"batch tiles"} if down > 1 else set()
        seen |= {"several batches"} if down * sizes["BATCH"] < B else set()
        seen |= {"several column tiles a block"} if across * columns < H else set()
        seen |= {"several parts of the rows"} if rows < H else set()
    assert len(seen) == 5, seen


@pytest.mark.parametrize(("dh", "dlast", "masked"), [(False, True, False), (True, False, True), (False, False, False)])
def test_what_is_not_given_is_zero(gpu, split, dh, dlast, masked):
    split(4)
    compare(gpu, "float32", 3, 3, 37, "tanh", stop=1, dh=dh, dlast=dlast, masked=masked)


@pytest.mark.parametrize("dlast", [True, False])
@pytest.mark.parametrize("whole", [True, False])
def test_a_way_back_of_no_steps(gpu, split, whole, dlast):
    if not whole:
        split(4)
    compare(gpu, "float32", 3, 3, 37, "tanh", stop=3, dlast=dlast)


@pytest.mark.parametrize(("H", "registers"), [(37, 128), (300, 16)])
def test_shared_memory_for_the_states_of_one_batch(gpu, split, monkeypatch, H, registers):
    split(2, registers)
    two = elman_plan.split(H, 12, "float32", 2, 232_448)
    monkeypatch.setattr(Kernels, "shared_memory", two.shared - 1)
    monkeypatch.setattr(elman_plan, "splits", lambda *given: [elman_plan.Split(*given, *way)])
    way = two.constants["WIDTH"], two.constants["KWARPS"]
    one = elman_plan.split(H, 12, "float32", 2, two.shared - 1)
    assert (two.constants["BUFFERS"], one.constants["BUFFERS"]) == (2, 1)
    rows = one.constants["KWARPS"] * one.constants["STEPS"] * 32
    assert (rows < H) == (H == 300)  # several parts of the rows take turns in the one buffer
    set_order(3)
    compare(gpu, "float32", 2, 12, H, "tanh")


@pytest.mark.parametrize(
    ("dtype", "B", "H", "streams", "spare"),
    [("float32", 3, 64, 1, 0), ("float32", 11, 200, 4, 3), ("float32", 5, 228, 2, 3), ("float64", 2, 77, 1, 1)],
)
@pytest.mark.parametrize("order", [0, 1, 5])
def test_a_block_with_all_weights(gpu, dtype, B, H, streams, spare, order):
    """Several streams a block, weights in shared memory, and a last chunk that is not full."""
    sizes = elman_plan.resident(H, B, np.dtype(dtype).itemsize, 4, 232_448).constants
    assert (sizes["STREAMS"], sizes["CHUNKS"] - sizes["HELD"]) == (streams, spare)
    set_order(order)
    compare(gpu, dtype, 2, B, H, "tanh", stop=1)
    set_order(0)


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_split_weights_and_a_state_that_begin_anywhere(gpu, split, precision):
    """Four numbers at once are read only from multiples of 16 bytes: what is not aligned is copied."""
    split(2)
    use_precision(precision)
    (x, W, b, h0, keep), (dy, last, h) = window("float32", 2, 3, 36, "tanh")

    def shifted(array):
        room = gpu.zeros(array.size + 1, array.dtype)
        room[1:] = gpu.asarray(array.reshape(-1))
        return room[1:].reshape(array.shape)

    for way, given in (("forward", (x, W, b, h0, keep, "tanh")), ("backward", (dy, last, h, h0, W, keep, "tanh", 0))):
        elman = getattr(ops_for(gpu.zeros(1)), f"elman_{way}")
        found, wanted = (
            elman(*(put(array) if isinstance(array, np.ndarray) else array for array in given))
            for put in (shifted, gpu.asarray)
        )
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(one.get(), other.get())


def rounded(x, precision):
    """float32 numbers rounded to nearest, to 8 bits (ties to even) or 11 bits (ties away from 0), as float64."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32).astype(np.uint64)
    half, kept = (0x7FFF + (bits >> 16 & 1), 0xFFFF0000) if precision == "bf16" else (0x1000, 0xFFFFE000)
    return (bits + half & kept).astype(np.uint32).view(np.float32).astype(np.float64)


@pytest.mark.parametrize(
    ("precision", "T", "B", "H", "blocks", "registers"),
    [("tf32", 3, 3, 37, 4, 128), ("bf16", 3, 18, 20, 4, 128), ("tf32", 2, 17, 70, 2, 32), ("bf16", 2, 2, 150, 2, 16)],
)
def test_tensor_cores_round_the_factors_and_nothing_else(gpu, split, precision, T, B, H, blocks, registers):
    """Each step from the state that the kernel itself wrote, so that no rounding falls to the other side.

    What is left is the rounding of float32 sums of H products, H 2^-24 of the sum of their sizes at the very most.
    """
    split(blocks, registers)
    use_precision(precision)
    (x, W, b, h0, keep), (dy, last, _) = window("float32", T, B, H, "tanh")
    ops = ops_for(gpu.asarray(x))
    h = ops.elman_forward(*moved(gpu, x, W, b, h0, keep), "tanh").get()
    before = np.concatenate([h0[None], h[:-1]])
    factors = rounded(before, precision), rounded(W, precision)
    products = factors[0] @ factors[1]
    sizes = 1 + np.abs(x) + np.abs(b) + np.abs(factors[0]) @ np.abs(factors[1])
    close = (H + 8) * 2.0**-24 * sizes
    assert (np.abs(h - np.tanh(x + b + keep[:, :, None] * products)) < close).all()
    assert (np.abs(h - np.tanh(x + b + keep[:, :, None] * (before.astype(np.float64) @ W))) > 4 * close).any()

    da, dh0, _, db = (array.get() for array in ops.elman_backward(*moved(gpu, dy, last, h, h0, W, keep), "tanh", 0))
    factors = rounded(da, precision), rounded(W, precision).T
    d = keep[:, :, None] * (factors[0] @ factors[1])
    sizes = 1 + np.abs(dy) + np.abs(factors[0]) @ np.abs(factors[1])
    close = (H + 8) * 2.0**-24 * sizes
    incoming = dy + np.concatenate([d[1:], last[None]])
    assert (np.abs(da - (1 - h.astype(np.float64) ** 2) * incoming) < close + 2.0**-22 * np.abs(incoming)).all()
    assert (np.abs(dh0 - d[0]) < close[0]).all()
    np.testing.assert_allclose(db, da.astype(np.float64).sum((0, 1)), rtol=1e-5, atol=1e-5)


def test_a_long_window_is_the_same_twice(gpu, split):
    split(4)
    (x, W, b, h0, keep), _ = window("float32", 64, 2, 37, "tanh")
    given = moved(gpu, x, W, b, h0, keep)
    ops = ops_for(given[0])
    one = ops.elman_forward(*given, "tanh").get()
    set_order(11)
    two = ops.elman_forward(*given, "tanh").get()
    assert np.isfinite(one).all()
    np.testing.assert_array_equal(one, two)
    agree(one, REFERENCE.elman_forward(x, W, b, h0, keep, "tanh"), "float32")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_previous_states_and_column_sums(gpu, dtype):
    r = Numbers(dtype)
    h, h0 = r(5, 3, 37), r(3, 37)
    ops = ops_for(gpu.asarray(h))
    for keep in (None, r.keep(5, 3)):
        agree(ops.previous(*moved(gpu, h, h0, keep)).get(), REFERENCE.previous(h, h0, keep), dtype)
    rows = r(300, 45)
    agree(ops.column_sums(gpu.asarray(rows)).get(), rows.sum(0), dtype)


@pytest.mark.parametrize("precision", ["float32", "float64", "tf32", "bf16"])
def test_every_size_has_a_layout_that_a_gpu_can_run(precision):
    itemsize = 8 if precision == "float64" else 4
    for H in (1, 31, 64, 129, 200, 256, 257, 300, 650, 1024, 2048, 2113, 5000):
        for B in (1, 7, 64, 128, 1000):
            for processors, shared in ((132, 232_448), (80, 98_304), (1, 101_376)):
                whole = elman_plan.resident(H, B, itemsize, processors, shared)
                if whole:
                    sizes = whole.constants
                    rows = 4 * (sizes["CHUNKS"] - 1) + sizes["LAST"]
                    assert 8 * min(rows, 4 * sizes["HELD"]) * itemsize <= 4 * 200  # registers for weights
                    assert 1 <= sizes["LAST"] <= 4
                    assert 8 * rows >= H
                    assert whole.shared <= shared
                parts = elman_plan.split(H, B, precision, processors, shared)
                assert parts.shared <= shared
                assert parts.grid[0] * parts.grid[1] <= processors
