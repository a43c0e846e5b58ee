"""The protocol that every recurrent layer follows."""

from __future__ import annotations

from typing import Any, Protocol

from ..layers import Param
from ..ops.arrays import Array

State = tuple[Array, ...]  # (B, n) arrays


class Recurrent(Protocol):
    """A map with memory over a window of T steps and B streams.

    The state is a value that is passed in and returned, never an attribute. `params` are the learnt arrays by name.
    """

    params: dict[str, Param]

    def start(self, batch: int) -> State:
        """The state before the first step of `batch` streams: zeros."""

    def forward(
        self, x: Array, state: State, keep: Array | None = None, *, train: tuple[int, int] | None = None
    ) -> tuple[Array, State, Any]:
        """Run over a window: the outputs y (T, B, H), the state after it, and the tape.

        x (T, B, E); `state` is the one before the window; keep (T, B) is 0 where a sentence starts, which clears the
        state there (None: nowhere). `train` is as in `Layer.forward`.
        """

    def backward(self, dy: Array | None, dstate: State | None, tape: Any, stop: int = 0) -> tuple[Array, State]:
        """Run back over the window: dx (T, B, E), and the gradient of the state before step `stop`.

        dy (T, B, H) is None where this window has no loss of its own; `dstate` is the gradient of the state after the
        window, None for 0. `stop` is the first step that the gradient still visits (truncation): dx is zero before it.
        Adds the gradients of the parameters to those that they have.
        """
