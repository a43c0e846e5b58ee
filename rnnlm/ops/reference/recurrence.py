"""What all recurrences over a window of steps share.

T steps, B streams, H hidden units. `keep` (T, B) is 0 where a sentence starts and clears the state there; `stop` is the
first step that the backward loop still visits (truncation). Weight gradients are one matrix product after the loop.
"""

from __future__ import annotations

from ..arrays import Array, ArrayOps


class RecurrenceOps(ArrayOps):
    """The states that the steps of a window saw."""

    def previous(self, h: Array, h0: Array, keep: Array | None) -> Array:
        """The state that each step saw, (T, B, n): h (T, B, n) one step earlier, cleared where a sentence starts.

        h0 (B, n) is the state before the window.
        """
        before = self.xp.concatenate([h0[None], h[:-1]])
        return before if keep is None else before * keep[:, :, None]
