"""How a recurrence over a window is laid out on a GPU: from its sizes alone, nothing is measured.

Up to 256 hidden units (192 in float64) a block owns streams and has the whole weight matrix in registers and shared
memory: streams do not depend on each other, so blocks never wait (`resident`). Beyond that the matrix is split over all
multiprocessors, which wait for each other once a step (`split`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from .kernels import blocks_for

RESIDENT_WARPS = 8  # of 32 columns each: two a scheduler, with 255 registers a thread
ROWS_HELD = {1: 25, 2: 20, 4: 16}  # by streams: rows of 8 float32 weights for which a thread has registers
ROWS_HELD_DOUBLE = 8  # of float64, one stream
WEIGHT_REGISTERS = 128  # of a thread of the split kernel
SPLIT_WARPS = 8
PRECISIONS = {"float32": 0, "tf32": 1, "bf16": 2}
SPEED = {"float32": 128, "float64": 64, "tf32": 512, "bf16": 1024}  # products a multiprocessor makes in a cycle
L2_SPEED = 64  # bytes that a multiprocessor gets from the level-2 cache in a cycle


class Layout(NamedTuple):
    """A launch: `grid` blocks of `threads` with `shared` bytes each, and what the kernel is compiled for."""

    grid: tuple[int, int]
    threads: int
    shared: int
    constants: dict[str, int]


def resident(H: int, B: int, itemsize: int, processors: int, shared: int) -> Layout | None:
    """The layout in which a block has all of W, or None where W does not fit into one multiprocessor."""
    warps = max(2, blocks_for(H, 32))  # 1 would be no faster than 2, and one more kernel to compile
    if warps > RESIDENT_WARPS:
        return None
    # Blocks a multiprocessor runs at the same time; only where B is more than they take do streams share a block.
    at_once = processors * max(1, RESIDENT_WARPS // warps)
    streams = 1 if itemsize == 8 else next((s for s in (1, 2) if s * at_once >= B), 4)
    most = ROWS_HELD_DOUBLE if itemsize == 8 else ROWS_HELD[streams]
    # Rows of the last chunk, dealt to 8 lanes: all 4 a lane (and so one kernel for many H) unless registers are short.
    last = 4 if 4 * warps <= most else blocks_for(H - 32 * (warps - 1), 8)
    held = warps if 4 * (warps - 1) + last <= most else most // 4
    needed = (2 * streams * 32 * warps + (warps - held) * 32 * 32 * warps) * itemsize
    if needed > shared:
        return None
    constants = {"WARPS": warps, "CHUNKS": warps, "HELD": held, "LAST": last, "STREAMS": streams}
    return Layout((blocks_for(B, streams), 1), 32 * warps, needed, constants)


@dataclass(frozen=True)
class Split:
    """One way to split W: every warp has `steps` steps of rows times `width` columns, `parts` warps share a column."""

    H: int
    B: int
    precision: str  # float32, tf32, bf16 or float64
    processors: int
    width: int
    parts: int

    @property
    def itemsize(self) -> int:
        """Bytes of a number in memory."""
        return 8 if self.precision == "float64" else 4

    @property
    def exact(self) -> bool:
        """Whether factors are not rounded."""
        return self.precision.startswith("float")

    @property
    def step(self) -> int:
        """Rows of a step."""
        return 32 if self.exact else 16

    @property
    def steps(self) -> int:
        """All that H needs, or as many as there are registers for: a step's weights over 32 lanes, in words."""
        bytes_each = 2 if self.precision == "bf16" else self.itemsize
        most = WEIGHT_REGISTERS // (self.step * self.width // 32 * bytes_each // 4)
        return min(max(most, 1), blocks_for(blocks_for(self.H, self.parts), self.step))

    @property
    def rows(self) -> int:
        """Rows of the weights that a block keeps in registers."""
        return self.parts * self.steps * self.step

    @property
    def columns(self) -> int:
        """Columns of the weights of a block."""
        return SPLIT_WARPS // self.parts * self.width

    @property
    def batch(self) -> int:
        """Streams that a block multiplies at once."""
        return 16 if not self.exact else 8 if self.B > 4 else 4

    @property
    def grid(self) -> tuple[int, int]:
        """Blocks across the columns, and across the streams."""
        across = min(blocks_for(self.H, self.columns), self.processors)
        return across, min(blocks_for(self.B, self.batch), self.processors // across)

    def shared(self, buffers: int) -> int:
        """Bytes of shared memory: states of the streams, and partial sums."""
        pad = 8 if self.exact else 4  # of elman_tile.cuh
        numbers = buffers * (self.rows + 16) + self.parts * (self.columns + pad)
        return self.batch * numbers * self.itemsize

    @property
    def cycles(self) -> float:
        """About how long a step takes a block: products, states from L2, and weights that do not stay in registers."""
        across, down = self.grid
        tiles = blocks_for(blocks_for(self.H, self.columns), across)
        batches, slices = blocks_for(blocks_for(self.B, self.batch), down), blocks_for(self.H, self.rows)
        states = tiles * batches * self.batch * slices * self.rows
        again = tiles * slices * (batches if slices > 1 else 1) * self.rows * self.columns
        moved = (states + (again if tiles * slices > 1 else 0)) * self.itemsize
        return states * self.columns / SPEED[self.precision] + moved / L2_SPEED

    def layout(self, shared: int) -> Layout | None:
        """Two buffers for states, one where two are too large, or None."""
        for buffers in (2, 1):
            if self.shared(buffers) <= shared:
                constants = {"PRECISION": PRECISIONS.get(self.precision, 0), "STEPS": self.steps, "WIDTH": self.width}
                constants |= {"KWARPS": self.parts, "BATCH": self.batch, "BUFFERS": buffers}
                return Layout(self.grid, 32 * SPLIT_WARPS, self.shared(buffers), constants)
        return None


def splits(H: int, B: int, precision: str, processors: int) -> Iterator[Split]:
    """All ways to give 8 warps their parts."""
    for parts in (1, 2, 4, 8):
        for width in (16, 32):
            yield Split(H, B, precision, processors, width, parts)


def split(H: int, B: int, precision: str, processors: int, shared: int) -> Layout:
    """The layout in which W is split over the multiprocessors, for any H and B.

    Of equally fast ways the one with wide tiles, whose warps read each number of the state for more columns.
    """
    ways = sorted(splits(H, B, precision, processors), key=lambda way: (way.cycles, -way.width))
    return next(layout for layout in (way.layout(shared) for way in ways) if layout)
