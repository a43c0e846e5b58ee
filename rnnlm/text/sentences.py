"""Cutting a text into its sentences, so that each can be scored as a text of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class PlacedWindow(NamedTuple):
    """A window of B parallel parts of a text, such as its sentences, that knows where its tokens stand in the text.

    x, y      (T, B) int32, time-major: y holds the tokens, x the token before each, which is `</s>` before the first
              of a part; y is -1 where a part is shorter, which is not scored
    places    (T, B) the place of each y in the text, -1 where there is none
    is_first  whether the parts begin with this window, so that the state before it is that of a fresh start
    keep      None, or (T, B): 0 at steps before which the state is cleared
    """

    x: np.ndarray
    y: np.ndarray
    places: np.ndarray
    is_first: bool
    keep: np.ndarray | None = None


def sentence_windows(ids: np.ndarray, streams: int, steps: int, *, eos: int = 0) -> Iterator[PlacedWindow]:
    """Yield windows of at most `steps` steps in which every token of the text stands once, sentence by sentence.

    A sentence ends with `eos`; what follows the last one is a sentence too. With one stream the windows of a sentence
    are those of `windows` for that sentence alone. With more, so many sentences of similar length stand side by side.
    """
    starts = np.append(0, np.flatnonzero(ids == eos) + 1)
    starts = starts[starts < len(ids)]
    lengths = np.diff(starts, append=len(ids))
    order = np.arange(len(starts)) if streams == 1 else np.argsort(lengths, kind="stable")
    for group in range(0, len(order), streams):
        part = order[group : group + streams]
        first, length = starts[part], lengths[part]
        for step in range(0, int(length.max()), steps):
            within = np.arange(step, min(step + steps, int(length.max())))[:, None]  # (T, 1)
            places = np.where(within < length, first + within, -1)
            y = np.where(places < 0, -1, ids[places]).astype(np.int32)
            x = np.where((within == 0) | (places < 0), eos, ids[places - 1]).astype(np.int32)
            yield PlacedWindow(x, y, places, step == 0)
