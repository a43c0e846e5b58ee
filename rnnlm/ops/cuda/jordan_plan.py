"""How Jordan's recurrence is spread over the multiprocessors: groups of blocks, and what lies in shared memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from .kernels import blocks_for

MOST_THREADS = 512  # of a block; a power of two
COLUMNS = 4  # of a product in a thread's registers, as in jordan.cuh
ROW_BYTES = 32  # of a column of a product, at most, in a thread's registers
CHUNKS = (1, 2, 4, 8, 16, 32, 64)

# What a step costs a multiprocessor, in its cycles: estimates, which choose between plans and change no number.
SHARED_BYTES = 128  # that shared memory delivers in a cycle
CACHE_BYTES = 24  # that the level-2 cache delivers to each multiprocessor while all of them read
PRODUCTS = 128  # multiplications and additions in float32 a cycle
PHASE = 400  # one of the phases of a step, beside its products
BARRIER = 2500  # blocks that wait for each other


class Plan(NamedTuple):
    """How a window is computed. A group of `blocks` blocks has a `tile` of the streams for all steps."""

    blocks: int
    tile: int
    chunk: int  # streams in shared memory at the same time, a power of two
    rows: int  # streams in a thread's registers
    threads: int  # of a block, a power of two
    resident: bool  # the weights stay in shared memory
    room: int  # numbers in shared memory for sums
    shared: int  # bytes of shared memory of a block

    @property
    def alone(self) -> bool:
        """Whether a block has its streams to itself, so that it never waits for others."""
        return self.blocks == 1


@lru_cache(maxsize=256)
def plan_for(n: int, H: int, B: int, deep: int, size: int, multiprocessors: int, shared_memory: int) -> Plan | None:
    """The plan that is estimated to take the least time for n outputs, H hidden units, B streams, `deep` more layers.

    size: bytes of a number. None where not even one stream's part of the outputs fits in the shared memory of a block.
    """
    plans = plans_for(n, H, B, deep, size, multiprocessors, shared_memory)
    return min(plans, key=lambda plan: cost(plan, n, H, B, deep, size, multiprocessors), default=None)


def plans_for(n: int, H: int, B: int, deep: int, size: int, multiprocessors: int, shared_memory: int) -> Iterator[Plan]:
    """All plans that are possible."""
    for blocks in range(1, min(n, multiprocessors) + 1):
        words, units = blocks_for(n, blocks), blocks_for(H, blocks)
        most = blocks_for(B, multiprocessors // blocks)  # streams of a group
        for chunk in CHUNKS:
            if chunk >= 2 * most and chunk > 1:
                continue
            rows = min(chunk, ROW_BYTES // size)
            threads = threads_for(words * H * chunk)
            tile = chunk if blocks == 1 else most
            room = room_for({n // blocks, words, units, H // blocks, H}, chunk, rows, threads)
            stride = chunk if chunk < 8 else chunk + 4
            vectors = (words + H * (2 if blocks == 1 and deep else 1)) * stride
            if blocks > 1:
                room = max(room, threads * COLUMNS)
                vectors += 2 * tile
            weights = 2 * words * H + deep * H * units
            for resident in (True, False):
                shared = size * (vectors + room + resident * weights)
                if shared <= shared_memory:
                    yield Plan(blocks, tile, chunk, rows, threads, resident, room, shared)


def threads_for(work: int) -> int:
    """The threads of a block, when its products are so many multiplications: a smaller block waits less for itself."""
    threads = 32
    while threads < MOST_THREADS and 32 * threads < work:
        threads *= 2
    return threads


def room_for(columns: set[int], chunk: int, rows: int, threads: int) -> int:
    """Numbers that `multiply` in jordan.cuh leaves in shared memory, at most, for products of so many columns."""
    most, bands = 0, chunk // rows
    for count in columns:
        lanes = 1
        while lanes * COLUMNS < count and lanes * bands < threads:
            lanes *= 2
        parts = min(threads // (lanes * bands), threads // 32)
        most = max(most, parts * chunk * min(lanes * COLUMNS, count))
    return most


def cost(plan: Plan, n: int, H: int, B: int, deep: int, size: int, multiprocessors: int) -> float:
    """About how many cycles a step takes, by the weights that a block reads, its products, and its waiting."""
    weights = 2 * blocks_for(n, plan.blocks) * H + deep * H * blocks_for(H, plan.blocks)
    bands = plan.chunk // plan.rows
    reads = weights * size * max(bands / SHARED_BYTES, 0 if plan.resident else 1 / CACHE_BYTES)
    products = weights * plan.chunk * size / 4 / PRODUCTS
    sums = 4 * plan.room * size / SHARED_BYTES
    step = blocks_for(plan.tile, plan.chunk) * (max(reads, products) + sums + PHASE) + (2 + deep) * PHASE
    if plan.alone:
        return step * blocks_for(blocks_for(B, plan.chunk), multiprocessors)  # more groups than fit come later
    moved = plan.tile * H * size * (2 + deep) / CACHE_BYTES
    return step + moved + (2 + deep) * BARRIER
