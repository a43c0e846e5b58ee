"""Cutting a text into parts at sentence ends, and counting the characters in front of a cut."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ..errors import DataError, UsageError

_CHUNK = 1 << 20


def check_fractions(fractions: Sequence[float]) -> list[float]:
    """Return the fractions as floats. Raises UsageError unless each is above 0 and their sum is 1."""
    shares = [float(f) for f in fractions]
    if not shares or not all(f > 0 for f in shares) or abs(sum(shares) - 1) > 1e-6:
        raise UsageError(f"fractions={list(fractions)}: the parts of a text must each be above 0 and add up to 1.")
    return shares


def cut_points(ids: np.ndarray, fractions: Sequence[float], name: str = "the text", eos: int = 0) -> list[int]:
    """Return the n + 1 positions, from 0 to len(ids), that cut a text into n parts of these shares of its tokens.

    A cut is behind the `</s>` nearest to its exact position. Where there is none within half of the smaller of the two
    parts (a text of one long line, or characters without newlines), it is at the exact position, inside a sentence.
    Raises DataError where a part would be empty.
    """
    shares = check_fractions(fractions)
    total = len(ids)
    exact = [round(total * float(s)) for s in np.cumsum([0.0, *shares[:-1]])] + [total]
    points = [0]
    for before, place, after in zip(exact, exact[1:-1], exact[2:], strict=False):
        points.append(_nearest_end(ids, place, min(place - before, after - place) // 2, eos))
    points.append(total)
    if any(a >= b for a, b in pairwise(points)):
        raise DataError(
            f"{name} has {total} token{'s' * (total != 1)}, too few to cut into parts of "
            f"{', '.join(f'{s:.3g}' for s in shares)}. Give a longer text, or held-out texts of their own (`valid` and "
            "`test`)."
        )
    return points


def _nearest_end(ids: np.ndarray, place: int, reach: int, eos: int) -> int:
    width = 1024
    while True:
        width = min(width, reach)
        low, high = max(place - width, 1), min(place + width, len(ids))
        ends = np.flatnonzero(ids[low - 1 : high] == eos) + low  # places behind a </s>, from low to high
        if len(ends):
            return int(ends[np.argmin(np.abs(ends - place))])
        if width >= reach:
            return place
        width *= 8


def count(ids: np.ndarray, value: int) -> int:
    """Return how often `value` occurs in ids; a memory-mapped array is read in chunks."""
    return sum(int(np.count_nonzero(ids[i : i + _CHUNK] == value)) for i in range(0, len(ids), _CHUNK))


def characters_before(ids: np.ndarray, sentence_characters: np.ndarray, place: int, eos: int = 0) -> int:
    """Return the number of characters of the text before token `place`.

    `sentence_characters` holds the characters of each sentence. The result is exact at a sentence end; inside a
    sentence its characters are divided evenly over its tokens, so that the parts of a text add up to the whole.
    """
    if place == len(ids):  # no need to read the whole text
        return int(np.sum(sentence_characters, dtype=np.int64))
    sentences = count(ids[:place], eos)
    total = int(np.sum(sentence_characters[:sentences], dtype=np.int64))
    if place == 0 or ids[place - 1] == eos:
        return total
    start, end = _sentence_around(ids, place, eos)
    return total + int(sentence_characters[sentences]) * (place - start) // (end - start)


def _sentence_around(ids: np.ndarray, place: int, eos: int) -> tuple[int, int]:
    start, end = 0, len(ids)
    for low in range(place, 0, -_CHUNK):
        ends = np.flatnonzero(ids[max(low - _CHUNK, 0) : low] == eos)
        if len(ends):
            start = max(low - _CHUNK, 0) + int(ends[-1]) + 1
            break
    for low in range(place, len(ids), _CHUNK):
        ends = np.flatnonzero(ids[low : low + _CHUNK] == eos)
        if len(ends):
            end = low + int(ends[0]) + 1
            break
    return start, end
