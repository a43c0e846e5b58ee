"""Matrix products and the affine maps of them: cuBLAS, with factors as exact as was asked for (`ops.precision`)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import Array
from ..precision import precision
from .kernels import Kernels, blocks_for

# What cuBLAS calls the types of numbers (cudaDataType_t); an array of uint16 holds the bits of bfloat16 numbers.
TYPES = {np.dtype(name): number for name, number in (("float32", 0), ("float64", 1), ("uint16", 14))}
# cuBLAS reads its two factors of the result from the host, at once: α = 1, and β = 0 or 1.
_COEFFICIENTS = [np.array([0, 1], name) for name in ("float32", "float64")]
ZERO_ONE = {array.dtype: (array[:1].ctypes.data, array[1:].ctypes.data) for array in _COEFFICIENTS}


class Affine(Kernels):
    """Products of matrices, one launch each (one more with bfloat16, which rounds), and the affine maps of them."""

    def product(self, a: Array, b: Array, out: Array | None = None, *, add: bool = False) -> Array:
        """a b, or out = a b, or out += a b: a (…, k), b (k, m).

        Transposed views are factors as they are; rows may be further apart than they are long, in `out` too. float32
        factors are rounded as `ops.precision()` says, and summed in float32. Factors that are rounded already
        (`rounded`) are arrays of uint16.
        """
        (k, m), shape = b.shape, a.shape[:-1]
        if a.dtype != b.dtype:
            a = self.contiguous(a, b.dtype)
        a = a.reshape(math.prod(shape), k)
        if a.dtype == np.float32 and precision() == "bf16":
            a, b = self.rounded(a, b)
        if out is None:
            out = self.xp.empty((len(a), m), np.float32 if a.dtype == np.uint16 else a.dtype)
        if len(a) and k and m:
            self._multiply(a, b, out, add)
        elif not add:
            out.fill(0)
        return out if len(shape) == 1 else out.reshape(*shape, m)

    def _multiply(self, a: Array, b: Array, out: Array, add: bool) -> None:
        """cuBLAS keeps matrices by columns, so it gets all three transposed: out' = b' a'."""
        (n, k), m = a.shape, b.shape[1]
        (a, a_turned, a_room), (b, b_turned, b_room) = self._by_rows(a), self._by_rows(b)
        zero, one = ZERO_ONE[out.dtype]
        blas = self.xp.cuda.cublas
        exactness = blas.CUBLAS_COMPUTE_64F if out.dtype == np.float64 else blas.CUBLAS_COMPUTE_32F
        if a.dtype == np.float32 and precision() == "tf32":
            exactness = blas.CUBLAS_COMPUTE_32F_FAST_TF32
        factors = (b.data.ptr, TYPES[b.dtype], b_room, a.data.ptr, TYPES[a.dtype], a_room)
        result = (out.data.ptr, TYPES[out.dtype], max(out.strides[0] // out.itemsize, m))
        handle = self.xp.cuda.get_cublas_handle()
        turned = (int(b_turned), int(a_turned))  # CUBLAS_OP_N, CUBLAS_OP_T
        algorithm = blas.CUBLAS_GEMM_DEFAULT
        blas.gemmEx(handle, *turned, m, n, k, one, *factors, one if add else zero, *result, exactness, algorithm)

    def _by_rows(self, x: Array) -> tuple[Array, bool, int]:
        """x, whether it is a transposed view, and how far apart its rows are (of its transpose, where it is one)."""
        rows, columns = x.shape
        down, right = (stride // x.itemsize for stride in x.strides)
        if (right == 1 or columns == 1) and (down >= columns or rows == 1):
            return x, False, down if rows > 1 else columns
        if (down == 1 or rows == 1) and (right >= rows or columns == 1):
            return x, True, right if columns > 1 else rows
        return self.contiguous(x), False, columns

    def rounded(self, a: Array, b: Array) -> tuple[Array, Array]:
        """Two float32 matrices rounded to bfloat16, as factors for `product`; transposed views stay what they are."""
        turned = [self._by_rows(x)[1] for x in (a, b)]
        sources = [self.contiguous(x.T if turn else x) for x, turn in zip((a, b), turned, strict=True)]
        rooms = [self.xp.empty((len(x), 8 * blocks_for(x.shape[1], 8)), np.uint16) for x in sources]
        arguments: list[Any] = []
        for x, room in zip(sources, rooms, strict=True):
            arguments += [x, *x.shape, room, room.shape[1]]
        grid = (min(max(map(len, sources)), 32 * self.multiprocessors), 2)
        self.launch("affine_round", grid, 128, *arguments)
        rounded = [room[:, : x.shape[1]] for x, room in zip(sources, rooms, strict=True)]
        first, second = (y.T if turn else y for y, turn in zip(rounded, turned, strict=True))
        return first, second

    def affine(self, x: Array, W: Array, b: Array | None) -> Array:
        """`Reference.affine` by cuBLAS."""
        y = self.product(x, W)
        if b is not None:
            y += b
        return y

    def affine_backward(self, dy: Array, W: Array) -> Array:
        """`Reference.affine_backward` by cuBLAS."""
        return self.product(dy, W.T)

    def weight_gradient(self, x: Array, dy: Array) -> Array:
        """`Reference.weight_gradient` by cuBLAS."""
        return self.product(x.T, dy)
