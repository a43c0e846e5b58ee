"""What a sequence labelling network says, and how far that is from what was wanted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..errors import UsageError
from ..ops import ops_for
from ..ops.arrays import Array


def best_path(y: Array, lengths: Sequence[int] | np.ndarray | None = None, *, blank: int = 0) -> list[list[int]]:
    """The labels of the most probable path of each stream, which is the largest output of each frame.

    Repetitions are joined, then blanks dropped (Graves et al. 2006, best path decoding): not always the most probable
    labels, for these may have many paths. y (T, B, K) logits or probabilities, lengths (B,) in frames, all T without
    it -> B lists. Raises UsageError for other shapes.
    """
    if y.ndim != 3 or not y.shape[2]:
        raise UsageError(f"outputs of the shape {y.shape} have no frames of classes. Give (T, B, K).")
    T, B, _ = y.shape
    frames = np.full(B, T) if lengths is None else np.asarray(lengths)
    if frames.shape != (B,) or (frames < 0).any() or (frames > T).any():
        raise UsageError(f"lengths={frames.tolist()} do not fit {B} streams of {T} frames. Give {B} of 0 to {T}.")
    classes = ops_for(y).to_host(y.argmax(2))  # (T, B)
    new = np.concatenate([np.ones((1, B), bool), classes[1:] != classes[:-1]])[:T]
    said = new & (classes != blank) & (np.arange(T)[:, None] < frames)
    return [classes[said[:, b], b].tolist() for b in range(B)]


def label_error_rate(found: Iterable[Sequence[int]], wanted: Iterable[Sequence[int]]) -> float:
    """Σ edit distance / Σ number of wanted labels, over all sequences; 0 is perfect, and it may exceed 1.

    The edit distance is the least number of labels to insert, delete or replace (Levenshtein 1966). Entries of -1 are
    padding and are left out. Raises UsageError when the two differ in number, or nothing is wanted at all.
    """
    from nltk.metrics.distance import edit_distance

    ours, theirs = ([[int(label) for label in row if label >= 0] for row in rows] for rows in (found, wanted))
    if len(ours) != len(theirs):
        raise UsageError(f"{len(ours)} sequences were found for {len(theirs)} that were wanted. Give as many.")
    total = sum(map(len, theirs))
    if not total:
        raise UsageError(
            f"the {len(theirs)} wanted sequences hold no label, so there is no error rate. Give some labels."
        )
    return sum(map(edit_distance, ours, theirs)) / total
