"""The stand-in for a GPU computes what a GPU would, and finds the mistakes that it is there to find."""

from __future__ import annotations

import numpy as np
import pytest
from stand_in import DeviceArray, record
from stand_in.kernels import set_order

from rnnlm.ops.cuda.kernels import FOLDER

COMMON = (FOLDER / "common.cuh").read_text(encoding="utf-8")
ORDERS = (0, 1, 2, 7)  # in which the threads run: as numbered, from the last to the first, shuffled

REDUCTIONS = """
extern "C" __global__ void reductions(const real* in, real* sums, real* largest, int n) {
  DYNAMIC_SHARED(real, room);
  real x = 0, top = in[0];
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    x += in[i];
    top = max(top, in[i]);
  }
  const real sum = block_sum(x, room);
  const real most = block_max(top, room);
  const int place = blockIdx.x * blockDim.x + threadIdx.x;
  sums[place] = sum;
  largest[place] = most;
}
"""
SHUFFLES = """
extern "C" __global__ void shuffles(int* out) {
  const int i = threadIdx.x, lane = i & 31;
  out[i] = __shfl_sync(WHOLE_WARP, i, 5);
  out[64 + i] = __shfl_xor_sync(WHOLE_WARP, i, 3);
  out[128 + i] = __shfl_down_sync(WHOLE_WARP, i, 30);
  out[192 + i] = __shfl_up_sync(WHOLE_WARP, i, 2);
  out[256 + i] = (int)__ballot_sync(WHOLE_WARP, lane % 3 == 0);
}
"""
REVERSE = """
extern "C" __global__ void reverse(const real* in, real* out) {
  DYNAMIC_SHARED(real, room);
  const int i = threadIdx.x;
  room[i] = in[i];
  BARRIER
  out[i] = room[blockDim.x - 1 - i];
}
"""
RING = """
extern "C" __global__ void ring(real* all, unsigned* arrived, int steps) {
  unsigned rounds = 0;
  const int block = blockIdx.x, blocks = gridDim.x;
  for (int t = 0; t < steps; t++) {
    const real left = __ldcg(all + t * blocks + (block + 1) % blocks);
    if (threadIdx.x == 0) all[(t + 1) * blocks + block] = left + 1;
    group_barrier(arrived, blocks, rounds);
  }
}
"""
PRODUCT = """
extern "C" __global__ void product(const float* a, const float* b, float* tf32, float* bf16) {  // (16, 16) (16, 8)
  const int g = threadIdx.x >> 2, t = threadIdx.x & 3;
  float c[4] = {0, 0, 0, 0}, d[4] = {0, 0, 0, 0};
  for (int k = 0; k < 16; k += 8) {
    unsigned left[4] = {to_tf32(a[g * 16 + k + t]), to_tf32(a[(g + 8) * 16 + k + t]),
                        to_tf32(a[g * 16 + k + t + 4]), to_tf32(a[(g + 8) * 16 + k + t + 4])};
    unsigned right[2] = {to_tf32(b[(k + t) * 8 + g]), to_tf32(b[(k + t + 4) * 8 + g])};
    mma_tf32(c, left, right);
  }
  const float *low = a + g * 16 + 2 * t, *high = low + 8 * 16, *first = b + 2 * t * 8 + g, *last = first + 8 * 8;
  unsigned left[4] = {pair_bf16(low[0], low[1]), pair_bf16(high[0], high[1]), pair_bf16(low[8], low[9]),
                      pair_bf16(high[8], high[9])};
  unsigned right[2] = {pair_bf16(first[0], first[8]), pair_bf16(last[0], last[8])};
  mma_bf16(d, left, right);
  for (int e = 0; e < 4; e++) {
    const int place = (g + 8 * (e >> 1)) * 8 + 2 * t + (e & 1);
    tf32[place] = c[e];
    bf16[place] = d[e];
  }
}
"""
OUTSIDE = 'extern "C" __global__ void outside(real* out, int n) { if (threadIdx.x <= n) out[threadIdx.x] = 1; }'
DEADLOCK = """
extern "C" __global__ void deadlock(real* out) {
  if (threadIdx.x < 32) while (*(volatile real*)out == real(0)) pause_a_moment();
}
"""
LEFT_OUT = 'extern "C" __global__ void left_out(real* out) { if (threadIdx.x != 7) out[threadIdx.x] = 1; }'


