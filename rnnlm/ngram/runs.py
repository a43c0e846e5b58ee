"""Sorted runs of distinct keys, and their merge: sorting that does not need everything in memory at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..ops.reference.tables import beginnings
from .columns import Column, Columns


class Run(NamedTuple):
    """The distinct keys of one chunk of a text, rising; `place` (chunk,): which of them each token has, -1 for none."""

    keys: Column  # int64
    counts: Column  # how often the chunk has each key
    witness: Column  # a number that belongs to the key, the same wherever it occurs
    place: Column


def sorted_run(keys: np.ndarray, witness: np.ndarray, columns: Columns, places: bool = True) -> Run:
    """The run of one chunk: keys (chunk,) int64, -1 for a token without one; the array is used up.

    Without `places` its `place` is empty.
    """
    # Key and place in one integer where both fit: a plain sort of integers is several times faster than an argsort, and
    # in place it needs no fresh memory, whose first use costs more than the sorting.
    bits = len(keys).bit_length()
    if int(keys.max(initial=-1)).bit_length() + bits <= 63:
        ranked = keys
        ranked <<= bits
        ranked |= np.arange(len(keys))
        ranked.sort()
        order = ranked & ((1 << bits) - 1)
        ranked >>= bits
    else:
        order = np.argsort(keys, kind="stable")
        ranked = keys[order]
    skip = int(np.searchsorted(ranked, 0))  # the tokens without a key
    order, ranked = order[skip:], ranked[skip:]
    first = beginnings(ranked)
    lengths = np.diff(first, append=len(ranked))
    place = np.full(len(keys) if places else 0, -1, np.int32)
    if places:
        place[order] = np.repeat(np.arange(len(first), dtype=np.int32), lengths)
    run = Run(columns.new(np.int64), columns.new(np.int64), columns.new(witness.dtype), columns.new(np.int32))
    for column, part in zip(run, (ranked[first], lengths, witness[order[first]], place), strict=True):
        column.append(part)
    return run


def merge(
    runs: list[Run], columns: Columns, block: int, take: Callable[[np.ndarray, np.ndarray, np.ndarray], None]
) -> Sequence[Column | None]:
    """Call take(keys, counts, witnesses) with the distinct keys of all runs, rising, some at a time.

    Returns for each run the numbers that its keys have among all the keys, in the order of its own; None where these
    are 0, 1, 2, … Of each run only about `block` / len(runs) keys are in memory at a time.
    """
    if len(runs) == 1:  # nothing to merge
        keys, counts, witness = (column.array() for column in runs[0][:3])
        take(keys, counts, witness)
        return [None]
    numbers = [columns.new(np.int64) for _ in runs]
    arrays = [(run.keys.array(), run.counts.array(), run.witness.array()) for run in runs]
    at = [0] * len(runs)
    share = max(1, block // len(runs))
    known = 0
    while True:
        ends = [keys[min(at[r] + share, len(keys)) - 1] for r, (keys, _, _) in enumerate(arrays) if at[r] < len(keys)]
        if not ends:
            return numbers
        bound = min(ends)  # every run's keys up to here are within its share
        stops = [
            at[r] + int(np.searchsorted(keys[at[r] : at[r] + share], bound, "right"))
            for r, (keys, _, _) in enumerate(arrays)
        ]
        parts = [[array[a:b] for array in run] for run, a, b in zip(arrays, at, stops, strict=True)]
        keys, counts, witness = (np.concatenate(part) for part in zip(*parts, strict=True))
        distinct, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        take(distinct, np.bincount(inverse, counts, len(distinct)).astype(np.int64), witness[first])
        begin = 0
        for r, (a, b) in enumerate(zip(at, stops, strict=True)):
            numbers[r].append(known + inverse[begin : begin + b - a])
            begin += b - a
        known += len(distinct)
        at = stops
