"""The loss of a network that labels sequences of which nobody says where each label stands."""

from __future__ import annotations

from typing import Any

import numpy as np  # labels and lengths are host arrays: they come from the data

from ..errors import UsageError
from ..ops import ops_for
from ..ops.arrays import Array


class CTC:
    """Connectionist temporal classification, the softmax included: loss_b = -log P(labels_b | y_b).

    A path gives each frame a class, independently, with P(class) = softmax(y_tb). It reads as the labels that are left
    when repetitions are joined and then `blank`s dropped: a a - a b b reads a a b. P(labels) is the sum over all paths
    that read so. dy = scale · (softmax(y) - share of those paths, by probability, that take the class at the frame).

    y (T, B, K), target (B, L) class ids on the host, each row padded with -1 at its end (all -1: no label at all),
    lengths (B,): how many frames of a stream count, all T without it; dy is 0 in the others, and a stream of 0 frames
    without labels scores 0 -> loss (B,). Graves, Fernández, Gomez & Schmidhuber 2006.

    Raises UsageError for arrays of other shapes, for labels that are the blank or no class, or that stand after a -1,
    for lengths that are not 0 to T, and for a stream with fewer frames than labels, where two equal neighbours need a
    frame of blank between them.
    """

    def __init__(self, blank: int = 0) -> None:
        if blank < 0:
            raise UsageError(f"blank={blank} is no class. Give a class id >= 0.")
        self.blank = blank

    def forward(self, y: Array, target: np.ndarray, lengths: np.ndarray | None = None) -> tuple[Array, Any]:
        """Forward as `Loss.forward`, for sequences: y (T, B, K), target (B, L), lengths (B,) -> loss (B,), the tape.

        The class says what the arrays hold, and when it raises UsageError.
        """
        labels = np.asarray(target)
        frames = np.full(y.shape[1:2], len(y)) if lengths is None else np.asarray(lengths)
        self._check(y.shape, labels, frames)
        return ops_for(y).ctc_forward(y, labels, frames, self.blank)

    def backward(self, tape: Any, scale: float) -> Array:
        """Backward as `Loss.backward`: dy (T, B, K), the gradient of scale · Σ_b loss_b."""
        return ops_for(tape[0]).ctc_backward(tape) * float(scale)  # a NumPy number would make it float64

    def _check(self, shape: tuple[int, ...], labels: np.ndarray, frames: np.ndarray) -> None:
        if len(shape) != 3 or labels.ndim != 2 or labels.dtype.kind not in "iu" or len(labels) != shape[1]:
            raise UsageError(
                f"labels of the shape {labels.shape} and type {labels.dtype} do not fit outputs of the shape {shape}. "
                "Give outputs (T, B, K) and a row of whole numbers for each of the B streams, padded with -1."
            )
        T, B, K = shape
        if self.blank >= K:
            raise UsageError(f"blank={self.blank} is no class of the {K} outputs. Give 0 to {K - 1}.")
        if frames.shape != (B,) or frames.dtype.kind not in "iu" or (frames < 0).any() or (frames > T).any():
            raise UsageError(f"lengths={frames.tolist()} do not fit {B} streams of {T} frames. Give {B} of 0 to {T}.")
        is_label = labels >= 0
        wrong = (labels < -1) | (labels >= K) | (labels == self.blank)
        wrong[:, 1:] |= is_label[:, 1:] & ~is_label[:, :-1]
        for stream, place in np.argwhere(wrong):
            raise UsageError(
                f"label {labels[stream, place]} at place {place} of stream {stream} is not possible. Give 0 to "
                f"{K - 1}, but not the blank {self.blank}, and -1 only after the last label."
            )
        repeats = ((labels[:, 1:] == labels[:, :-1]) & is_label[:, 1:]).sum(1)
        needed = is_label.sum(1) + repeats
        for stream in np.flatnonzero(frames < needed):
            raise UsageError(
                f"stream {stream} has {frames[stream]} frames, too few for {is_label[stream].sum()} labels with "
                f"{repeats[stream]} repeats. Give at least {needed[stream]} frames, or fewer labels."
            )
