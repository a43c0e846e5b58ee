"""cuBLAS's product of matrices on the host, as its manual states it: by columns, from pointers, factors rounded."""

from __future__ import annotations

import ctypes
import types

import numpy as np

from .arrays import record

FLOAT, DOUBLE, BFLOAT16 = 0, 1, 14  # cudaDataType_t
NUMBER = {FLOAT: np.float32, DOUBLE: np.float64, BFLOAT16: np.uint16}
SINGLE, FAST, EXACT = 68, 77, 70  # cublasComputeType_t


def to_bf16(x: np.ndarray) -> np.ndarray:
    """float32 numbers rounded to 8 bits of mantissa, ties to even, as the upper half of their bits."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def of_bf16(bits: np.ndarray) -> np.ndarray:
    return (bits.astype(np.uint32) << 16).view(np.float32)


def to_tf32(x: np.ndarray) -> np.ndarray:
    """float32 numbers rounded to 11 bits of mantissa, ties away from zero."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return ((bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)


def _matrix(pointer: int, kind: int, rows: int, columns: int, apart: int) -> np.ndarray:
    """The matrix (rows, columns) by columns that are so many numbers apart, in the memory itself."""
    number = np.dtype(NUMBER[kind])
    if apart < max(1, rows) or pointer % number.itemsize:
        raise RuntimeError("CUBLAS_STATUS_INVALID_VALUE")
    size = ((columns - 1) * apart + rows) * number.itemsize
    flat = np.frombuffer((ctypes.c_char * size).from_address(pointer), number)
    return np.lib.stride_tricks.as_strided(flat, (rows, columns), (number.itemsize, apart * number.itemsize))


def gemm_ex(
    handle: int, turn_a: int, turn_b: int, m: int, n: int, k: int,
    alpha: int, A: int, A_kind: int, A_apart: int, B: int, B_kind: int, B_apart: int,
    beta: int, C: int, C_kind: int, C_apart: int, exactness: int, algorithm: int,
) -> None:  # fmt: skip
    """C (m, n) = α op(A) op(B) + β C, every matrix by columns; α and β are read from the host."""
    record.launch("gemmEx")
    kinds = {SINGLE: {FLOAT, BFLOAT16}, FAST: {FLOAT}, EXACT: {DOUBLE}}[exactness]
    if (
        min(m, n, k) < 1
        or A_kind != B_kind
        or A_kind not in kinds
        or C_kind != (DOUBLE if exactness == EXACT else FLOAT)
    ):
        raise RuntimeError("CUBLAS_STATUS_NOT_SUPPORTED")
    factors = []
    for pointer, kind, turned, (rows, columns), apart in (
        (A, A_kind, turn_a, (m, k), A_apart),
        (B, B_kind, turn_b, (k, n), B_apart),
    ):
        found = _matrix(pointer, kind, *((columns, rows) if turned else (rows, columns)), apart)
        found = of_bf16(found) if kind == BFLOAT16 else to_tf32(found) if exactness == FAST else found
        factors.append(found.T if turned else found)
    scale = np.float64 if C_kind == DOUBLE else np.float32
    a, b = (float(_matrix(pointer, C_kind, 1, 1, 1)[0, 0]) for pointer in (alpha, beta))
    out = _matrix(C, C_kind, m, n, C_apart)
    with np.errstate(all="ignore"):
        found = scale(a) * np.matmul(*factors)
        out[...] = found + scale(b) * out if b else found


def cublas() -> types.SimpleNamespace:
    """The module cupy.cuda.cublas, as far as it is used."""
    return types.SimpleNamespace(
        CUBLAS_COMPUTE_32F=SINGLE,
        CUBLAS_COMPUTE_64F=EXACT,
        CUBLAS_COMPUTE_32F_FAST_TF32=FAST,
        CUBLAS_GEMM_DEFAULT=-1,
        gemmEx=gemm_ex,
    )
