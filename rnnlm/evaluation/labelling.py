"""Decoding the outputs of a sequence labelling network (CTC), and the error rate of the labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..errors import UsageError
from ..ops import ops_for
from ..ops.arrays import Array


def best_path(y: Array, lengths: Sequence[int] | np.ndarray | None = None, *, blank: int = 0) -> list[list[int]]:
    """Return for each stream the labels of its most probable path, which has the largest output of each frame.

    Repeated labels are joined, then blanks are dropped (best path decoding, Graves et al. 2006). The result is not
    always the most probable sequence of labels, because a sequence may have many paths.

    y        (T, B, K) logits or probabilities
    lengths  (B,) the frames of each stream, T for all where it is None
    returns  B lists of class ids

    Raises UsageError for other shapes.
    """
    if y.ndim != 3 or not y.shape[2]:
        raise UsageError(f"outputs of the shape {y.shape} have no frames of classes. Give (T, B, K).")
    T, B, _ = y.shape
    frames = np.full(B, T) if lengths is None else np.asarray(lengths)
    if frames.shape != (B,) or (frames < 0).any() or (frames > T).any():
        raise UsageError(f"lengths={frames.tolist()} do not fit {B} streams of {T} frames. Give {B} of 0 to {T}.")
    classes = ops_for(y).to_host(y.argmax(2))  # (T, B)
    differs = np.concatenate([np.ones((1, B), bool), classes[1:] != classes[:-1]])[:T]
    emitted = differs & (classes != blank) & (np.arange(T)[:, None] < frames)
    return [classes[emitted[:, b], b].tolist() for b in range(B)]


def label_error_rate(predicted: Iterable[Sequence[int]], reference: Iterable[Sequence[int]]) -> float:
    """Return Σ edit distance / Σ number of reference labels, over all sequences; 0 is perfect, and it may exceed 1.

    `predicted` and `reference` are sequences of labels in the same order. The edit distance is the least number of
    labels to insert, delete or replace (Levenshtein 1966). Entries of -1 are padding and are ignored. Raises
    UsageError where the numbers of sequences differ, or the references hold no label.
    """
    from nltk.metrics.distance import edit_distance

    both = (predicted, reference)
    decoded, references = ([[int(label) for label in row if label >= 0] for row in rows] for rows in both)
    if len(decoded) != len(references):
        raise UsageError(f"{len(decoded)} sequences were found for {len(references)} that were wanted. Give as many.")
    total = sum(map(len, references))
    if not total:
        raise UsageError(
            f"the {len(references)} wanted sequences hold no label, so there is no error rate. Give some labels."
        )
    return sum(map(edit_distance, decoded, references)) / total
