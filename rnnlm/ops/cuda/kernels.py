"""The CUDA kernels: their sources beside this file, compiled by CuPy at first use, and how they are launched."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Array
from ..reference import Reference

FOLDER = Path(__file__).parent
OPTIONS = ("-std=c++17",)
NULL = np.uint64(0)  # a pointer
_int32 = lru_cache(1024)(np.int32)  # the same few sizes again and again; to make one takes longer than to find it
# What a type of number is called in C++; by type and not by name, which NumPy makes anew whenever it is asked.
C_TYPE = {np.dtype("float32"): "float", np.dtype("float64"): "double"}


@cache
def source(name: str) -> str:
    """The CUDA source of a kernel, with the headers that it includes in their places: NVRTC sees no other file."""
    lines, seen = [], set()

    def add(file: Path) -> None:
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith('#include "'):
                header = line.split('"')[1]
                if header not in seen:
                    seen.add(header)
                    add(FOLDER / header)
            elif line != "#pragma once":
                lines.append(line)

    add(FOLDER / f"{name}.cu")
    return "\n".join(lines) + "\n"


def options(constants: dict[str, Any]) -> tuple[str, ...]:
    """The compiler's options for these constants: -DNAME=value."""
    return (*OPTIONS, *(f"-D{name}={value}" for name, value in sorted(constants.items())))


class _Function:
    """A kernel of CuPy's, and how much shared memory its blocks may have so far: 48 KB unasked."""

    def __init__(self, kernel: Any) -> None:
        self.kernel, self.shared = kernel, 48 << 10

    def allow(self, shared: int) -> None:
        """Let blocks have so many bytes."""
        self.kernel.max_dynamic_shared_size_bytes = self.shared = shared


class Kernels(Reference):
    """`Reference` on CuPy arrays, with a way to launch kernels of our own. `launch` never waits for the device.

    `host` returns the backend for NumPy arrays, which does the bookkeeping of words and classes.
    """

    def __init__(self, xp: Any, host: Callable[[], Reference]) -> None:
        super().__init__(xp)
        self.host = host
        # One for each GPU, name and set of constants; CuPy keeps the compiled code on the disk for later processes.
        self._function = lru_cache(maxsize=None)(self._make)
        self._attributes: dict[int, dict[str, int]] = {}

    def _make(self, gpu: int, name: str, together: bool, constants: tuple[tuple[str, Any], ...]) -> _Function:
        code, flags = source(name), options(dict(constants))
        module = self.xp.RawModule(code=code, options=flags, enable_cooperative_groups=together)
        return _Function(module.get_function(name))

    def launch(
        self,
        name: str,
        grid: int | tuple[int, ...],
        block: int,
        *arguments: Any,
        shared: int = 0,
        together: bool = False,
        **constants: Any,
    ) -> None:
        """Run the kernel `name` of NAME.cu on a grid of blocks of `block` threads (a multiple of 32).

        Arguments: arrays in one piece, None for a null pointer, int for an int of 32 bits, NumPy numbers as they are.
        `shared` bytes of shared memory a block; `together`: all blocks must run at the same time (a cooperative
        launch), so there may be one for each multiprocessor at most. Constants become -D options. An empty grid is no
        launch. TypeError for an array of the host.
        """
        blocks = (grid,) if isinstance(grid, int) else grid
        if not all(blocks):
            return
        if together and math.prod(blocks) > self.multiprocessors:  # CuPy would run fewer, which wait for the others
            raise ValueError(f"{name}: {blocks} blocks do not run together on {self.multiprocessors} multiprocessors")
        function = self._function(self.xp.cuda.runtime.getDevice(), name, together, tuple(constants.items()))
        if shared > function.shared:
            function.allow(shared)
        converted, array = [], self.xp.ndarray
        for value in arguments:
            if isinstance(value, array):
                if not value.flags.c_contiguous:
                    raise TypeError(f"{name}: an array with the strides {value.strides} is not in one piece")
            elif isinstance(value, int):
                value = _int32(value)
            elif value is None:
                value = NULL
            elif not isinstance(value, np.generic):
                kind = type(value)
                raise TypeError(f"{name} on the GPU was given a {kind.__module__}.{kind.__name__} of the host")
            converted.append(value)
        function.kernel(blocks, (block,), tuple(converted), shared_mem=shared)

    def contiguous(self, array: Array, dtype: Any = None) -> Array:
        """The array in one piece and of this type; a copy only where it is not."""
        return self.xp.ascontiguousarray(array, dtype=dtype)

    @staticmethod
    def vector_width(width: int, *arrays: Array) -> int:
        """How many neighbouring numbers a kernel may read at once, for rows so wide: 4 where all begin at 16 bytes."""
        return 4 if width % 4 == 0 and all(array.data.ptr % 16 == 0 for array in arrays) else 1

    @property
    def multiprocessors(self) -> int:
        """How many multiprocessors the current GPU has."""
        return self._attribute("MultiProcessorCount")

    @property
    def shared_memory(self) -> int:
        """How many bytes of shared memory a block may have."""
        return self._attribute("MaxSharedMemoryPerBlockOptin")

    def _attribute(self, name: str) -> int:
        current = self.xp.cuda.runtime.getDevice()
        if current not in self._attributes:  # CuPy asks the driver for all of them, every time
            self._attributes[current] = self.xp.cuda.Device(current).attributes
        return self._attributes[current][name]


def blocks_for(work: int, each: int) -> int:
    """How many blocks it takes when each does so much."""
    return -(-work // each)
