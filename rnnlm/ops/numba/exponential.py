"""exp, tanh and the logistic function in plain arithmetic, so that the compiler can work on whole vectors.

The library functions take one number at a time (6 to 39 ns each); these take about 1 ns and are within 5e-7 of the true
value, relatively; exp for arguments from -87.33 to 88.72, beyond which it is 0 or infinite, a little early.
The method is that of every library since Cody & Waite 1980: take out powers of two, a short polynomial for the rest
(Taylor's, whose error on |r| ≤ ln 2 / 2 is below float32's). float64 is for checking, and takes the library functions.
"""

from __future__ import annotations

import numpy as np

from .jit import DISABLED, scalar
from .vectors import float_of_bits

if DISABLED:

    def float_of_bits(bits):
        """The compiled `float_of_bits` in plain NumPy."""
        return np.int32(bits).view(np.float32)


ONE, HALF, TWO = np.float32(1), np.float32(0.5), np.float32(2)
LOG2_E = np.float32(1.4426950408889634)
# ln 2 in two parts: the upper has few bits, so n · LN2_HIGH is exact
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440054690583e-4)
LOWEST, HIGHEST = np.float32(-87.33), np.float32(88.72)  # beyond these exp is below the normal numbers, or infinite
C2, C3, C4, C5, C6, C7 = (np.float32(1 / f) for f in (2, 6, 24, 120, 720, 5040))
ZERO, INFINITY = np.float32(0), np.float32(np.inf)
# tanh's own series x - x³/3 + 2x⁵/15 …, for arguments where 1 - 2/(e^2x + 1) would lose digits
SMALL = np.float32(0.39)  # the square of such an argument
FAR = np.float32(9.1)  # from here on tanh is 1 to the last bit
T3, T5, T7, T9, T11 = (np.float32(c) for c in (-1 / 3, 2 / 15, -17 / 315, 62 / 2835, -1382 / 155925))
T13, T15 = np.float32(21844 / 6081075), np.float32(-929569 / 638512875)


@scalar
def exp32(x):
    """e^x of a float32; 0 below LOWEST, infinite above HIGHEST, NaN of NaN."""
    inside = LOWEST if x < LOWEST else x
    inside = HIGHEST if inside > HIGHEST else inside
    n = np.floor(inside * LOG2_E + HALF)
    r = inside - n * LN2_HIGH - n * LN2_LOW
    p = ONE + r * (ONE + r * (C2 + r * (C3 + r * (C4 + r * (C5 + r * (C6 + r * C7))))))
    half = np.int32(n) >> np.int32(1)  # 2^n in two factors, since 2^128 is no float32
    rest = np.int32(n) - half
    p = (
        p
        * float_of_bits((half + np.int32(127)) << np.int32(23))
        * float_of_bits((rest + np.int32(127)) << np.int32(23))
    )
    p = ZERO if x < LOWEST else p
    p = INFINITY if x > HIGHEST else p
    return p if x == x else x


@scalar
def tanh32(x):
    """tanh x of a float32."""
    inside = -FAR if x < -FAR else x
    inside = FAR if inside > FAR else inside
    square = inside * inside
    far = ONE - TWO / (exp32(inside + inside) + ONE)
    small = SMALL if square > SMALL else square
    tail = T3 + small * (T5 + small * (T7 + small * (T9 + small * (T11 + small * (T13 + small * T15)))))
    return far if square > SMALL else inside + inside * small * tail


@scalar
def logistic32(x):
    """1 / (1 + e^-x) of a float32."""
    return ONE / (ONE + exp32(-x))


@scalar
def expm1_32(x):
    """e^x - 1 of a float32 ≤ 0, exact near 0: 2 t / (1 - t) with t = tanh(x/2)."""
    t = tanh32(HALF * x)
    return TWO * t / (ONE - t)
