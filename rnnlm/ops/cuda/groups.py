"""Groups of tokens with their rows of weights, in one array of the device: the plan of kernels over all groups."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..precision import precision

MANTISSA = {"float32": 24, "tf32": 11, "bf16": 8}  # bits of a factor of a product
SQUARE, TALL, FEW = 64, 128, 8  # tiles of products are 64 x 64, or for few tokens 128 x 8 (tile.cuh)
ROOM = 2 * 16 * (TALL + FEW + 8)  # numbers of shared memory for either


def mantissa(array: Array) -> int:
    """How many bits of an array's numbers go into products: all, but of float32 what `ops.precision()` says."""
    return MANTISSA[precision()] if array.dtype == np.float32 else MANTISSA["float32"]


def ceil_divide(amount: np.ndarray | int, each: np.ndarray | int) -> Any:
    """How many parts of this size there are in an amount, the last one perhaps smaller; element by element."""
    return -(-amount // each)


def inclusive_cumsum(*amounts: np.ndarray) -> np.ndarray:
    """How much there is up to each group, itself included: (G,) of each kind -> (k, G)."""
    sums = np.empty((len(amounts), len(amounts[0])), np.int64)
    for amount, row in zip(amounts, sums, strict=True):
        amount.cumsum(out=row)
    return sums


def packed_plan(groups: np.ndarray, amounts: np.ndarray, *tokens: np.ndarray) -> np.ndarray:
    """groups (G, 5) as the kernels read them, amounts (k, G), then what there is for each token: one array of int32.

    The places of the groups' errors are of 64 bits, in two halves.
    """
    head = np.empty((len(groups), 6), np.int32)
    head[:, :4] = groups[:, :4]
    head[:, 4:] = np.ascontiguousarray(groups[:, 4:], np.int64).view(np.int32)
    return np.concatenate([head.reshape(-1), amounts.reshape(-1), *tokens], dtype=np.int32, casting="unsafe")
