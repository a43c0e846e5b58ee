"""Matrix products of any size, in the two forms that networks need.

OpenBLAS is as fast for large products, but packs its factors anew at every call: for the few rows that a time step or
a word class has, these are two to three times faster, and kernels can call them without leaving compiled code. The
sums run over k in the same order whatever the tile, so a row's result does not depend on its neighbours.
"""

from __future__ import annotations

from numba import carray
from numpy.lib.stride_tricks import as_strided

from .jit import DISABLED, exported, kernel
from .reductions import inner
from .vectors import REGISTER, external, intrinsic, make_dots, make_tile

DEEP = 128  # steps of k at a time, so that a panel of B stays in the first-level cache
WIDE = 96  # rows of the second factor at a time in `dots`, which then stay in the second-level cache
TALL = 16  # rows of the first factor at a time, which stay in the first-level cache

_tile4x3, _tile4x1, _tile4h, _tile4s = make_tile(4, 3), make_tile(4, 1), make_tile(4, 1, 2), make_tile(4, 1, 0)
_tile2x5, _tile2x1, _tile2h, _tile2s = make_tile(2, 5), make_tile(2, 1), make_tile(2, 1, 2), make_tile(2, 1, 0)
_tile1x8, _tile1x1, _tile1h, _tile1s = make_tile(1, 8), make_tile(1, 1), make_tile(1, 1, 2), make_tile(1, 1, 0)
_dots4x3, _dots4x1, _dots2x4, _dots2x1, _dots1x6, _dots1x1 = (
    make_dots(4, 3),
    make_dots(4, 1),
    make_dots(2, 4),
    make_dots(2, 1),
    make_dots(1, 6),
    make_dots(1, 1),
)


@kernel
def _panel4(A, a, ai, ak, B, b, ldb, C, c, ldc, M, N, K, add, width):
    """All whole groups of four rows: panels of columns outside, so that a panel of B is read from the cache."""
    j = 0
    while j < N:
        left = N - j
        step = 3 * width if left >= 3 * width else width if left >= width else width // 2 if left >= width // 2 else 1
        for i in range(0, M - 3, 4):
            ia, ic = a + i * ai, c + i * ldc + j
            if step == 3 * width:
                _tile4x3(A, ia, ai, ak, B, b + j, ldb, C, ic, ldc, K, add)
            elif step == width:
                _tile4x1(A, ia, ai, ak, B, b + j, ldb, C, ic, ldc, K, add)
            elif step > 1:
                _tile4h(A, ia, ai, ak, B, b + j, ldb, C, ic, ldc, K, add)
            else:
                _tile4s(A, ia, ai, ak, B, b + j, ldb, C, ic, ldc, K, add)
        j += step


@kernel
def _panel2(A, a, ai, ak, B, b, ldb, C, c, ldc, N, K, add, width):
    """Two rows."""
    j = 0
    while j < N:
        left = N - j
        if left >= 5 * width:
            _tile2x5(A, a, ai, ak, B, b + j, ldb, C, c + j, ldc, K, add)
            j += 5 * width
        elif left >= width:
            _tile2x1(A, a, ai, ak, B, b + j, ldb, C, c + j, ldc, K, add)
            j += width
        elif left >= width // 2 and width > 2:
            _tile2h(A, a, ai, ak, B, b + j, ldb, C, c + j, ldc, K, add)
            j += width // 2
        else:
            _tile2s(A, a, ai, ak, B, b + j, ldb, C, c + j, ldc, K, add)
            j += 1


@kernel
def _panel1(A, a, ak, B, b, ldb, C, c, N, K, add, width):
    """One row: many columns at a time, since one sum after the other would wait for the adder."""
    j = 0
    while j < N:
        left = N - j
        if left >= 8 * width:
            _tile1x8(A, a, 0, ak, B, b + j, ldb, C, c + j, 0, K, add)
            j += 8 * width
        elif left >= width:
            _tile1x1(A, a, 0, ak, B, b + j, ldb, C, c + j, 0, K, add)
            j += width
        elif left >= width // 2 and width > 2:
            _tile1h(A, a, 0, ak, B, b + j, ldb, C, c + j, 0, K, add)
            j += width // 2
        else:
            _tile1s(A, a, 0, ak, B, b + j, ldb, C, c + j, 0, K, add)
            j += 1


@kernel
def _product(A, a, ai, ak, B, b, ldb, C, c, ldc, M, N, K, add, width):
    """The loops of `product`, on pointers; `width` numbers fill a register."""
    k = 0
    while k < K or k == 0:
        deep = min(DEEP, K - k)
        more = 1 if k > 0 else add
        ka, kb = a + k * ak, b + k * ldb
        whole = M // 4 * 4
        if whole:
            _panel4(A, ka, ai, ak, B, kb, ldb, C, c, ldc, M, N, deep, more, width)
        if M - whole >= 2:
            _panel2(A, ka + whole * ai, ai, ak, B, kb, ldb, C, c + whole * ldc, ldc, N, deep, more, width)
            whole += 2
        if whole < M:
            _panel1(A, ka + whole * ai, ak, B, kb, ldb, C, c + whole * ldc, N, deep, more, width)
        k += DEEP


