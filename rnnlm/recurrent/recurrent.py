"""What every recurrent layer promises."""

from __future__ import annotations

from typing import Any, Protocol

from ..layers import Param
from ..ops.arrays import Array

State = tuple[Array, ...]  # (B, n) arrays


class Recurrent(Protocol):
    """A map with memory. The state is a value that is passed in and returned, never an attribute.

    forward: x (T, B, E), the state before the window, keep (T, B) with 0 where a sentence starts (None: nowhere)
    -> y (T, B, H), the state after the window, the tape.
    backward: dy (T, B, H), or None where this window has no loss of its own; dstate, the gradient of the state after
    the window, or None for 0; `stop`, the first step that the gradient still visits -> dx (T, B, E), zero before
    `stop`, and the gradient of the state before step `stop`.
    """

    params: dict[str, Param]

    def start(self, batch: int) -> State: ...

    def forward(
        self, x: Array, state: State, keep: Array | None = None, *, train: tuple[int, int] | None = None
    ) -> tuple[Array, State, Any]: ...

    def backward(self, dy: Array | None, dstate: State | None, tape: Any, stop: int = 0) -> tuple[Array, State]: ...
