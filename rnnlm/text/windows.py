"""Cutting a text into windows of T steps over B parallel streams, in which every token is scored exactly once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..errors import UsageError


def window_count(n_tokens: int, streams: int, steps: int) -> int:
    """Return how many windows `windows` yields for a text of `n_tokens` from its beginning."""
    check_streams(n_tokens, streams, steps)
    longest = -(-n_tokens // streams)
    return -(-longest // steps)


def windows(
    ids: np.ndarray, streams: int, steps: int, *, independent: bool = False, start: int = 0, eos: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """Yield (x, y, keep) windows: y is the text cut into parallel streams, x the token before each y.

    The streams are contiguous parts of the text, in its order, whose lengths differ by at most one; shorter streams end
    in targets of -1, which are not scored. So every token of the text stands in y exactly once, whatever `streams` and
    `steps` are. The token before the first of the text is `eos`; a later stream begins after the true last token of the
    stream before it.

    ids    (n,) int32, -1 for words that the vocabulary lacks
    x, y   (T, B) int32, time-major; T = steps, but for the last window, which may be shorter
    keep   None, or with `independent` (T, B) float32: 0 where a sentence or a stream starts, 1 elsewhere

    `start` is the number of the first window to yield: a resumed run goes on without reading what lies before it.
    Raises UsageError for streams < 1, steps < 1, start < 0, and for more streams than tokens.
    """
    count = window_count(len(ids), streams, steps)
    if start < 0:
        raise UsageError(f"start={start} is not the number of a window; give 0 or more.")
    return _windows(ids, streams, steps, independent, range(start, count), eos)


def _windows(
    ids: np.ndarray, streams: int, steps: int, independent: bool, numbers: range, eos: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    short, longer = divmod(len(ids), streams)  # the first `longer` streams hold one token more
    stream = np.arange(streams)
    first = stream * short + np.minimum(stream, longer)  # (B,) place of each stream's first token
    length = short + (stream < longer)  # (B,)
    places = first - 1 + np.arange(steps + 1)[:, None]  # (T + 1, B) of the first window, from the token before it on
    for number in numbers:
        step = number * steps
        T = min(steps, int(length[0]) - step)
        tokens = np.take(ids, places[: T + 1] + step, mode="clip").astype(np.int32, copy=False)
        x, y = tokens[:-1], tokens[1:]
        if not step:
            x[0, 0] = eos
        if step + T == length[0]:  # of a shorter stream the last step lies outside, or in the next stream
            y[-1, longer or streams :] = -1
        keep = None
        if independent:
            keep = (x != eos).astype(np.float32)
            if not step:
                keep[0] = 0
        yield x, y, keep


def in_order(parts: list[np.ndarray], n_tokens: int) -> np.ndarray:
    """Return one value for each token of a text, in the order of the text: (n_tokens, …).

    `parts` holds for each window of `windows` the values of its targets, (T, B, …).
    """
    by_stream = np.concatenate(parts)  # (T of the longest stream, B, …)
    short, longer = divmod(n_tokens, by_stream.shape[1])
    lengths = [short + (stream < longer) for stream in range(by_stream.shape[1])]
    return np.concatenate([by_stream[:length, stream] for stream, length in enumerate(lengths)])


def check_streams(n_tokens: int, streams: int, steps: int) -> None:
    """Raise UsageError for steps < 1, streams < 1, and for more streams than tokens."""
    if steps < 1:
        raise UsageError(f"steps={steps}: a window needs at least one step.")
    if streams < 1:
        raise UsageError(f"streams={streams}: a text needs at least one stream.")
    if streams > n_tokens:
        raise UsageError(
            f"more streams than tokens: streams={streams}, but the text has {n_tokens} tokens. "
            f"Give streams <= {n_tokens}."
        )