@pytest.fixture(autouse=True)
def usual_order_afterwards():
    yield
    set_order(0)


def kernel(gpu, code, *, together=False, real="float", **defines):
    name = code.partition("void ")[2].partition("(")[0]
    options = (f"-DREAL={real}", *(f"-D{key}={value}" for key, value in defines.items()))
    module = gpu.RawModule(
        code=COMMON.replace("#pragma once", "") + code, options=options, enable_cooperative_groups=together
    )
    return module.get_function(name)


@pytest.mark.parametrize("real", ["float", "double"])
def test_sums_and_maxima_over_a_block(gpu, real):
    dtype = {"float": np.float32, "double": np.float64}[real]
    n, blocks, threads = 1000, 3, 96
    values = np.random.default_rng(1).normal(size=n).astype(dtype)
    run, found = kernel(gpu, REDUCTIONS, real=real), []
    for order in ORDERS:
        set_order(order)
        sums, largest = (gpu.empty((blocks, threads), dtype) for _ in range(2))
        run((blocks,), (threads,), (gpu.asarray(values), sums, largest, np.int32(n)), shared_mem=32 * 8)
        found.append((sums.get(), largest.get()))
    padded = np.resize(np.append(values, np.zeros(blocks * threads)), (-(-n // (blocks * threads)), blocks, threads))
    padded.reshape(-1)[n:] = 0
    wanted = padded.sum((0, 2), dtype=np.float64)
    top = np.maximum(padded.max((0, 2)), values[0])
    for sums, largest in found:
        np.testing.assert_array_equal(sums, found[0][0])  # the same bits in every order of the threads
        np.testing.assert_allclose(sums, np.repeat(wanted[:, None], threads, 1), rtol=1e-4)
        np.testing.assert_array_equal(largest, np.repeat(top[:, None], threads, 1).astype(dtype))


def test_shuffles_within_a_warp(gpu):
    out, i = gpu.empty((5, 64), np.int32), np.arange(64)
    warp, lane = i // 32 * 32, i % 32
    for order in ORDERS:
        set_order(order)
        kernel(gpu, SHUFFLES)((1,), (64,), (out,))
        down, up = np.where(lane + 30 < 32, i + 30, i), np.where(lane >= 2, i - 2, i)
        ballot = sum(1 << k for k in range(0, 32, 3))
        wanted = [warp + 5, i ^ 3, down, up, np.full(64, ballot)]
        np.testing.assert_array_equal(out.get().astype(np.uint32), np.stack(wanted).astype(np.uint32))


def test_a_missing_barrier_gives_another_result_in_another_order(gpu):
    values = np.arange(64, dtype=np.float32)
    results = {}
    for barrier in ("__syncthreads();", ";"):
        for order in ORDERS:
            set_order(order)
            out = gpu.empty(64, np.float32)
            run = kernel(gpu, REVERSE.replace("BARRIER", barrier))
            run((1,), (64,), (gpu.asarray(values), out), shared_mem=64 * 4)
            results[barrier, order] = out.get()
    for order in ORDERS:
        np.testing.assert_array_equal(results["__syncthreads();", order], values[::-1])
        assert not np.array_equal(results[";", order], values[::-1])
    assert np.isnan(results[";", 0][0])  # shared memory that nobody has written yet


def test_a_barrier_among_blocks(gpu):
    blocks, steps = 5, 7
    for order in ORDERS:
        set_order(order)
        start = np.zeros((steps + 1, blocks), np.float32)
        start[0] = np.arange(blocks)
        memory, arrived = gpu.asarray(start), gpu.zeros(1, np.uint32)
        kernel(gpu, RING, together=True)((blocks,), (64,), (memory, arrived, np.int32(steps)))
        np.testing.assert_array_equal(memory.get()[-1], (np.arange(blocks) + steps) % blocks + steps)
        assert arrived.get()[0] == blocks * steps


def rounded(x, bits):
    """float32 numbers with so many bits of mantissa after the point, ties to even."""
    mantissa, exponent = np.frexp(x.astype(np.float64))
    return np.ldexp(np.round(mantissa * 2.0 ** (bits + 1)), exponent - bits - 1)


def test_products_of_the_tensor_cores(gpu):
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(16, 16)).astype(np.float32), rng.normal(size=(16, 8)).astype(np.float32)
    tf32, bf16 = (gpu.empty((16, 8), np.float32) for _ in range(2))
    kernel(gpu, PRODUCT)((1,), (32,), (gpu.asarray(a), gpu.asarray(b), tf32, bf16))
    for found, bits in ((tf32, 10), (bf16, 7)):
        np.testing.assert_allclose(found.get(), rounded(a, bits) @ rounded(b, bits), rtol=1e-5, atol=1e-6)
        assert np.abs(found.get() - a @ b).max() > 1e-4  # that is another number than the exact product


def test_what_is_wrong_with_a_launch_is_said(gpu):
    out = gpu.empty(32, np.float32)
    outside = kernel(gpu, OUTSIDE)
    outside((1,), (64,), (out, np.int32(31)))
    with pytest.raises(RuntimeError, match="outside wrote outside its argument 0"):
        outside((1,), (64,), (out, np.int32(32)))
    with pytest.raises(RuntimeError, match="deadlock: all threads wait"):
        kernel(gpu, DEADLOCK)((1,), (64,), (gpu.zeros(1, np.float32),))
    with pytest.raises(TypeError, match=r"outside takes arguments of \[8, 4\] bytes, and was given \[8, 8\]"):
        outside((1,), (64,), (out, np.int64(31)))
    with pytest.raises(TypeError, match="argument 1 is a int"):
        outside((1,), (64,), (out, 31))
    with pytest.raises(RuntimeError, match="bytes of shared memory were not asked for"):
        outside((1,), (64,), (out, np.int32(0)), shared_mem=100_000)
    with pytest.raises(RuntimeError, match="do not run at the same time"):
        kernel(gpu, RING, together=True)((1000,), (64,), (out, gpu.zeros(1, np.uint32), np.int32(1)))


def test_what_a_kernel_leaves_out_is_no_number(gpu):
    out = gpu.empty(32, np.float32)
    kernel(gpu, LEFT_OUT)((1,), (32,), (out,))
    np.testing.assert_array_equal(np.isnan(out.get()), np.arange(32) == 7)


def test_arrays_of_host_and_device_do_not_mix(gpu):
    there, here = gpu.asarray(np.ones(3)), np.ones(3)
    for mix in (
        lambda: there + here,
        lambda: here * there,
        lambda: there @ here,
        lambda: np.exp(there) + here,
        lambda: there[here > 0],
        lambda: gpu.where(there > 0, there, here),
        lambda: there.__setitem__(slice(None), here),
    ):
        with pytest.raises(TypeError):
            mix()
    for convert in (lambda: np.asarray(there), lambda: np.concatenate([there, there]), lambda: np.sum(there)):
        with pytest.raises(TypeError):
            convert()
    assert isinstance(there.sum(), DeviceArray)


def test_waiting_for_the_device_is_counted(gpu):
    record.clear()
    there = gpu.asarray(np.ones(3))
    for calls, wait in enumerate(
        (there.get, there.sum().item, there.tolist, lambda: float(there.sum()), lambda: int(there.sum()),
         lambda: bool(there.sum()), lambda: np.arange(5)[there.sum().astype(int)], gpu.cuda.Device().synchronize),
        start=1,
    ):  # fmt: skip
        wait()
        assert record.syncs == calls
    before = record.launches
    kernel(gpu, LEFT_OUT)((1,), (32,), (gpu.empty(32, np.float32),))
    assert (record.launches, record.uploads, record.syncs) == (before + 1, 1, calls)
    assert record.what[-1] == "left_out"
