"""Connectionist temporal classification: Σ of the probabilities of all ways to spread labels over frames."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np  # labels and lengths are host arrays: they come from the data

from ..arrays import Array
from .softmax import SoftmaxOps

NEVER = -1e30  # log 0, but such that sums and differences of it are numbers in both precisions


class CtcOps(SoftmaxOps):
    """The forward-backward algorithm of Graves, Fernández, Gomez & Schmidhuber 2006, on logarithms.

    T frames, B streams, K classes, L labels at most, padded with -1. A path gives each frame a class; with repetitions
    joined and blanks dropped it reads as the labels. It walks through S = 2L + 1 states, blank, 1st label, blank, …,
    last label, blank: from a frame to the next it stays, takes one step, or two from a label to a different one. A
    stream with n labels ends in state 2n or 2n - 1; the states of its padding come after these and lead nowhere.

    α has two columns before the states and β two after them that nothing can reach, so that steps are shifts.
    """

    def ctc_forward(self, logits: Array, labels: np.ndarray, lengths: np.ndarray, blank: int) -> tuple[Array, Any]:
        """-log P(labels | logits): logits (T, B, K), labels (B, L), lengths (B,) in frames -> nll (B,), and the tape.

        α_t(s) is log Σ P of all beginnings of paths that are in state s after t frames. It is kept less its largest
        value, and the sum of these apart, so that single precision lasts for long inputs.
        """
        xp, (T, B, _) = self.xp, logits.shape
        classes, leap = ctc_states(labels, blank)
        states, leap, stream = self.asarray(classes), self.asarray(leap, logits.dtype), xp.arange(B)
        logp = self.log_softmax(logits)
        emitted = logp[:, stream[:, None], states]  # (T, B, S)
        alpha = xp.full((T + 1, B, states.shape[1] + 2), NEVER, dtype=logits.dtype)
        alpha[0, :, 1] = 0  # before the first frame: one step from the first blank, two from the first label
        total = self.zeros((T + 1, B), logits.dtype)
        for t in range(T):
            stay, one, two = alpha[t, :, 2:], alpha[t, :, 1:-1], alpha[t, :, :-2] + leap[:, :-2]
            now = emitted[t] + self.log_sum(stay, one, two)
            largest = now.max(1)
            total[t + 1] = total[t] + largest
            alpha[t + 1, :, 2:] = now - largest[:, None]
        after, end = self.asarray(lengths), self.asarray(2 * (labels >= 0).sum(1))
        log_sum = self.log_sum(alpha[after, stream, end + 2], alpha[after, stream, end + 1])
        return -(total[after, stream] + log_sum), (logp, emitted, alpha, states, leap, after, end)

    def ctc_backward(self, tape: Any) -> Array:
        """The gradient of Σ nll (T, B, K): P(class at frame t), less the share of the paths that take it there.

        β_t(s) is log Σ P of all endings of paths from state s on, less its largest value. The share of the paths that
        are in s at t is exp(α + β) over its sum.
        """
        logp, emitted, alpha, states, leap, after, end = tape
        xp, (T, _, K), S = self.xp, logp.shape, states.shape[1]
        column = xp.arange(S + 2)
        last = xp.where((column == end[:, None]) | (column == end[:, None] - 1), 0, NEVER).astype(logp.dtype)
        beta, onward = last.copy(), last.copy()
        share = xp.empty_like(emitted)
        for t in range(T - 1, -1, -1):
            beta = xp.where((after == t + 1)[:, None], last, beta)
            both = alpha[t + 1, :, 2:] + beta[:, :S]
            share[t] = xp.exp(both - both.max(1)[:, None])
            onward[:, :S] = emitted[t] + beta[:, :S]
            stay, one, two = onward[:, :S], onward[:, 1:-1], onward[:, 2:] + leap[:, 2:]
            now = self.log_sum(stay, one, two)
            beta[:, :S] = now - now.max(1)[:, None]
        share = share / share.sum(2)[..., None]
        one_hot = (states[..., None] == xp.arange(K)).astype(logp.dtype)  # (B, S, K)
        taken = xp.matmul(share.transpose(1, 0, 2), one_hot).transpose(1, 0, 2)  # (T, B, K)
        inside = (xp.arange(T)[:, None] < after)[..., None]
        return xp.where(inside, xp.exp(logp) - taken, 0)

    def log_sum(self, *logs: Array) -> Array:
        """log Σ exp of arrays, element by element; in single precision twice as fast as logaddexp of two at a time."""
        largest = reduce(self.xp.maximum, logs)
        return largest + self.xp.log(sum(self.xp.exp(log - largest) for log in logs))


def ctc_states(labels: np.ndarray, blank: int) -> tuple[np.ndarray, np.ndarray]:
    """The class of each state (B, S), and what two steps into it cost (B, S + 2): 0, or NEVER where not allowed."""
    B, L = labels.shape
    states = np.full((B, 2 * L + 1), blank)
    states[:, 1::2] = np.where(labels < 0, blank, labels)
    leap = np.full((B, 2 * L + 3), NEVER)
    leap[:, 1:-2:2] = 0
    leap[:, 3:-2:2][labels[:, 1:] == labels[:, :-1]] = NEVER
    return states, leap