@kernel
def _dots(A, a, lda, B, b, ldb, C, c, ldc, M, N, K):
    """The loops of `dots`, on pointers."""
    for wide in range(0, N, WIDE):
        end = min(wide + WIDE, N)
        for tall in range(0, M, TALL):
            bottom = min(tall + TALL, M)
            whole = tall + (bottom - tall) // 4 * 4
            j = wide
            while j < end and whole > tall:
                jb = b + j * ldb
                many = end - j >= 3
                for i in range(tall, whole, 4):
                    if many:
                        _dots4x3(A, a + i * lda, lda, B, jb, ldb, C, c + i * ldc + j, ldc, K)
                    else:
                        _dots4x1(A, a + i * lda, lda, B, jb, ldb, C, c + i * ldc + j, ldc, K)
                j += 3 if many else 1
            if bottom - whole >= 2:
                j = wide
                while j < end:
                    jb, ic = b + j * ldb, c + whole * ldc + j
                    if end - j >= 4:
                        _dots2x4(A, a + whole * lda, lda, B, jb, ldb, C, ic, ldc, K)
                        j += 4
                    else:
                        _dots2x1(A, a + whole * lda, lda, B, jb, ldb, C, ic, ldc, K)
                        j += 1
                whole += 2
            if bottom > whole:
                j = wide
                while j < end:
                    jb, ic = b + j * ldb, c + whole * ldc + j
                    if end - j >= 6:
                        _dots1x6(A, a + whole * lda, 0, B, jb, ldb, C, ic, 0, K)
                        j += 6
                    else:
                        _dots1x1(A, a + whole * lda, 0, B, jb, ldb, C, ic, 0, K)
                        j += 1


@intrinsic
def product(typing, A, a, ai, ak, B, b, ldb, C, c, ldc, M, N, K, add):
    """C[i, j] (+)= Σ_k A[i, k] B[k, j], M x N x K; A with any strides (ai, ak), rows of B and C in one piece.

    A transposed factor A' is A with its strides exchanged. A, B, C are flat arrays, a, b, c where the matrices begin
    in them.
    """
    return external("product", A, a, ai, ak, B, b, ldb, C, c, ldc, M, N, K, add)


@intrinsic
def dots(typing, A, a, lda, B, b, ldb, C, c, ldc, M, N, K):
    """C[i, j] = Σ_k A[i, k] B[j, k]: the product with a transposed second factor, as of hidden vectors with words."""
    return external("dots", A, a, lda, B, b, ldb, C, c, ldc, M, N, K)


@kernel
def _plain_product(A, a, ai, ak, B, b, ldb, C, c, ldc, M, N, K, add):
    """`product` without tiles, for float64, which is for checking: it compiles in a tenth of the time."""
    X, Y = carray(A, max(1, a + M * ai + K * ak)), carray(B, max(1, b + K * ldb + N))
    Z = carray(C, max(1, c + M * ldc + N))
    for i in range(M):
        row = Z[c + i * ldc : c + i * ldc + N]
        if add == 0:
            row[:] = 0
        for k in range(K):
            x, factor = X[a + i * ai + k * ak], Y[b + k * ldb : b + k * ldb + N]
            for j in range(N):
                row[j] += x * factor[j]


@kernel
def _plain_dots(A, a, lda, B, b, ldb, C, c, ldc, M, N, K):
    """`dots` without tiles."""
    X, Y = carray(A, max(1, a + M * lda + K)), carray(B, max(1, b + N * ldb + K))
    Z = carray(C, max(1, c + M * ldc + N))
    for i in range(M):
        row = X[a + i * lda : a + i * lda + K]
        for j in range(N):
            Z[c + i * ldc + j] = inner(row, Y[b + j * ldb : b + j * ldb + K])


def _product_of(width, single):
    def product(A, a, ai, ak, B, b, ldb, C, c, ldc, M, N, K, add):
        _product(A, a, ai, ak, B, b, ldb, C, c, ldc, M, N, K, add, width)

    def plain_product(A, a, ai, ak, B, b, ldb, C, c, ldc, M, N, K, add):
        _plain_product(A, a, ai, ak, B, b, ldb, C, c, ldc, M, N, K, add)

    return product if single else plain_product


def _dots_of(width, single):
    def dots(A, a, lda, B, b, ldb, C, c, ldc, M, N, K):
        _dots(A, a, lda, B, b, ldb, C, c, ldc, M, N, K)

    def plain_dots(A, a, lda, B, b, ldb, C, c, ldc, M, N, K):
        _plain_dots(A, a, lda, B, b, ldb, C, c, ldc, M, N, K)

    return dots if single else plain_dots


if DISABLED:  # the same in NumPy: vector instructions have no Python to fall back on

    def _matrix(flat, start, rows, columns, row_stride, stride):
        size = flat.itemsize
        return as_strided(flat[start:], (rows, columns), (row_stride * size, stride * size))

    def product(A, a, ai, ak, B, b, ldb, C, c, ldc, M, N, K, add):
        """The compiled `product` in plain NumPy."""
        out = _matrix(C, c, M, N, ldc, 1)
        result = _matrix(A, a, M, K, ai, ak) @ _matrix(B, b, K, N, ldb, 1)
        out[...] = out + result if add else result

    def dots(A, a, lda, B, b, ldb, C, c, ldc, M, N, K):
        """The compiled `dots` in plain NumPy."""
        _matrix(C, c, M, N, ldc, 1)[...] = _matrix(A, a, M, K, lda, 1) @ _matrix(B, b, N, K, ldb, 1).T

else:
    exported("product", _product_of, (3, 2, 6), REGISTER)
    exported("dots", _dots_of, (2, 2, 5), REGISTER)
