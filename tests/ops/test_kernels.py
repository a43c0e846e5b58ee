"""The innermost compiled code: matrix products of any size, and functions of float32 over all its numbers."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from array_checks import CLOSE, REFERENCE, Numbers
from numpy.lib.stride_tricks import as_strided

from rnnlm.ops.numba import elementwise, exponential, product, softmax
from rnnlm.ops.reference.elementwise import ACTIVATIONS, CLIP

both_precisions = pytest.mark.parametrize("dtype", ["float32", "float64"])


@numba.njit
def multiply(A, a, ai, ak, B, b, ldb, C, c, ldc, M, N, K, add):
    product.product(A, a, ai, ak, B, b, ldb, C, c, ldc, M, N, K, add)


@numba.njit
def multiply_rows(A, a, lda, B, b, ldb, C, c, ldc, M, N, K):
    product.dots(A, a, lda, B, b, ldb, C, c, ldc, M, N, K)


def padded(r, rows, columns, start, pad, beside=np.nan):
    """A random matrix in a flat array from `start` on, something else before, after and between its rows; its step."""
    step = columns + pad
    flat = np.full(start + rows * step + 40, beside, r.dtype)
    matrix = as_strided(flat[start:], (rows, columns), (step * flat.itemsize, flat.itemsize))
    matrix[...] = r(rows, columns)
    return flat, matrix, step


GUARD = 1234.5  # stands beside C; beside A and B is NaN, so that C shows it if that is read


def assert_product(flat, C, A, B, old):
    """C = A B + old to the bound of the rounding of such sums, and not a number of `flat` beside C was written."""
    bound = np.finfo(C.dtype).eps * (A.shape[1] + 2) * (abs(A) @ abs(B) + abs(old))
    wide = A.astype(np.float64) @ B.astype(np.float64) + old
    assert (abs(C - wide) <= bound).all(), (A.shape, B.shape)
    assert (flat == GUARD).sum() == flat.size - C.size, (A.shape, B.shape)


@both_precisions
@pytest.mark.parametrize("K", [0, 1, 2, 9, 64, 128, 129, 300])
def test_products_of_any_size(dtype, K):
    r = Numbers(dtype)
    for M in (0, 1, 2, 3, 4, 5, 7, 8, 18, 35):
        for N in range(140) if K == 9 else (0, 1, 2, 3, 4, 5, 8, 13, 24, 31, 45, 70, 97, 131, 195):
            start, pad, add = int(r.rng.integers(0, 5)), int(r.rng.integers(0, 4)), int(r.rng.integers(0, 2))
            fA, A, lda = padded(r, M, K, start, pad)
            fT, AT, ldt = padded(r, K, M, pad, start)
            fB, B, ldb = padded(r, K, N, start + 1, pad)
            fR, BT, ldr = padded(r, N, K, pad, start)
            fC, C, ldc = padded(r, M, N, start, pad + 1, GUARD)
            old = C.copy() if add else np.zeros_like(C)
            C[...] = old if add else np.nan
            multiply(fA, start, lda, 1, fB, start + 1, ldb, fC, start, ldc, M, N, K, add)
            assert_product(fC, C, A, B, old)
            C[...] = old if add else np.nan
            multiply(fT, pad, 1, ldt, fB, start + 1, ldb, fC, start, ldc, M, N, K, add)
            assert_product(fC, C, AT.T, B, old)
            C[...] = np.nan
            multiply_rows(fA, start, lda, fR, pad, ldr, fC, start, ldc, M, N, K)
            assert_product(fC, C, A, BT.T, np.zeros_like(C))


@both_precisions
def test_a_rows_product_is_the_same_in_any_company(dtype):
    r, M, N, K = Numbers(dtype), 27, 111, 150
    A, B = r(M, K), r(K, N)
    whole, alone, dots, dots_alone = (np.empty((M, N), dtype) for _ in range(4))
    multiply(A.ravel(), 0, K, 1, B.ravel(), 0, N, whole.ravel(), 0, N, M, N, K, 0)
    multiply_rows(A.ravel(), 0, K, B.ravel(), 0, K, dots.ravel(), 0, N, M, N, K)
    for first, last in ((0, 1), (1, 3), (3, 6), (6, 13), (13, 27)):
        part = first * K, (last - first)
        multiply(A.ravel(), part[0], K, 1, B.ravel(), 0, N, alone.ravel(), first * N, N, part[1], N, K, 0)
        multiply_rows(A.ravel(), part[0], K, B.ravel(), 0, K, dots_alone.ravel(), first * N, N, part[1], N, K)
    np.testing.assert_array_equal(whole, alone)
    np.testing.assert_array_equal(dots, dots_alone)


# functions of float32


def every_size():
    """Numbers of every size of float32, denormal ones too, the dense middle, and where the code changes its formula."""
    sizes = np.geomspace(1e-45, 3.4e38, 200_001)
    small = exponential.SMALL**0.5
    edges = [exponential.LOWEST, exponential.HIGHEST, exponential.FAR, small, 2 * small, 0]
    middle = np.linspace(-120, 120, 400_001)
    x = np.concatenate([sizes, -sizes, middle, *(np.float32(e) + np.linspace(-1e-4, 1e-4, 99) for e in edges)])
    return np.unique(x.astype(np.float32))


def exp32(x):
    a = x.copy()
    softmax.exponentials(a, np.float32(0))
    return a


def compiled(name):
    def f(x):
        a = x.copy()
        elementwise.activate(elementwise.NUMBER[name], a, CLIP)
        return a

    return f


FUNCTIONS = {  # float32 code, the truth in float64, and its limits at -∞ and ∞
    "exp": (exp32, np.exp, 0, np.inf),
    "tanh": (compiled("tanh"), np.tanh, -1, 1),
    "logistic": (compiled("logistic"), lambda x: 1 / (1 + np.exp(-x)), 0, 1),
    "elu": (compiled("elu"), lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), -1, np.inf),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_float32_over_all_numbers(name):
    f, truth, low, high = FUNCTIONS[name]
    x = every_size()
    if name == "exp":  # what exp32 says of itself: 0 and infinite beyond these
        below, above = x < exponential.LOWEST, x > exponential.HIGHEST
        assert not exp32(x[below]).any()
        assert np.isposinf(exp32(x[above])).all()
        x = x[~below & ~above]
    with np.errstate(all="ignore"):
        wanted, found = truth(x.astype(np.float64)), f(x).astype(np.float64)
    normal = abs(wanted) >= np.finfo(np.float32).tiny
    assert normal.sum() > 100_000
    assert (abs(found - wanted)[normal] <= 5e-7 * abs(wanted)[normal]).all()
    assert (abs(found - wanted)[~normal] <= np.finfo(np.float32).tiny).all()
    special = f(np.array([-np.inf, np.inf, np.nan, -0.0, 0.0], np.float32))
    np.testing.assert_array_equal(special, [low, high, np.nan, *[truth(0.0)] * 2])


@both_precisions
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_pass_nan_and_infinities_on(name, dtype):
    x = np.array([np.nan, np.inf, -np.inf, 0, -1, 1, 30], dtype)
    np.testing.assert_allclose(compiled(name)(x), REFERENCE.activate(name, x), CLOSE[dtype][0])
